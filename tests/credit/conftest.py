"""What the tests of credit share."""

from __future__ import annotations

import pytest


@pytest.fixture()
def books(db: None) -> None:
    """Open the books and bring the first products and policy, in either kind of database test."""
    from tests.credit.factories import bring_first_versions

    bring_first_versions()

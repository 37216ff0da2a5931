"""What the tests of credit share."""

from __future__ import annotations

import pytest


@pytest.fixture()
def books(request: pytest.FixtureRequest) -> None:
    """Open the books and bring the first products and policy, in either kind of database test."""
    kind = "transactional_db" if "transactional_db" in request.fixturenames else "db"
    request.getfixturevalue(kind)
    from tests.credit.factories import bring_first_versions

    bring_first_versions()

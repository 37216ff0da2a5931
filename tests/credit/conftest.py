"""What the tests of credit share."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction


@pytest.fixture
def books(db: None) -> None:
    """Open the books and bring the first products and policy, in either kind of database test."""
    from tests.credit.factories import bring_first_versions

    bring_first_versions()


@pytest.fixture(scope="session")
def trained_rows(django_db_setup: None, django_db_blocker: Any) -> list[dict[str, Any]]:
    """Train a small real model once and keep its rows; the database forgets them."""
    from risk import operations as risk_operations
    from risk.models import ModelVersion
    from tests.factories import NOW

    with django_db_blocker.unblock(), transaction.atomic():
        risk_operations.train_on_synthetic_people(size=2_000, seed=7, now=NOW, install=True)
        rows = list(ModelVersion.objects.values())
        transaction.set_rollback(True)
    return rows


@pytest.fixture
def model(books: None, trained_rows: list[dict[str, Any]]) -> None:
    """Put the trained model to work in this test."""
    from risk.models import ModelVersion

    ModelVersion.objects.bulk_create(ModelVersion(**row) for row in trained_rows)

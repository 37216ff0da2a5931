"""Evidence that does not fit together is looked at by a person; evidence without its consent is not used."""

from __future__ import annotations

from decimal import Decimal

import pytest

from accounts import operations as account_operations
from credit import operations
from ledger import operations as ledger_operations
from risk import operations as risk_operations
from risk.models import EvidenceSource
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def source(world: World, books: None) -> EvidenceSource:
    ledger_operations.open_books(first_date=world.as_of)
    return risk_operations.connect_sandbox_person(
        borrower_id=world.alice_person.pk, persona="steady", as_of=world.as_of, now=world.now
    )


def _apply(world: World) -> list[str]:
    application = operations.submit_application(
        borrower=world.alice_person,
        product_code="everyday",
        requested_amount=Decimal("5000.00"),
        purpose="DAILY_GOODS",
        actor=world.alice,
        as_of=world.as_of,
        now=world.now,
        occupation="EMPLOYED",
    )
    assert application.status == "REFERRED"
    [decision] = application.decisions.all()
    return [item["code"] for item in decision.reasons]


def test_records_that_do_not_fit_refer_to_a_person(world: World, source: EvidenceSource) -> None:
    EvidenceSource.objects.filter(pk=source.pk).update(status="FLAGGED", flags=["HOLDER_DIFFERS"])
    assert "evidence_odd" in _apply(world)


def test_records_that_fit_do_not(world: World, source: EvidenceSource) -> None:
    assert "evidence_odd" not in _apply(world)


def test_records_whose_consent_was_withdrawn_are_not_used(world: World, source: EvidenceSource) -> None:
    for purpose in ("PAYMENTS", "SPENDING", "BILLS", "BANK"):
        account_operations.withdraw_consent(
            borrower=world.alice_person, purpose=purpose, actor=world.alice, now=world.now
        )
    _apply(world)
    assert EvidenceSource.objects.get(pk=source.pk).status == "IGNORED"

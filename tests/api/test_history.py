"""A loan as it was, over the API: the figures agree with each other, and a day that is not yet is refused."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from ledger.operations import advance_business_date
from loans.operations import record_repayment
from tests.api.conftest import Caller, Scene
from tests.factories import AS_OF

LATER = AS_OF + timedelta(days=40)
PAID_ON = AS_OF + timedelta(days=20)


@pytest.fixture
def backdated(scene: Scene) -> Scene:
    """A payment of the twentieth day that is learned on the fortieth, after the first instalment fell due."""
    advance_business_date(to=LATER)
    record_repayment(
        loan_id=scene.loan.pk, amount=Decimal("500.00"), value_date=PAID_ON, reference="bank-1", as_of=LATER
    )
    return scene


@pytest.mark.parametrize(
    "query",
    ["value_date=2099-01-01", "known_on=2099-01-01", "value_date=2026-02-30", "value_date=", "when=1"],
)
def test_it_refuses_days_that_are_none(alice: Caller, scene: Scene, query: str) -> None:
    answer = alice.get(f"/loans/{scene.loan.ref}/as-known?{query}")
    assert answer.status_code == 400


def test_it_refuses_an_event_that_is_not_there(alice: Caller, scene: Scene) -> None:
    assert alice.get(f"/loans/{scene.loan.ref}/events/99/changes").status_code == 404


def test_it_refuses_a_period_that_runs_backwards(alice: Caller, scene: Scene) -> None:
    answer = alice.get(
        f"/loans/{scene.loan.ref}/statement?from_date={AS_OF}&to_date={AS_OF - timedelta(days=1)}"
    )
    assert answer.status_code == 400


def test_the_loan_as_it_was_known(alice: Caller, backdated: Scene) -> None:
    path = f"/loans/{backdated.loan.ref}/as-known"
    day = LATER - timedelta(days=1)
    then = alice.get(f"{path}?value_date={day}&known_on={day}").json()
    now = alice.get(f"{path}?value_date={day}").json()
    assert then["state"]["status"] == "OVERDUE"
    assert now["state"]["status"] == "ACTIVE"
    assert Decimal(now["state"]["paid"]) + Decimal(now["state"]["credit"]) == Decimal("500.00")
    assert [event["kind"] for event in then["events"]] == ["PAYOUT"]
    assert [event["kind"] for event in now["events"]] == ["PAYOUT", "REPAYMENT"]
    assert len(now["postings"]) > len(then["postings"]) > 0


def test_what_the_backdated_payment_changed(alice: Caller, backdated: Scene) -> None:
    changes = alice.get(f"/loans/{backdated.loan.ref}/events/2/changes").json()
    assert (changes["kind"], changes["is_backdated"]) == ("REPAYMENT", True)
    assert (changes["status_before"], changes["status_after"]) == ("OVERDUE", "ACTIVE")
    paid = {
        row["field"]: Decimal(row["after"]) - Decimal(row["before"])
        for row in changes["figures"]
        if row["number"] == 1
    }
    assert paid["principal_paid"] > 0
    assert paid["penalty_due"] < 0, "the penalty never arose"
    assert sum(Decimal(leg["debit"]) - Decimal(leg["credit"]) for leg in changes["postings"]) == 0


def test_the_statement_adds_up(alice: Caller, backdated: Scene) -> None:
    found = alice.get(f"/loans/{backdated.loan.ref}/statement").json()
    owed = Decimal(found["opening"])
    for line in found["lines"]:
        earned = sum(Decimal(line[part]) for part in ("paid_out", "interest", "fees", "penalty"))
        owed += earned - Decimal(line["paid"]) - Decimal(line["forgiven"])
        assert owed == Decimal(line["owed"])
    assert owed == Decimal(found["closing"])

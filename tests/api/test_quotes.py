"""What any loan costs, over the API: the same function as the command, and each bad word refused by name."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.api.conftest import Caller, Scene

PLAIN = "amount=1200.00&annual_rate=0.18&repayment_method=EQUAL_INSTALMENT&instalment_count=12"


@pytest.mark.parametrize(
    "more",
    ["frequency=HOURLY", "frequency=CUSTOM", "due_day=0", "due_day=32", "due_day=01", "day_count=30", "first_due_date=2026-02-30",
     "first_due_date=2001-01-01", "opening_fee=0.001", "opening_fee=1200.00", "penalty=1"],
)  # fmt: skip
def test_it_refuses(alice: Caller, scene: Scene, more: str) -> None:
    assert alice.get(f"/quotes?{PLAIN}&{more}").status_code == 400


def test_a_weekly_loan_with_a_fee(alice: Caller, scene: Scene) -> None:
    found = alice.get(f"/quotes?{PLAIN}&frequency=WEEKLY&day_count=ACT_360&opening_fee=12.00").json()
    assert len(found["instalments"]) == 12
    assert found["totals"]["received"] == "1188.00"
    assert Decimal(found["annual_rates"]["pboc_irr"]) > Decimal("0.18")
    principal = sum(Decimal(row["principal"]) for row in found["instalments"])
    assert principal == Decimal("1200.00")

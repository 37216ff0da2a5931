"""Every event of a running loan by its verb: what is refused writes nothing, what is done balances."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import AuditEntry
from ledger.operations import advance_business_date
from loans import operations, queries
from loans.domain.engine import fold
from loans.domain.terms import FeeTerm, FeeTiming, RepaymentMethod
from loans.models import Loan, LoanEventRow
from loans.operations.events import read_events
from regimes.errors import Refusal
from tests.factories import UserFactory
from tests.loans import factories
from tests.loans.books import breaches
from tests.loans.factories import START

pytestmark = pytest.mark.django_db
DUE = date(2026, 4, 2)
D = Decimal


def on(day: date) -> date:
    advance_business_date(to=day)
    return day


def do(verb: Callable[..., LoanEventRow], loan: Loan, *, day: date = START, **values: Any) -> LoanEventRow:
    """Carry a verb out, and see that the loan is its fold and the books hold."""
    values = {"reference": f"{verb.__name__}-1", "as_of": day, **values}
    row = verb(loan_id=loan.pk, **values)
    loan.refresh_from_db()
    state = fold(loan.agreed, read_events(loan_id=loan.pk), value_date=day)
    assert (loan.status, loan.principal_outstanding) == (state.status.value, state.principal_outstanding)
    assert breaches() == {}
    return row


REFUSED: list[tuple[Callable[..., LoanEventRow], dict[str, Any], str]] = [
    (operations.charge_fee, {"amount": D("0.00")}, "amount_invalid"),
    (operations.charge_fee, {"amount": D("NaN")}, "amount_invalid"),
    (operations.charge_fee, {"amount": D("1.005")}, "amount_invalid"),
    (operations.charge_fee, {"amount": D(10) ** 15}, "amount_invalid"),
    (operations.charge_fee, {"amount": D("5.00"), "component": "interest"}, "component_invalid"),
    (operations.charge_fee, {"amount": D("5.00"), "due_date": date(2026, 3, 1)}, "fee_due_before_charged"),
    (operations.waive, {"amount": D("5.00"), "component": "penalty"}, "waiver_exceeds_due"),
    (operations.waive, {"amount": D("5.00"), "component": "principal"}, "waiver_of_principal"),
    (operations.waive, {"amount": D("-5.00"), "component": "fee"}, "amount_invalid"),
    (operations.change_rate, {"annual_rate": D("-0.01")}, "rate_invalid"),
    (operations.change_rate, {"annual_rate": D("10.01")}, "rate_invalid"),
    (operations.change_rate, {"annual_rate": D("Infinity")}, "rate_invalid"),
    (operations.reschedule, {"instalment_count": 0, "first_due_date": DUE}, "instalments_invalid"),
    (operations.reschedule, {"instalment_count": 601, "first_due_date": DUE}, "instalments_invalid"),
    (operations.reschedule, {"instalment_count": 6, "first_due_date": START}, "dates_in_wrong_order"),
    (
        operations.reschedule,
        {"instalment_count": 6, "first_due_date": DUE, "frequency": "CUSTOM"},
        "frequency_invalid",
    ),
    (operations.re_age, {"instalment_count": True, "first_due_date": DUE}, "instalments_invalid"),
    (operations.extend, {"extra_instalments": 0}, "instalments_invalid"),
    (operations.pause, {"until": START}, "dates_in_wrong_order"),
    (operations.report_sales, {"amount": D("100.00")}, "loan_not_by_sales"),
    (operations.withdraw, {"value_date": date(2026, 3, 1)}, "event_before_payout"),
    (operations.record_recovery, {"amount": D("5.00")}, "loan_not_written_off"),
    (operations.charge_back, {"repayment": "never", "amount": D("5.00")}, "charge_back_of_unknown"),
    (operations.record_refund, {"amount": D("0.01")}, "refund_exceeds_credit"),
    (operations.write_off, {"value_date": date(2026, 3, 3)}, "value_date_future"),
    (operations.write_off, {"reference": ""}, "reference_invalid"),
    (operations.write_off, {"reference": "x" * 65}, "reference_invalid"),
    (operations.write_off, {"reference": "a\x00b"}, "reference_invalid"),
    (operations.write_off, {"reason": "x" * 201}, "reason_invalid"),
]


@pytest.mark.parametrize(("verb", "values", "code"), REFUSED)
def test_it_refuses_and_writes_nothing(verb: Any, values: dict[str, Any], code: str) -> None:
    loan = factories.active_loan()
    with pytest.raises(Refusal) as refused:
        do(verb, loan, **values)
    assert refused.value.code == code
    assert loan.events.count() == 1
    assert not AuditEntry.objects.filter(action__startswith="loan.").exists()


@pytest.mark.parametrize("verb", [operations.withdraw, operations.write_off])
def test_it_refuses_what_was_never_paid_out(verb: Any) -> None:
    loan = factories.open_loan()
    with pytest.raises(Refusal) as refused:
        do(verb, loan)
    assert refused.value.code in ("loan_not_paid_out", "loan_not_running", "nothing_to_write_off")
    assert loan.events.count() == 0


def test_a_fee_and_its_waiver() -> None:
    loan = factories.active_loan()
    officer = UserFactory(is_staff=True)
    do(operations.charge_fee, loan, amount=D("30.00"), actor=officer, reason="returned debit")
    assert loan.fee_outstanding == D("30.00")
    do(operations.waive, loan, amount=D("12.50"), component="fee", actor=officer, reason="goodwill")
    assert loan.fee_outstanding == D("17.50")
    entries = list(AuditEntry.objects.filter(object_ref=str(loan.ref)).order_by("sequence"))
    assert [(entry.action, entry.reason) for entry in entries] == [
        ("loan.fee", "returned debit"),
        ("loan.waiver", "goodwill"),
    ]
    assert entries[1].after["amount"] == "12.50"


def test_the_same_reference_is_one_event_and_one_entry() -> None:
    loan = factories.active_loan()
    officer = UserFactory(is_staff=True)
    first = do(operations.charge_fee, loan, amount=D("30.00"), actor=officer)
    again = do(operations.charge_fee, loan, amount=D("30.00"), actor=officer)
    assert first.pk == again.pk
    assert AuditEntry.objects.filter(action="loan.fee").count() == 1
    with pytest.raises(Refusal) as refused:
        do(operations.charge_fee, loan, amount=D("31.00"))
    assert refused.value.code == "reference_reused"


def test_a_rate_change_keeps_the_tenor() -> None:
    loan = factories.active_loan()
    do(operations.change_rate, loan, annual_rate=D("0.12"))
    assert loan.annual_rate == D("0.12")
    assert loan.instalments.count() == 12


def test_a_hardship_pause_stops_penalty_and_days() -> None:
    loan = factories.active_loan()
    day = on(date(2026, 4, 12))
    do(operations.pause, loan, day=day, until=date(2026, 5, 12))
    late = on(date(2026, 5, 1))
    state = queries.loan_as_known(loan_id=loan.pk, value_date=late)
    assert state.days_past_due == 10
    assert state.penalty_earned == queries.loan_as_known(loan_id=loan.pk, value_date=day).penalty_earned


def test_re_age_reschedule_and_extension() -> None:
    loan = factories.active_loan()
    day = on(date(2026, 5, 20))
    do(operations.re_age, loan, day=day, instalment_count=10, first_due_date=date(2026, 6, 20))
    assert (loan.status, loan.days_past_due) == ("ACTIVE", 0)
    do(operations.reschedule, loan, day=day, instalment_count=20, first_due_date=date(2026, 6, 1), frequency="WEEKLY",
       annual_rate=D("0.10"))  # fmt: skip
    assert loan.maturity_date == date(2026, 10, 12)
    do(operations.extend, loan, day=day, extra_instalments=2)
    assert loan.annual_rate == D("0.10")
    open_rows = [row for row in queries.instalments(loan_id=loan.pk) if row.outstanding > 0]
    assert len(open_rows) == 22


def test_withdrawal_in_the_cooling_off_period() -> None:
    loan = factories.active_loan(
        cooling_off_days=14, fees=(FeeTerm("opening", FeeTiming.AT_PAYOUT, D("10.00")),)
    )
    day = on(date(2026, 3, 12))
    do(operations.withdraw, loan, day=day, reason="changed my mind")
    owed = queries.payoff(loan_id=loan.pk, as_of=day)
    assert owed.total == D("1200.00") - D("10.00") + D("5.92"), "ten days of interest, and the fee comes back"
    factories.repay(loan, owed.total, on=day)
    assert loan.status == "CLOSED"
    assert breaches() == {}


def test_it_refuses_a_withdrawal_after_the_cooling_off_period() -> None:
    loan = factories.active_loan(cooling_off_days=14)
    with pytest.raises(Refusal) as refused:
        do(operations.withdraw, loan, day=on(date(2026, 3, 17)))
    assert refused.value.code == "cooling_off_over"


def test_write_off_and_recovery() -> None:
    loan = factories.active_loan()
    day = on(date(2026, 8, 1))
    do(operations.write_off, loan, day=day, reason="no trace")
    assert loan.status == "WRITTEN_OFF"
    do(operations.record_recovery, loan, day=day, amount=D("50.00"))
    with pytest.raises(Refusal) as refused:
        do(operations.write_off, loan, day=day, reference="again")
    assert refused.value.code in ("loan_written_off", "nothing_to_write_off")


def test_a_charge_back_reopens_a_closed_loan() -> None:
    loan = factories.active_loan()
    total = queries.payoff(loan_id=loan.pk, as_of=START).total
    paid = factories.repay(loan, total, on=START)
    assert loan.status == "CLOSED"
    do(operations.charge_back, loan, repayment=paid.reference, amount=D("500.00"))
    assert loan.status == "ACTIVE"
    assert queries.payoff(loan_id=loan.pk, as_of=START).total == D("500.00")


def test_credit_refunded_by_hand() -> None:
    loan = factories.active_loan()
    factories.repay(loan, "1300.00", on=START)
    assert loan.credit_balance == D("100.00")
    do(operations.record_refund, loan, amount=D("100.00"))
    assert loan.credit_balance == 0


def test_a_share_of_sales_with_a_cap() -> None:
    loan = factories.active_loan(
        repayment_method=RepaymentMethod.SALES_SHARE,
        sales_share=D("0.10"),
        period_cap=D("300.00"),
        instalment_count=6,
    )
    with pytest.raises(Refusal) as refused:
        do(operations.report_sales, loan, amount=D("-1.00"))
    assert refused.value.code == "amount_invalid"
    do(operations.report_sales, loan, amount=D("1500.00"))
    do(operations.report_sales, loan, day=on(date(2026, 3, 20)), amount=D("700.00"), reference="week-3")
    day = on(DUE)
    assert fold(loan.agreed, read_events(loan_id=loan.pk), value_date=day).due.total == D("220.00")
    do(operations.report_sales, loan, day=day, amount=D("90000.00"), reference="april")
    day = on(date(2026, 5, 2))
    rows = fold(loan.agreed, read_events(loan_id=loan.pk), value_date=day).instalments
    assert rows[1].due.principal + rows[1].due.interest == D("300.00"), "the cap of a period"
    last = rows[-1]
    assert sum(row.due.principal for row in rows) == D("1200.00")
    assert last.due.principal > D("700.00"), "the rest at maturity"

"""The statement of a loan: every line from the one before, and the last from the fold."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from ledger.operations import advance_business_date
from loans import operations, queries
from loans.domain.events import EventKind
from loans.models import Loan
from loans.reports import LoanStatement, close_checks, loan_statement
from regimes.errors import Refusal
from tests.loans import factories
from tests.loans.factories import START

pytestmark = pytest.mark.django_db
END = date(2026, 6, 30)


@pytest.fixture
def loan() -> Loan:
    """A loan that was paid, was late, was charged, forgiven and paid on backdated."""
    loan = factories.active_loan()
    advance_business_date(to=END)
    factories.repay(loan, "110.07", on=date(2026, 4, 2), as_of=date(2026, 4, 2))
    for event in (
        factories.event(EventKind.FEE, on=date(2026, 5, 10), amount="8.00"),
        factories.event(EventKind.WAIVER, on=date(2026, 5, 12), amount="3.00", component="fee"),
    ):
        operations.add_event(loan_id=loan.pk, event=event, as_of=date(2026, 5, 12))
    factories.repay(loan, "110.07", on=date(2026, 5, 4), as_of=date(2026, 6, 1))
    return loan


def adds_up(statement: LoanStatement) -> None:
    owed = statement.opening
    for line in statement.lines:
        owed += line.paid_out + line.interest + line.fees + line.penalty - line.paid - line.forgiven
        assert owed == line.owed, line
    assert owed == statement.closing


def test_it_refuses_a_period_backwards_or_without_end(loan: Loan) -> None:
    for last in (START - timedelta(days=1), START + timedelta(days=20000)):
        with pytest.raises(Refusal) as refused:
            loan_statement(loan_id=loan.pk, from_date=START, to_date=last)
        assert refused.value.code == "period_invalid"


@pytest.mark.parametrize("first", [START, date(2026, 4, 2), date(2026, 5, 5)])
@pytest.mark.parametrize("last", [date(2026, 5, 12), END])
def test_every_line_follows_from_the_one_before(loan: Loan, first: date, last: date) -> None:
    statement = loan_statement(loan_id=loan.pk, from_date=first, to_date=last)
    adds_up(statement)
    quote = queries.payoff(loan_id=loan.pk, as_of=last)
    assert statement.closing == quote.total, "what closes the loan that day"
    assert statement.opening == (0 if first == START else statement.opening)


def test_it_shows_what_happened_and_what_fell_due(loan: Loan) -> None:
    lines = {line.day: line for line in loan_statement(loan_id=loan.pk, from_date=START, to_date=END).lines}
    assert lines[START].paid_out == Decimal("1200.00")
    assert (lines[date(2026, 4, 2)].paid, lines[date(2026, 4, 2)].interest) == (
        Decimal("110.07"),
        Decimal("18.35"),
    )
    assert lines[date(2026, 4, 2)].due_number == 1
    assert lines[date(2026, 5, 2)].words == ()
    assert lines[date(2026, 5, 10)].fees == Decimal("8.00")
    assert lines[date(2026, 5, 12)].forgiven == Decimal("3.00")


def test_it_is_as_it_was_known(loan: Loan) -> None:
    known = loan_statement(loan_id=loan.pk, from_date=START, to_date=END, known_on=date(2026, 5, 31))
    adds_up(known)
    assert date(2026, 5, 4) not in {line.day for line in known.lines}
    now = loan_statement(loan_id=loan.pk, from_date=START, to_date=END)
    assert known.closing > now.closing + Decimal("110.07"), "the penalty that never arose"


def test_a_written_off_and_an_overpaid_loan_add_up(loan: Loan) -> None:
    over = factories.active_loan()
    factories.repay(over, "1300.00", on=END)
    statement = loan_statement(loan_id=over.pk, from_date=START, to_date=END)
    adds_up(statement)
    assert statement.closing < 0, "the borrower has a credit"
    operations.add_event(loan_id=loan.pk, event=factories.event(EventKind.WRITE_OFF, on=END), as_of=END)
    statement = loan_statement(loan_id=loan.pk, from_date=START, to_date=END)
    adds_up(statement)
    assert statement.closing == 0


def test_a_close_waits_for_the_night_for_provisions_and_for_the_bank(loan: Loan) -> None:
    late = factories.active_loan(as_of=END)
    advance_business_date(to=END + timedelta(days=1))

    def failing() -> set[str]:
        return {check.code for check in close_checks(END) if not check.holds}

    assert failing() == {"loans_booked", "provisions_posted"}
    operations.age_loans(as_of=END)
    operations.accrue(as_of=END)
    assert failing() == {"provisions_posted"}
    operations.post_provisions(as_of=END)
    assert failing() == set()
    late.payout.__class__.objects.filter(pk=factories.open_loan(as_of=END).payout.pk).update(status="UNKNOWN")
    assert failing() == {"money_settled"}

"""The night's statements against the fold: equal to the cent, and a second run changes nothing."""

from __future__ import annotations

import random
import uuid
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ledger.models import Journal, Posting
from ledger.operations import advance_business_date
from ledger.queries import balance
from loans import operations, queries
from loans.domain.engine import accrual, fold
from loans.domain.events import EventKind
from loans.domain.terms import (
    DayCount,
    FeeTerm,
    FeeTiming,
    InterestRounding,
    OverdueInterest,
    PrepaymentPolicy,
    RepaymentMethod,
)
from loans.models import AccrualSlice, Loan
from loans.operations.events import booked_through, read_events
from regimes.errors import Refusal
from tests.factories import BankAccountFactory
from tests.loans import factories
from tests.loans.books import breaches
from tests.loans.factories import START

pytestmark = pytest.mark.django_db

WAYS: list[dict[str, Any]] = [
    {},
    {"repayment_method": RepaymentMethod.EQUAL_PRINCIPAL},
    {"repayment_method": RepaymentMethod.INTEREST_FIRST},
    {"repayment_method": RepaymentMethod.BULLET, "instalment_count": 3},
    {"repayment_method": RepaymentMethod.FLEXIBLE, "instalment_count": 6},
    {"repayment_method": RepaymentMethod.FLAT},
    {"day_count": DayCount.ACT_360},
    {"day_count": DayCount.THIRTY_E_360},
    {"day_count": DayCount.THIRTY_360_NOMINAL},
    {"day_count": DayCount.ACT_ACT_ISDA},
    {"interest_rounding": InterestRounding.EACH_SEGMENT},
    {"overdue_interest": OverdueInterest.CONTINUES},
    {"grace_days": 3},
    {"rounding": "ROUND_HALF_EVEN"},
    {"prepayment_policy": PrepaymentPolicy.FEWER_INSTALMENTS},
    {"fees": (FeeTerm("service", FeeTiming.EACH_INSTALMENT, Decimal("2.50")),)},
    {"fees": (FeeTerm("opening", FeeTiming.AT_PAYOUT, Decimal("10.00")),)},
    {"principal": Decimal("987.65"), "annual_rate": Decimal("0.0725")},
]  # fmt: skip


def night(day: date) -> None:
    """Work one night and open the next day."""
    operations.age_loans(as_of=day)
    operations.accrue(as_of=day)
    advance_business_date(to=day + timedelta(days=1))


def ledger_earned(loans: list[Loan]) -> tuple[Decimal, Decimal, Decimal]:
    return balance(role="INTEREST_INCOME"), balance(role="PENALTY_INCOME"), balance(role="FEE_INCOME")


def fold_earned(loans: list[Loan], day: date) -> tuple[Decimal, Decimal, Decimal]:
    states = [fold(loan.agreed, read_events(loan_id=loan.pk), value_date=day) for loan in loans]
    return (
        sum((state.interest_earned for state in states), Decimal(0)),
        sum((state.penalty_earned for state in states), Decimal(0)),
        sum((state.fees_charged for state in states), Decimal(0)),
    )


def test_every_way_of_repaying_is_carried_to_the_cent() -> None:
    """Loans of every kind, some paid, some late, some early, through seventy days without a fold for most."""
    account = BankAccountFactory()
    loans = [factories.active_loan(account=account, **way) for way in WAYS]
    late = [factories.active_loan(account=account, **way) for way in WAYS]
    chance = random.Random(7)
    day = START
    for index in range(71):
        day = START + timedelta(days=index)
        for loan in loans:
            if chance.random() < 0.04 and loan.is_live:
                loan.refresh_from_db()
                if loan.is_live:
                    factories.repay(loan, chance.choice(["20.00", "110.02", "333.33"]), on=day)
        if index % 5 == 0 or index > 66:
            night(day)
            if index in (30, 60):
                assert ledger_earned(loans) == fold_earned(loans + late, day), index
        else:
            advance_business_date(to=day + timedelta(days=1))
    everyone = loans + late
    assert ledger_earned(everyone) == fold_earned(everyone, day)
    for loan in everyone:
        loan.refresh_from_db()
        state = fold(loan.agreed, read_events(loan_id=loan.pk), value_date=day)
        assert (loan.status, loan.days_past_due) == (state.status.value, state.days_past_due), loan.agreed
        if loan.days_past_due:
            assert loan.next_due_amount == state.due.total, loan.agreed
    assert sum(not loan.set_wise for loan in everyone if loan.is_live) < 12
    assert breaches() == {}


def test_a_second_run_changes_nothing() -> None:
    factories.active_loan()
    day = date(2026, 4, 20)
    advance_business_date(to=day)
    assert operations.age_loans(as_of=day) == 1
    assert operations.accrue(as_of=day) == 1
    before = (Journal.objects.count(), Posting.objects.count(), AccrualSlice.objects.count())
    assert operations.age_loans(as_of=day) == 0
    assert operations.accrue(as_of=day) == 0
    assert operations.accrue(as_of=day, first_id=1, last_id=10**6) == 0
    assert (Journal.objects.count(), Posting.objects.count()) == before[:2]


def test_ranges_add_up_to_the_whole_however_they_are_cut() -> None:
    loans = [factories.active_loan() for _ in range(6)]
    first, last = loans[0].pk, loans[-1].pk
    for day, cuts in (
        (date(2026, 3, 10), [(first, last)]),
        (date(2026, 3, 11), [(first, first + 2), (first + 3, last)]),
        (date(2026, 3, 12), [(1, first), (first + 1, first + 1)]),
        (date(2026, 3, 13), [(first, first + 4), (last, last + 100), (first + 2, last)]),
    ):
        advance_business_date(to=day)
        for low, high in cuts:
            operations.accrue(as_of=day, first_id=low, last_id=high)
    assert ledger_earned(loans)[0] == fold_earned(loans, date(2026, 3, 13))[0]
    assert breaches() == {}


def test_a_night_writes_a_journal_a_portfolio_and_no_row_a_loan() -> None:
    for _ in range(5):
        factories.active_loan()
    factories.active_loan(repayment_method=RepaymentMethod.BULLET)
    before = Journal.objects.count()
    advance_business_date(to=START + timedelta(days=1))
    assert operations.accrue(as_of=START + timedelta(days=1)) == 2
    assert Journal.objects.count() - before == 2


def test_missed_nights_are_caught_up_like_nights_that_were_worked() -> None:
    twin, other = factories.active_loan(), factories.active_loan()
    day = START + timedelta(days=40)
    advance_business_date(to=day)
    for index in range(1, 41):
        operations.age_loans(as_of=START + timedelta(days=index), first_id=twin.pk, last_id=twin.pk)
        operations.accrue(as_of=START + timedelta(days=index), first_id=twin.pk, last_id=twin.pk)
    operations.age_loans(as_of=day, first_id=other.pk, last_id=other.pk)
    operations.accrue(as_of=day, first_id=other.pk, last_id=other.pk)
    twin.refresh_from_db()
    other.refresh_from_db()
    assert (twin.status, twin.days_past_due, twin.next_due_amount) == (
        other.status,
        other.days_past_due,
        other.next_due_amount,
    )
    assert ledger_earned([twin, other]) == fold_earned([twin, other], day)


def test_zero_interest_earns_nothing() -> None:
    loan = factories.active_loan(annual_rate=Decimal("0"), penalty_rate=Decimal("0"))
    advance_business_date(to=date(2026, 6, 1))
    assert operations.accrue(as_of=date(2026, 6, 1)) == 0
    assert accrual(loan.agreed, read_events(loan_id=loan.pk), date=date(2026, 6, 1)).interest == 0
    assert balance(role="INTEREST_INCOME") == 0


def test_conduct_and_due_instalments() -> None:
    loan = factories.active_loan()
    stranger = BankAccountFactory().borrower_id
    advance_business_date(to=date(2026, 6, 10))
    factories.repay(loan, "110.07", on=date(2026, 4, 2), as_of=date(2026, 6, 10))
    factories.repay(loan, "115.00", on=date(2026, 5, 12), as_of=date(2026, 6, 10))
    columns = queries.conduct(borrower_ids=[stranger, loan.borrower_id], as_of=date(2026, 6, 10))
    assert columns.loans_opened[0] != columns.loans_opened[0], "nobody's history is NaN"
    assert columns.months_on_book[1] == 3
    assert (columns.loans_opened[1], columns.loans_paid_off[1]) == (1, 0)
    assert columns.days_past_due_now[1] == 8
    assert columns.days_past_due_max_12m[1] == 10
    assert columns.on_time_streak[1] == 0
    due = queries.due_instalments(from_date=date(2026, 7, 1), to_date=date(2026, 7, 31))
    assert [(row.loan_id, row.due_date) for row in due] == [(loan.pk, date(2026, 7, 2))]


def test_loans_are_seen_in_plain_words() -> None:
    loan = factories.active_loan()
    factories.repay(loan, "10.00", on=START)
    view = queries.loan_view(loan_id=loan.pk, as_of=START)
    assert [row.words for row in view.events] == ["The money was paid out to you", "You paid"]
    assert view.payoff.total == Decimal("1190.00")


def test_random_histories_keep_the_books_clean() -> None:
    """A small walk with payments, late ones, reversals, fees, nights; the books are asked after each step."""
    chance = random.Random(20261124)
    account = BankAccountFactory()
    day, loans = START, [factories.active_loan(account=account)]
    for _ in range(60):
        step = chance.choice(
            ["draw", "repay", "repay", "backdate", "reverse", "fee", "payoff", "night", "night", "rate"]
        )
        loan = chance.choice(loans)
        loan.refresh_from_db()
        try:
            if step == "draw" and len(loans) < 8:
                loans.append(factories.active_loan(account=account, as_of=day, **chance.choice(WAYS)))
            elif step == "repay":
                factories.repay(loan, f"{chance.randint(1, 40000) / 100:.2f}", on=day)
            elif step == "backdate":
                factories.repay(
                    loan,
                    "50.00",
                    on=max(loan.start_date, day - timedelta(days=chance.randint(1, 40))),
                    as_of=day,
                )
            elif step == "reverse":
                rows = loan.events.filter(kind="REPAYMENT")
                if rows:
                    operations.reverse_event(
                        loan_id=loan.pk,
                        reference=chance.choice(list(rows)).reference,
                        reversal_reference=uuid.uuid4().hex,
                        as_of=day,
                        actor=None,
                    )
            elif step == "fee":
                operations.add_event(
                    loan_id=loan.pk, event=factories.event(EventKind.FEE, on=day, amount="3.00"), as_of=day
                )
            elif step == "rate":
                operations.add_event(
                    loan_id=loan.pk,
                    event=factories.event(EventKind.RATE_CHANGE, on=day, annual_rate="0.15"),
                    as_of=day,
                )
            elif step == "payoff":
                quote = queries.payoff(loan_id=loan.pk, as_of=day)
                if quote.total:
                    factories.repay(loan, quote.total, on=day)
                    assert loan.status == "CLOSED"
            else:
                for _ in range(chance.randint(1, 20)):
                    night(day)
                    day += timedelta(days=1)
        except Refusal:
            pass
        assert breaches() == {}, step
    assert ledger_earned(loans)[0] == fold_earned_now(loans)


def fold_earned_now(loans: list[Loan]) -> Decimal:
    """Sum what the loans earned through the day on which the ledger has each."""
    total = Decimal(0)
    for loan in loans:
        loan.refresh_from_db()
        through = booked_through(loan=loan)
        assert through is not None
        total += fold(loan.agreed, read_events(loan_id=loan.pk), value_date=through).interest_earned
    return total

"""A loan as it was known, what an event changed, and the ledger that gets the difference alone."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest

from ledger.models import Journal, Posting
from ledger.operations import advance_business_date
from loans import operations, queries
from loans.domain.engine import fold
from loans.domain.events import EventKind
from loans.models import Loan
from loans.operations.events import read_events
from loans.projection import _ROLES
from tests.loans import factories
from tests.loans.books import breaches
from tests.loans.factories import START

pytestmark = pytest.mark.django_db
DUE = date(2026, 4, 2)
LEARNED = date(2026, 6, 1)
UNDONE = date(2026, 6, 20)
D = Decimal


def on(day: date) -> date:
    """Work the night before a day and open it."""
    eve = day - timedelta(days=1)
    advance_business_date(to=eve)
    operations.age_loans(as_of=eve)
    operations.accrue(as_of=eve)
    advance_business_date(to=day)
    return day


def take_back(loan: Loan, reference: str, day: date) -> None:
    operations.reverse_event(
        loan_id=loan.pk, reference=reference, reversal_reference=uuid.uuid4().hex, as_of=day, actor=None
    )
    loan.refresh_from_db()


def event_postings(loan: Loan, sequence: int) -> dict[str, Decimal]:
    """Return what one event brought into the ledger, by role; debits are positive."""
    found: Counter[str] = Counter()
    for row in Posting.objects.filter(
        journal__source=f"loan:{loan.ref}:{sequence}", journal__leg="EVENT"
    ).select_related("account"):
        found[row.account.role] += row.amount if row.direction == "D" else -row.amount  # type: ignore[assignment]
    return {role: amount for role, amount in found.items() if amount}  # type: ignore[misc]


def told_postings(changes: queries.Changes) -> dict[str, Decimal]:
    """Return what `what_changed` says the ledger got, by role of the chart."""
    found: Counter[str] = Counter()
    for leg in changes.legs:
        role = _ROLES.get(leg.account_role)
        found[role.value if role is not None else leg.account_role] += leg.debit - leg.credit  # type: ignore[assignment]
    return {role: amount for role, amount in found.items() if amount}  # type: ignore[misc]


def field(changes: queries.Changes, number: int, name: str) -> tuple[Decimal, Decimal]:
    (row,) = [row for row in changes.rows if (row.number, row.field) == (number, name)]
    return row.before, row.after


def assert_each_leg_once() -> None:
    pairs = Counter(Journal.objects.values_list("source", "leg"))
    assert set(pairs.values()) == {1}
    assert breaches() == {}


def backdated() -> tuple[Loan, str]:
    """A loan whose first instalment was paid in time, which was learned two months later."""
    loan = factories.active_loan()
    on(LEARNED)
    row = factories.repay(loan, "110.07", on=DUE, as_of=LEARNED)
    return loan, row.reference


def test_a_backdated_payment_changes_what_it_must_and_the_ledger_gets_that() -> None:
    loan, _ = backdated()
    changes = queries.what_changed(loan_id=loan.pk, sequence=2)
    assert field(changes, 1, "principal_paid") == (0, D("91.72"))
    assert field(changes, 1, "interest_paid") == (0, D("18.35"))
    assert field(changes, 1, "penalty_due") == (D("3.62"), 0), "sixty days at 24 % that never were"
    assert {row.number for row in changes.rows} == {1}
    assert told_postings(changes) == event_postings(loan, 2)
    assert event_postings(loan, 2) == {
        "CASH_AT_BANK": D("110.07"),
        "LOAN_PRINCIPAL": D("-91.72"),
        "INTEREST_RECEIVABLE": D("-18.35"),
        "PENALTY_RECEIVABLE": D("-3.62"),
        "PENALTY_INCOME": D("3.62"),
    }
    assert_each_leg_once()


def test_its_reversal_changes_it_back() -> None:
    loan, reference = backdated()
    paid = event_postings(loan, 2)
    on(UNDONE)
    take_back(loan, reference, UNDONE)
    changes = queries.what_changed(loan_id=loan.pk, sequence=3)
    assert field(changes, 1, "principal_paid") == (D("91.72"), 0)
    back = event_postings(loan, 3)
    assert told_postings(changes) == back
    for role in ("CASH_AT_BANK", "LOAN_PRINCIPAL", "INTEREST_RECEIVABLE"):
        assert back[role] == -paid[role]
    nineteen_more = D("91.72") * D("0.24") * (UNDONE - DUE).days / 365
    assert back["PENALTY_RECEIVABLE"] == nineteen_more.quantize(D("0.01")), "the penalty runs on to this day"
    twin = factories.active_loan(as_of=UNDONE)  # the books go on
    assert twin.is_live
    assert_each_leg_once()


@pytest.mark.parametrize(
    ("known_on", "paid", "status"),
    [
        (LEARNED - timedelta(days=1), D(0), "OVERDUE"),
        (LEARNED, D("110.07"), "OVERDUE"),  # the second instalment is late whatever is known
        (UNDONE - timedelta(days=1), D("110.07"), "OVERDUE"),
        (UNDONE, D(0), "OVERDUE"),
    ],
)
def test_every_day_of_knowing_is_kept(known_on: date, paid: Decimal, status: str) -> None:
    loan, reference = backdated()
    on(UNDONE)
    take_back(loan, reference, UNDONE)
    for value_date in (DUE, date(2026, 5, 15)):
        state = queries.loan_as_known(loan_id=loan.pk, value_date=value_date, known_on=known_on)
        assert state.instalments[0].paid.total == paid
    assert state.status == status
    late = queries.loan_as_known(loan_id=loan.pk, value_date=date(2026, 4, 20), known_on=known_on)
    assert late.days_past_due == (0 if paid else 18)


def test_a_closed_loan_is_opened_and_closed_again() -> None:
    loan = factories.active_loan()
    paid_on = on(date(2026, 3, 20))
    total = queries.payoff(loan_id=loan.pk, as_of=paid_on).total
    row = factories.repay(loan, total, on=paid_on)
    assert loan.status == "CLOSED"
    day = on(date(2026, 5, 12))
    take_back(loan, row.reference, day)
    assert (loan.status, loan.days_past_due) == ("OVERDUE", 40)
    changes = queries.what_changed(loan_id=loan.pk, sequence=3)
    assert (changes.status_before, changes.status_after) == ("CLOSED", "OVERDUE")
    reopened = event_postings(loan, 3)
    assert told_postings(changes) == reopened
    assert reopened["CASH_AT_BANK"] == -total
    assert reopened["LOAN_PRINCIPAL"] == D("1200.00")
    assert reopened["INTEREST_INCOME"] < 0, "interest that the closing had spared"
    then = queries.loan_as_known(loan_id=loan.pk, value_date=day, known_on=day - timedelta(days=1))
    assert then.status == "CLOSED"

    total = queries.payoff(loan_id=loan.pk, as_of=day).total
    factories.repay(loan, total, on=day)
    assert loan.status == "CLOSED"
    state = fold(loan.agreed, read_events(loan_id=loan.pk), value_date=day)
    assert state.status.value == "CLOSED"
    assert_each_leg_once()


def test_instalments_that_an_event_takes_away_are_told() -> None:
    """An extension brings instalments; its reversal must say that they are gone."""
    loan = factories.active_loan()
    operations.add_event(
        loan_id=loan.pk,
        event=factories.event(EventKind.EXTENSION, on=START, extra_instalments=2),
        as_of=START,
    )
    extension = loan.events.get(kind="EXTENSION")
    came = queries.what_changed(loan_id=loan.pk, sequence=extension.sequence)
    assert {13, 14} <= {row.number for row in came.rows}
    take_back(loan, extension.reference, START)
    gone = queries.what_changed(loan_id=loan.pk, sequence=3)
    assert {13, 14} <= {row.number for row in gone.rows}
    mirrored = {(row.number, row.field): (row.after, row.before) for row in came.rows}
    assert {(row.number, row.field): (row.before, row.after) for row in gone.rows} == mirrored
    assert gone.legs == ()


def test_the_same_event_twice_posts_once() -> None:
    loan, _ = backdated()
    before = (Journal.objects.count(), loan.events.count())
    row = loan.events.get(kind="REPAYMENT")
    again = operations.record_repayment(
        loan_id=loan.pk, amount=row.amount, value_date=row.value_date, reference=row.reference, as_of=LEARNED
    )
    assert again.pk == row.pk
    assert (Journal.objects.count(), loan.events.count()) == before

"""Questions to loans; keyword-only, none writes. What depends on a day is folded or computed for that day."""

from __future__ import annotations

import uuid
from collections.abc import Collection as Ids
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection
from django.db.models import QuerySet

from loans.conduct import ConductColumns, conduct
from loans.domain.engine import fold, payoff_quote
from loans.domain.events import LoanEvent
from loans.domain.journal import journal_legs, posting_difference
from loans.domain.state import InstalmentState, JournalLeg, LoanState, PayoffQuote
from loans.models import Collection, Instalment, Loan, LoanEventRow, Payout
from loans.operations.events import read_events
from loans.words import event_words

__all__ = [
    "ConductColumns",
    "DueInstalment",
    "EventView",
    "LoanView",
    "conduct",
    "due_instalments",
    "exposure",
    "instalments",
    "is_still_due",
    "loan_as_known",
    "loan_view",
    "loans_of",
    "payment_of",
    "payoff",
    "what_changed",
]


def exposure(*, loan_ids: Ids[int]) -> Decimal:
    """Return what loans owe of their principal plus what is still to be paid out of it, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT coalesce(sum(principal_outstanding + CASE WHEN status IN ('PENDING', 'ACTIVE', 'OVERDUE')
                   THEN principal - disbursed ELSE 0 END), 0) FROM loans_loan WHERE id = ANY(%s)""",
            [list(loan_ids)],
        )
        return Decimal(cursor.fetchone()[0])


def loans_of(*, borrower_ids: Ids[int]) -> QuerySet[Loan]:
    """Return the loans of borrowers, newest first."""
    return Loan.objects.filter(borrower_id__in=borrower_ids).order_by("-pk")


def instalments(*, loan_id: int) -> list[Instalment]:
    """Return the instalments of a loan as they stand, in order."""
    return list(Instalment.objects.filter(loan_id=loan_id).order_by("due_date", "number"))


def payoff(*, loan_id: int, as_of: date) -> PayoffQuote:
    """Return every component of what closes the loan on a day; paying the total that day closes it."""
    loan = Loan.objects.get(pk=loan_id)
    return payoff_quote(loan.agreed, read_events(loan_id=loan_id), value_date=as_of)


def loan_as_known(*, loan_id: int, value_date: date, known_on: date | None = None) -> LoanState:
    """Return a loan as of a day, as it was known on a day."""
    loan = Loan.objects.get(pk=loan_id)
    return fold(loan.agreed, read_events(loan_id=loan_id), value_date=value_date, knowledge_date=known_on)


@dataclass(frozen=True, slots=True)
class DueInstalment:
    """Show what falls due, for reminders and agreed debits."""

    instalment_id: int
    loan_id: int
    loan_ref: uuid.UUID
    borrower_id: int
    number: int
    due_date: date
    amount: Decimal


def due_instalments(*, from_date: date, to_date: date) -> list[DueInstalment]:
    """Return the instalments that fall due between two days and are not paid, in one statement."""
    rows = (
        Instalment.objects.filter(
            due_date__gte=from_date, due_date__lte=to_date, outstanding__gt=0, loan__status__in=Loan.LIVE
        )
        .order_by("due_date", "pk")
        .values_list("pk", "loan_id", "loan__ref", "loan__borrower_id", "number", "due_date", "outstanding")
    )
    return [DueInstalment(*row) for row in rows.iterator(chunk_size=2000)]


def payment_of(*, instalment_ids: Ids[int]) -> dict[int, tuple[date, date | None]]:
    """Return for each instalment its due date as it stands, and the day on which it was paid whole."""
    rows = Instalment.objects.filter(pk__in=instalment_ids).values_list("pk", "due_date", "paid_date")
    return {pk: (due_date, paid_date) for pk, due_date, paid_date in rows}


def is_still_due(*, instalment_id: int, due_date: date) -> bool:
    """Tell whether an instalment still asks for money on this date."""
    return Instalment.objects.filter(
        pk=instalment_id, due_date=due_date, outstanding__gt=0, loan__status__in=Loan.LIVE
    ).exists()


@dataclass(frozen=True, slots=True)
class EventView:
    """Show one event: what happened, when it is true, when it was learned."""

    sequence: int
    kind: str
    words: str
    value_date: date
    booked_date: date
    amount: Decimal
    reference: str
    is_reversed: bool
    is_backdated: bool


@dataclass(frozen=True, slots=True)
class LoanView:
    """Show a loan on a day: its state, what closes it, its history, and the money on its way."""

    loan: Loan
    state: LoanState
    payoff: PayoffQuote
    instalments: tuple[InstalmentState, ...]
    events: tuple[EventView, ...]
    payout: Payout | None  # the first
    payouts: tuple[Payout, ...]
    collections: tuple[Collection, ...]
    history: tuple[LoanEvent, ...] = ()  # the events as the engine has them

    @property
    def paid_count(self) -> int:
        """Return how many instalments ask for nothing more."""
        return sum(1 for row in self.instalments if row.due.total and not row.outstanding.total)


def loan_view(
    *, loan_id: int, as_of: date, known_on: date | None = None, loan: Loan | None = None
) -> LoanView:
    """Return everything that a page shows of a loan, in four statements and one fold; three when the loan is given."""
    loan = loan or Loan.objects.select_related("borrower").get(pk=loan_id)
    assert loan.pk == loan_id
    terms, events = loan.agreed, read_events(loan_id=loan_id)
    state = fold(terms, events, value_date=as_of, knowledge_date=known_on)
    known = [event for event in events if known_on is None or event.recorded_date <= known_on]
    payouts = sorted(loan.payouts.all(), key=lambda row: row.number)
    undone = {str(event.data.get("reverses")) for event in known if "reverses" in event.data}
    return LoanView(
        loan=loan,
        state=state,
        payoff=payoff_quote(terms, known, value_date=as_of),
        instalments=state.instalments,
        events=tuple(
            EventView(
                sequence=event.sequence,
                kind=event.kind.value,
                words=event_words(event.kind, event.data),
                value_date=event.value_date,
                booked_date=event.recorded_date,
                amount=event.amount,
                reference=event.ref,
                is_reversed=event.ref in undone,
                is_backdated=event.value_date < event.recorded_date,
            )
            for event in sorted(known, key=lambda event: event.sequence)
        ),
        payout=next(iter(payouts), None),
        payouts=tuple(payouts),
        collections=tuple(Collection.objects.filter(loan_id=loan_id).order_by("-pk")[:20]),
        history=tuple(known),
    )


@dataclass(frozen=True, slots=True)
class Change:
    """Show one figure of an instalment before and after an event was learned."""

    number: int
    due_date: date
    field: str
    before: Decimal
    after: Decimal


@dataclass(frozen=True, slots=True)
class Changes:
    """Show what one event changed: the status, instalments by component, and the postings of the difference."""

    rows: tuple[Change, ...]
    legs: tuple[JournalLeg, ...]
    status_before: str = ""
    status_after: str = ""


def what_changed(*, loan_id: int, sequence: int) -> Changes:
    """Return what an event changed on the day on which it was learned."""
    terms = Loan.objects.get(pk=loan_id).agreed
    events = read_events(loan_id=loan_id)
    learned = LoanEventRow.objects.get(loan_id=loan_id, sequence=sequence).booked_date
    before = fold(terms, events, value_date=learned, known_at_sequence=sequence - 1)
    after = fold(terms, events, value_date=learned, known_at_sequence=sequence)
    legs = [
        journal_legs(terms, events, value_date=learned, known_at_sequence=known)
        for known in (sequence - 1, sequence)
    ]
    return Changes(
        rows=tuple(_changes(before.instalments, after.instalments)),
        legs=posting_difference(legs[0], legs[1]),
        status_before=before.status.value,
        status_after=after.status.value,
    )


def _changes(before: tuple[InstalmentState, ...], after: tuple[InstalmentState, ...]) -> list[Change]:
    """List what differs, instalments that came and instalments that are gone included."""
    old, new = ({row.number: row for row in rows} for rows in (before, after))
    found = []
    for number in sorted(old.keys() | new.keys()):
        then, now = old.get(number), new.get(number)
        shown = now or then
        assert shown is not None
        for field in ("due", "paid", "waived", "written_off"):
            for component in ("principal", "interest", "fee", "penalty"):
                was, is_now = (
                    getattr(getattr(row, field), component) if row is not None else Decimal(0)
                    for row in (then, now)
                )
                if was != is_now:
                    found.append(Change(number, shown.due_date, f"{component}_{field}", was, is_now))
    return found

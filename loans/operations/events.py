"""Add events to loans. One transaction: the event, the projection rewritten whole, and the journal of the difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from accounts.models import User
from ledger.domain.journal import JournalDraft, lines_from
from ledger.operations import post_journals
from ledger.queries import closed_through
from loans.domain.engine import append_event
from loans.domain.events import EventKind, LoanEvent
from loans.models import AccrualLine, AccrualSlice, Instalment, Loan, LoanEventRow
from loans.operations.suspense_books import bring_back
from loans.projection import Projection, difference, position, project
from regimes.errors import N_, InvalidInput, NotFound, Refusal

EARNINGS_LOCK = 41_871_001  # held shared by events, alone by the night while it books a range


class UnableToFindLoan(NotFound):
    """Refuse a loan that is not there."""


class UnableToRecord(Refusal):
    """Refuse an event that the state of the loan or of the books does not allow."""


class UnableToDate(InvalidInput):
    """Refuse a value date."""


def lock_loan(*, loan_id: int) -> Loan:
    """Lock one loan for an event. The night cannot book earnings of any loan until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [EARNINGS_LOCK])
    loan = Loan.objects.select_for_update(of=("self",)).filter(pk=loan_id).first()
    if loan is None:
        raise UnableToFindLoan("not_found", N_("There is nothing here, or it is not yours."))
    return loan


def read_events(*, loan_id: int) -> tuple[LoanEvent, ...]:
    """Return the events of a loan in the order in which they were learned."""
    return tuple(as_event(row) for row in LoanEventRow.objects.filter(loan_id=loan_id).order_by("sequence"))


def as_event(row: LoanEventRow) -> LoanEvent:
    """Turn a row into the engine's value."""
    return LoanEvent(
        kind=EventKind(row.kind),
        value_date=row.value_date,
        ref=row.reference,
        sequence=row.sequence,
        recorded_date=row.booked_date,
        amount=row.amount,
        data=row.data,
    )


def booked_through(*, loan: Loan) -> date | None:
    """Return through when the ledger has the earnings of a loan; None before anything was booked."""
    if loan.accrued_through is None or not loan.set_wise:
        return loan.accrued_through
    slice_ = (
        AccrualSlice.objects.filter(first_id__lte=loan.pk, last_id__gte=loan.pk)
        .order_by("-as_of")
        .values_list("as_of", flat=True)
        .first()
    )
    return max(loan.accrued_through, slice_) if slice_ is not None else loan.accrued_through


def add_event(
    *,
    loan_id: int,
    event: LoanEvent,
    as_of: date,
    actor: User | None = None,
    allow_closed_period: bool = False,
) -> LoanEventRow:
    """Add an event, or return the row of the same event under the same reference.

    `sequence` and `recorded_date` of the value given are assigned here. Another content under a used
    reference, and whatever cannot have happened to this loan, is refused and nothing is written.
    """
    with transaction.atomic():
        loan = lock_loan(loan_id=loan_id)
        return write_event(
            loan=loan, event=event, as_of=as_of, actor=actor, allow_closed_period=allow_closed_period
        )


def write_event(
    *, loan: Loan, event: LoanEvent, as_of: date, actor: User | None = None, allow_closed_period: bool = False
) -> LoanEventRow:
    """Add an event to a loan that the caller has locked."""
    terms = loan.agreed
    events = read_events(loan_id=loan.pk)
    new = replace(event, sequence=len(events) + 1, recorded_date=as_of, data=dict(event.data))
    longer = append_event(terms, events, new)
    if len(longer) == len(events):
        return LoanEventRow.objects.get(loan_id=loan.pk, reference=event.ref)
    _check_dates(new, as_of=as_of, allow_closed_period=allow_closed_period)
    row = LoanEventRow(
        loan_id=loan.pk,
        sequence=new.sequence,
        kind=new.kind.value,
        value_date=new.value_date,
        booked_date=as_of,
        amount=new.amount,
        data=dict(new.data),
        reference=new.ref,
        actor_id=actor.pk if actor is not None else None,
    )
    row.save(force_insert=True)
    carry(loan=loan, terms=terms, before=events, after=longer, as_of=as_of, new=new)
    bring_back(loan=loan, event=new, as_of=as_of, actor=actor)
    return row


def _check_dates(event: LoanEvent, *, as_of: date, allow_closed_period: bool) -> None:
    if event.value_date > as_of:
        raise UnableToDate(
            "value_date_future",
            N_("The date cannot be after the business date %(date)s."),
            field="value_date",
            params={"date": as_of.isoformat()},
        )
    closed = closed_through()
    if closed is not None and event.value_date <= closed and not allow_closed_period:
        raise UnableToDate(
            "value_date_in_closed_period",
            N_("The books are closed through %(date)s. Ask the finance team to approve an older date."),
            field="value_date",
            params={"date": closed.isoformat()},
        )


def carry(
    *,
    loan: Loan,
    terms: Any,
    before: tuple[LoanEvent, ...],
    after: tuple[LoanEvent, ...],
    as_of: date,
    new: LoanEvent | None,
) -> None:
    """Carry ledger and projection from what was booked to `after`, as of a day.

    Two journals at most: what the calendar earned since the last booking, and what the event changed. The
    second is the difference of two positions, so a backdated event posts what it changed and nothing else.
    """
    booked = booked_through(loan=loan)
    through = max(as_of, booked) if booked is not None else as_of
    held = position(terms, before, value_date=booked) if booked is not None else {}
    now = position(terms, before, value_date=through) if before and booked != through else held
    wanted = position(terms, after, value_date=through) if new is not None else now
    source = f"loan:{loan.ref}:{new.sequence if new is not None else through.isoformat()}"
    drafts = []
    for leg, change, kind in (
        ("EARNED", difference(held, now), "ACCRUAL"),
        ("EVENT", difference(now, wanted), None),
    ):
        if change:
            drafts.append(
                JournalDraft(
                    source=source,
                    leg=leg,
                    kind=kind or (new.kind.value if new is not None else "ACCRUAL"),
                    value_date=new.value_date if kind is None and new is not None else through,
                    booked_date=as_of,
                    postings=lines_from(
                        change, loan_id=loan.pk, borrower_id=loan.borrower_id, portfolio=loan.portfolio
                    ),
                    currency=loan.currency,
                )
            )
    if drafts:
        post_journals(drafts=drafts)
    write_projection(loan=loan, projection=project(terms, after, as_of=through), through=through)


_ROW_COLUMNS = [
    field.attname
    for field in Instalment._meta.concrete_fields
    if field.attname not in ("id", "loan_id", "number")
]


def write_projection(*, loan: Loan, projection: Projection, through: date | None) -> None:
    """Rewrite a loan's columns and its instalments whole: three statements, and rows keep their keys."""
    for name, value in projection.loan.items():
        setattr(loan, name, value)
    changed = list(projection.loan)
    worst = max(loan.worst_days_past_due, loan.days_past_due)
    if worst != loan.worst_days_past_due:
        loan.worst_days_past_due = worst
        changed.append("worst_days_past_due")
    if through is not None:
        loan.accrued_through = through
        changed.append("accrued_through")
    loan.save(update_fields=changed)
    write_instalments(loan_id=loan.pk, rows=projection.instalments)
    write_line(loan=loan, rows=projection.instalments)


def write_instalments(
    *, loan_id: int, rows: list[Mapping[str, Any]] | list[dict[str, Any]], is_new: bool = False
) -> None:
    """Make the instalments of a loan equal to the rows given; a new loan has none to take away."""
    if not is_new:
        numbers = [row["number"] for row in rows]
        Instalment.objects.filter(loan_id=loan_id).exclude(number__in=numbers).delete()
    if rows:
        Instalment.objects.bulk_create(
            [Instalment(loan_id=loan_id, **row) for row in rows],
            update_conflicts=True,
            unique_fields=["loan", "number"],
            update_fields=_ROW_COLUMNS,
        )


_LINE_COLUMNS = [
    field.attname
    for field in AccrualLine._meta.concrete_fields
    if field.attname.startswith("accrual_") or field.attname == "due_date"
]


def line_of(*, loan: Loan, rows: list[dict[str, Any]]) -> AccrualLine | None:
    """Return which period the nights follow from the day booked on; None where they follow none."""
    day = loan.accrued_through
    runs = next(
        (
            row
            for row in rows
            if day and row["accrual_until"] and row["accrual_after"] < day <= row["accrual_until"]
        ),
        None,
    )
    if day is None or runs is None or not loan.is_live or not loan.set_wise:
        return None
    return AccrualLine(
        loan_id=loan.pk, portfolio=loan.portfolio, currency=loan.currency, accrued_through=day,
        **{name: runs[name] for name in _LINE_COLUMNS},
    )  # fmt: skip


def write_line(*, loan: Loan, rows: list[dict[str, Any]]) -> None:
    """Write which period the nights follow from the day booked on, or that they follow none."""
    line = line_of(loan=loan, rows=rows)
    if line is None:
        AccrualLine.objects.filter(loan_id=loan.pk).delete()
        return
    AccrualLine.objects.bulk_create(
        [line],
        update_conflicts=True,
        unique_fields=["loan"],
        update_fields=["accrued_through", *_LINE_COLUMNS],
    )


def record_repayment(
    *,
    loan_id: int,
    amount: Decimal,
    value_date: date,
    reference: str,
    choice: str | None = None,
    as_of: date,
    actor: User | None = None,
) -> LoanEventRow:
    """Record money that came in. The same reference with the same content gives the first record."""
    with transaction.atomic():
        loan = lock_loan(loan_id=loan_id)
        event = LoanEvent(
            kind=EventKind.REPAYMENT,
            value_date=value_date,
            ref=str(reference),
            sequence=0,
            recorded_date=as_of,
            amount=amount,
            data={"prepayment": choice} if choice else {},
        )
        if not LoanEventRow.objects.filter(loan_id=loan.pk, reference=event.ref).exists():
            refuse_settled(loan=loan, value_date=value_date)
        return write_event(loan=loan, event=event, as_of=as_of, actor=actor)


def refuse_settled(*, loan: Loan, value_date: date) -> None:
    """Refuse money for a loan that owes nothing."""
    if loan.status == Loan.Status.CANCELLED:
        raise UnableToRecord("loan_cancelled", N_("The loan was cancelled. Nothing is owed."))
    if loan.status == Loan.Status.PENDING:
        raise UnableToRecord("loan_not_paid_out", N_("The loan was never paid out."))
    closed = loan.closed_date
    if loan.status == Loan.Status.CLOSED and (closed is None or value_date >= closed):
        raise UnableToRecord("loan_closed", N_("The loan is paid off. Nothing is owed."))


def reverse_event(
    *,
    loan_id: int,
    reference: str,
    value_date: date | None = None,
    reversal_reference: str,
    as_of: date,
    actor: User | None,
    reason: str = "",
) -> LoanEventRow:
    """Record that an event turned out not to have happened. The reversal has a reference of its own."""
    event = LoanEvent(
        kind=EventKind.REVERSAL,
        value_date=value_date or as_of,
        ref=reversal_reference,
        sequence=0,
        recorded_date=as_of,
        data={"reverses": reference, **({"reason": reason} if reason else {})},
    )
    return add_event(loan_id=loan_id, event=event, as_of=as_of, actor=actor)

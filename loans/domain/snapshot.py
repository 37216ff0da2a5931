"""Turn a book into the values that the engine answers with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from ledger.domain.money import ZERO
from loans.domain.book import Book, Effect, Part
from loans.domain.changes import first_rows
from loans.domain.rows import F, I, N, P, Row, amounts
from loans.domain.state import Allocation, Amounts, InstalmentState, LoanState, LoanStatus
from loans.domain.terms import LoanTerms

NOTHING = Amounts()


def displayed_due(book: Book, row: Row, day: date) -> list[Decimal]:
    """Return what an instalment asks for, as shown: moved arrears are shown where they moved to."""
    penalty = row.charged(N, None) if row.charges else ZERO
    if row.is_due:
        penalty += book.penalty_of(row, day)
    fee = row.charged(F, None) if row.charges else ZERO
    due = [row.due[P], row.due[I], fee, penalty]
    return [amount - moved for amount, moved in zip(due, row.moved, strict=True)]


def days_late(book: Book, since: date, day: date) -> int:
    """Count the days past due, paused days left out; none within the grace days."""
    days = (day - since).days
    for start, until in book.pauses:
        days -= max((min(until, day) - max(start, since)).days, 0)
    return days if days > book.terms.grace_days else 0


def late_since(book: Book, row: Row, day: date) -> date | None:
    """Return since when something of a row is due and unpaid."""
    if row.is_due and (book.unpaid(row, P, day) or book.unpaid(row, I, day)):
        return row.due_date
    if book.unpaid_total(row, day):
        charged = min((c.due_date for c in row.charges), default=row.due_date)
        return min(charged, day) if not row.is_due else max(min(charged, day), row.due_date)
    return None


def instalment_states(book: Book, projected: Book, day: date) -> tuple[InstalmentState, ...]:
    """Show every instalment: facts up to the day, the plan after it."""
    states: list[InstalmentState] = []
    left = sum((row.due[P] - row.moved[P] for row in projected.rows), ZERO)
    for index, row in enumerate(projected.rows):
        is_due = index < book.k
        due = displayed_due(book, row, day) if is_due else _planned_due(row)
        left -= due[P]
        covered = [a + b + c for a, b, c in zip(row.paid, row.waived, row.lost, strict=True)]
        settled = all(a >= b for a, b in zip(covered, due, strict=True))
        since = late_since(book, row, day) if is_due or row.charges else None
        states.append(
            InstalmentState(
                number=row.number,
                from_date=row.from_date,
                due_date=row.due_date,
                due=amounts(due),
                paid=amounts(row.paid),
                waived=amounts(row.waived) if any(row.waived) else NOTHING,
                written_off=amounts(row.lost) if any(row.lost) else NOTHING,
                balance_after=left,
                is_due=is_due,
                paid_date=row.touched if settled and any(row.paid) else None,
                days_past_due=days_late(book, since, day) if since is not None else 0,
            )
        )
    return tuple(states)


def _planned_due(row: Row) -> list[Decimal]:
    fee = row.charged(F, None) if row.charges else ZERO
    penalty = row.charged(N, None) if row.charges else ZERO
    return [row.due[P], row.due[I], fee, penalty]


def due_now(book: Book, day: date) -> tuple[list[Decimal], list[Decimal], int]:
    """Return what is due and unpaid, how much of it is overdue, and the days past due."""
    due, overdue, worst = [ZERO] * 4, [ZERO] * 4, 0
    for row in book.due_rows(day):
        parts = [book.unpaid(row, component, day) for component in (P, I, F, N)]
        if not any(parts):
            continue
        due = [a + b for a, b in zip(due, parts, strict=True)]
        since = late_since(book, row, day)
        late = days_late(book, since, day) if since is not None else 0
        if late > 0:
            overdue = [a + b for a, b in zip(overdue, parts, strict=True)]
            worst = max(worst, late)
    return due, overdue, worst


def allocation_of(effect: Effect) -> Allocation:
    """Show where the money of one event went."""
    by_row: dict[int, list[Decimal]] = {}
    applied = [ZERO] * 4
    for row, component, amount in (*effect.parts, *effect.forgiven, *effect.lost):
        parts = by_row.get(row.number)
        if parts is None:
            parts = by_row[row.number] = [ZERO] * 4
        parts[component] += amount
        applied[component] += amount
    whole = amounts(applied)
    if len(by_row) == 1:
        parts_by_row = tuple((number, whole) for number in by_row)
    else:
        parts_by_row = tuple((number, amounts(parts)) for number, parts in by_row.items())
    return Allocation(
        ref=effect.key,
        kind=effect.kind,
        value_date=effect.value_date,
        amount=effect.amount,
        parts=parts_by_row,
        applied=whole,
        credit=effect.credit,
    )


def total(parts: Iterable[Part]) -> Amounts:
    """Add up parts by component."""
    sums = [ZERO] * 4
    for part in parts:
        sums[part.component] += part.amount
    return amounts(sums)


def find_status(book: Book, day: date, worst: int) -> LoanStatus:
    """Derive the status from the numbers."""
    if book.written_off:
        return LoanStatus.WRITTEN_OFF
    if book.is_settled(day):
        return LoanStatus.CLOSED
    return LoanStatus.OVERDUE if worst else LoanStatus.ACTIVE


def take_snapshot(book: Book, day: date, sequence: int) -> LoanState:
    """Return the state of a loan that was paid out."""
    projected = book.projection(day)
    instalments = instalment_states(book, projected, day)
    due, overdue, worst = due_now(book, day)
    status = find_status(book, day, worst)
    over = status in (LoanStatus.CLOSED, LoanStatus.WRITTEN_OFF)
    coming = [i for i in instalments if i.due_date >= day and i.outstanding.total > 0]
    following = coming[0] if coming and not over else None
    paid = amounts([sum((r.paid[c] for r in book.rows), ZERO) for c in (P, I, F, N)])
    kept = Amounts(fee=book.paid_ever[F])
    closed_date = book.closed_date
    if status is LoanStatus.CLOSED and closed_date is None:
        closed_date = day
    return LoanState(
        status=status,
        value_date=day,
        known_sequence=sequence,
        instalments=instalments,
        disbursed=book.disbursed,
        principal_outstanding=book.running + book.arrears,
        accrued_interest=ZERO if over else book.running_interest(day),
        due=amounts(due),
        overdue=amounts(overdue),
        days_past_due=worst,
        next_due_date=following.due_date if following else None,
        next_due=following.outstanding if following else NOTHING,
        credit=book.credit,
        paid=paid.plus(kept),
        waived=total(part for effect in book.effects for part in effect.forgiven),
        written_off=total(part for effect in book.effects for part in effect.lost),
        recovered=book.recovered,
        refunded=book.refunded,
        interest_earned=book.interest_closed + book.earned(day),
        penalty_earned=penalty_earned(book, day) + book.charged_ever[1],
        fees_charged=book.charged_ever[0] + terms_fees_earned(book, day),
        annual_rate=book.rate,
        maturity_date=max((i.due_date for i in instalments if i.due.total), default=None),
        closed_date=closed_date if status is LoanStatus.CLOSED else None,
        allocations=tuple(allocation_of(effect) for effect in book.effects),
    )


def penalty_earned(book: Book, day: date) -> Decimal:
    """Return the derived penalty of all rows through a day."""
    return sum((book.penalty_of(row, day) for row in book.rows if row.is_due), ZERO)


def terms_fees_earned(book: Book, day: date) -> Decimal:
    """Fees of the terms are earned as they fall due, or when they are paid early."""
    fees = ZERO
    for row in book.rows:
        listed = [charge for charge in row.charges if charge.optional]
        if not listed:
            continue
        fallen = sum((c.amount for c in listed if c.due_date <= day), ZERO)
        later = sum((c.amount for c in listed), ZERO) - fallen
        early = max(row.settled(F) - row.charged(F, day), ZERO)
        fees += fallen + min(early, later)
    return fees


def pending_state(terms: LoanTerms, day: date, sequence: int, *, cancelled: bool) -> LoanState:
    """Return the state of a loan before any payout: the planned instalments, and nothing owed."""
    book = planned_book(terms)
    projected = book.projection(terms.start_date)
    instalments = instalment_states(book, projected, terms.start_date)
    return LoanState(
        status=LoanStatus.CANCELLED if cancelled else LoanStatus.PENDING,
        value_date=day,
        known_sequence=sequence,
        instalments=() if cancelled else instalments,
        disbursed=ZERO,
        principal_outstanding=ZERO,
        accrued_interest=ZERO,
        due=NOTHING,
        overdue=NOTHING,
        days_past_due=0,
        next_due_date=None,
        next_due=NOTHING,
        credit=ZERO,
        paid=NOTHING,
        waived=NOTHING,
        written_off=NOTHING,
        recovered=ZERO,
        refunded=ZERO,
        interest_earned=ZERO,
        penalty_earned=ZERO,
        fees_charged=ZERO,
        annual_rate=terms.annual_rate,
        maturity_date=max((i.due_date for i in instalments), default=None),
        closed_date=None,
        allocations=(),
    )


def planned_book(terms: LoanTerms) -> Book:
    """Return a book on which the whole principal was paid out on the start date."""
    book = Book(terms)
    book.rows = first_rows(terms, terms.start_date)
    book.disbursed = book.running = terms.principal
    book.open_period(terms.start_date)
    return book

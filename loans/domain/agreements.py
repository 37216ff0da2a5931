"""Change the agreement: rate, pause, sales, reschedule, re-age, extension, and acceleration."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from ledger.domain.money import ZERO
from loans.domain.book import Book, Effect
from loans.domain.calendar import due_dates_from, roll_all
from loans.domain.day_count import is_month_end
from loans.domain.events import LoanEvent, UnableToRecordEvent
from loans.domain.layout import chain_rows, new_weight
from loans.domain.rows import Charge, F, I, N, P, Row
from loans.domain.terms import Frequency
from regimes.errors import N_


def refuse(code: str, message: str, event: LoanEvent, *, field: str | None = None, **params: Any) -> None:
    """Refuse an event, with its reference for whoever reads the log."""
    raise UnableToRecordEvent(code, message, field=field, params={"ref": event.ref, **params})


def demand_row(book: Book, day: date) -> Row:
    """Insert a row that is due at once."""
    number = max((row.number for row in book.rows), default=0) + 1
    row = Row(number, day, day)
    row.is_due = True
    row.penalty_from = day + timedelta(days=book.terms.grace_days)
    book.rows.insert(book.k, row)
    book.k += 1
    book.plan.invalidate(rates=True)
    return row


def change_rate(book: Book, event: LoanEvent, effect: Effect) -> None:
    """Let another rate run from this day on; the tenor stays."""
    rate = Decimal(str(event.data["annual_rate"]))
    if not rate.is_finite() or not ZERO <= rate <= 10:
        refuse("rate_invalid", N_("The annual rate is out of range."), event, field="annual_rate")
    book.close_segment(event.value_date)
    book.rate = rate
    if book.plan.is_level:
        book.plan.invalidate(rates=True)


def pause(book: Book, event: LoanEvent, effect: Effect) -> None:
    """Stop penalty and days past due until a date."""
    until = date.fromisoformat(str(event.data["until"]))
    if until <= event.value_date:
        refuse("dates_in_wrong_order", N_("The pause ends before it starts."), event, field="until")
    for row in book.rows[: book.k]:
        book.settle_penalty(row, event.value_date)
    add_pause(book, event.value_date, until)


def add_pause(book: Book, start: date, until: date) -> None:
    """Keep the pauses apart: a day that is paused twice is left out once."""
    for known_start, known_until in sorted(book.pauses):
        if start < known_until and known_start < until:
            book.pauses.remove((known_start, known_until))
            start, until = min(start, known_start), max(until, known_until)
    book.pauses.append((start, until))


def report_sales(book: Book, event: LoanEvent, effect: Effect) -> None:
    """Ask a share of the sales reported for the running period.

    A report that names its period is all of that period: it takes the place of what was told of it before. One that
    names none is a part, and is added.
    """
    if book.k < len(book.rows):
        row = book.rows[book.k]
        before = ZERO if "period" in event.data else row.ask
        row.told = True
        row.ask = before + book.plan.share_of(event.amount)
        if book.terms.period_cap is not None:
            row.ask = min(row.ask, book.terms.period_cap)


def accelerate(book: Book, day: date) -> None:
    """Make everything that was still to come due now, in one row."""
    unpaid, charges = cut(book, day)
    if not (book.running or unpaid or charges):
        return
    row = demand_row(book, day)
    row.due[P], row.due[I] = book.running, unpaid
    book.arrears += book.running
    book.running = ZERO
    for charge in charges:
        if not charge.optional:
            row.charges.append(Charge(charge.component, day, charge.amount, optional=False))
    book.oldest = 0
    book.open_period(day)


def cut(book: Book, day: date) -> tuple[Decimal, list[Charge]]:
    """End the running period today and take the later rows away.

    Returns the interest earned and unpaid, and the charges that have lost their row. Rows on which
    something was paid early stay, settled by what was paid.
    """
    earned = book.earned(day)
    unpaid = book.running_interest(day)
    book.interest_closed += earned
    book.carry = book.deferred = book.attributed = ZERO
    kept: list[Row] = []
    charges: list[Charge] = []
    for row in book.rows[book.k :]:
        if row.is_empty:
            charges.extend(row.charges)
            continue
        row.due[P], row.due[I] = row.settled(P), row.settled(I)
        row.is_due = row.frozen = True
        row.spare(day)
        row.due_date = min(row.due_date, day)
        row.penalty_from = day
        kept.append(row)
    book.rows[book.k :] = kept
    book.k = len(book.rows)
    book.oldest = min(book.oldest, book.k)
    book.segments, book.segment_from = ZERO, day
    return unpaid, charges


def reschedule(book: Book, event: LoanEvent, effect: Effect) -> None:
    """Spread what is not due yet over new instalments."""
    _spread(book, event, int(event.data["instalment_count"]), arrears=False)


def re_age(book: Book, event: LoanEvent, effect: Effect) -> None:
    """Spread what is not due yet and the arrears over new instalments. No interest becomes principal."""
    _spread(book, event, int(event.data["instalment_count"]), arrears=True)


def extend(book: Book, event: LoanEvent, effect: Effect) -> None:
    """Add instalments to those that remain."""
    extra = int(event.data["extra_instalments"])
    if extra < 1:
        refuse("instalments_invalid", N_("At least one instalment is added."), event)
    if book.k >= len(book.rows) and not book.arrears:
        return
    if book.k >= len(book.rows):
        refuse("extension_after_maturity", N_("The last instalment is due: reschedule instead."), event)
    opened = [row for row in book.rows[book.k :] if not row.frozen]
    if not opened:
        return
    remaining = len(opened)
    _spread(book, event, remaining + extra, arrears=False, first_due=opened[0].due_date)


def _spread(
    book: Book, event: LoanEvent, count: int, *, arrears: bool, first_due: date | None = None
) -> None:
    terms, day = book.terms, event.value_date
    if not 1 <= count <= 600:
        refuse("instalments_invalid", N_("The number of instalments is from 1 to 600."), event)
    if first_due is None:
        first_due = date.fromisoformat(str(event.data["first_due_date"]))
    if first_due <= day:
        refuse("dates_in_wrong_order", N_("The first new due date must be later than the change."), event)
    if book.written_off:
        refuse("loan_written_off", N_("The loan is written off."), event)
    if not book.running and not (arrears and (book.arrears or book.is_owed(day))):
        return  # a payment learned of later has left nothing to spread
    anchor = terms.due_day
    if anchor is None and is_month_end(first_due):
        anchor = max(terms.start_date.day, first_due.day)
    unpaid, charges = cut(book, day)
    book.deferred = unpaid
    if arrears:
        charges += _move_arrears(book, day)
    if "annual_rate" in event.data:
        book.rate = Decimal(str(event.data["annual_rate"]))
    frequency = Frequency(event.data.get("frequency", terms.frequency))
    if frequency is Frequency.CUSTOM:
        frequency = Frequency.MONTHLY
    dates = roll_all(
        terms,
        due_dates_from(first_due, count=count, frequency=frequency, every=terms.every, anchor_day=anchor),
    )
    number = max((row.number for row in book.rows), default=0) + 1
    rows = chain_rows(terms, day, dates, first_number=number, frequency=frequency)
    for index, row in enumerate(rows):
        row.weight = new_weight(terms, index, count)
    book.charged = book.charged or bool(charges)
    for charge in charges:
        due = max(charge.due_date, rows[0].due_date)
        home = next((row for row in rows if row.due_date >= due), rows[-1])
        home.charges.append(Charge(charge.component, due, charge.amount, optional=charge.optional))
    book.rows.extend(rows)
    book.plan.invalidate(rates=True)
    book.open_period(day)


def _move_arrears(book: Book, day: date) -> list[Charge]:
    charges: list[Charge] = []
    for row in book.rows[: book.k]:
        parts = [book.unpaid(row, component, day) for component in (P, I, F, N)]
        for component, part in enumerate(parts):
            if not part:
                continue
            row.moved[component] += part
            if component == P:
                book.arrears -= part
                book.running += part
            elif component == I:
                book.deferred += part
            else:
                charges.append(Charge(component, day, part, optional=False))
    return charges

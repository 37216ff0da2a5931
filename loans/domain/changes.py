"""Apply one event to the book. One function an event kind, found by the table at the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from ledger.domain.money import ZERO, is_money
from loans.domain.book import Book, Effect, Part
from loans.domain.calendar import due_dates, due_dates_from, roll_all
from loans.domain.day_count import is_month_end, period_scale
from loans.domain.events import EventKind, LoanEvent, UnableToRecordEvent
from loans.domain.rows import INDEX, Charge, F, I, N, P, Row
from loans.domain.terms import (
    Component,
    FeeTiming,
    Frequency,
    LoanTerms,
    PrepaymentPolicy,
    RepaymentMethod,
)
from regimes.errors import N_


def refuse(code: str, message: str, event: LoanEvent, *, field: str | None = None, **params: Any) -> None:
    """Refuse an event, with its reference for whoever reads the log."""
    raise UnableToRecordEvent(code, message, field=field, params={"ref": event.ref, **params})


# -- building rows --------------------------------------------------------------------------------------


def first_rows(terms: LoanTerms, start: date) -> list[Row]:
    """Build the rows of the terms; the first period starts with the money."""
    dates = due_dates(terms)
    rows = chain_rows(terms, start, dates, first_number=1, frequency=terms.frequency)
    for index, row in enumerate(rows):
        row.weight = _weight(terms, index, len(rows))
        row.amortises = index >= terms.principal_grace_periods or index == len(rows) - 1
        row.defers = index < terms.interest_grace_periods and index < len(rows) - 1
        for fee in terms.fees:
            if fee.timing is FeeTiming.EACH_INSTALMENT:
                amount = _fee(terms, fee.amount, fee.rate)
                if amount:
                    row.charges.append(Charge(F, row.due_date, amount, optional=True))
    return rows


def chain_rows(
    terms: LoanTerms, start: date, dates: list[date], *, first_number: int, frequency: Frequency
) -> list[Row]:
    """Chain periods from a start through the due dates given."""
    rows: list[Row] = []
    periods = terms.every
    if terms.repayment_method in (RepaymentMethod.BULLET, RepaymentMethod.FLEXIBLE):
        periods = terms.every * terms.instalment_count
    at = start
    for offset, due in enumerate(dates):
        row = Row(first_number + offset, at, due)
        row.scale = period_scale(
            terms.day_count, at, due, frequency=frequency, periods=periods, termination=dates[-1]
        )
        rows.append(row)
        at = due
    return rows


def _weight(terms: LoanTerms, index: int, count: int) -> Decimal:
    method = terms.repayment_method
    if method in (RepaymentMethod.EQUAL_PRINCIPAL, RepaymentMethod.FLAT):
        return Decimal(1)
    if method is RepaymentMethod.STEP and index < len(terms.step_weights):
        return terms.step_weights[index]
    if method is RepaymentMethod.CUSTOM and index < len(terms.custom_principals):
        return terms.custom_principals[index]
    return Decimal(1) if index == count - 1 else ZERO


def _fee(terms: LoanTerms, amount: Decimal, rate: Decimal) -> Decimal:
    return Book(terms).round(amount + terms.principal * rate)


def kept_fees(terms: LoanTerms, amount: Decimal) -> Decimal:
    """Return the fees kept back from the first payout."""
    kept = [f for f in terms.fees if f.timing is FeeTiming.AT_PAYOUT]
    return sum((_fee(terms, fee.amount, fee.rate) for fee in kept), ZERO)


# -- money out --------------------------------------------------------------------------------------------


def pay_out(book: Book, event: LoanEvent, effect: Effect) -> None:
    """Start the loan, or add a tranche to it."""
    terms, day = book.terms, event.value_date
    if book.disbursed + event.amount > terms.principal:
        refuse("payout_exceeds_principal", N_("The payouts exceed the principal agreed."), event)
    if not book.disbursed:
        book.rows = first_rows(terms, day)
        if book.rows[0].due_date < day:
            refuse("payout_after_due_date", N_("The payout is later than the first due date."), event)
        effect.fee_kept = kept_fees(terms, event.amount)
        book.disbursed = book.running = event.amount
        book.charged_ever[0] += effect.fee_kept
        book.paid_ever[F] += effect.fee_kept
        book.segment_from = day
        book.open_period(day)
    else:
        if book.k >= len(book.rows):
            refuse("payout_after_maturity", N_("The payout is later than the last due date."), event)
        book.disbursed += event.amount
        book.running += event.amount
        if book.open_row() is None:
            book.reopen_last()
        book.plan.invalidate(rates=True)
        book.rebase(day)
    book.advance(day)


def refund(book: Book, event: LoanEvent, effect: Effect) -> None:
    """Pay the borrower's credit out."""
    if event.amount > book.credit:
        refuse(
            "refund_exceeds_credit",
            N_("Only %(credit)s can be refunded."),
            event,
            field="amount",
            credit=str(book.credit),
        )
    book.credit -= event.amount
    book.refunded += event.amount
    effect.credit = -event.amount


# -- money in ---------------------------------------------------------------------------------------------


def repay(book: Book, event: LoanEvent, effect: Effect) -> None:
    """Allocate a repayment."""
    if book.written_off:
        refuse("loan_written_off", N_("The loan is written off. Record a recovery instead."), event)
    chosen = event.data.get("prepayment")
    policy = PrepaymentPolicy(chosen) if chosen else book.terms.prepayment_policy
    effect.credit = book.allocate(event.amount, event.value_date, policy, effect.parts)


def recover(book: Book, event: LoanEvent, effect: Effect) -> None:
    """Take money on a loan that was written off."""
    if not book.written_off:
        refuse("loan_not_written_off", N_("The loan is not written off. Record a repayment."), event)
    book.recovered += event.amount


def charge_back(book: Book, event: LoanEvent, effect: Effect, paid: Effect, taken: Decimal) -> None:
    """Take a repayment's money back: first from credit, then from what it paid, last part first."""
    day = event.value_date
    left = event.amount
    if left + taken > paid.amount:
        refuse("charge_back_exceeds_payment", N_("More is charged back than was paid."), event)
    from_credit = min(left, book.credit)
    book.credit -= from_credit
    effect.credit = -from_credit
    left -= from_credit
    demand: Row | None = None
    undone: list[Part] = []
    for row, component, amount in reversed(paid.parts):
        part = min(left, amount, row.paid[component])
        if part <= 0:
            continue
        left -= part
        if row.is_due or component in (F, N):
            if component == P:
                book.settle_penalty(row, day)
                row.penalty_from = max(row.penalty_from, day)
                book.arrears += part
            row.paid[component] -= part
            undone.append(Part(row, component, -part))
        else:
            demand = demand or demand_row(book, day)
            _take_ahead(book, row, component, part)
            demand.due[component] += part
            if component == P:
                book.arrears += part
            undone.append(Part(demand, component, -part))
    if left:
        refuse("charge_back_of_used_credit", N_("The credit of this payment was refunded."), event)
    effect.parts = undone
    book.oldest = 0
    book.plan.invalidate()
    book.rebase(day)


def _take_ahead(book: Book, row: Row, component: int, part: Decimal) -> None:
    row.paid[component] -= part
    if component == P:
        row.extra = max(row.extra - part, ZERO)
    elif component == I and row is book.open_row():
        book.attributed += part


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


# -- charges and forgiveness --------------------------------------------------------------------------------


def add_fee(book: Book, event: LoanEvent, effect: Effect) -> None:
    """Charge a fee or a fixed penalty, due on its own date."""
    component = INDEX[Component(event.data.get("component", Component.FEE))]
    if component not in (F, N):
        refuse("fee_component_invalid", N_("A fee is a fee or a penalty."), event, field="component")
    due = date.fromisoformat(str(event.data.get("due_date", event.value_date)))
    if due < event.value_date:
        refuse("fee_due_before_charged", N_("A fee cannot fall due before it is charged."), event)
    row = next((r for r in book.rows if r.due_date >= due), book.rows[-1])
    row.charges.append(Charge(component, due, event.amount, optional=False))
    book.charged = True
    book.charged_ever[component - F] += event.amount
    effect.charged[component - F] += event.amount
    book.oldest = 0
    before = book.credit
    effect.parts = book.absorb_credit(event.value_date)
    effect.credit = book.credit - before


def waive(book: Book, event: LoanEvent, effect: Effect) -> None:
    """Forgive part of a component, the oldest first; interest also before it is due."""
    component = INDEX[Component(event.data.get("component", Component.PENALTY))]
    if component == P:
        refuse("waiver_of_principal", N_("Principal is written off, not waived."), event)
    left, day = event.amount, event.value_date
    for row in book.due_rows(day):
        part = min(left, book.unpaid(row, component, day))
        if part > 0:
            row.waived[component] += part
            row.touched = day
            left -= part
            effect.forgiven.append(Part(row, component, part))
    opened = book.open_row()
    if left and component == I and opened is not None:
        part = min(left, book.running_interest(day))
        if part > 0:
            opened.waived[I] += part
            left -= part
            effect.forgiven.append(Part(opened, I, part))
    if left:
        refuse("waiver_exceeds_due", N_("More is waived than is owed."), event, field="amount")


def write_off(book: Book, event: LoanEvent, effect: Effect) -> None:
    """Give the whole debt up; the loan stops earning."""
    day = event.value_date
    if book.written_off:
        refuse("loan_written_off", N_("The loan is written off already."), event)
    accelerate(book, day)
    before = book.credit
    effect.parts = book.absorb_credit(day)
    effect.credit = book.credit - before
    for row in book.rows:
        parts = [book.unpaid(row, component, day) for component in (P, I, F, N)]
        for component, part in enumerate(parts):
            if part:
                row.lost[component] += part
                effect.lost.append(Part(row, component, part))
    book.arrears = ZERO
    book.written_off = True
    book.rebase(day)


def withdraw(book: Book, event: LoanEvent, effect: Effect) -> None:
    """Undo the contract in the cooling-off period: what was paid out is due now, fees come back."""
    day, terms = event.value_date, book.terms
    first = book.rows[0].from_date
    if (day - first).days > terms.cooling_off_days:
        refuse(
            "cooling_off_over",
            N_("The loan could be withdrawn until %(date)s."),
            event,
            date=str(first + timedelta(days=terms.cooling_off_days)),
        )
    accelerate(book, day)
    if not terms.cooling_off_interest:
        for row in book.due_rows(day):
            part = book.unpaid(row, I, day)
            if part > 0:
                row.waived[I] += part
                effect.forgiven.append(Part(row, I, part))
    before = book.credit
    effect.fee_kept = kept_fees(terms, book.disbursed)
    if effect.fee_kept:
        book.credit += effect.fee_kept
        book.charged_ever[0] -= effect.fee_kept
        book.paid_ever[F] -= effect.fee_kept
    effect.parts = book.absorb_credit(day)
    effect.credit = book.credit - before


# -- changes of the agreement ----------------------------------------------------------------------------------


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
    """Ask a share of the sales reported for the running period."""
    terms = book.terms
    if book.k < len(book.rows):
        row = book.rows[book.k]
        row.ask += book.round(event.amount * terms.sales_share)
        if terms.period_cap is not None:
            row.ask = min(row.ask, terms.period_cap)


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
        row.weight = _new_weight(terms, index, count)
    book.charged = book.charged or bool(charges)
    for charge in charges:
        due = max(charge.due_date, rows[0].due_date)
        home = next((row for row in rows if row.due_date >= due), rows[-1])
        home.charges.append(Charge(charge.component, due, charge.amount, optional=charge.optional))
    book.rows.extend(rows)
    book.plan.invalidate(rates=True)
    book.open_period(day)


def _new_weight(terms: LoanTerms, index: int, count: int) -> Decimal:
    """Steps and custom amounts do not survive a reschedule: the rest is spread evenly."""
    if terms.repayment_method in (RepaymentMethod.STEP, RepaymentMethod.CUSTOM):
        return Decimal(1)
    return _weight(terms, index, count)


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


Handler = Callable[[Book, LoanEvent, Effect], None]
HANDLERS: Final[dict[EventKind, Handler]] = {
    EventKind.PAYOUT: pay_out,
    EventKind.REPAYMENT: repay,
    EventKind.REFUND: refund,
    EventKind.FEE: add_fee,
    EventKind.WAIVER: waive,
    EventKind.RATE_CHANGE: change_rate,
    EventKind.RESCHEDULE: reschedule,
    EventKind.RE_AGE: re_age,
    EventKind.EXTENSION: extend,
    EventKind.PAUSE: pause,
    EventKind.SALES: report_sales,
    EventKind.WITHDRAWAL: withdraw,
    EventKind.WRITE_OFF: write_off,
    EventKind.RECOVERY: recover,
}
MONEY_KINDS: Final = frozenset(
    {
        EventKind.PAYOUT,
        EventKind.REPAYMENT,
        EventKind.CHARGE_BACK,
        EventKind.REFUND,
        EventKind.FEE,
        EventKind.WAIVER,
        EventKind.RECOVERY,
    }
)


def check_amount(event: LoanEvent, currency: str) -> None:
    """Refuse an amount that is not positive money of the currency."""
    if event.kind in MONEY_KINDS and (
        not is_money(event.amount, currency=currency) or not ZERO < event.amount < 10**12
    ):
        refuse("amount_invalid", N_("Enter an amount such as 1500.00."), event, field="amount")

"""Apply one event to the book. One function an event kind, found by the table at the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from ledger.domain.money import ZERO, is_money, minor_unit
from loans.domain.agreements import (
    accelerate,
    change_rate,
    demand_row,
    extend,
    pause,
    re_age,
    refuse,
    report_sales,
    reschedule,
)
from loans.domain.book import Book, Effect, Part
from loans.domain.events import EventKind, LoanEvent
from loans.domain.layout import first_rows, kept_fees
from loans.domain.rows import INDEX, Charge, F, I, N, P, Row
from loans.domain.terms import Component, PrepaymentPolicy
from regimes.errors import N_

__all__ = ["HANDLERS", "charge_back", "check_amount", "first_rows", "kept_fees", "refuse"]

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


def take_back(book: Book, event: LoanEvent, effect: Effect) -> None:
    """Unlend what a shop took back: dated as the payout, it never bears interest and the instalments shrink."""
    if event.amount > book.running:
        refuse("return_exceeds_principal", N_("More is returned than was lent."), event, field="amount")
    policy = PrepaymentPolicy.SMALLER_INSTALMENTS
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


Handler = Callable[[Book, LoanEvent, Effect], None]
HANDLERS: Final[dict[EventKind, Handler]] = {
    EventKind.PAYOUT: pay_out,
    EventKind.PURCHASE_RETURN: take_back,
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
        EventKind.PURCHASE_RETURN,
        EventKind.REPAYMENT,
        EventKind.CHARGE_BACK,
        EventKind.REFUND,
        EventKind.FEE,
        EventKind.WAIVER,
        EventKind.RECOVERY,
        EventKind.SALES,
    }
)


def check_amount(event: LoanEvent, currency: str) -> None:
    """Refuse an amount that is not positive money of the currency; sales of nothing are sales too."""
    least = ZERO if event.kind is EventKind.SALES else minor_unit(currency)
    if event.kind in MONEY_KINDS and (
        not is_money(event.amount, currency=currency) or not least <= event.amount < 10**12
    ):
        refuse("amount_invalid", N_("Enter an amount such as 1500.00."), event, field="amount")

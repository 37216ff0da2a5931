"""From the fold to the rows: what one loan's tables and ledger accounts must say on a day.

Values only; who writes them is `operations`. Besides the state for people, each instalment gets the numbers by
which a statement can carry interest, penalty and fees forward without a fold: see `loans/operations/night.py`
and docs/algorithms/ledger.md.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Any, Final

from ledger.domain.chart import Role
from ledger.domain.money import EXACT, HALF_UP, ZERO
from loans.domain.book import Book
from loans.domain.engine import known_events, run
from loans.domain.events import LoanEvent
from loans.domain.journal import journal_legs
from loans.domain.rows import F, P, Row
from loans.domain.snapshot import pending_state, take_snapshot
from loans.domain.state import Amounts, InstalmentState, LoanState, LoanStatus
from loans.domain.terms import DayCount, InterestRounding, LoanTerms, OverdueInterest

FOREVER: Final = date(9999, 12, 31)
_PLACES: Final = 12  # of the column that carries exact products
# A movement is booked once the bank has confirmed it, so its money is at the bank and no longer on the way.
_ROLES: Final = {"CASH_IN_TRANSIT": Role.CASH_AT_BANK, "WRITE_OFF_LOSS": Role.WRITE_OFF_EXPENSE}


@dataclass(frozen=True, slots=True)
class Projection:
    """Hold the columns of one loan and of its instalments on a day."""

    state: LoanState
    loan: dict[str, Any]
    instalments: list[dict[str, Any]]


def position(terms: LoanTerms, events: Sequence[LoanEvent], *, value_date: date) -> dict[Role, Decimal]:
    """Return what the ledger must hold of a loan on a day, by role, debits positive."""
    balances: dict[Role, Decimal] = {}
    for leg in journal_legs(terms, events, value_date=value_date):
        role = _ROLES.get(str(leg.account_role)) or Role(str(leg.account_role))
        balances[role] = balances.get(role, ZERO) + leg.debit - leg.credit
    return balances


def difference(before: dict[Role, Decimal], after: dict[Role, Decimal]) -> dict[Role, Decimal]:
    """Return what must be posted so that `before` becomes `after`."""
    change = {role: after.get(role, ZERO) - before.get(role, ZERO) for role in {*before, *after}}
    return {role: amount for role, amount in change.items() if amount}


def project(terms: LoanTerms, events: Iterable[LoanEvent], *, as_of: date) -> Projection:
    """Return the rows of a loan as of a day."""
    listed = list(events)
    with localcontext(EXACT):
        standing = known_events(listed)
        last = max((event.sequence for event in listed), default=0)
        book = run(terms, standing, value_date=as_of)
        if not book.disbursed:
            state = pending_state(terms, as_of, last, cancelled=book.cancelled)
            return Projection(state, _loan_columns(terms, state, book, True), _pending_rows(state))
        state = take_snapshot(book, as_of, last)
        over = state.status in (LoanStatus.CLOSED, LoanStatus.WRITTEN_OFF)
        rows = [_facts(shown) for shown in state.instalments]
        set_wise = over or _is_set_wise(terms, book, rows, as_of)
        if not over:
            _add_arithmetic(book, rows, as_of)
        return Projection(state, _loan_columns(terms, state, book, set_wise), rows)


def _loan_columns(terms: LoanTerms, state: LoanState, book: Book, set_wise: bool) -> dict[str, Any]:
    settled = state.paid.plus(state.waived).plus(state.written_off)
    pending = not state.disbursed
    over = state.status in (LoanStatus.CLOSED, LoanStatus.WRITTEN_OFF, LoanStatus.CANCELLED)
    open_rows = [] if over or pending else [i for i in state.instalments if i.outstanding.total > 0]
    first = min(open_rows, key=lambda row: (row.due_date, row.number), default=None)
    horizon = max(first.due_date, state.value_date) if first is not None else None
    payable = [row for row in open_rows if horizon is not None and row.due_date <= horizon]
    return {
        "status": state.status.value,
        "annual_rate": state.annual_rate,
        "maturity_date": state.maturity_date,
        "closed_date": state.closed_date,
        "last_sequence": state.known_sequence,
        "disbursed": state.disbursed,
        "principal_outstanding": ZERO
        if state.status is LoanStatus.WRITTEN_OFF
        else state.principal_outstanding,
        "interest_outstanding": ZERO if over else state.due.interest + max(state.accrued_interest, ZERO),
        "fee_outstanding": ZERO if over else max(state.fees_charged - settled.fee, ZERO),
        "penalty_outstanding": ZERO if over else max(state.penalty_earned - settled.penalty, ZERO),
        "credit_balance": state.credit,
        "next_due_date": first.due_date if first is not None else None,
        "next_due_amount": sum((row.outstanding.total for row in payable), ZERO),
        "days_past_due": state.days_past_due,
        "bucket": bucket_of(state.days_past_due),
        "projected_date": state.value_date,
        "interest_earned": state.interest_earned,
        "fees_earned": state.fees_charged,
        "penalty_earned": state.penalty_earned,
        "interest_settled": settled.interest,
        "fees_settled": settled.fee,
        "penalty_settled": settled.penalty,
        "set_wise": set_wise,
    }


def bucket_of(days_past_due: int) -> str:
    """Name the bucket of a number of days past due."""
    for least, name in ((91, "DPD_91_PLUS"), (61, "DPD_61_90"), (31, "DPD_31_60"), (1, "DPD_1_30")):
        if days_past_due >= least:
            return name
    return "CURRENT"


def _facts(shown: InstalmentState) -> dict[str, Any]:
    """Return the columns for people."""
    forgiven = shown.waived.plus(shown.written_off)
    return {
        "number": shown.number,
        "from_date": shown.from_date,
        "due_date": shown.due_date,
        **_named(shown.due, "due"),
        **_named(shown.paid, "paid"),
        **_named(forgiven, "forgiven"),
        "balance_after": shown.balance_after,
        "paid_date": shown.paid_date,
        "outstanding": max(shown.outstanding.total, ZERO),
        **dict.fromkeys(ARITHMETIC),
        "penalty_days": ZERO,
        "penalty_base": ZERO,
        "penalty_counted": ZERO,
        "fee_on_due": ZERO,
    }


def _named(parts: Amounts, suffix: str) -> dict[str, Decimal]:
    return {
        f"principal_{suffix}": parts.principal,
        f"interest_{suffix}": parts.interest,
        f"fee_{suffix}": parts.fee,
        f"penalty_{suffix}": parts.penalty,
    }


def _pending_rows(state: LoanState) -> list[dict[str, Any]]:
    """A loan that waits for its payout shows its plan and owes nothing."""
    return [{**_facts(shown), "outstanding": ZERO} for shown in state.instalments]


ARITHMETIC: Final = (
    "accrual_after",
    "accrual_until",
    "accrual_from",
    "accrual_before",
    "accrual_carried",
    "accrual_base",
    "accrual_rate",
    "accrual_year",
    "penalty_from",
)


def _add_arithmetic(book: Book, rows: list[dict[str, Any]], as_of: date) -> None:
    """Add to each row what a statement needs to carry the loan beyond `as_of`."""
    by_number = {row["number"]: row for row in rows}
    coming = _coming(book, as_of)
    after = as_of - timedelta(days=1)
    for index, (row, arithmetic) in enumerate(coming):
        last = index == len(coming) - 1
        until = FOREVER if last else row.due_date
        by_number[row.number].update(arithmetic, accrual_after=after, accrual_until=until)
        after = until
    first_open = book.k
    for index, row in enumerate(book.rows[:first_open] + [row for row, _ in coming]):
        is_due = index < first_open
        target = by_number[row.number]
        unpaid = max(row.due[P] - row.settled(P), ZERO)
        target["penalty_base"] = unpaid
        target["penalty_from"] = (
            row.penalty_from if is_due else row.due_date + timedelta(days=book.terms.grace_days)
        )
        if is_due:
            target["penalty_counted"] = book.penalty_of(row, as_of)  # settles the row through as_of
            target["penalty_from"] = row.penalty_from
            target["penalty_days"] = row.penalty_days
        else:
            fees = sum((charge.amount for charge in row.charges if charge.optional), ZERO)
            target["fee_on_due"] = ZERO if row.settled(F) > 0 else fees


def _coming(book: Book, as_of: date) -> list[tuple[Row, dict[str, Any]]]:
    """Let the later rows fall due one by one, noting how interest runs in the period of each."""
    other = _look_ahead(book, as_of)
    found: list[tuple[Row, dict[str, Any]]] = []
    each = book.terms.interest_rounding is InterestRounding.EACH_SEGMENT
    while other.k < len(other.rows):
        row = other.rows[other.k]
        units, year = other.scale
        arithmetic = {
            "accrual_from": other.segment_from,
            "accrual_before": other.interest_closed + (other.segments if each else ZERO),
            "accrual_carried": ZERO if each else other.segments,
            "accrual_base": other.base,
            "accrual_rate": other.rate * units,
            "accrual_year": year,
        }
        other.fall_due()
        found.append((row, arithmetic))
    return found


def _look_ahead(book: Book, as_of: date) -> Book:
    """Copy the book as the engine does for its own look ahead, but stop before the rows fall due."""
    other = copy.copy(book)
    other.rows = book.rows[: book.k] + [row.copy() for row in book.rows[book.k :]]
    other.plan = book.plan.bound_to(other)
    other.projecting = True
    other.rebase(as_of)
    return other


def _is_set_wise(terms: LoanTerms, book: Book, rows: list[dict[str, Any]], as_of: date) -> bool:
    """Tell whether nothing but the calendar moves this loan, in a way that a statement can follow."""
    unpaid = {row["number"] for row in rows if row["outstanding"] > 0}
    return (
        terms.day_count is not DayCount.ACT_ACT_ISDA
        and terms.rounding == HALF_UP
        and terms.overdue_interest is OverdueInterest.PENALTY_ONLY
        and not book.credit
        and not book.pauses  # days past due leave paused days out for ever
        and not any(
            charge.due_date != row.due_date and not charge.optional
            for row in book.rows
            if row.number in unpaid
            for charge in row.charges
        )
        and all(_fits(number) for number in (book.segments, book.rate))
        and terms.penalty_rate == round(terms.penalty_rate, 6)  # of the loan's column
    )


def _fits(number: Decimal) -> bool:
    return -int(number.as_tuple().exponent) <= _PLACES or number == round(number, _PLACES)


__all__ = ["Projection", "bucket_of", "difference", "position", "project"]

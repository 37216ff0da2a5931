"""What a due date asks of a shop's sales, and why: a share of the calendar month before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from ledger.domain.money import ZERO, round_money
from loans.domain.events import EventKind, LoanEvent
from loans.domain.terms import LoanTerms

OWNER: Final = "OWNER"
RECORDS: Final = "RECORDS"
EXPECTED: Final = "EXPECTED"  # nothing was reported: the sales that were agreed on count


def month_after(day: date, months: int = 1) -> date:
    """Give the first day of the month so many months away.

    >>> month_after(date(2026, 11, 29), 2)
    datetime.date(2027, 1, 1)
    """
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def month_asked(due_date: date) -> date:
    """Give the first day of the month of whose sales a due date asks a share.

    >>> month_asked(date(2027, 1, 10))
    datetime.date(2026, 12, 1)
    """
    return month_after(due_date, -1)


def period_name(month: date) -> str:
    """Write a month as a report names it.

    >>> period_name(date(2026, 10, 1))
    '2026-10'
    """
    return f"{month:%Y-%m}"


def reports_in(events: Iterable[LoanEvent]) -> dict[str, LoanEvent]:
    """Give the report that counts of each month: the newest that was not taken back."""
    known = sorted(events, key=lambda event: event.sequence)
    undone = {str(event.data.get("reverses")) for event in known if event.kind is EventKind.REVERSAL}
    return {
        str(event.data["period"]): event
        for event in known
        if event.kind is EventKind.SALES and "period" in event.data and event.ref not in undone
    }


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold what one due date asks of one month's sales, and why."""

    month: date
    due_date: date
    share: Decimal
    cap: Decimal | None
    sales: Decimal
    asked: Decimal
    source: str  # OWNER, RECORDS or EXPECTED

    @property
    def product(self) -> Decimal:
        """Return the share before the cap."""
        return round_money(self.sales * self.share)

    @property
    def is_capped(self) -> bool:
        """Tell whether the cap set the amount."""
        return self.cap is not None and self.product > self.cap


def asked_of(*, terms: LoanTerms, due_date: date, reports: Mapping[str, LoanEvent]) -> Asked:
    """Say what a due date asks of the sales of the month before it, as reported or else as expected."""
    month = month_asked(due_date)
    told = reports.get(period_name(month))
    sales = told.amount if told is not None else terms.expected_sales or ZERO
    ask = round_money(sales * terms.sales_share)
    return Asked(
        month=month,
        due_date=due_date,
        share=terms.sales_share,
        cap=terms.period_cap,
        sales=sales,
        asked=ask if terms.period_cap is None else min(ask, terms.period_cap),
        source=EXPECTED if told is None else str(told.data.get("source", OWNER)),
    )

"""The cash-flow picture of a business: what its months say, and what of it a lender would worry about.

Plain sums of the same monthly roll-ups that the features are made of, so the owner sees what the lender sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Final

DAYS_A_MONTH: Final = Decimal(30)
SEASON_MONTHS: Final = 12  # fewer say nothing of a season


@dataclass(frozen=True, slots=True)
class Month:
    """Hold one month in yuan. What no source speaks of is None: it is not zero."""

    month: date
    sales: Decimal | None = None
    purchases: Decimal | None = None
    money_in: Decimal | None = None
    money_out: Decimal | None = None
    balance_end: Decimal | None = None
    top_customer: Decimal | None = None
    top_supplier: Decimal | None = None

    @property
    def turnover(self) -> Decimal | None:
        """Return invoiced sales, or what came in where no invoices are known."""
        return self.money_in if self.sales is None else self.sales

    @property
    def spent(self) -> Decimal | None:
        """Return what went out, or purchases where no statement is known."""
        return self.purchases if self.money_out is None else self.money_out


@dataclass(frozen=True, slots=True)
class CashFlow:
    """Hold the picture. Ratios are fractions; `season` maps a month of the year to its sales over the mean."""

    months: tuple[Month, ...]
    sales_mean: Decimal | None
    trend: Decimal | None
    season: dict[int, Decimal]
    buffer_days: int | None
    top_customer: Decimal | None
    top_supplier: Decimal | None
    newest: date | None
    age_days: int | None


def picture(months: Sequence[Month], *, newest: date | None, as_of: date) -> CashFlow:
    """Work the picture out of whole months, oldest first, and of the newest day that a source speaks of."""
    told = tuple(sorted(months, key=lambda row: row.month))
    assert all(earlier.month < later.month for earlier, later in pairwise(told))
    turnover = [row.turnover for row in told]
    last3, before3 = _mean(turnover[-3:]), _mean(turnover[-6:-3])
    out = _mean([row.spent for row in told[-3:]])
    balance = next((row.balance_end for row in reversed(told) if row.balance_end is not None), None)
    return CashFlow(
        months=told,
        sales_mean=_mean(turnover[-6:]),
        trend=last3 / before3 if last3 is not None and before3 else None,
        season=_season(told),
        buffer_days=int(max(balance, Decimal(0)) / out * DAYS_A_MONTH)
        if balance is not None and out
        else None,
        top_customer=_mean([row.top_customer for row in told[-6:]]),
        top_supplier=_mean([row.top_supplier for row in told[-6:]]),
        newest=newest,
        age_days=(as_of - newest).days if newest is not None else None,
    )


def _mean(values: Sequence[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) / len(known) if known else None


def _season(months: Sequence[Month]) -> dict[int, Decimal]:
    known = [(row.month.month, row.turnover) for row in months if row.turnover is not None]
    mean = _mean([value for _month, value in known])
    if len(known) < SEASON_MONTHS or not mean:
        return {}
    found: dict[int, list[Decimal | None]] = {}
    for month, value in known:
        found.setdefault(month, []).append(value)
    return {month: (_mean(values) or Decimal(0)) / mean for month, values in sorted(found.items())}


class Sign(StrEnum):
    """Name what a lender would worry about."""

    FEED_AGING = "FEED_AGING"
    FEED_STALE = "FEED_STALE"
    SALES_FALLING = "SALES_FALLING"
    CONCENTRATED = "CONCENTRATED"
    THIN_BUFFER = "THIN_BUFFER"
    # of the debt, told by whoever knows it
    NEAR_LIMIT = "NEAR_LIMIT"
    DUE_ABOVE_BALANCE = "DUE_ABOVE_BALANCE"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Hold where a sign begins to be told, well before it counts."""

    feed_tell_days: int = 45
    feed_stale_days: int = 60
    trend_below: Decimal = Decimal("0.85")
    top_above: Decimal = Decimal("0.50")
    buffer_below_days: int = 14


@dataclass(frozen=True, slots=True)
class Warned:
    """Hold one sign with the figure seen and the figure from which it counts."""

    sign: Sign
    seen: int
    counts_from: int


def early_signs(flow: CashFlow, *, limits: Thresholds | None = None) -> list[Warned]:
    """List what is near to counting against the business, the most urgent first; figures in days or per cent."""
    at = limits or Thresholds()
    found: list[Warned] = []
    if flow.age_days is not None and flow.age_days > at.feed_stale_days:
        found.append(Warned(Sign.FEED_STALE, flow.age_days, at.feed_stale_days))
    elif flow.age_days is not None and flow.age_days > at.feed_tell_days:
        found.append(Warned(Sign.FEED_AGING, flow.age_days, at.feed_stale_days))
    if flow.buffer_days is not None and flow.buffer_days < at.buffer_below_days:
        found.append(Warned(Sign.THIN_BUFFER, flow.buffer_days, at.buffer_below_days))
    if flow.trend is not None and flow.trend < at.trend_below:
        found.append(Warned(Sign.SALES_FALLING, int(flow.trend * 100), int(at.trend_below * 100)))
    if flow.top_customer is not None and flow.top_customer > at.top_above:
        found.append(Warned(Sign.CONCENTRATED, int(flow.top_customer * 100), int(at.top_above * 100)))
    return found

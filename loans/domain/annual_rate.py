"""The annual rate of a set of dated flows, by the standards of four rule books.

Flows are seen from the borrower: money received is positive, money paid is negative; the sign of all may
be turned. A rate is not money: it is the root of a smooth function, found in double precision to 1e-13
by a bracketed Newton search and handed back as a Decimal. The tests find each root a second time, by
bisection with forty digits.

- PBOC announcement 2021 No. 3 (China): the internal rate of return of all costs, compounded, days / 365.
- Regulation Z appendix J (United States): unit-period rate x unit-periods a year, odd days simple.
- Directive 2008/48/EC and CONC App 1.2 (European Union, United Kingdom): effective, months as 1/12 years
  and odd days over 365 or 366; or days / 365.
- XIRR (spreadsheets): effective, always days / 365.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Final

from loans.domain.calendar import add_months
from loans.domain.day_count import is_month_end
from loans.domain.terms import Frequency
from regimes.errors import N_, InvalidInput

Flow = tuple[date, Decimal]
_PLACES: Final = Decimal("1e-10")
_LOG_LOW, _LOG_HIGH = -8.0, 16.0  # rates from -99.97 % to far above any that was ever printed


class UnableToFindRate(InvalidInput):
    """Refuse flows that have no annual rate."""


def _refuse_flows() -> UnableToFindRate:
    return UnableToFindRate(
        "rate_not_defined", N_("These payments have no annual rate: money must flow both ways.")
    )


def find_root(function: Callable[[float], tuple[float, float]], low: float, high: float) -> float:
    """Find the root nearest to zero between two bounds; the function gives its value and slope."""
    low, high = _bracket(function, low, high)
    value_low = function(low)[0]
    if value_low == 0:
        return low
    at = 0.5 * (low + high)
    for _ in range(200):
        value, slope = function(at)
        if value == 0:
            return at
        if (value > 0) == (value_low > 0):
            low = at
        else:
            high = at
        step = at - value / slope if slope else low
        following = step if low < step < high else 0.5 * (low + high)
        if abs(following - at) <= 1e-15 * max(1.0, abs(at)):
            return following
        at = following
    return at


def _bracket(
    function: Callable[[float], tuple[float, float]], low: float, high: float
) -> tuple[float, float]:
    """Widen from zero in both directions until the sign changes."""
    here = function(0.0)[0]
    step, up, down = 0.05, 0.0, 0.0
    while up < high or down > low:
        for sign in (1, -1):
            inner = up if sign > 0 else down
            outer = min(up + step, high) if sign > 0 else max(down - step, low)
            value = function(outer)[0]
            before = function(inner)[0] if inner else here
            if before == 0:
                return inner, inner
            if math.isfinite(value) and (value > 0) != (before > 0):
                return min(inner, outer), max(inner, outer)
            if sign > 0:
                up = outer
            else:
                down = outer
        step *= 1.6
    raise _refuse_flows()


def effective_rate(timed: Iterable[tuple[Fraction | float | int, Decimal]]) -> Decimal:
    """Return X with sum(amount x (1 + X) ** -years) = 0."""
    pairs = [(float(years), float(amount)) for years, amount in timed]
    _check_signs([amount for _, amount in pairs])

    def worth(log_rate: float) -> tuple[float, float]:
        value = slope = 0.0
        for years, amount in pairs:
            discounted = amount * math.exp(-log_rate * years)
            value += discounted
            slope -= years * discounted
        return value, slope

    longest = max(years for years, _ in pairs) or 1.0
    bound = 600.0 / longest  # keeps exp within its range
    root = find_root(worth, max(_LOG_LOW, -bound), min(_LOG_HIGH, bound))
    return as_rate(math.expm1(root))


def _check_signs(amounts: Sequence[float]) -> None:
    if not any(amount > 0 for amount in amounts) or not any(amount < 0 for amount in amounts):
        raise _refuse_flows()


def as_rate(value: float) -> Decimal:
    """Turn a root into a Decimal of ten places."""
    if not math.isfinite(value):
        raise _refuse_flows()
    return Decimal(repr(value)).quantize(_PLACES, ROUND_HALF_UP)


def internal_rate(values: Sequence[Decimal]) -> Decimal:
    """Return the periodic internal rate of return of evenly spaced values."""
    return effective_rate(list(enumerate(values)))


def level_rate(*, periods: int, payment: Decimal, present: Decimal) -> Decimal:
    """Return the periodic rate at which level payments repay a present value (spreadsheet RATE)."""
    return internal_rate([present, *([payment] * periods)])


def xirr(flows: Sequence[Flow], *, days_in_year: Decimal | int = 365) -> Decimal:
    """Return the effective annual rate with years of so many days, leap or not."""
    first = flows[0][0]
    year = Fraction(days_in_year)
    return effective_rate([(Fraction((day - first).days) / year, amount) for day, amount in flows])


def pboc_rate(flows: Sequence[Flow]) -> Decimal:
    """Return the annual rate by the method of internal rate of return of PBOC 2021 No. 3, compounded."""
    return xirr(flows)


def uk_apr(flows: Sequence[Flow]) -> Decimal:
    """Return the APR of CONC App 1.2 with days over 365."""
    return xirr(flows)


# -- European Union ------------------------------------------------------------------------------------


def eu_interval(start: date, end: date) -> Fraction:
    """Measure years as whole months counted back from the payment, and the odd days at the start."""
    if is_month_end(start) and is_month_end(end):
        return Fraction((end.year - start.year) * 12 + end.month - start.month, 12)
    months = (end.year - start.year) * 12 + end.month - start.month
    if add_months(end, -months) < start:
        months -= 1
    reached = add_months(end, -months)
    odd = (reached - start).days
    if not odd:
        return Fraction(months, 12)
    year = (reached - add_months(reached, -12)).days
    return Fraction(months, 12) + Fraction(odd, year)


def eu_aprc(flows: Sequence[Flow]) -> Decimal:
    """Return the annual percentage rate of charge of the Consumer Credit Directive."""
    first = flows[0][0]
    return effective_rate([(eu_interval(first, day), amount) for day, amount in flows])


# -- United States -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UnitPeriod:
    """Hold the unit-period of appendix J: whole months, or whole days."""

    months: int = 0
    days: int = 0

    @property
    def per_year(self) -> Fraction:
        """Return how many unit-periods a year has."""
        if self.months:
            return Fraction(12, self.months)
        return Fraction(365) if self.days == 1 else Fraction(364, self.days)

    def measure(self, start: date, end: date) -> tuple[int, Fraction]:
        """Count whole unit-periods back from the end, and the odd part of one at the start."""
        if not self.months:
            whole, odd = divmod((end - start).days, self.days)
            return whole, Fraction(odd, self.days)
        months = (end.year - start.year) * 12 + end.month - start.month
        if _months_back(end, months, start) < start:
            months -= 1
        odd_days = (_months_back(end, months, start) - start).days
        whole, odd_months = divmod(months, self.months)
        return whole, (odd_months + Fraction(odd_days, 30)) / self.months


def _months_back(end: date, months: int, start: date) -> date:
    both_ends = is_month_end(start) and is_month_end(end)
    return add_months(end, -months, anchor_day=31 if both_ends else None)


UNIT_PERIODS: Final[dict[Frequency, UnitPeriod]] = {
    Frequency.DAILY: UnitPeriod(days=1),
    Frequency.WEEKLY: UnitPeriod(days=7),
    Frequency.BIWEEKLY: UnitPeriod(days=14),
    Frequency.MONTHLY: UnitPeriod(months=1),
    Frequency.QUARTERLY: UnitPeriod(months=3),
    Frequency.YEARLY: UnitPeriod(months=12),
    Frequency.CUSTOM: UnitPeriod(months=1),
}


def us_unit_rate(measured: Iterable[tuple[int, Fraction, Decimal]]) -> Decimal:
    """Return i with sum(amount / ((1 + f i)(1 + i) ** t)) = 0: odd parts simple, whole ones compound."""
    terms = [(t, float(f), float(amount)) for t, f, amount in measured]
    _check_signs([amount for _, _, amount in terms])

    def worth(rate: float) -> tuple[float, float]:
        value = slope = 0.0
        for whole, odd, amount in terms:
            simple = 1 + odd * rate
            discounted = amount / (simple * (1 + rate) ** whole)
            value += discounted
            slope -= discounted * (odd / simple + whole / (1 + rate))
        return value, slope

    return as_rate(find_root(worth, -0.9, 50.0))


def us_apr(flows: Sequence[Flow], unit: UnitPeriod) -> Decimal:
    """Return the annual percentage rate of Regulation Z appendix J, actuarial method."""
    first = flows[0][0]
    received = [day for day, amount in flows if amount > 0]
    paid = [day for day, amount in flows if amount < 0]
    if len(received) == 1 and len(paid) == 1:
        return single_payment_apr(flows)
    measured = [(*unit.measure(first, day), amount) for day, amount in flows]
    return (us_unit_rate(measured) * unit.per_year.numerator / unit.per_year.denominator).quantize(
        _PLACES, ROUND_HALF_UP
    )


def single_payment_apr(flows: Sequence[Flow]) -> Decimal:
    """Return the appendix J rate of one advance and one payment: the unit-period is the term."""
    (start, advance), (end, payment) = sorted(flows)
    days = (end - start).days
    if not days:
        raise _refuse_flows()
    if days <= 366 and not add_months(start, 12) < end:
        whole_months = next((m for m in range(1, 13) if add_months(start, m) == end), None)
        per_year = Fraction(12, whole_months) if whole_months else Fraction(365, days)
        finance_charge = -payment / advance - 1
        rate = finance_charge * per_year.numerator / per_year.denominator
        return rate.quantize(_PLACES, ROUND_HALF_UP)
    whole, odd = UnitPeriod(months=12).measure(start, end)
    return us_unit_rate([(0, Fraction(0), advance), (whole, odd, payment)])


# -- conversions ---------------------------------------------------------------------------------------


def effective_from_nominal(nominal: Decimal, periods: int) -> Decimal:
    """Return the effective rate of a nominal one compounded so often a year."""
    return as_rate(math.expm1(periods * math.log1p(float(nominal) / periods)))


def nominal_from_effective(effective: Decimal, periods: int) -> Decimal:
    """Return the nominal rate whose compounding gives the effective one."""
    return as_rate(periods * math.expm1(math.log1p(float(effective)) / periods))

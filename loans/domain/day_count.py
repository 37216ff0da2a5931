"""Turn two dates into a part of a year, exactly, by the conventions that contracts name.

Every convention is written as whole numbers: a number of units over a number of units in a year. Interest
is then one exact product and one division at the end, never a daily rate that was rounded before.
"""

from __future__ import annotations

from calendar import isleap, monthrange
from datetime import date, timedelta
from fractions import Fraction
from typing import Final

from loans.domain.terms import DayCount, Frequency

# Actual/actual counts in units of 1/(365 x 366) of a year, so both kinds of year are whole numbers.
ACT_ACT_YEAR: Final = 365 * 366

NOMINAL_DAYS: Final[dict[Frequency, int]] = {
    Frequency.DAILY: 1,
    Frequency.WEEKLY: 7,
    Frequency.BIWEEKLY: 14,
    Frequency.MONTHLY: 30,
    Frequency.QUARTERLY: 90,
    Frequency.YEARLY: 360,
}


def is_month_end(day: date) -> bool:
    """Tell whether a day is the last of its month."""
    return day.day == monthrange(day.year, day.month)[1]


def _days_360(start: date, end: date, first: int, last: int) -> int:
    return 360 * (end.year - start.year) + 30 * (end.month - start.month) + (last - first)


def days_30_360_bond(start: date, end: date) -> int:
    """Count days by 30/360 bond basis (30A/360, ISDA 2006 4.16(f))."""
    first = min(start.day, 30)
    last = 30 if end.day == 31 and first == 30 else end.day
    return _days_360(start, end, first, last)


def days_30e_360(start: date, end: date) -> int:
    """Count days by 30E/360 (Eurobond basis): a 31st is a 30th at either end."""
    return _days_360(start, end, min(start.day, 30), min(end.day, 30))


def days_30_360_us(start: date, end: date) -> int:
    """Count days by 30/360 US: the last of February is a 30th when it starts the period."""
    first, last = start.day, end.day
    if start.month == 2 and is_month_end(start):
        if end.month == 2 and is_month_end(end):
            last = 30
        first = 30
    if last == 31 and first >= 30:
        last = 30
    return _days_360(start, end, min(first, 30), last)


def days_30e_360_isda(start: date, end: date, *, termination: date | None = None) -> int:
    """Count days by 30E/360 ISDA: month ends are 30ths, but a final end of February stays as it is."""
    first = 30 if is_month_end(start) else start.day
    keep = termination is not None and end == termination and end.month == 2
    last = 30 if is_month_end(end) and not keep else end.day
    return _days_360(start, end, first, last)


def days_360(convention: DayCount, start: date, end: date, *, termination: date | None = None) -> int:
    """Count days of a 30/360 convention."""
    if convention is DayCount.THIRTY_E_360:
        return days_30e_360(start, end)
    if convention is DayCount.THIRTY_US_360:
        return days_30_360_us(start, end)
    if convention is DayCount.THIRTY_E_360_ISDA:
        return days_30e_360_isda(start, end, termination=termination)
    return days_30_360_bond(start, end)


def act_act_units(start: date, end: date) -> int:
    """Count actual/actual ISDA in 1/(365 x 366) years: a day weighs by the length of its own year."""
    if start.year == end.year:
        return (end - start).days * (365 if isleap(start.year) else 366)
    units = 0
    at = start
    while at < end:
        until = min(date(at.year + 1, 1, 1), end) if at.year < 9999 else end
        units += (until - at).days * (365 if isleap(at.year) else 366)
        at = until
    return units


def year_fraction(
    convention: DayCount, start: date, end: date, *, termination: date | None = None
) -> Fraction:
    """Return the exact part of a year between two dates."""
    if convention is DayCount.ACT_365F:
        return Fraction((end - start).days, 365)
    if convention is DayCount.ACT_360:
        return Fraction((end - start).days, 360)
    if convention is DayCount.ACT_ACT_ISDA:
        return Fraction(act_act_units(start, end), ACT_ACT_YEAR)
    return Fraction(days_360(convention, start, end, termination=termination), 360)


def actual_units(convention: DayCount, start: date, end: date) -> int:
    """Count the days between two dates in the unit whose year is `actual_year`."""
    if convention is DayCount.ACT_ACT_ISDA:
        return act_act_units(start, end)
    return (end - start).days


def actual_year(convention: DayCount) -> int:
    """Return how many units a year has when single days are counted (penalty, time after maturity)."""
    if convention is DayCount.ACT_ACT_ISDA:
        return ACT_ACT_YEAR
    return 365 if convention is DayCount.ACT_365F else 360


def period_scale(
    convention: DayCount,
    start: date,
    end: date,
    *,
    frequency: Frequency,
    periods: int = 1,
    termination: date | None = None,
) -> tuple[int, int]:
    """Return (units of one day, units of a year) for the days inside one interest period.

    Under the 30/360 conventions the whole period counts its nominal days and each actual day in it an
    equal part of them, so any cut of the period adds up to the whole.
    """
    if convention in (DayCount.ACT_365F, DayCount.ACT_360, DayCount.ACT_ACT_ISDA):
        return 1, actual_year(convention)
    days = max((end - start).days, 1)
    nominal = NOMINAL_DAYS.get(frequency)
    if convention is DayCount.THIRTY_360_NOMINAL and nominal is not None:
        return nominal * periods, 360 * days
    return max(days_360(convention, start, end, termination=termination), 0), 360 * days


# -- conventions of other houses, for comparing with their figures -------------------------------------------


def isma_fraction(start: date, end: date, reference_start: date, reference_end: date) -> Fraction:
    """Return actual/actual ISMA: days over the days of the reference coupon times coupons a year."""
    months = round((reference_end - reference_start).days * 12 / 365)
    per_coupon = Fraction(months, 12)
    total = Fraction(0)
    first, last = reference_start, reference_end
    while end > last:
        first, last = last, _move(last, months)
    at = end
    while at > start:
        while at <= first:
            last, first = first, _move(first, -months)
        lower = max(start, first)
        total += Fraction((at - lower).days, (last - first).days) * per_coupon
        at = lower
    return total


def _move(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def afb_fraction(start: date, end: date) -> Fraction:
    """Return actual/actual AFB: whole years back from the end, the rest over 365 or 366 if it has 29 February."""
    years, at = 0, end
    while True:
        before = _move(at, -12)
        if at.month == 2 and at.day == 28 and isleap(before.year):
            before = date(before.year, 2, 29)
        if before < start:
            break
        years, at = years + 1, before
    return years + Fraction((at - start).days, 366 if has_29_february(start, at) else 365)


def has_29_february(start: date, end: date) -> bool:
    """Tell whether a 29 February lies from the start (included) to the end (left out)."""
    return any(isleap(year) and start <= date(year, 2, 29) < end for year in range(start.year, end.year + 1))


def excel_basis_1(start: date, end: date) -> Fraction:
    """Return YEARFRAC basis 1: actual days over the average length of the years touched."""
    days = (end - start).days
    within = end <= _move(start, 12)
    if within:
        if start.year == end.year:
            year = Fraction(366 if isleap(start.year) else 365)
        else:
            after = has_29_february(start, end + timedelta(days=1))
            year = Fraction(366 if after else 365)
    else:
        span = range(start.year, end.year + 1)
        year = Fraction(sum(366 if isleap(y) else 365 for y in span), len(span))
    return days / year

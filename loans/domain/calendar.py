"""Due dates: anchored at month ends, on a chosen day, rolled off holidays.

The anchor day is kept for the life of the loan and clipped month by month, so 31 January is followed by
28 February and then by 31 March, never by 28 March.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from loans.domain.terms import Frequency, HolidayRoll, LoanTerms, RepaymentMethod

MONTHS: Final[dict[Frequency, int]] = {
    Frequency.MONTHLY: 1,
    Frequency.QUARTERLY: 3,
    Frequency.YEARLY: 12,
}
DAYS: Final[dict[Frequency, int]] = {
    Frequency.DAILY: 1,
    Frequency.WEEKLY: 7,
    Frequency.BIWEEKLY: 14,
}
ONE_DAY: Final = timedelta(days=1)


def add_months(day: date, months: int, *, anchor_day: int | None = None) -> date:
    """Move a date by whole months, clipping the anchor day to the month it lands in."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    wanted = day.day if anchor_day is None else anchor_day
    return date(year, month + 1, min(wanted, monthrange(year, month + 1)[1]))


def month_end(day: date, months: int = 0) -> date:
    """Return the last day of the month that lies so many months away."""
    return add_months(day, months, anchor_day=31)


def next_month_first(day: date, months: int, *, anchor_day: int) -> date:
    """Move by months; a day that the month lacks becomes the first of the month after it."""
    clipped = add_months(day, months, anchor_day=anchor_day)
    return clipped if clipped.day == anchor_day else clipped + ONE_DAY


def first_due_on_day(loan_date: date, due_day: int) -> date:
    """Return the first date strictly after the loan date on the chosen day, clipped to its month."""
    same_month = add_months(loan_date, 0, anchor_day=due_day)
    return same_month if same_month > loan_date else add_months(loan_date, 1, anchor_day=due_day)


@dataclass(frozen=True, slots=True)
class BusinessDays:
    """Tell business days from others. A calendar that lacks a year simply has no holiday in it."""

    holidays: Collection[date] = ()
    weekends: bool = False  # whether Saturday and Sunday are holidays too
    working_days: Collection[date] = ()  # weekends that are worked all the same

    def __contains__(self, day: date) -> bool:
        if day in self.holidays:
            return False
        return not self.weekends or day.weekday() < 5 or day in self.working_days


def roll_date(day: date, roll: HolidayRoll, business_days: BusinessDays) -> date:
    """Move a due date off holidays."""
    if roll is HolidayRoll.SAME or day in business_days:
        return day
    step = -ONE_DAY if roll is HolidayRoll.PREVIOUS else ONE_DAY
    moved = _next_business_day(day, step, business_days)
    if roll is HolidayRoll.MODIFIED_FOLLOWING and moved.month != day.month:
        return _next_business_day(day, -ONE_DAY, business_days)
    return moved


def _next_business_day(day: date, step: timedelta, business_days: BusinessDays) -> date:
    while day not in business_days:
        day += step
    return day


def due_dates_from(
    first_due: date,
    *,
    count: int,
    frequency: Frequency,
    every: int = 1,
    anchor_day: int | None = None,
) -> list[date]:
    """Return a series of unrolled due dates that starts with the first one."""
    months = MONTHS.get(frequency)
    if months is not None:
        anchor = first_due.day if anchor_day is None else anchor_day
        later = [add_months(first_due, months * every * i, anchor_day=anchor) for i in range(1, count)]
        return [first_due, *later]
    step = timedelta(days=DAYS[frequency] * every)
    return [first_due + step * i for i in range(count)]


def first_due_date(terms: LoanTerms) -> tuple[date, int | None]:
    """Return the unrolled first due date of the terms and the anchor day of the months."""
    months = MONTHS.get(terms.frequency)
    if months is not None:
        months *= terms.every
    if terms.first_due_date is not None:
        first = terms.first_due_date
        if terms.due_day is not None:
            return first, terms.due_day
        # A first due date that is the start date moved by one period keeps the start's own day: a loan
        # of 31 January that is first due on 28 February is due on 31 March next.
        regular = months is not None and first == add_months(terms.start_date, months)
        return first, terms.start_date.day if regular else first.day
    if months is None:
        return terms.start_date + timedelta(days=DAYS[terms.frequency] * terms.every), None
    if terms.due_day is None:
        return add_months(terms.start_date, months), terms.start_date.day
    first = first_due_on_day(terms.start_date, terms.due_day)
    return add_months(first, months - 1, anchor_day=terms.due_day), terms.due_day


def due_dates(terms: LoanTerms) -> list[date]:
    """Return every due date of the terms, rolled off the holidays frozen with them."""
    if terms.custom_due_dates:
        series = list(terms.custom_due_dates)
    else:
        first, anchor = first_due_date(terms)
        series = due_dates_from(
            first,
            count=terms.instalment_count,
            frequency=terms.frequency,
            every=terms.every,
            anchor_day=anchor,
        )
    if terms.repayment_method in (RepaymentMethod.BULLET, RepaymentMethod.FLEXIBLE):
        series = series[-1:]
    return roll_all(terms, series)


def roll_all(terms: LoanTerms, series: list[date]) -> list[date]:
    """Roll a series of due dates by the terms."""
    if terms.holiday_roll is HolidayRoll.SAME:
        return series
    business_days = BusinessDays(
        frozenset(terms.holidays), terms.weekends_are_holidays, frozenset(terms.working_days)
    )
    return [roll_date(day, terms.holiday_roll, business_days) for day in series]

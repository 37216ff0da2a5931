"""The calendar that new contracts are agreed under. Questions only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from loans.domain.calendar import due_dates
from loans.domain.terms import HolidayRoll, LoanTerms
from loans.models import CalendarDay, CalendarRule

BEYOND = timedelta(days=31)  # how far past the last due date a holiday may still move it


def calendar_rule() -> CalendarRule:
    """Return what due dates do on a holiday; they stay until somebody says otherwise."""
    return CalendarRule.objects.filter(pk=1).first() or CalendarRule()


def on_the_calendar(terms: LoanTerms, *, rule: CalendarRule | None = None) -> LoanTerms:
    """Return terms whose due dates keep off the holidays of today's calendar, if the rule asks for it.

    The days are frozen with the terms: whoever changes the calendar later changes no contract. A year that the calendar
    lacks has weekends and no holidays. Who has read the rule already gives it.
    """
    rule = rule or calendar_rule()
    if rule.roll == HolidayRoll.SAME.value or terms.holiday_roll is not HolidayRoll.SAME:
        return terms
    last = due_dates(terms)[-1] + BEYOND
    days = CalendarDay.objects.filter(day__gte=terms.start_date, day__lte=last).order_by("day")
    found = list(days.values_list("day", "kind"))
    return replace(
        terms,
        holiday_roll=HolidayRoll(rule.roll),
        weekends_are_holidays=rule.weekends,
        holidays=tuple(day for day, kind in found if kind == CalendarDay.Kind.HOLIDAY),
        working_days=tuple(day for day, kind in found if kind == CalendarDay.Kind.WORKDAY),
    )


@dataclass(frozen=True, slots=True)
class CalendarYear:
    """Show one year of the calendar."""

    year: int
    days: tuple[CalendarDay, ...]
    is_empty: bool


def calendar_year(*, year: int) -> CalendarYear:
    """Return the days of a year that the table speaks of."""
    days = tuple(
        CalendarDay.objects.filter(day__gte=date(year, 1, 1), day__lte=date(year, 12, 31)).order_by("day")
    )
    return CalendarYear(year, days, not days)

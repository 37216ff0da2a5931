"""Months and what closing one asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class CloseCheck:
    """State one thing that must be so before a month is closed. `title` is a message id; `found` says what is there."""

    code: str
    title: str
    holds: bool
    found: str = ""


def month_end(day: date) -> date:
    """Return the last day of a day's month."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def is_month_end(day: date) -> bool:
    """Tell whether a day is the last of its month."""
    return (day + timedelta(days=1)).day == 1


def day_before(day: date) -> date:
    """Return the day before."""
    return day - timedelta(days=1)


def month_before(end: date) -> date:
    """Return the last day of the month before the month that a day is in."""
    return day_before(end.replace(day=1))


def next_to_close(*, first_date: date, closed_through: date | None) -> date:
    """Return the end of the first month that is not closed."""
    return month_end(first_date if closed_through is None else closed_through + timedelta(days=1))


def first_failing(checks: Sequence[CloseCheck]) -> CloseCheck | None:
    """Return the first check that does not hold."""
    return next((check for check in checks if not check.holds), None)

"""Dates that people type, and ages."""

from __future__ import annotations

import re
from datetime import date

from regimes.errors import N_, InvalidInput

EARLIEST_BIRTH = date(1900, 1, 1)
EARLIEST_FOUNDING = date(1600, 1, 1)
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class UnableToReadDate(InvalidInput):
    """Refuse what is no date, or a date that cannot be."""


def parse_date(raw: str, *, field: str = "date") -> date:
    """Read `YYYY-MM-DD` and nothing else."""
    text = raw.strip()
    if not _ISO.fullmatch(text):
        raise UnableToReadDate("date_invalid", N_("Use YYYY-MM-DD."), field=field)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UnableToReadDate(
            "date_invalid", N_("This day is not in the calendar. Use YYYY-MM-DD."), field=field
        ) from None


def age_on(*, birth_date: date, day: date) -> int:
    """Return full years; who is born on 29 February turns a year older on 1 March of a common year."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def check_birth_date(*, birth_date: date, as_of: date, minimum_age: int, field: str = "birth_date") -> None:
    """Refuse a birth in the future, before 1900, or too recent to borrow."""
    if birth_date > as_of:
        raise UnableToReadDate("birth_date_future", N_("The date of birth is in the future."), field=field)
    if birth_date < EARLIEST_BIRTH:
        raise UnableToReadDate(
            "birth_date_invalid", N_("The date of birth must be 1900-01-01 or later."), field=field
        )
    if age_on(birth_date=birth_date, day=as_of) < minimum_age:
        raise UnableToReadDate(
            "under_age",
            N_("You must be %(age)s or older to borrow."),
            field=field,
            params={"age": minimum_age},
        )


def check_founded_date(*, founded_date: date, as_of: date, field: str = "founded_date") -> None:
    """Refuse a business that is not founded yet."""
    if founded_date > as_of:
        raise UnableToReadDate("founded_future", N_("The founding date is in the future."), field=field)
    if founded_date < EARLIEST_FOUNDING:
        raise UnableToReadDate(
            "date_invalid", N_("Enter the founding date that the licence shows."), field=field
        )

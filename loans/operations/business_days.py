"""Keep the calendar: bring the public holidays of a year, change a day, change what due dates do.

Contracts freeze the days that they were agreed under, so that nothing here moves a due date that a borrower was told.
"""

from __future__ import annotations

from datetime import date

import holidays
from django.db import transaction

from accounts.models import User
from accounts.operations import write_audit
from loans.domain.terms import HolidayRoll
from loans.models import CalendarDay, CalendarRule
from regimes.errors import N_, InvalidInput

COUNTRY = "CN"
FIRST_YEAR, LAST_YEAR = 2000, 2199
LONGEST_NAME = 80


class UnableToKeepCalendar(InvalidInput):
    """Refuse a change of the calendar."""


def seed_calendar(*, year: int, actor: User | None = None) -> int:
    """Bring the public holidays and the worked weekends of a year; return how many days are new.

    A day that somebody has written stays as it is. A year of which nothing is published yet brings what the law fixes,
    and may be brought again later. No year fails.
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise UnableToKeepCalendar("year_invalid", N_("Choose a year from 2000 to 2199."), field="year")
    found = public_days(year)
    with transaction.atomic():
        known = set(CalendarDay.objects.filter(day__year=year).values_list("day", flat=True))
        fresh = [
            CalendarDay(day=day, kind=kind, name=name[:LONGEST_NAME], is_seeded=True)
            for day, (kind, name) in sorted(found.items())
            if day not in known
        ]
        CalendarDay.objects.bulk_create(fresh, ignore_conflicts=True)
        if fresh and actor is not None:
            write_audit(
                actor=actor, action="calendar.seed", object_type="loans.CalendarDay", object_ref=str(year),
                after={"days": len(fresh)},
            )  # fmt: skip
    return len(fresh)


def public_days(year: int) -> dict[date, tuple[str, str]]:
    """Return the public holidays of a year, and the weekend days that are worked for them."""
    known = holidays.country_holidays(COUNTRY, years=year, language="zh_CN")
    days = {
        day: (CalendarDay.Kind.HOLIDAY.value, str(name)) for day, name in known.items() if day.year == year
    }
    for day in getattr(known, "weekend_workdays", ()):
        if day.year == year:
            days[day] = (CalendarDay.Kind.WORKDAY.value, "调休上班")
    return days


def set_day(*, day: date, kind: str, name: str = "", actor: User | None = None) -> CalendarDay:
    """Say what a day is: a holiday, or a working day (which makes a business day of a holiday or a weekend)."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise UnableToKeepCalendar("day_out_of_range", N_("Choose a day between 2000 and 2199."), field="day")
    if kind not in CalendarDay.Kind.values:
        raise UnableToKeepCalendar("kind_invalid", N_("A day is a holiday or a working day."), field="kind")
    if len(name) > LONGEST_NAME or (name and not name.isprintable()):
        raise UnableToKeepCalendar(
            "name_invalid",
            N_("A name has at most %(most)s characters."),
            field="name",
            params={"most": LONGEST_NAME},
        )
    with transaction.atomic():
        before = CalendarDay.objects.select_for_update().filter(day=day).first()
        row, _ = CalendarDay.objects.update_or_create(
            day=day,
            defaults={
                "kind": kind,
                "name": name,
                "is_seeded": False,
                "actor_id": actor.pk if actor else None,
            },
        )
        _tell(actor, "calendar.set_day", day, before, {"kind": kind, "name": name})
    return row


def forget_day(*, day: date, actor: User | None = None) -> None:
    """Take a day out of the table: it is what its weekday says again."""
    with transaction.atomic():
        before = CalendarDay.objects.select_for_update().filter(day=day).first()
        if before is None:
            raise UnableToKeepCalendar("day_unknown", N_("This day is not in the calendar."), field="day")
        CalendarDay.objects.filter(day=day).delete()
        _tell(actor, "calendar.forget_day", day, before, {})


def set_rule(*, roll: str, weekends: bool, actor: User | None = None) -> CalendarRule:
    """Say what due dates of new contracts do on a day that is no business day."""
    if roll not in set(HolidayRoll):
        raise UnableToKeepCalendar(
            "roll_invalid", N_("Choose what a due date on a holiday does."), field="roll"
        )
    with transaction.atomic():
        before = CalendarRule.objects.select_for_update().filter(pk=1).first()
        row, _ = CalendarRule.objects.update_or_create(pk=1, defaults={"roll": roll, "weekends": weekends})
        if actor is not None:
            write_audit(
                actor=actor, action="calendar.set_rule", object_type="loans.CalendarRule", object_ref="1",
                before={"roll": before.roll, "weekends": before.weekends} if before else None,
                after={"roll": roll, "weekends": weekends},
            )  # fmt: skip
    return row


def _tell(
    actor: User | None, action: str, day: date, before: CalendarDay | None, after: dict[str, str]
) -> None:
    if actor is not None:
        write_audit(
            actor=actor, action=action, object_type="loans.CalendarDay", object_ref=day.isoformat(),
            before={"kind": before.kind, "name": before.name} if before else None, after=after,
        )  # fmt: skip

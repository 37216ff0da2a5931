"""The reminder ladder: which instalments get which words on which day.

A rung is a distance in days from the due date. One notice per (instalment, rung, channel), so a night that
runs twice tells nobody twice; an instalment paid in time climbs no further rung.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

IN_APP, SMS, EMAIL = "IN_APP", "SMS", "EMAIL"
BEFORE, DUE, LATE = "BEFORE", "DUE", "LATE"
LATE_WORDS_HOLD: Final = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Rung:
    """Describe one rung; `days` is the distance from the due date, negative before it.

    A required rung goes out by all of its channels as soon as the hour allows: nothing about it is learned or wished.
    """

    name: str
    days: int
    kind: str
    channels: tuple[str, ...]
    required: bool = False

    @property
    def stage(self) -> str:
        """Return what is learned together: before the due date, on it, or after it."""
        return BEFORE if self.days < 0 else DUE if self.days == 0 else LATE

    @property
    def is_learned(self) -> bool:
        """Tell whether channel and hour of this rung may be chosen."""
        return not self.required and any(channel != IN_APP for channel in self.channels)


# Which rungs a lender must send is for its counsel to say. Here: the first word that an instalment is late and what
# follows from it, and the last one before the delay may be reported.
LADDER: Final = (
    Rung("T-7", -7, "instalment_due_soon", (IN_APP,)),
    Rung("T-3", -3, "instalment_due_soon", (IN_APP, SMS)),
    Rung("T-1", -1, "instalment_due_tomorrow", (IN_APP, SMS)),
    Rung("T", 0, "instalment_due_today", (IN_APP, SMS)),
    Rung("T+1", 1, "instalment_late_notice", (IN_APP, SMS), required=True),
    Rung("T+3", 3, "instalment_overdue", (IN_APP, SMS)),
    Rung("T+7", 7, "instalment_overdue", (IN_APP, SMS)),
    Rung("T+15", 15, "instalment_overdue", (IN_APP, SMS)),
    Rung("T+30", 30, "instalment_late_notice", (IN_APP, SMS, EMAIL), required=True),
)


def due_dates(as_of: date) -> dict[date, Rung]:
    """Say for a day which due dates stand on which rung.

    >>> due_dates(date(2026, 3, 1))[date(2026, 3, 8)].name
    'T-7'
    """
    return {as_of - timedelta(days=rung.days): rung for rung in LADDER}


def dedup_key(*, instalment_id: int, due_date: date, rung: Rung) -> str:
    """Name a notice so that it exists once; a rescheduled instalment is told anew."""
    return f"instalment:{instalment_id}:{due_date.isoformat()}:{rung.name}"


def window_end(*, rung: Rung, due_date: date) -> date:
    """Give the last day on which a payment counts as brought about by this rung: the due date, or the next rung's eve.

    >>> window_end(rung=LADDER[5], due_date=date(2026, 3, 1))
    datetime.date(2026, 3, 7)
    """
    if rung.days <= 0:
        return due_date
    later = [other.days for other in LADDER if other.days > rung.days]
    return due_date + timedelta(days=(min(later) if later else rung.days + 15) - 1)


def send_window(*, rung: Rung, hour: int, local: datetime) -> tuple[datetime, datetime | None]:
    """Give from when and until when a rung may be sent, on the day of `local`; required words have no end."""
    at = datetime.combine(local.date(), time(hour), local.tzinfo)
    midnight = datetime.combine(local.date() + timedelta(days=1), time(0), local.tzinfo)
    if rung.required:
        return at, None
    if rung.stage == LATE:
        return at, midnight + LATE_WORDS_HOLD
    # "tomorrow" and "today" are true today alone; "on the 8th" until the day before it
    return at, midnight if rung.days >= -1 else midnight + timedelta(days=-rung.days - 1)


def due_day_after(pay_day: int, *, days: int = 3) -> int:
    """Suggest a due day a few days behind the day on which money comes in; every month has it.

    >>> due_day_after(10), due_day_after(27), due_day_after(31)
    (13, 2, 3)
    """
    assert 1 <= pay_day <= 31
    wanted = min(pay_day, 28) + days
    if wanted <= 28:
        return wanted
    return max(1, pay_day + days - 28) if pay_day <= 28 else days


def first_due_on(*, start: date, due_day: int, least_days: int = 15) -> date:
    """Give the first due date on the wished day that leaves at least half a month; so no instalment comes at once.

    >>> first_due_on(start=date(2026, 3, 2), due_day=10)
    datetime.date(2026, 4, 10)
    """
    assert 1 <= due_day <= 28
    day = start.replace(day=due_day)
    while (day - start).days < least_days:
        day = (day.replace(day=1) + timedelta(days=32)).replace(day=due_day)
    return day

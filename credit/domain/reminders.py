"""The reminder ladder: which instalments get which words on which day.

A rung is a distance in days from the due date. One notice per (instalment, rung, channel), so a night that
runs twice tells nobody twice; an instalment paid in time climbs no further rung.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

IN_APP, SMS, EMAIL = "IN_APP", "SMS", "EMAIL"


@dataclass(frozen=True, slots=True)
class Rung:
    """Describe one rung; `days` is the distance from the due date, negative before it."""

    name: str
    days: int
    kind: str
    channels: tuple[str, ...]


LADDER: Final = (
    Rung("T-7", -7, "instalment_due_soon", (IN_APP,)),
    Rung("T-3", -3, "instalment_due_soon", (IN_APP, SMS)),
    Rung("T-1", -1, "instalment_due_tomorrow", (IN_APP, SMS)),
    Rung("T", 0, "instalment_due_today", (IN_APP, SMS)),
    Rung("T+1", 1, "instalment_overdue", (IN_APP, SMS)),
    Rung("T+3", 3, "instalment_overdue", (IN_APP, SMS, EMAIL)),
    Rung("T+7", 7, "instalment_overdue", (IN_APP, SMS, EMAIL)),
    Rung("T+15", 15, "instalment_overdue", (IN_APP, SMS, EMAIL)),
    Rung("T+30", 30, "instalment_overdue", (IN_APP, SMS, EMAIL)),
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

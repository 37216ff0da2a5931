"""When and how often a borrower may be contacted about a debt: one pure rule, asked by the one place that sends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum


def may_contact(*, local: datetime, opens: time, closes: time) -> bool:
    """Tell whether a local moment is inside the contact hours."""
    assert opens < closes, "contact hours do not run over midnight"
    return opens <= local.time() < closes


def next_opening(*, local: datetime, opens: time) -> datetime:
    """Return the next local moment at which contact hours begin."""
    today = local.replace(hour=opens.hour, minute=opens.minute, second=0, microsecond=0)
    return today if local < today else today + timedelta(days=1)


class Verdict(StrEnum):
    """Say what becomes of a contact that is about to be made."""

    SEND = "SEND"
    QUIET = "QUIET"  # wait until the contact hours begin
    SOON = "SOON"  # another is under way to the same person: look again in a minute
    TOMORROW = "TOMORROW"  # the day's number is reached
    ENOUGH = "ENOUGH"  # the week's number is reached: what nobody has to say is left unsaid


@dataclass(frozen=True, slots=True)
class Contacts:
    """Count the contacts about debts with one borrower: today, in the last seven days, and those under way."""

    today: int
    week: int
    under_way: int = 0


def judge(*, contacts: Contacts, is_open: bool, is_required: bool, a_day: int, a_week: int) -> Verdict:
    """Decide about one more contact. What the law requires waits for its hour and its day, but is never left out.

    >>> judge(contacts=Contacts(3, 3), is_open=True, is_required=True, a_day=3, a_week=9).value
    'TOMORROW'
    """
    if not is_open:
        return Verdict.QUIET
    if contacts.today >= a_day:
        return Verdict.TOMORROW
    if contacts.week >= a_week and not is_required:
        return Verdict.ENOUGH
    if contacts.today + contacts.under_way >= a_day:
        return Verdict.SOON
    return Verdict.SEND

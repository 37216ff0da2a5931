"""When a borrower may be contacted."""

from __future__ import annotations

from datetime import datetime, time, timedelta


def may_contact(*, local: datetime, opens: time, closes: time) -> bool:
    """Tell whether a local moment is inside the contact hours."""
    assert opens < closes, "contact hours do not run over midnight"
    return opens <= local.time() < closes


def next_opening(*, local: datetime, opens: time) -> datetime:
    """Return the next local moment at which contact hours begin."""
    today = local.replace(hour=opens.hour, minute=opens.minute, second=0, microsecond=0)
    return today if local < today else today + timedelta(days=1)

"""Remember what somebody has read."""

from __future__ import annotations

from datetime import datetime

from accounts.models import User
from credit.domain.lessons import BY_CODE
from credit.models import LessonRead
from regimes.errors import N_, NotFound


def mark_lesson_read(*, user: User, code: str, now: datetime) -> bool:
    """Note that a piece was read; return whether it is new. Raises NotFound for a piece that does not exist."""
    if code not in BY_CODE:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    _row, is_new = LessonRead.objects.get_or_create(user=user, code=code, defaults={"read_at": now})
    return is_new

"""Claim a case and let it go: one row changed, or somebody else has it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from accounts.models import User, WorkClaim
from regimes.errors import N_, Refusal

HOLDS = timedelta(minutes=15)
_TAKE = """
INSERT INTO accounts_workclaim (object_type, object_ref, held_by_id, held_until) VALUES (%(type)s, %(ref)s, %(user)s, %(until)s)
ON CONFLICT (object_type, object_ref) DO UPDATE SET held_by_id = excluded.held_by_id, held_until = excluded.held_until
WHERE accounts_workclaim.held_until <= %(now)s OR accounts_workclaim.held_by_id = %(user)s
"""


class HeldBySomebody(Refusal):
    """Refuse a case that a colleague works on."""


def claim_work(*, object_type: str, object_ref: str, user: User, now: datetime) -> datetime:
    """Hold a case for fifteen minutes, or hold it longer; refused while a colleague has it."""
    until = now + HOLDS
    with connection.cursor() as cursor:
        names: dict[str, Any] = {
            "type": object_type,
            "ref": object_ref,
            "user": user.pk,
            "until": until,
            "now": now,
        }
        cursor.execute(_TAKE, names)
        taken = cursor.rowcount
    if not taken:
        raise HeldBySomebody("held_by_colleague", N_("A colleague works on this now. Take another one."))
    return until


def release_work(*, object_type: str, object_ref: str, user: User) -> None:
    """Let a case go; whoever does not hold it changes nothing."""
    WorkClaim.objects.filter(object_type=object_type, object_ref=object_ref, held_by=user).delete()


def refuse_held(*, object_type: str, object_ref: str, user: User, now: datetime) -> None:
    """Refuse an act on a case that a colleague holds."""
    held = WorkClaim.objects.filter(object_type=object_type, object_ref=object_ref, held_until__gt=now)
    if held.exclude(held_by=user).exists():
        raise HeldBySomebody("held_by_colleague", N_("A colleague works on this now. Take another one."))

"""Write the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import structlog

from accounts.models import AuditEntry, User

SYSTEM = "SYSTEM"
_PLACEHOLDER = datetime(
    1970, 1, 1, tzinfo=UTC
)  # the database writes its own moment, shard, sequence and hashes


def role_of(actor: User | None) -> str:
    """Name the capacity in which someone acts."""
    if actor is None:
        return SYSTEM
    if actor.is_superuser:
        return "ADMINISTRATOR"
    return "STAFF" if actor.is_staff else "BORROWER"


def write_audit(
    *,
    actor: User | None,
    action: str,
    object_type: str,
    object_ref: object,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
) -> int:
    """Add one act to the trail, in the caller's transaction: no act without its entry, no entry without its act.

    `before` and `after` hold states, never names or numbers of people. Returns the entry's id.
    """
    request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
    entry = AuditEntry.objects.create(
        shard=0,
        sequence=0,
        at=_PLACEHOLDER,
        actor=actor,
        actor_role=role_of(actor),
        action=action,
        object_type=object_type,
        object_ref=str(object_ref),
        before=dict(before) if before is not None else None,
        after=dict(after) if after is not None else None,
        reason=reason,
        request_id=request_id[:64],
        prev_hash="",
        hash="",
    )
    return entry.pk

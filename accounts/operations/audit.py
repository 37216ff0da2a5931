"""Write the audit trail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from accounts.models import AuditEntry, User
from accounts.rows import insert_row

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


@dataclass(frozen=True, slots=True)
class AuditDraft:
    """One act to write down; `before` and `after` hold states, never names or numbers of people."""

    action: str
    object_type: str
    object_ref: object
    actor: User | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    reason: str = ""


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
    draft = AuditDraft(
        action=action, object_type=object_type, object_ref=object_ref, actor=actor, before=before, after=after, reason=reason
    )  # fmt: skip
    entry = new_entry(draft)
    insert_row(entry)
    return entry.pk


def write_audits(*, drafts: Sequence[AuditDraft]) -> None:
    """Add many acts in their order, in one statement; the database chains them row by row."""
    AuditEntry.objects.bulk_create([new_entry(draft) for draft in drafts])


def new_entry(draft: AuditDraft) -> AuditEntry:
    """Make an entry that is not written yet, for a statement that writes more than the trail."""
    request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
    return AuditEntry(
        shard=0,
        sequence=0,
        at=_PLACEHOLDER,
        actor=draft.actor,
        actor_role=role_of(draft.actor),
        action=draft.action,
        object_type=draft.object_type,
        object_ref=str(draft.object_ref),
        before=dict(draft.before) if draft.before is not None else None,
        after=dict(draft.after) if draft.after is not None else None,
        reason=draft.reason,
        request_id=request_id[:64],
        prev_hash="",
        hash="",
    )

"""What wakes this room. Rows are the truth: each of these may run twice."""

from __future__ import annotations

from typing import Any

import structlog
from celery import shared_task
from django.conf import settings
from django.utils import timezone

from accounts import operations
from accounts.audit_reader import heads_now, write_heads
from accounts.operations import replies
from accounts.operations.keys import rotate_keys

log = structlog.get_logger(__name__)


@shared_task(name="accounts.tasks.sweep_notices")
def sweep_notices(*, limit: int = 500) -> dict[str, int]:
    """Send what is due."""
    report = operations.send_due_notices(now=timezone.now(), limit=limit)
    return vars(report).copy()


@shared_task(name="accounts.tasks.expire_proposals")
def expire_proposals(*, limit: int = 500) -> int:
    """End the proposals that nobody decided in time."""
    return operations.expire_proposals(now=timezone.now(), limit=limit)


@shared_task(name="accounts.tasks.forget_replies")
def forget_replies(*, limit: int = 10_000) -> int:
    """Drop stored answers that nobody can ask for again."""
    return replies.forget_replies(now=timezone.now(), limit=limit)


@shared_task(name="accounts.tasks.seal_under_own_keys")
def seal_under_own_keys(*, limit: int = 50_000) -> dict[str, int]:
    """Seal some of what lies under older keys anew; both forms are read meanwhile."""
    report = rotate_keys(limit=limit)
    return {"sealed": report.sealed, "left": report.left}


@shared_task(name="accounts.tasks.keep_audit_heads")
def keep_audit_heads() -> dict[str, Any]:
    """Write the marked heads of the audit trail to the log, which leaves the machine, and to a file beside the database."""
    body, mark = heads_now()
    log.info("audit_heads", heads=body, mark=mark)
    return {"chains": write_heads(path=settings.AUDIT_HEADS)}

"""What wakes this room. Rows are the truth: each of these may run twice."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts import operations
from accounts.operations import replies


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

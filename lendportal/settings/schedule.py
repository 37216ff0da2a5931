"""What beat does and when. Rows are the truth: every one of these may run twice, late, or on two machines at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from celery.schedules import crontab


def _row(task: str, when: crontab | timedelta, *, lives: float) -> dict[str, Any]:
    """Describe one entry; a message that waited longer than it lives is thrown away, for the next one is on its way."""
    return {"task": task, "schedule": when, "options": {"expires": lives}}


def beat_schedule(*, sweep_seconds: int) -> dict[str, Any]:
    """Lay out what is done when; what was lost on the way is looked for each `sweep_seconds`."""
    sweep, lives = timedelta(seconds=sweep_seconds), max(1.0, sweep_seconds * 0.9)
    return {
        "payouts": _row("loans.tasks.sweep_payouts", sweep, lives=lives),
        "collections": _row("loans.tasks.sweep_collections", sweep, lives=lives),
        "transfers": _row("loans.tasks.sweep_transfers", sweep, lives=lives),
        "shop-events": _row("merchants.tasks.sweep_deliveries", sweep, lives=lives),
        "shop-orders": _row("merchants.tasks.sweep_orders", sweep, lives=lives),
        "settlements": _row("merchants.tasks.settle", crontab(minute="*/15"), lives=800),
        "webhooks": _row("loans.tasks.sweep_webhooks", sweep, lives=lives),
        "notices": _row("accounts.tasks.sweep_notices", sweep, lives=lives),
        "proposals": _row("accounts.tasks.expire_proposals", crontab(minute="*/15"), lives=800),
        "audit-heads": _row("accounts.tasks.keep_audit_heads", crontab(minute="*/5"), lives=290),
        "replies": _row("accounts.tasks.forget_replies", crontab(minute=40), lives=3000),
        "promises": _row("loans.tasks.settle_promises", crontab(minute="*/10"), lives=500),
        # who withdraws a consent, brings newer records or pays a loan off gets an answer soon
        "changed-lines": _row("credit.tasks.reevaluate_changed_lines", crontab(), lives=50),
        # reminders keep the regime's contact hours themselves; a missed hour is caught up by the next
        "reminders": _row("credit.tasks.send_reminders", crontab(minute=5), lives=3000),
        # values from before each person had a key: some a night until none is left
        "own-keys": _row("accounts.tasks.seal_under_own_keys", crontab(minute=45, hour="4"), lives=3000),
        "purge": _row("credit.tasks.purge_kept", crontab(minute=15, hour="4"), lives=3000),
        "imports": _row("credit.tasks.work_imports", crontab(), lives=50),
        "closes": _row("loans.tasks.work_closes", crontab(), lives=50),
        "experiments": _row("credit.tasks.run_experiments", crontab(), lives=50),
        # Asia/Shanghai, after midnight; asked again until the night is whole, and a whole night is not repeated
        "end-of-day": _row("credit.tasks.run_end_of_day", crontab(minute="*/10", hour="0-6"), lives=500),
        "re-evaluation": _row(
            "credit.tasks.reevaluate_due_lines", crontab(minute=30, hour="1-6"), lives=3000
        ),
    }

"""What beat does and when. Rows are the truth: every one of these may run twice, late, or on two machines at once."""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab

EVERY_MINUTE = crontab()


def _row(task: str, when: crontab, *, lives: int) -> dict[str, Any]:
    """Describe one entry; a message that waited longer than it lives is thrown away, for the next one is on its way."""
    return {"task": task, "schedule": when, "options": {"expires": lives}}


BEAT_SCHEDULE = {
    "payouts": _row("loans.tasks.sweep_payouts", EVERY_MINUTE, lives=50),
    "collections": _row("loans.tasks.sweep_collections", EVERY_MINUTE, lives=50),
    "webhooks": _row("loans.tasks.sweep_webhooks", EVERY_MINUTE, lives=50),
    "notices": _row("accounts.tasks.sweep_notices", EVERY_MINUTE, lives=50),
    "proposals": _row("accounts.tasks.expire_proposals", crontab(minute="*/15"), lives=800),
    # who withdraws a consent, brings newer records or pays a loan off gets an answer soon
    "changed-lines": _row("credit.tasks.reevaluate_changed_lines", EVERY_MINUTE, lives=50),
    # reminders keep the regime's contact hours themselves; a missed hour is caught up by the next
    "reminders": _row("credit.tasks.send_reminders", crontab(minute=5), lives=3000),
    # Asia/Shanghai, after midnight; asked again until the night is whole, and a whole night is not repeated
    "end-of-day": _row("credit.tasks.run_end_of_day", crontab(minute="*/10", hour="0-6"), lives=500),
    "re-evaluation": _row("credit.tasks.reevaluate_due_lines", crontab(minute=30, hour="1-6"), lives=3000),
}

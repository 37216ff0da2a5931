"""Nudge a worker after a commit; the row is the truth, so a nudge that gets lost is only slower."""

from __future__ import annotations

from typing import Any

import structlog
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)


def wake(task: Any, row_id: int) -> bool:
    """Ask a worker to look at a row now; without a broker the minute's sweep finds it."""
    try:
        task.apply_async(args=[row_id], retry=False)
    except (OperationalError, OSError) as error:
        log.warning("wake_lost", task=task.name, row_id=row_id, error=type(error).__name__)
        return False
    return True

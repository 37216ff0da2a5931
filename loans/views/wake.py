"""Nudge a worker after a commit; the row is the truth, so a nudge that gets lost is only slower."""

from __future__ import annotations

import os
import threading
from typing import Any

import structlog
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)
GATHER_SECONDS = 0.05


def wake(task: Any, *args: Any) -> bool:
    """Ask a worker to look at a row now, or at all that wait; without a broker the minute's sweep finds it."""
    try:
        task.apply_async(args=list(args), retry=False)
    except (OperationalError, OSError) as error:
        log.warning("wake_lost", task=task.name, rows=args, error=type(error).__name__)
        return False
    return True


_waiting: dict[str, list[int]] = {}  # task -> rows that the next message names
_lock = threading.Lock()
os.register_at_fork(after_in_child=_waiting.clear)


def wake_soon(task: Any, row_id: int) -> None:
    """Ask a worker to look at a row, with the others of the next moment in one message.

    Making a message costs more than all that a draw asks of the cache; so it is made once for what comes in together, by a
    thread of its own, and whoever waits for an answer does not wait for it. What a process that ends has not sent is swept up.
    """
    with _lock:
        rows = _waiting.setdefault(task.name, [])
        rows.append(row_id)
        is_first = len(rows) == 1
    if is_first:
        timer = threading.Timer(GATHER_SECONDS, _send, [task])
        timer.daemon = True
        timer.start()


def _send(task: Any) -> None:
    with _lock:
        rows = _waiting.pop(task.name, [])
    wake(task, rows)

"""Ask a worker to look at what was just written for shops; a nudge that gets lost is only slower."""

from __future__ import annotations

from accounts.api import wake_on_commit
from loans.views.wake import wake
from merchants.tasks import sweep_deliveries


def nudge() -> None:
    """Let the events of this transaction go out soon."""
    wake_on_commit(wake, sweep_deliveries, 0)

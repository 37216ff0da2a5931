"""Count requests in the shared cache; without the cache, money goes on, because rows and not counters guard it."""

from __future__ import annotations

from typing import Any

import structlog
from redis.exceptions import RedisError
from rest_framework.throttling import ScopedRateThrottle

log = structlog.get_logger(__name__)
GUARDS_PEOPLE = frozenset({"login", "code"})


class CountedWhereCacheIs(ScopedRateThrottle):
    """Throttle by scope. With the cache away a door to people's accounts stays shut, and every other one open."""

    def allow_request(self, request: Any, view: Any) -> bool:
        try:
            allowed = bool(super().allow_request(request, view))
        except RedisError as error:
            if getattr(view, self.scope_attr, None) in GUARDS_PEOPLE:
                raise
            log.warning("throttle_without_cache", error=type(error).__name__)
            return True
        self._tell(request, allowed)
        return allowed

    def _tell(self, request: Any, allowed: bool) -> None:
        """Leave the figures for the headers: how many a while, how many left, how long until all are back."""
        history = getattr(self, "history", None)
        most, seconds = getattr(self, "num_requests", None), getattr(self, "duration", None)
        if not most or not seconds or history is None:
            return
        oldest = history[-1] if history else self.now
        request.rate_left = {
            "RateLimit-Limit": str(most),
            "RateLimit-Remaining": str(max(most - len(history), 0) if allowed else 0),
            "RateLimit-Reset": str(max(int(seconds - (self.now - oldest)), 0) + 1),
        }

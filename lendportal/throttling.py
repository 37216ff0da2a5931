"""Count requests in the shared cache; without the cache, money goes on, because rows and not counters guard it.

The moments of a caller's requests are kept, looked at and added to by the cache server itself, in one call: two requests at
one time are two, and a request waits for the cache once.
"""

from __future__ import annotations

import hashlib
import time
from functools import cache as once
from typing import Any

import structlog
from django.core.cache import cache
from redis.exceptions import NoScriptError, RedisError
from rest_framework.throttling import ScopedRateThrottle

log = structlog.get_logger(__name__)
GUARDS_PEOPLE = frozenset({"login", "code"})

# a list of moments, the newest first -> whether this one is allowed, how many there are, the oldest
COUNT = """
local key, now, window, most = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local oldest = redis.call('LINDEX', key, -1)
while oldest and tonumber(oldest) <= now - window do
  redis.call('RPOP', key)
  oldest = redis.call('LINDEX', key, -1)
end
local count = redis.call('LLEN', key)
if count >= most then return {0, count, oldest or ARGV[1]} end
redis.call('LPUSH', key, ARGV[1])
redis.call('EXPIRE', key, math.ceil(window))
return {1, count + 1, oldest or ARGV[1]}
"""
COUNT_SHA = hashlib.sha1(
    COUNT.encode(), usedforsecurity=False
).hexdigest()  # the name that the server gives it


def _client() -> Any:
    """Give the cache's client of this thread; Django makes a new one for every call."""
    held = cache._cache  # type: ignore[attr-defined]
    found = held.__dict__.get("_counting")
    if found is None:
        found = held._counting = held.get_client(None, write=True)
    return found


@once
def _read_rate(rate: str) -> tuple[int, int]:
    """Read `60/min` as a number and seconds."""
    return ScopedRateThrottle().parse_rate(rate)  # type: ignore[return-value]


class CountedWhereCacheIs(ScopedRateThrottle):
    """Throttle by scope. With the cache away a door to people's accounts stays shut, and every other one open."""

    count, oldest = 0, 0.0

    def allow_request(self, request: Any, view: Any) -> bool:
        self.scope = getattr(view, self.scope_attr, None)
        if not self.scope:
            return True
        self.num_requests, self.duration = _read_rate(self.get_rate())
        try:
            allowed = self._count(request, view)
        except RedisError as error:
            if self.scope in GUARDS_PEOPLE:
                raise
            log.warning("throttle_without_cache", error=type(error).__name__)
            return True
        self._tell(request, allowed)
        return allowed

    def _count(self, request: Any, view: Any) -> bool:
        """Count this request if it is allowed."""
        self.key = cache.make_and_validate_key(self.get_cache_key(request, view))
        self.now = time.time()
        asked = (1, self.key, f"{self.now:.6f}", self.duration, self.num_requests)
        client = _client()
        try:
            found = client.evalsha(COUNT_SHA, *asked)
        except NoScriptError:  # the server began anew
            found = client.eval(COUNT, *asked)
        allowed, self.count, oldest = found
        self.oldest = float(oldest)
        return bool(allowed)

    def wait(self) -> float | None:
        """Say after how many seconds the oldest of the requests no longer counts."""
        return max(self.duration - (self.now - self.oldest), 0.0)

    def _tell(self, request: Any, allowed: bool) -> None:
        """Leave the figures for the headers: how many a while, how many left, how long until all are back."""
        request.rate_left = {
            "RateLimit-Limit": str(self.num_requests),
            "RateLimit-Remaining": str(max(self.num_requests - self.count, 0) if allowed else 0),
            "RateLimit-Reset": str(max(int(self.duration - (self.now - self.oldest)), 0) + 1),
        }

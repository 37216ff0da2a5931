"""What the cache counts: exactly so many a while, however many come at once, and the figures that callers are told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache

from lendportal import throttling
from lendportal.throttling import CountedWhereCacheIs

VIEW = SimpleNamespace(throttle_scope="money")  # 60 a minute


@pytest.fixture(autouse=True)
def _empty() -> None:
    cache.clear()


def caller(pk: int = 7) -> Any:
    return SimpleNamespace(user=SimpleNamespace(is_authenticated=True, pk=pk))


def at(monkeypatch: pytest.MonkeyPatch, moment: float) -> None:
    monkeypatch.setattr(throttling.time, "time", lambda: moment)


def test_of_a_hundred_at_once_sixty_pass() -> None:
    """Counting by reading and then writing lets more through: two that read at one time write the same."""
    with ThreadPoolExecutor(16) as pool:
        passed = list(pool.map(lambda _: CountedWhereCacheIs().allow_request(caller(), VIEW), range(100)))
    assert sum(passed) == 60


def test_a_request_counts_for_a_minute_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 1_000.0)
    assert CountedWhereCacheIs().allow_request(caller(), VIEW)
    at(monkeypatch, 1_030.0)
    for _ in range(59):
        assert CountedWhereCacheIs().allow_request(caller(), VIEW)
    last = CountedWhereCacheIs()
    assert not last.allow_request(caller(), VIEW)
    assert last.wait() == pytest.approx(30.0)
    at(monkeypatch, 1_060.0)
    assert CountedWhereCacheIs().allow_request(caller(), VIEW), "the first is a minute old"
    assert not CountedWhereCacheIs().allow_request(caller(), VIEW), "the second is not"


def test_it_tells_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 1_000.0)
    CountedWhereCacheIs().allow_request(caller(), VIEW)
    at(monkeypatch, 1_010.5)
    request = caller()
    CountedWhereCacheIs().allow_request(request, VIEW)
    assert request.rate_left == {
        "RateLimit-Limit": "60",
        "RateLimit-Remaining": "58",
        "RateLimit-Reset": "50",
    }
    assert CountedWhereCacheIs().allow_request(caller(8), VIEW), "another caller has a count of its own"


def test_a_cache_that_began_anew_learns_the_script_again() -> None:
    CountedWhereCacheIs().allow_request(caller(), VIEW)
    throttling._client().script_flush()
    request = caller()
    assert CountedWhereCacheIs().allow_request(request, VIEW)
    assert request.rate_left["RateLimit-Remaining"] == "58"


def test_an_address_without_a_scope_is_not_counted() -> None:
    assert CountedWhereCacheIs().allow_request(caller(), SimpleNamespace())
    assert throttling._client().keys("*throttle*") == []

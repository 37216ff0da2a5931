"""Counters that hold under a hundred requests at once: one atomic INCR in the shared cache."""

from __future__ import annotations

from django.core.cache import cache

from accounts.crypto import blind_index
from regimes.errors import N_, Refusal

WINDOW_SECONDS = 15 * 60
TRIES = 5


class TooManyTries(Refusal):
    """Refuse more guesses at a secret than its owner needs."""

    http_status = 429


def refuse_too_many() -> TooManyTries:
    return TooManyTries("too_many_tries", N_("Too many tries. Wait 15 minutes."))


def _key(*, what: str, subject: str) -> str:
    return f"tries:{what}:{blind_index(purpose='tries', value=subject)[:32]}"


def count_try(*, what: str, subject: str, allowed: int = TRIES, window: int = WINDOW_SECONDS) -> None:
    """Count one guess, and refuse it when there were too many. The guess is counted before it is judged."""
    key = _key(what=what, subject=subject)
    cache.add(key, 0, timeout=window)
    try:
        tries = cache.incr(key)
    except ValueError:  # the window ended between the two calls
        cache.add(key, 1, timeout=window)
        tries = 1
    if tries > allowed:
        raise refuse_too_many()


def take_back(*, what: str, subject: str) -> None:
    """Uncount a guess that was right."""
    try:
        cache.decr(_key(what=what, subject=subject))
    except ValueError:
        return


def forget(*, what: str, subject: str) -> None:
    """Begin counting anew, after the owner has proved to be the owner."""
    cache.delete(_key(what=what, subject=subject))


def use_once(*, what: str, subject: str, window: int = WINDOW_SECONDS) -> bool:
    """Tell whether this is the first use: of many at once, exactly one is."""
    return bool(cache.add(_key(what=f"used-{what}", subject=subject), 1, timeout=window))

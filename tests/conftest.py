"""What every test may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """Speak English unless a test asks otherwise: sentences in tests are the sources."""
    from django.utils import translation

    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def _empty_cache(request: pytest.FixtureRequest) -> None:
    """Begin every database test with an empty cache: throttles and once-only codes live there."""
    marked = request.node.get_closest_marker("django_db") is not None
    if marked or {"db", "transactional_db"} & set(request.fixturenames):
        from django.core.cache import cache

        cache.clear()


@pytest.fixture(autouse=True, scope="session")
def _history_can_be_flushed() -> None:
    """Let tests that really commit clean up, although history refuses TRUNCATE."""
    from tests.flush import allow_flush

    allow_flush()


@pytest.fixture(autouse=True, scope="session")
def _cheap_hashes() -> None:
    """Hash passwords with Argon2 as everywhere, but at a price that hundreds of tests can pay."""
    from django.contrib.auth.hashers import Argon2PasswordHasher

    Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost, Argon2PasswordHasher.parallelism = (
        1,
        512,
        1,
    )


@pytest.fixture
def world(db):  # type: ignore[no-untyped-def]
    """Return the cast: Alice borrows, Bob underwrites, Charlie sees nothing, Dora keeps a shop."""
    from tests.world import build_world

    return build_world()

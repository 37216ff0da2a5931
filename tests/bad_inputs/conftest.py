"""One cast for all rows, put back after each: building it for each of a thousand tries would take a quarter of an hour."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from tests.api.conftest import Scene, build_scene, woken

__all__ = ["woken"]


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: Any) -> Iterator[Scene]:
    from tests.world import build_world

    with django_db_blocker.unblock():
        whole = transaction.atomic()
        whole.__enter__()
        try:
            yield build_scene(build_world())
        finally:
            transaction.set_rollback(True)
            whole.__exit__(None, None, None)


@pytest.fixture
def scene(built: Scene, db: None) -> Scene:
    """Give the cast in a savepoint of its own, which `db` rolls back."""
    for row in vars(built).values():
        getattr(row, "refresh_from_db", lambda: None)()
    return built

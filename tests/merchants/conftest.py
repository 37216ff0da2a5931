"""What the tests of shops share."""

from __future__ import annotations

from typing import Any

import pytest

from tests.merchants.shop import Till, make_buyer, make_key, make_merchant


@pytest.fixture
def books(db: None) -> None:
    """Open the books and bring the first products and policy."""
    from tests.credit.factories import bring_first_versions

    bring_first_versions()


@pytest.fixture
def merchant(books: None) -> Any:
    return make_merchant()


@pytest.fixture
def line(books: None) -> Any:
    return make_buyer()


@pytest.fixture
def till(merchant: Any) -> Till:
    return Till(make_key(merchant)[1])


@pytest.fixture(autouse=True)
def woken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Collect the nudges: these tests have no worker, and a row must be enough."""
    rows: list[tuple[str, int]] = []

    def remember(task: Any, row_id: int) -> bool:
        rows.append((task.name, row_id))
        return True

    for place in ("merchants.api.events.wake", "merchants.nudge.wake"):
        monkeypatch.setattr(place, remember)
    return rows

"""The pages with the cast behind them: Alice has a line, Dora's shop has one, Charlie has none."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pytest
from django.test import Client

from credit.models import CreditLine
from tests.credit.factories import bring_first_versions, make_line
from tests.factories import AS_OF
from tests.world import World


@dataclass(frozen=True)
class Scene:
    """The cast with their lines, on the books' day."""

    world: World
    line: CreditLine
    shop_line: CreditLine


@pytest.fixture
def scene(world: World) -> Scene:
    bring_first_versions()
    return Scene(
        world=world,
        line=make_line(borrower=world.alice_person, limit=Decimal(20_000)),
        shop_line=make_line(borrower=world.shop, limit=Decimal(50_000), family="BUSINESS"),
    )


@pytest.fixture(autouse=True)
def woken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Collect the nudges: these tests have no worker, and a row must be enough."""
    rows: list[tuple[str, int]] = []

    def remember(task: object, row_id: int) -> bool:
        rows.append((task.name, row_id))  # type: ignore[attr-defined]
        return True

    monkeypatch.setattr("credit.views.sign.wake", remember)
    monkeypatch.setattr("loans.views.loan.wake", remember)
    return rows


@pytest.fixture
def alice(scene: Scene) -> Client:
    return signed_in(scene.world.alice)


def signed_in(user: object) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)  # type: ignore[arg-type]
    return client


__all__ = ["AS_OF", "Scene", "signed_in"]

"""Break every flow of money at every point, and look at what the portal makes of it.

`make test` kills the draw and its payout at each of their points; `make crash` does every flow in every way.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from lendportal.management.commands.check_books import check
from tests.crash.flows import BY_NAME, FLOWS
from tests.crash.runner import MODES, Flow, crash, record
from tests.loans.bank import API_KEY, SECRET, BankProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("plant")]
DEEP = os.environ.get("DEEP") == "1"
SHORT = ("draw", "payout")


@pytest.fixture(scope="module")
def bank_process(django_db_setup: Any, django_db_blocker: Any) -> Iterator[BankProcess]:
    with django_db_blocker.unblock():
        bank = BankProcess()
    yield bank
    bank.stop()


@pytest.fixture
def plant(bank_process: BankProcess, transactional_db: None, settings: Any) -> None:
    from tests.credit.factories import bring_first_versions

    settings.GATEWAY_URL = bank_process.url
    settings.GATEWAY_API_KEY = API_KEY
    settings.GATEWAY_SECRETS = [SECRET]
    settings.GATEWAY_TIMEOUT = 2
    bank_process.reset()
    bring_first_versions()


def breaches() -> list[str]:
    return [
        f"{row['id']} {row['title']}: {row['rows'][:3]}{row['error']}"
        for row in check(strict=False)
        if row["rows"] or row["error"]
    ]


def try_every_point(flow: Flow, mode: str) -> int:
    points = record(flow)
    wrong = []
    for at in range(1, len(points) + 1):
        found = crash(flow, at, mode)
        wrong += [f"{flow.name} at {at} {points[at - 1]}, {mode}: {line}" for line in found]
    wrong += breaches()
    assert not wrong, "\n".join(wrong)
    return len(points)


@pytest.mark.parametrize("name", SHORT if not DEEP else [])
def test_a_killed_flow_is_finished_once(name: str) -> None:
    assert try_every_point(BY_NAME[name], "kill") > 5


@pytest.mark.parametrize(
    ("name", "mode"), [(flow.name, mode) for flow in FLOWS for mode in MODES] if DEEP else [("repay", "hang")]
)
def test_every_flow_survives_every_way_at_every_point(name: str, mode: str) -> None:
    assert try_every_point(BY_NAME[name], mode) >= 2


def test_there_are_sixty_points() -> None:
    """Not a figure to be proud of: a wrapper that sees nothing would let every other test here pass."""
    points = {
        flow.name: record(flow) for flow in FLOWS if DEEP or flow.name in ("draw", "payout", "repay", "night")
    }
    assert all(len(found) >= 2 for found in points.values()), points
    assert sum(len(found) for found in points.values()) >= 60
    assert any("call POST" in name for name in points["payout"])
    assert any("publish" in name for name in points["draw"])

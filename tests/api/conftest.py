"""The cast with lines, loans and clients that speak JSON."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from credit.models import CreditLine, Drawdown
from credit.operations import draw_down
from loans.models import Loan
from tests.credit.factories import bring_first_versions, make_line
from tests.factories import AS_OF
from tests.loans.factories import confirm
from tests.world import World

API = "/api/v1"


@dataclass(frozen=True)
class Scene:
    """Alice has a line and a running loan on it; so has Dora's shop. Charlie has nothing."""

    world: World
    line: CreditLine
    drawdown: Drawdown
    loan: Loan
    shop_line: CreditLine
    shop_drawdown: Drawdown
    shop_loan: Loan


def draw(line: CreditLine, *, amount: str, scenario: str, purpose: str, account_id: int) -> Drawdown:
    return draw_down(
        line_id=line.pk,
        amount=Decimal(amount),
        instalment_count=12,
        repayment_method="EQUAL_INSTALMENT",
        purpose=purpose,
        scenario=scenario,
        bank_account_id=account_id,
        idempotency_key=uuid.uuid4().hex,
        actor=None,
        as_of=AS_OF,
    )


def build_scene(world: World) -> Scene:
    bring_first_versions()
    line = make_line(borrower=world.alice_person, limit=Decimal(20_000))
    shop_line = make_line(borrower=world.shop, limit=Decimal(50_000), family="BUSINESS")
    drawdown = draw(
        line, amount="1200.00", scenario="EVERYDAY", purpose="DAILY_GOODS", account_id=world.alice_account.pk
    )
    shop_drawdown = draw(
        shop_line,
        amount="3000.00",
        scenario="WORKING_CAPITAL",
        purpose="STOCK",
        account_id=world.shop_account.pk,
    )
    return Scene(
        world=world,
        line=line,
        drawdown=drawdown,
        loan=confirm(drawdown.loan, as_of=AS_OF),
        shop_line=shop_line,
        shop_drawdown=shop_drawdown,
        shop_loan=confirm(shop_drawdown.loan, as_of=AS_OF),
    )


@pytest.fixture
def scene(world: World) -> Scene:
    return build_scene(world)


class Caller:
    """Somebody who is logged in and speaks JSON."""

    def __init__(self, user: User | None, *, language: str = "en", **options: Any) -> None:
        self.client = Client(headers={"accept-language": language}, **options)
        if user is not None:
            self.client.force_login(user)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        options: dict[str, Any] = {"headers": headers}
        if body is not None:
            options |= {"data": json.dumps(body), "content_type": "application/json"}
        return getattr(self.client, method.lower())(API + path, **options)

    def get(self, path: str, **headers: str) -> Any:
        return self.send("get", path, **headers)

    def post(self, path: str, body: Any, *, key: str | None = None, **headers: str) -> Any:
        return self.send(
            "post", path, body, **({"Idempotency-Key": key} if key is not None else {}), **headers
        )


@pytest.fixture(autouse=True)
def woken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Collect the nudges: these tests have no worker, and a row must be enough."""
    rows: list[tuple[str, int]] = []

    def remember(task: Any, row_id: int) -> bool:
        rows.append((task.name, row_id))
        return True

    for place in (
        "credit.api.lines.wake_soon",
        "loans.api_v1.wake",
        "credit.views.sign.wake",
        "loans.views.loan.wake",
    ):
        monkeypatch.setattr(place, remember)
    return rows


def draw_body(scene: Scene, **changes: Any) -> dict[str, Any]:
    return {
        "amount": "500.00",
        "currency": "CNY",
        "instalment_count": 12,
        "repayment_method": "EQUAL_INSTALMENT",
        "scenario": "EVERYDAY",
        "purpose": "DAILY_GOODS",
        "bank_account": str(scene.world.alice_account.ref),
        "terms_version": "everyday@1",
        **changes,
    }


@pytest.fixture
def alice(scene: Scene) -> Caller:
    return Caller(scene.world.alice)

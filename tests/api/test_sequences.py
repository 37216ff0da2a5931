"""Random lives of a borrower over HTTP alone, against a model of a few sums: 100 of them with `DEEP=1`.

The borrower quotes, draws, pays, freezes, repeats what was sent under its key and under another body; the bank answers by signed
messages at its own address; nights pass. After each step the API's answers agree with the model and with each other.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credit.operations import move_business_date
from ledger.queries import business_date
from lendportal.management.commands.check_books import check
from loans import operations
from loans.gateways.signature import HEADER, sign
from loans.models import Collection, Payout
from tests.api.conftest import Caller, Scene, draw_body

DEEP = bool(os.environ.get("DEEP"))
EXAMPLES, STEPS = (100, 24) if DEEP else (3, 8)
SECRET = "s" * 40
ACTS = (
    "draw",
    "draw",
    "pay",
    "pay",
    "answer",
    "answer",
    "quote",
    "freeze",
    "unfreeze",
    "sleep",
    "again",
    "other_body",
    "steal",
)
LIVING = ("ACTIVE", "OVERDUE")
OPEN = ("PENDING", "CLAIMED", "SENT", "UNKNOWN")
Step = tuple[str, int, int]


@dataclass
class Life:
    """The borrower, a stranger, the bank, and what must be so."""

    scene: Scene
    alice: Caller
    stranger: Caller
    principal: dict[str, Decimal] = field(default_factory=dict)  # of each loan that we know of
    answered: list[tuple[str, dict[str, Any], str, Any]] = field(default_factory=list)
    is_frozen: bool = False

    @property
    def path(self) -> str:
        return f"/lines/{self.scene.line.ref}"

    # ---- reads, each held against the others -------------------------------------------------------------------------

    def read(self, path: str) -> Any:
        answer = self.alice.get(path)
        assert answer.status_code == 200, (path, answer.content)
        same = self.alice.get(path, **{"If-None-Match": answer["ETag"]})
        assert (same.status_code, same.content) == (304, b""), path
        assert self.stranger.get(path).status_code == 404, path
        return answer.json()

    def loans(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.alice.get("/loans?page_size=100").json()["results"]
        return rows

    def agree_with_each_other(self) -> None:
        line, loans = self.read(self.path), self.loans()
        owed = sum(
            (Decimal(row["principal_outstanding"]) for row in loans if row["status"] in LIVING), Decimal(0)
        )
        waiting = sum((Decimal(row["principal"]) for row in loans if row["status"] == "PENDING"), Decimal(0))
        assert Decimal(line["exposure"]) == owed + waiting
        assert Decimal(line["available"]) == max(Decimal(line["limit"]) - owed - waiting, Decimal(0))
        assert (line["status"] == "FROZEN") == self.is_frozen
        assert {row["ref"]: Decimal(row["principal"]) for row in loans} == self.principal
        for row in loans[:2]:
            self.one_loan(row)

    def one_loan(self, row: dict[str, Any]) -> None:
        full = self.read(f"/loans/{row['ref']}")
        assert {name: full[name] for name in row} == row
        payoff = self.read(f"/loans/{row['ref']}/payoff")
        assert payoff == full["payoff"]
        parts = sum(
            (Decimal(payoff[name]) for name in ("principal", "interest", "fee", "penalty")), Decimal(0)
        )
        assert Decimal(payoff["total"]) == parts - Decimal(payoff["credit"])
        assert Decimal(full["due"]) <= parts
        if row["status"] in LIVING:
            assert Decimal(payoff["principal"]) == Decimal(row["principal_outstanding"])
            left = sum((Decimal(each["outstanding"]) for each in full["instalments"]), Decimal(0))
            assert left >= Decimal(full["due"])

    # ---- writes ------------------------------------------------------------------------------------------------------

    def write(self, path: str, body: dict[str, Any], key: str) -> Any:
        answer = self.alice.post(path, body, key=key)
        assert answer.status_code in (200, 201, 400, 409, 422), (path, answer.content)
        if answer.status_code >= 400:
            told = answer.json()
            assert told["code"], told
            assert told["detail"], told
        else:
            self.answered.append((path, body, key, answer.json()))
        return answer

    def draw(self, which: int, size: int) -> None:
        amount = Decimal(size) / 100
        before = self.alice.get(self.path).json()
        body = draw_body(self.scene, amount=f"{amount:.2f}")
        answer = self.write(f"{self.path}/drawdowns", body, uuid.uuid4().hex)
        (offered,) = [row for row in before["options"] if row["scenario"] == "EVERYDAY"] or [None]
        least = Decimal(offered["minimum"]) if offered else amount
        fits = before["can_draw"] and least <= amount <= Decimal(before["available"])
        assert (answer.status_code == 201) == fits, (answer.content, before, amount)
        if fits:
            self.principal[answer.json()["loan"]] = amount

    def pay(self, which: int, size: int) -> None:
        loans = self.loans()
        row = loans[which % len(loans)]
        body = {"amount": f"{Decimal(size) / 100:.2f}", "currency": "CNY", "choice": "PAY_AHEAD",
                "bank_account": str(self.scene.world.alice_account.ref)}  # fmt: skip
        answer = self.write(f"/loans/{row['ref']}/repayments", body, uuid.uuid4().hex)
        if row["status"] not in LIVING:
            assert answer.status_code == 409, answer.content
        listed = self.read(f"/loans/{row['ref']}/repayments")
        told = answer.json().get("ref") if answer.status_code == 201 else None
        assert (told in {each["ref"] for each in listed}) == (answer.status_code == 201)

    def quote(self, which: int, size: int) -> None:
        amount = max(Decimal(size) / 100, Decimal("100.00"))
        answer = self.alice.get(
            f"{self.path}/quote?amount={amount:.2f}&scenario=EVERYDAY"
            f"&repayment_method=EQUAL_INSTALMENT&instalment_count={(3, 6, 12)[which % 3]}"
        )
        assert answer.status_code in (200, 409, 422), answer.content
        if answer.status_code == 200:
            told = answer.json()
            assert sum((Decimal(row["principal"]) for row in told["instalments"]), Decimal(0)) == amount

    def freeze(self, which: int, size: int) -> None:
        if self.write(f"{self.path}/freeze", {}, uuid.uuid4().hex).status_code == 200:
            self.is_frozen = True

    def unfreeze(self, which: int, size: int) -> None:
        answer = self.write(f"{self.path}/unfreeze", {}, uuid.uuid4().hex)
        assert (answer.status_code == 200) or not self.is_frozen
        self.is_frozen = False

    # ---- repeats, thieves, the bank, time -----------------------------------------------------------------------------

    def again(self, which: int, size: int) -> None:
        """What was sent once more is answered as before, whatever happened since."""
        if self.answered:
            path, body, key, first = self.answered[which % len(self.answered)]
            answer = self.alice.post(path, body, key=key)
            assert answer.status_code in (200, 201), answer.content
            assert answer.json()["ref"] == first["ref"]

    def other_body(self, which: int, size: int) -> None:
        money = [row for row in self.answered if "amount" in row[1]]
        if money:
            path, body, key, _first = money[which % len(money)]
            answer = self.alice.post(path, {**body, "amount": "123.45"}, key=key)
            assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")

    def steal(self, which: int, size: int) -> None:
        body = draw_body(self.scene, amount="100.00")
        assert self.stranger.post(f"{self.path}/drawdowns", body, key=uuid.uuid4().hex).status_code == 404

    def answer(self, which: int, size: int) -> None:
        """The bank says how an order ended: yes mostly; each message twice."""
        movements: list[Payout | Collection] = [
            *Payout.objects.filter(status__in=OPEN).order_by("pk"),
            *Collection.objects.filter(status__in=OPEN).order_by("pk"),
        ]
        if not movements:
            return
        row = movements[which % len(movements)]
        end = "failed" if size % 5 == 0 else "succeeded"
        kind = "transfer" if isinstance(row, Payout) else "debit"
        body = json.dumps({
            "id": f"ev-{uuid.uuid4().hex[:12]}", "type": f"{kind}.{end}", "version": "1",
            "data": {"reference": str(row.gateway_reference), "provider_reference": f"b{row.pk}",
                     "amount": f"{row.amount:.2f}", "currency": "CNY", "reason": "no"},
        }).encode()  # fmt: skip
        for _ in range(2):
            header = sign(body=body, secret=SECRET, timestamp=int(time.time()))
            told = Client().post("/gateway/sandbox/webhook/", data=body, content_type="application/json",
                                 headers={HEADER: header})  # fmt: skip
            assert told.status_code == 200, told.content
        for pk in operations.due_messages(now=timezone.now(), limit=100):
            operations.apply_gateway_message(message_id=pk, as_of=business_date(), now=timezone.now())
        row.refresh_from_db()
        assert row.status == {"succeeded": "CONFIRMED", "failed": "REFUSED"}[end]

    def sleep(self, which: int, size: int) -> None:
        days = (1, 1, 2)[which % 3]
        move_business_date(to=business_date() + timedelta(days=days), actor=None, now=timezone.now())


@pytest.mark.slow
@given(steps=st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 11), st.integers(1, 900_000)),
                      min_size=STEPS // 2, max_size=STEPS))  # fmt: skip
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not DEEP,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_life_over_http_agrees_with_itself_and_the_books(
    scene: Scene, alice: Caller, settings: Any, monkeypatch: Any, steps: list[Step]
) -> None:
    settings.GATEWAY_SECRETS = [SECRET]
    monkeypatch.setattr("loans.api.wake_webhook.apply_async", lambda **kwargs: None)
    point = transaction.savepoint()
    try:
        life = Life(scene, alice, Caller(scene.world.charlie))
        life.principal[str(scene.loan.ref)] = scene.loan.principal
        for verb, which, size in steps:
            cache.clear()  # how often one may ask is tried elsewhere
            act: Callable[[int, int], None] = getattr(life, verb)
            act(which, size)
            life.agree_with_each_other()
        wrong = [row for row in check(strict=False) if row["rows"] or row["error"]]
        assert not wrong, wrong
    finally:
        transaction.savepoint_rollback(point)

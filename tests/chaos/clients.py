"""Who uses the portal while it breaks: borrowers over HTTP, an officer by operations, each in a thread of its own.
A shop is in `shops.py`."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from tests.chaos.journal import Journal, Request
from tests.chaos.people import Client, People

PATIENCE = 8.0  # seconds for one reply
NO_REPLY = 0
T = TypeVar("T")


class Caller(Protocol):
    """Who asks, and what shows it."""

    def headers(self) -> dict[str, str]: ...


def send(port: int, caller: Caller, request: Request) -> tuple[int, str, dict[str, Any]]:
    """Send once; give the status (0 without a reply), the reference or code, and the body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    headers = {**caller.headers(), "Content-Type": "application/json", "Idempotency-Key": request.key}
    try:
        connection.request("POST", f"/api/v1{request.path}", json.dumps(request.body), headers)
        answer = connection.getresponse()
        told: dict[str, Any] = json.loads(answer.read() or b"{}")
        return answer.status, str(told.get("ref") or told.get("code") or ""), told
    except (OSError, http.client.HTTPException, ValueError) as error:
        return NO_REPLY, type(error).__name__, {}
    finally:
        connection.close()


def call(port: int, caller: Caller, request: Request, journal: Journal) -> tuple[int, dict[str, Any]]:
    """Send once, written down before and after."""
    journal.before(request)
    status, word, told = send(port, caller, request)
    journal.after(request, status, word)
    return status, told


class Borrower(threading.Thread):
    """Draw and pay small amounts, sometimes with a double click, and ask again when no answer came."""

    def __init__(self, port: int, client: Client, journal: Journal, *, seed: str, until: threading.Event):
        super().__init__(name=f"borrower-{client.user_id}", daemon=True)
        self.port, self.client, self.journal, self.until = port, client, journal, until
        self.chance = random.Random(seed)
        self.loans: list[str] = []

    def run(self) -> None:
        while not self.until.is_set():
            self.until.wait(self.chance.uniform(0.2, 1.2))
            waiting = [
                row
                for row in list(self.journal.requests.values())
                if row.open and row.who == self.client.user_id
            ]
            if waiting and self.chance.random() < 0.6:
                self.ask(self.chance.choice(waiting))
                continue
            request = self.pay() if self.loans and self.chance.random() < 0.4 else self.draw()
            if self.chance.random() < 0.1:
                again = request if self.chance.random() < 0.5 else self.draw()
                twin = threading.Thread(target=self.ask, args=(again,), daemon=True)
                twin.start()
                self.ask(request)
                twin.join(PATIENCE + 2)
            else:
                self.ask(request)

    def draw(self) -> Request:
        amount = self.chance.choice(("100.00", "150.00", "300.00", "777.77"))
        body = {
            "amount": amount,
            "currency": "CNY",
            "instalment_count": 3,
            "repayment_method": "EQUAL_INSTALMENT",
            "scenario": "EVERYDAY",
            "purpose": "DAILY_GOODS",
            "bank_account": self.client.account_ref,
            "terms_version": "everyday@1",
        }
        path = f"/lines/{self.client.line_ref}/drawdowns"
        return Request(uuid.uuid4().hex, "draw", path, body, self.client.user_id, self.client.line_id)

    def pay(self) -> Request:
        body = {
            "amount": self.chance.choice(("10.00", "50.00", "100.00", "100.01")),
            "currency": "CNY",
            "bank_account": self.client.account_ref,
            "choice": "PAY_AHEAD",
        }
        ref = self.chance.choice(self.loans)
        return Request(uuid.uuid4().hex, "repay", f"/loans/{ref}/repayments", body, self.client.user_id, 0)

    def ask(self, request: Request) -> None:
        status, told = call(self.port, self.client, request, self.journal)
        if request.kind == "draw" and status in (200, 201) and told.get("loan"):
            self.loans.append(str(told["loan"]))


class Officer(threading.Thread):
    """Freeze, lift, cut and raise by the operations of the desk, while people draw."""

    def __init__(self, people: People, journal: Journal, *, seed: str, until: threading.Event):
        super().__init__(name="officer", daemon=True)
        self.people, self.journal, self.until = people, journal, until
        self.chance = random.Random(seed)

    def run(self) -> None:
        while not self.until.is_set():
            self.until.wait(self.chance.uniform(0.5, 2.0))
            client = self.chance.choice(self.people.borrowers)
            act = self.chance.choice(("freeze", "lift", "cut", "raise"))
            with contextlib.suppress(Exception):
                self.journal.note("officer", act=act, line=client.line_id, outcome=self.act(client, act))

    def act(self, client: Client, act: str) -> str:
        from decimal import Decimal

        from accounts.models import User
        from credit import operations
        from ledger.queries import business_date
        from regimes.errors import Refusal

        def do() -> str:
            officer = User.objects.get(pk=self.people.officer_id)
            shared = {"line_id": client.line_id, "actor": officer, "as_of": business_date()}
            try:
                if act == "freeze":
                    operations.freeze_line(reason="a look at the papers", **shared)
                elif act == "lift":
                    operations.unfreeze_line(reason="papers are in order", **shared)
                else:
                    limit = Decimal(1_500 if act == "cut" else 2_000)
                    operations.change_limit(limit=limit, reason="a look at the papers", **shared)
            except Refusal as refusal:
                return refusal.code
            return "done"

        return with_database(do, tries=1)


def with_database(work: Callable[[], T], *, tries: int = 40) -> T:
    """Do something with the database, again on a new connection when it was lost."""
    from django.db import InterfaceError, OperationalError, close_old_connections, connection

    for left in range(tries, 0, -1):
        try:
            close_old_connections()
            return work()
        except (OperationalError, InterfaceError):
            connection.close()
            if left == 1:
                raise
            time.sleep(0.5)
    raise AssertionError("unreachable")

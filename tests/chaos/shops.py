"""A shop that sells while everything breaks: orders, a buyer's agreement, captures, refunds and voids over HTTP."""

from __future__ import annotations

import http.client
import json
import random
import threading
import uuid
from typing import Any

from tests.chaos.clients import PATIENCE, Caller, call
from tests.chaos.journal import Journal, Request
from tests.chaos.people import Client, People

SHOP = 0  # who asks, in the journal; people have their own numbers
PATHS = {"capture": "captures", "refund": "refunds", "void": "void"}


def callers(people: People) -> dict[int, Caller]:
    """Say who speaks for each name in the journal."""
    return {SHOP: people.till, **{client.user_id: client for client in people.borrowers}}


class Shop(threading.Thread):
    """Sell to one buyer after another; now and then ask twice under one key, as tills do."""

    def __init__(self, port: int, people: People, journal: Journal, *, seed: str, until: threading.Event):
        super().__init__(name="shop", daemon=True)
        self.port, self.people, self.journal, self.until = port, people, journal, until
        self.chance = random.Random(seed)
        self.orders: dict[str, Client] = {}  # what was agreed, and by whom

    def run(self) -> None:
        while not self.until.is_set():
            self.until.wait(self.chance.uniform(0.2, 1.0))
            if self.orders and self.chance.random() < 0.6:
                self.move(self.chance.choice(list(self.orders)))
            else:
                self.sell(self.chance.choice(self.people.borrowers))

    def sell(self, buyer: Client) -> None:
        """Start an order and let the buyer read the plans and agree to one."""
        body = {
            "order_id": uuid.uuid4().hex,
            "amount": self.chance.choice(("120.00", "199.99", "400.00")),
            "currency": "CNY",
            "category": "PHONES",
            "description": "A phone",
            "return_url": "https://shop.example/thanks",
        }
        order = self.ask(self.people.till, Request(uuid.uuid4().hex, "order", "/checkouts", body, SHOP, 0))
        if not order:
            return
        plan = self.read(buyer, f"/purchases/{order}?borrower={buyer.borrower_ref}")
        if not plan.get("plans"):
            return
        chosen = self.chance.choice(plan["plans"])
        agreed = {
            "borrower": buyer.borrower_ref,
            "instalment_count": chosen["instalment_count"],
            "zero_interest": chosen["zero_interest"],
            "bank_account": buyer.account_ref,
            "terms_version": chosen["terms_version"],
        }
        if self.ask(
            buyer, Request(uuid.uuid4().hex, "agree", f"/purchases/{order}/agree", agreed, buyer.user_id, 0)
        ):
            self.orders[order] = buyer

    def move(self, order: str) -> None:
        kind = self.chance.choice(("capture", "capture", "capture", "refund", "refund", "void"))
        amount = self.chance.choice(("40.00", "60.00", "120.00", ""))
        body = {} if kind == "void" else {"currency": "CNY", **({"amount": amount} if amount else {})}
        self.ask(
            self.people.till,
            Request(uuid.uuid4().hex, kind, f"/checkouts/{order}/{PATHS[kind]}", body, SHOP, 0),
        )

    def ask(self, who: Caller, request: Request) -> str:
        """Send it, once more in another thread at the same time now and then; give the order's reference if it was taken."""
        if self.chance.random() < 0.1:
            twin = threading.Thread(target=call, args=(self.port, who, request, self.journal), daemon=True)
            twin.start()
            call(self.port, who, request, self.journal)
            twin.join(PATIENCE + 2)
        else:
            call(self.port, who, request, self.journal)
        return request.accepted

    def read(self, who: Caller, path: str) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", f"/api/v1{path}", headers=who.headers())
            answer = connection.getresponse()
            told = json.loads(answer.read() or b"{}")
            return dict(told) if answer.status == 200 else {}
        except (OSError, http.client.HTTPException, ValueError):
            return {}
        finally:
            connection.close()


__all__ = ["SHOP", "Shop", "callers"]

"""What people do to the portal under load: looks mostly, draws and payments in between. Started by `python -m bench.load`."""

from __future__ import annotations

import itertools
import json
import os
import random
import uuid
from pathlib import Path
from typing import Any

from locust import FastHttpUser, constant_throughput, task

CLIENTS = json.loads(Path(os.environ["LOAD_CLIENTS"]).read_text()) if "LOAD_CLIENTS" in os.environ else []
_next = itertools.cycle(CLIENTS) if CLIENTS else iter(())


class Borrower(FastHttpUser):
    """Somebody with a line: most of the time looking, sometimes drawing, sometimes paying."""

    wait_time = constant_throughput(float(os.environ.get("LOAD_RATE", "2")))

    def on_start(self) -> None:
        self.me: dict[str, Any] = next(_next)
        self.chance = random.Random(self.me["line_ref"])
        self.loans: list[str] = []
        self.headers = {
            "Cookie": f"sessionid={self.me['cookie']}; csrftoken={self.me['token']}",
            "X-CSRFToken": self.me["token"],
            "Accept-Language": "en",
        }

    def look(self, path: str, name: str) -> None:
        self.client.get(path, headers=self.headers, name=name)

    def order(self, path: str, body: dict[str, Any], name: str) -> Any:
        headers = {**self.headers, "Idempotency-Key": uuid.uuid4().hex}
        with self.client.post(path, json=body, headers=headers, name=name, catch_response=True) as answer:
            if answer.status_code in (201, 409):
                answer.success()  # a limit that is used up is an answer, not a failure
            return answer.json() if answer.status_code == 201 else None

    @task(30)
    def home(self) -> None:
        # the first address leads there; who has come once stays on it
        self.look(f"/for/{self.me['borrower_ref']}/", "page home")

    @task(25)
    def line(self) -> None:
        self.look(f"/api/v1/lines/{self.me['line_ref']}", "api line")

    @task(15)
    def quote(self) -> None:
        query = "amount=500.00&scenario=EVERYDAY&repayment_method=EQUAL_INSTALMENT&instalment_count=12"
        self.look(f"/api/v1/lines/{self.me['line_ref']}/quote?{query}", "api quote")

    @task(8)
    def loans(self) -> None:
        self.look("/api/v1/loans", "api loans")

    @task(16)
    def draw(self) -> None:
        body = {
            "amount": "100.00",
            "currency": "CNY",
            "instalment_count": 3,
            "repayment_method": "EQUAL_INSTALMENT",
            "scenario": "EVERYDAY",
            "purpose": "DAILY_GOODS",
            "bank_account": self.me["account_ref"],
            "terms_version": "everyday@1",
        }
        told = self.order(f"/api/v1/lines/{self.me['line_ref']}/drawdowns", body, "money draw")
        if told:
            self.loans.append(told["loan"])

    @task(8)
    def pay(self) -> None:
        if len(self.loans) < 3:  # the newest may not be paid out yet
            return
        body = {
            "amount": "10.00",
            "currency": "CNY",
            "bank_account": self.me["account_ref"],
            "choice": "PAY_AHEAD",
        }
        self.order(f"/api/v1/loans/{self.chance.choice(self.loans[:-2])}/repayments", body, "money repay")

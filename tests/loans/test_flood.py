"""A flood of the bank's messages, shuffled, repeated and forged: our state is the bank's own book in the end.

`DEEP=1` makes it 10,000 messages; each of the bank's is real, taken from its outbox, so nothing here makes up what it says.
"""

from __future__ import annotations

import json
import os
import random
import time
import uuid
from decimal import Decimal
from typing import Any

from django.db import connection
from django.test import Client
from django.utils import timezone

from loans import operations
from loans.gateways import gateway
from loans.gateways.signature import HEADER, sign
from loans.models import Collection, GatewayMessage, Loan, Payout
from loans.reconcile import reconcile_bank
from tests.factories import BankAccountFactory
from tests.loans import factories
from tests.loans.bank import SECRET, BankProcess
from tests.loans.books import breaches
from tests.loans.factories import START

LOANS = 2_250 if os.environ.get("DEEP") else 24
TWICE, FORGED = 0.30, 0.05
URL = "/gateway/sandbox/webhook/"
THIEF = "t" * 40


class Flood:
    """Deliver messages in any order, some twice, some forged, and let the sweeper work between."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.client = Client()
        self.genuine: set[str] = set()
        self.sent = self.twice = self.forged = 0

    def pour(self, bodies: list[str]) -> None:
        bodies = [body for body in bodies if json.loads(body)["id"] not in self.genuine]
        self.genuine |= {json.loads(body)["id"] for body in bodies}
        repeats = self.random.sample(bodies, round(len(bodies) * TWICE))
        bent = [self.forge(body) for body in self.random.choices(bodies, k=round(len(bodies) * FORGED) or 1)]
        wave = [(body, "") for body in bodies + repeats] + bent
        self.random.shuffle(wave)
        for number, (body, header) in enumerate(wave):
            raw = body.encode()
            told = header or sign(body=raw, secret=SECRET, timestamp=int(time.time()))
            answer = self.client.post(URL, data=raw, content_type="application/json", headers={HEADER: told})
            assert answer.status_code == (401 if header else 200), answer.content
            if number % 50 == 49:
                self.apply()
        self.sent += len(bodies)
        self.twice += len(repeats)
        self.forged += len(bent)
        # what came before what it rests on waits a while for it
        for minutes in range(0, 40, 10):
            self.apply(minutes)

    def forge(self, body: str) -> tuple[str, str]:
        """Bend a true message: signed by a thief, changed under its true signature, or signed long ago."""
        said, now = json.loads(body), int(time.time())
        how = self.random.randrange(3)
        if how == 0:
            said |= {"id": f"ev-{uuid.uuid4().hex[:16]}", "type": said["type"].split(".")[0] + ".succeeded"}
            text = json.dumps(said)
            return text, sign(body=text.encode(), secret=THIEF, timestamp=now)
        if how == 1:
            header = sign(body=body.encode(), secret=SECRET, timestamp=now)
            said["data"]["amount"] = "999999.00"
            return json.dumps(said), header
        return body, sign(body=body.encode(), secret=SECRET, timestamp=now - 600)

    @staticmethod
    def apply(minutes: int = 0) -> None:
        now = timezone.now() + timezone.timedelta(minutes=minutes)
        for pk in operations.due_messages(now=now, limit=100_000):
            operations.apply_gateway_message(message_id=pk, as_of=START, now=now)


def outbox(bank: BankProcess) -> list[str]:
    """Wait until the bank has settled everything, and take what it wants to say."""
    until = time.monotonic() + 120
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT count(*) FROM sandbox_bank.movement WHERE status = 'ACCEPTED'")
            if not cursor.fetchone()[0]:
                break
            assert time.monotonic() < until, "the bank does not settle"
            time.sleep(0.1)
        cursor.execute("SELECT body FROM sandbox_bank.outbox ORDER BY id")
        return [body for (body,) in cursor.fetchall()]


def pay_out(account: Any) -> Loan:
    loan = factories.open_loan(account=account)
    operations.send_payout(payout_id=loan.payout.pk, now=timezone.now(), as_of=START)
    return loan


def collect(loan: Loan, amount: Decimal) -> None:
    row = operations.start_collection(
        loan_id=loan.pk, amount=amount, choice=None, idempotency_key=uuid.uuid4().hex,
        bank_account_id=loan.bank_account_id, actor=None, as_of=START,
    )  # fmt: skip
    operations.send_collection(collection_id=row.pk, now=timezone.now(), as_of=START)


def test_ten_thousand_messages_end_as_the_banks_own_book(bank: BankProcess, monkeypatch: Any) -> None:
    monkeypatch.setattr("loans.api.wake_webhook.apply_async", lambda **kwargs: None)
    flood = Flood(seed=5)
    account = BankAccountFactory()
    bank.behave("transfer", "refuse", reason="account_closed", times=max(LOANS // 12, 1))
    for _ in range(LOANS):
        pay_out(account)
    flood.pour(outbox(bank))
    paid = list(Loan.objects.filter(status="ACTIVE").order_by("pk"))
    assert len(paid) == LOANS - max(LOANS // 12, 1)

    # the second wave is about collections and about money that comes back, all at once
    bank.behave("debit", "refuse", reason="insufficient_funds", times=max(LOANS // 10, 1))
    for index, loan in enumerate(paid[: len(paid) * 9 // 10]):
        collect(loan, Decimal("50.00") + index % 40)
    outbox(bank)
    back = paid[len(paid) * 9 // 10 :]  # payouts of loans on which nothing was collected
    references = [str(loan.payout.gateway_reference) for loan in back]
    debits = Collection.objects.order_by("pk").values_list("gateway_reference", flat=True)
    for reference in [*references, *map(str, debits[::7])]:
        bank.ask("POST", "/returns", {"reference": reference})  # a refused one cannot come back: 409
    flood.pour(outbox(bank))

    assert GatewayMessage.objects.count() == flood.sent, "each message is stored once, no forged one at all"
    states = set(GatewayMessage.objects.values_list("state", flat=True))
    assert states == {"APPLIED"}, list(
        GatewayMessage.objects.exclude(state="APPLIED").values_list("kind", "reason")
    )
    book = reconcile_bank(gateway=gateway("sandbox"), name="sandbox", began_at=timezone.now())
    assert (book.differences, book.under_way, book.cash_elsewhere) == ((), 0, 0)
    assert book.movements == book.agreed == Payout.objects.count() + Collection.objects.count()
    assert book.cash_through_bank == book.bank_balance
    wanted = {line["reference"]: line for line in bank_lines(bank)}
    for row in (*Payout.objects.all(), *Collection.objects.all()):
        assert row.status == (
            "REFUSED" if wanted[str(row.gateway_reference)]["status"] == "FAILED" else "CONFIRMED"
        )
    assert breaches() == {}
    print(f"{flood.sent} messages, {flood.twice} of them twice, {flood.forged} forged beside them")
    assert not LOANS > 1000 or flood.sent >= 10_000


def bank_lines(bank: BankProcess) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        after = found[-1]["id"] if found else 0
        page = bank.ask("GET", f"/book?after={after}&limit=1000")[1]["movements"]
        if not page:
            return found
        found += page

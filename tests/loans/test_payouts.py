"""Payouts and collections against the real bank: whatever happens on the wire, money moves once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from loans import operations
from loans.models import Collection, Loan, LoanEventRow, Payout
from regimes.errors import Refusal
from tests.factories import BankAccountFactory
from tests.loans import factories
from tests.loans.bank import ROOT, BankProcess
from tests.loans.books import breaches
from tests.loans.factories import START


def send(payout: Payout, *, at: datetime | None = None) -> str | None:
    return operations.send_payout(payout_id=payout.pk, now=at or timezone.now(), as_of=START)


def until_final(row: Payout | Collection, *, tries: int = 12) -> str:
    """Do as the sweeper does, minute by minute, until the row has ended."""
    now = timezone.now()
    for _ in range(tries):
        row.refresh_from_db()
        if row.is_final or row.status == "PARKED":
            break
        time.sleep(0.12)  # the bank settles
        now += timedelta(minutes=11)
        if isinstance(row, Payout):
            operations.send_payout(payout_id=row.pk, now=now, as_of=START)
        else:
            operations.send_collection(collection_id=row.pk, now=now, as_of=START)
    row.refresh_from_db()
    return row.status


class TestPayout:
    def test_the_bank_refuses_for_good(self, bank: BankProcess) -> None:
        loan = factories.open_loan(account=BankAccountFactory(number="6222020000009999"))
        assert send(loan.payout) == "REFUSED"
        loan.refresh_from_db()
        assert (loan.status, loan.payout.reason) == ("CANCELLED", "account_refused")
        assert breaches() == {}

    def test_it_is_paid_once(self, bank: BankProcess) -> None:
        loan = factories.open_loan()
        assert send(loan.payout) == "SENT"
        assert send(loan.payout) is None
        assert until_final(loan.payout) == "CONFIRMED"
        assert Loan.objects.get().status == "ACTIVE"
        assert [(row["amount"], row["orders"]) for row in bank.movements()] == [("1200.00", 1)]
        assert breaches() == {}

    @pytest.mark.parametrize(
        "trick", ["fail_before", "fail_after", "timeout_after", "garbage", "busy", "sync"]
    )
    def test_it_is_paid_once_whatever_the_wire_does(self, bank: BankProcess, trick: str) -> None:
        bank.behave("transfer", trick, seconds=2 if "timeout" in trick else 0)
        loan = factories.open_loan()
        first = send(loan.payout)
        assert first == {"busy": "PENDING", "sync": "CONFIRMED"}.get(trick, "UNKNOWN")
        assert until_final(loan.payout) == "CONFIRMED"
        assert len(bank.movements()) == 1
        assert LoanEventRow.objects.count() == 1
        assert breaches() == {}

    def test_it_asks_before_it_sends_again(self, bank: BankProcess) -> None:
        bank.behave("transfer", "timeout_after", seconds=2)
        bank.behave("lookup", "fail_before", times=2)
        loan = factories.open_loan()
        send(loan.payout)
        assert until_final(loan.payout) == "CONFIRMED"
        assert [row["orders"] for row in bank.movements()] == [1], "the order was sent a second time"

    def test_a_bank_that_is_away_leaves_the_row_to_be_sent(self, bank: BankProcess, settings: Any) -> None:
        settings.GATEWAY_URL = "http://127.0.0.1:9"
        loan = factories.open_loan()
        assert send(loan.payout) == "PENDING"
        settings.GATEWAY_URL = bank.url
        assert until_final(loan.payout) == "CONFIRMED"

    def test_another_amount_is_parked(self, bank: BankProcess) -> None:
        loan = factories.open_loan()
        with pytest.raises(Refusal) as refused:
            operations.confirm_payout(
                payout_id=loan.payout.pk,
                provider_reference="x",
                amount=Decimal("1200.01"),
                currency="CNY",
                as_of=START,
                now=timezone.now(),
            )
        assert refused.value.code == "amount_mismatch"
        assert not LoanEventRow.objects.exists()

    def test_a_second_transfer_for_one_order_is_refused(self, bank: BankProcess) -> None:
        loan = factories.active_loan()
        with pytest.raises(Refusal) as refused:
            operations.confirm_payout(
                payout_id=loan.payout.pk,
                provider_reference="another",
                amount=Decimal("1200.00"),
                currency="CNY",
                as_of=START,
                now=timezone.now(),
            )
        assert refused.value.code == "second_reference"

    def test_ten_workers_and_one_payout(self, bank: BankProcess) -> None:
        loan = factories.open_loan()
        results: list[str | None] = []
        barrier = threading.Barrier(10)

        def work() -> None:
            barrier.wait()
            try:
                results.append(send(loan.payout))
            finally:
                connection.close()

        threads = [threading.Thread(target=work) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(results, key=str).count(None) == 9
        assert [row["orders"] for row in bank.movements()] == [1]


WORKER = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "lendportal.settings"
import django; django.setup()
from django.conf import settings
settings.DATABASES["default"]["NAME"] = {name!r}
settings.GATEWAY_URL, settings.GATEWAY_API_KEY, settings.GATEWAY_TIMEOUT = {url!r}, {key!r}, 60
from django.utils import timezone
from datetime import date
from loans import operations
print("calling", flush=True)
operations.send_payout(payout_id={payout}, now=timezone.now(), as_of=date(2026, 3, 2))
"""


@pytest.mark.slow
def test_a_worker_killed_between_the_call_and_the_commit_pays_once(bank: BankProcess, settings: Any) -> None:
    """The bank has executed and says nothing; the worker is killed with -9; the next one asks."""
    bank.behave("transfer", "timeout_after", seconds=20)
    loan = factories.open_loan()
    code = WORKER.format(
        name=connection.settings_dict["NAME"],
        url=bank.url,
        key=settings.GATEWAY_API_KEY,
        payout=loan.payout.pk,
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ.copy(), stdout=subprocess.PIPE
    )
    until = time.monotonic() + 30
    while not bank.movements() and time.monotonic() < until:
        time.sleep(0.1)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert len(bank.movements()) == 1, "the bank never got the order"
    payout = Payout.objects.get()
    assert (payout.status, payout.attempts) == ("CLAIMED", 1)
    assert send(payout) is None, "the lease of the dead worker is still running"
    assert until_final(payout) == "CONFIRMED"
    assert [row["orders"] for row in bank.movements()] == [1]
    assert LoanEventRow.objects.count() == 1
    assert breaches() == {}


class TestCollection:
    def start(self, loan: Loan, amount: str = "110.02", key: str = "k1", **values: Any) -> Collection:
        return operations.start_collection(
            **{
                "loan_id": loan.pk,
                "amount": Decimal(amount),
                "choice": None,
                "idempotency_key": key,
                "bank_account_id": loan.bank_account_id,
                "actor": None,
                "as_of": START,
                **values,
            }
        )

    @pytest.mark.parametrize(
        ("values", "code"),
        [
            ({"amount": Decimal("0")}, "amount_invalid"),
            ({"amount": Decimal("1.005")}, "amount_invalid"),
            ({"amount": Decimal("1200.01")}, "payment_exceeds_debt"),
            ({"choice": "WHATEVER"}, "choice_invalid"),
            ({"idempotency_key": ""}, "idempotency_key_required"),
            ({"idempotency_key": "k" * 256}, "idempotency_key_invalid"),
            ({"bank_account_id": 10**9}, "not_found"),
        ],
    )
    def test_it_refuses(self, transactional_db: None, values: dict[str, Any], code: str) -> None:
        loan = factories.active_loan()
        with pytest.raises(Refusal) as refused:
            self.start(loan, **values)
        assert refused.value.code == code
        assert not Collection.objects.exists()

    def test_it_refuses_a_strangers_account_and_another_request_under_the_key(
        self, transactional_db: None
    ) -> None:
        loan = factories.active_loan()
        with pytest.raises(Refusal) as refused:
            self.start(loan, bank_account_id=BankAccountFactory().pk)
        assert refused.value.code == "not_found"
        first = self.start(loan)
        assert self.start(loan).pk == first.pk
        with pytest.raises(Refusal) as refused:
            self.start(loan, amount="1.00")
        assert (refused.value.code, refused.value.http_status) == ("idempotency_mismatch", 422)

    @pytest.mark.parametrize("trick", ["", "fail_after", "timeout_after", "sync"])
    def test_money_comes_once(self, bank: BankProcess, trick: str) -> None:
        loan = factories.active_loan()
        if trick:
            bank.behave("debit", trick, seconds=2)
        row = self.start(loan)
        operations.send_collection(collection_id=row.pk, now=timezone.now(), as_of=START)
        assert until_final(row) == "CONFIRMED"
        loan.refresh_from_db()
        assert loan.last_sequence == 2
        assert [(movement["kind"], movement["orders"]) for movement in bank.movements()] == [("debit", 1)]
        assert breaches() == {}

    def test_an_empty_account_gives_nothing(self, bank: BankProcess) -> None:
        loan = factories.active_loan(account=BankAccountFactory(number="6222020000000000"))
        row = self.start(loan)
        assert operations.send_collection(collection_id=row.pk, now=timezone.now(), as_of=START) == "REFUSED"
        row.refresh_from_db()
        assert row.reason == "insufficient_funds"
        loan.refresh_from_db()
        assert loan.last_sequence == 1

    def test_money_that_is_more_than_the_debt_becomes_credit(self, bank: BankProcess) -> None:
        """A debit was on its way when somebody paid in another way: the surplus is shown, nothing is lost."""
        loan = factories.active_loan()
        row = self.start(loan, amount="1200.00")
        factories.repay(loan, "1200.00", on=START)
        operations.send_collection(collection_id=row.pk, now=timezone.now(), as_of=START)
        assert until_final(row) == "CONFIRMED"
        loan.refresh_from_db()
        assert (loan.status, loan.credit_balance) == ("CLOSED", Decimal("1200.00"))
        assert breaches() == {}

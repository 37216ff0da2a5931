"""Payouts and collections against the real bank: whatever happens on the wire, money moves once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from ledger.operations import open_books
from loans import operations, queries
from loans.domain.terms import FeeTerm, FeeTiming
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

    def test_what_was_confirmed_is_not_refused_afterwards(self, bank: BankProcess) -> None:
        loan = factories.active_loan()
        with pytest.raises(Refusal) as refused:
            operations.refuse_payout(payout_id=loan.payout.pk, reason="late", as_of=START, now=timezone.now())
        assert refused.value.code == "outcome_contradicts"
        assert Payout.objects.get(pk=loan.payout.pk).status == "CONFIRMED"
        assert breaches() == {}

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


class TestTranches:
    def test_it_refuses_more_than_is_left(self, bank: BankProcess) -> None:
        with pytest.raises(Refusal) as refused:
            operations.open_loan(
                borrower_id=BankAccountFactory().borrower_id, terms=factories.terms(), bank_account_id=None,
                reference=uuid.uuid4(), as_of=START, first_tranche=Decimal("1200.01"),
            )  # fmt: skip
        assert refused.value.code == "tranche_invalid"
        loan = in_tranches("700.00")
        assert send(loan.payout) == "SENT"
        until_final(loan.payout)
        operations.pay_tranche(loan_id=loan.pk, amount=Decimal("300.00"), reference="t2", as_of=START)
        for amount in ("200.01", "0.00", "-1.00"):
            with pytest.raises(Refusal) as refused:
                operations.pay_tranche(loan_id=loan.pk, amount=Decimal(amount), reference="t3", as_of=START)
            assert refused.value.code == "tranche_invalid"

    def test_it_refuses_before_the_first_money(self, bank: BankProcess) -> None:
        loan = in_tranches("700.00")
        with pytest.raises(Refusal) as refused:
            operations.pay_tranche(loan_id=loan.pk, amount=Decimal("300.00"), reference="t2", as_of=START)
        assert refused.value.code == "loan_not_running"

    def test_the_principal_comes_in_parts(self, bank: BankProcess) -> None:
        loan = in_tranches("700.00", fees=(FeeTerm("opening", FeeTiming.AT_PAYOUT, Decimal("10.00")),))
        assert loan.payout.amount == Decimal("690.00")
        send(loan.payout)
        until_final(loan.payout)
        loan.refresh_from_db()
        assert (loan.status, loan.disbursed) == ("ACTIVE", Decimal("700.00"))
        assert queries.exposure(loan_ids=[loan.pk]) == Decimal("1200.00"), "what is promised counts"
        second = operations.pay_tranche(
            loan_id=loan.pk, amount=Decimal("500.00"), reference="t2", as_of=START
        )
        again = operations.pay_tranche(loan_id=loan.pk, amount=Decimal("500.00"), reference="t2", as_of=START)
        assert second.pk == again.pk
        send(second)
        assert until_final(second) == "CONFIRMED"
        loan.refresh_from_db()
        assert (loan.disbursed, loan.principal_outstanding) == (Decimal("1200.00"), Decimal("1200.00"))
        assert sorted(row["amount"] for row in bank.movements()) == ["500.00", "690.00"]
        assert breaches() == {}
        owed = queries.payoff(loan_id=loan.pk, as_of=START).total
        factories.repay(loan, owed, on=START)
        assert loan.status == "CLOSED"

    def test_a_refused_tranche_leaves_the_loan_as_it_was(self, bank: BankProcess) -> None:
        loan = in_tranches("700.00")
        send(loan.payout)
        until_final(loan.payout)
        bank.behave("transfer", "refuse")
        second = operations.pay_tranche(
            loan_id=loan.pk, amount=Decimal("500.00"), reference="t2", as_of=START
        )
        send(second)
        assert until_final(second) == "REFUSED"
        loan.refresh_from_db()
        assert (loan.status, loan.disbursed) == ("ACTIVE", Decimal("700.00"))
        assert breaches() == {}

    @pytest.mark.django_db
    def test_the_first_of_two_tranches_cannot_simply_come_back(self) -> None:
        loan = in_tranches("700.00")
        factories.confirm(loan)
        second = operations.pay_tranche(
            loan_id=loan.pk, amount=Decimal("500.00"), reference="t2", as_of=START
        )
        operations.confirm_payout(
            payout_id=second.pk, provider_reference="b2", amount=Decimal("500.00"), currency="CNY", as_of=START,
            now=timezone.now(),
        )  # fmt: skip
        with pytest.raises(Refusal) as refused:
            operations.return_payout(payout_id=loan.payout.pk, reference="r", as_of=START)
        assert refused.value.code == "return_of_first_tranche"
        operations.return_payout(payout_id=second.pk, reference="r2", as_of=START)
        loan.refresh_from_db()
        assert (loan.status, loan.disbursed) == ("ACTIVE", Decimal("700.00"))
        assert breaches() == {}


class TestRefund:
    @pytest.mark.django_db
    def test_it_refuses_more_than_the_credit(self) -> None:
        loan = overpaid()
        with pytest.raises(Refusal) as refused:
            operations.start_refund(loan_id=loan.pk, amount=Decimal("100.01"), reference="r", as_of=START)
        assert refused.value.code == "refund_exceeds_credit"
        assert loan.payouts.count() == 1

    @pytest.mark.django_db
    def test_it_refuses_an_account_of_somebody_else(self) -> None:
        loan = overpaid()
        with pytest.raises(Refusal) as refused:
            operations.start_refund(
                loan_id=loan.pk,
                amount=Decimal("1.00"),
                reference="r",
                as_of=START,
                bank_account_id=BankAccountFactory().pk,
            )
        assert refused.value.code == "bank_account_unverified"

    def test_credit_goes_back_through_the_bank(self, bank: BankProcess) -> None:
        loan = overpaid()
        refund = operations.start_refund(
            loan_id=loan.pk, amount=Decimal("100.00"), reference="r", as_of=START
        )
        loan.refresh_from_db()
        assert loan.credit_balance == 0, "it is on its way, and nothing else can use it"
        assert breaches() == {}
        send(refund)
        assert until_final(refund) == "CONFIRMED"
        assert [row["amount"] for row in bank.movements()] == ["100.00"]
        assert breaches() == {}

    def test_a_refused_refund_is_credit_again(self, bank: BankProcess) -> None:
        loan = overpaid()
        bank.behave("transfer", "refuse")
        refund = operations.start_refund(
            loan_id=loan.pk, amount=Decimal("100.00"), reference="r", as_of=START
        )
        send(refund)
        assert until_final(refund) == "REFUSED"
        loan.refresh_from_db()
        assert loan.credit_balance == Decimal("100.00")
        assert breaches() == {}


def in_tranches(first: str, **values: Any) -> Loan:
    open_books(first_date=START)
    account = BankAccountFactory()
    return operations.open_loan(
        borrower_id=account.borrower_id, terms=factories.terms(**values), bank_account_id=account.pk,
        reference=uuid.uuid4(), as_of=START, first_tranche=Decimal(first),
    )  # fmt: skip


def overpaid() -> Loan:
    loan = factories.active_loan()
    factories.repay(loan, "1300.00", on=START)
    return loan


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

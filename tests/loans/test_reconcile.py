"""The bank's book against ours: what agrees, what is on its way, and a bank that is ahead of a restored database."""

from __future__ import annotations

import io
import json
import time
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.utils import timezone

from loans import operations
from loans.gateways.base import BookLine
from loans.models import Loan
from loans.reconcile import Ours, compare
from tests.factories import BankAccountFactory
from tests.loans import factories
from tests.loans.bank import BankProcess
from tests.loans.factories import START


def told() -> tuple[int, dict[str, Any]]:
    out, code = io.StringIO(), 0
    try:
        call_command("reconcile_bank", "--json", stdout=out)
    except CommandError as stopped:
        code = stopped.returncode
    return code, json.loads(out.getvalue() or "{}")


def kinds(answer: dict[str, Any]) -> list[str]:
    return sorted(item["what"] for item in answer["differences"])


def pay_out(bank: BankProcess, loan: Loan, *, notice: bool = True) -> None:
    """Send a payout; the bank settles it, and we ask what became of it unless told not to."""
    operations.send_payout(payout_id=loan.payout.pk, now=timezone.now(), as_of=START)
    reference = str(loan.payout.gateway_reference)
    until = time.monotonic() + 20
    while bank.ask("GET", f"/transfers/{reference}")[1]["status"] != "SUCCEEDED":
        assert time.monotonic() < until, "the bank does not settle"
        time.sleep(0.05)
    if notice:
        loan.payout.refresh_from_db()
        with transaction.atomic():
            operations.confirm_payout(
                payout_id=loan.payout.pk, provider_reference=loan.payout.provider_reference,
                amount=loan.payout.amount, currency="CNY", as_of=START, now=timezone.now(),
            )  # fmt: skip


def collect(loan: Loan, amount: str) -> Any:
    """Pull money from the borrower's account; the bank settles at once."""
    collection = operations.start_collection(
        loan_id=loan.pk, amount=Decimal(amount), choice=None, idempotency_key=uuid.uuid4().hex,
        bank_account_id=loan.bank_account_id, actor=None, as_of=START,
    )  # fmt: skip
    operations.send_collection(collection_id=collection.pk, now=timezone.now(), as_of=START)
    collection.refresh_from_db()
    return collection


def test_two_books_that_agree(bank: BankProcess) -> None:
    loan = factories.open_loan()
    pay_out(bank, loan)
    bank.behave("debit", "sync")
    assert collect(loan, "25.00").status == "CONFIRMED"
    factories.repay(loan, "10.00", on=START)  # not through the bank
    code, answer = told()
    assert (code, answer["differences"], answer["agreed"], answer["under_way"]) == (0, [], 2, 0)
    assert answer["bank_balance"] == answer["cash_through_bank"] == "-1175.00"
    assert answer["cash_elsewhere"] == "10.00"


def test_a_refund_is_money_out_like_a_payout(bank: BankProcess) -> None:
    """Credit goes back by the bank: on its way it is no difference, arrived it agrees, and only once."""
    loan = factories.open_loan()
    pay_out(bank, loan)
    factories.repay(loan, "1300.00", on=START)
    loan.refresh_from_db()
    credit = loan.credit_balance
    assert credit > 0
    refund = operations.start_refund(loan_id=loan.pk, amount=credit, reference="back-1", as_of=START)
    assert told()[0] == 0
    bank.behave("transfer", "sync")
    operations.send_payout(payout_id=refund.pk, now=timezone.now(), as_of=START)
    refund.refresh_from_db()
    assert refund.status == "CONFIRMED"
    code, answer = told()
    assert (code, answer["differences"], answer["agreed"]) == (0, [], 2)
    assert Decimal(answer["bank_balance"]) == Decimal(answer["cash_through_bank"]) == -1200 - credit


def test_a_return_is_a_difference_until_it_is_booked(bank: BankProcess) -> None:
    loan = factories.open_loan()
    pay_out(bank, loan)
    bank.behave("debit", "sync")
    collection = collect(loan, "25.00")
    assert told()[0] == 0
    reference = str(collection.gateway_reference)
    assert bank.ask("POST", "/returns", {"reference": reference})[0] == 200
    code, answer = told()
    assert (code, kinds(answer)) == (1, ["return_not_booked"])
    assert answer["differences"][0]["reference"] == reference
    operations.return_collection(
        collection_id=collection.pk, reference="ev-1", amount=Decimal("25.00"), as_of=START
    )
    code, answer = told()
    assert (code, answer["agreed"], answer["bank_balance"]) == (0, 2, "-1200.00")


def test_a_bank_ahead_of_a_restored_database(bank: BankProcess) -> None:
    """One payout is in both books; one was sent after the backup; one whole loan came after the backup."""
    account = BankAccountFactory()
    pay_out(bank, factories.open_loan(account=account))
    sent_later = factories.open_loan(account=account)
    with transaction.atomic():
        pay_out(bank, sent_later)
        lost = factories.open_loan(account=account)
        pay_out(bank, lost)
        lost_reference = str(lost.payout.gateway_reference)
        transaction.set_rollback(True)  # what a restore does: the database forgets, the bank does not
    sent_later = Loan.objects.get(pk=sent_later.pk)
    assert sent_later.payout.status == "PENDING"
    code, answer = told()
    assert (code, kinds(answer)) == (1, ["done_at_bank_not_booked", "unknown_to_us"])
    by_kind = {item["what"]: item for item in answer["differences"]}
    assert by_kind["unknown_to_us"]["reference"] == lost_reference
    assert by_kind["unknown_to_us"]["bank_cash"] == "-1200.00"
    assert by_kind["done_at_bank_not_booked"]["loan_id"] == sent_later.pk
    assert Decimal(answer["bank_balance"]) - Decimal(answer["cash_through_bank"]) == Decimal("-2400.00")

    # the sweep sends again under the same reference: the bank gives the first, and nothing moves twice
    operations.send_payout(payout_id=sent_later.payout.pk, now=timezone.now(), as_of=START)
    sent_later.payout.refresh_from_db()
    assert len(bank.movements()) == 3
    code, answer = told()
    assert (code, kinds(answer)) == (1, ["unknown_to_us"]), "nobody guesses what the lost loan was"


def test_a_database_ahead_of_the_bank(bank: BankProcess) -> None:
    loan = factories.open_loan()
    pay_out(bank, loan)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM sandbox_bank.movement")
    code, answer = told()
    assert (code, kinds(answer)) == (1, ["not_at_bank"])
    assert answer["differences"][0]["our_cash"] == "-1200.00"


def test_what_is_on_its_way_is_no_difference(bank: BankProcess) -> None:
    factories.open_loan()  # not sent yet
    assert told()[0] == 0


def test_a_bank_that_cannot_be_asked(bank: BankProcess, settings: Any) -> None:
    settings.GATEWAY_URL = "http://127.0.0.1:9"
    assert told() == (4, {})


def test_a_long_book_is_read_to_its_end(bank: BankProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loans.reconcile.PAGE", 2)
    for _ in range(5):
        pay_out(bank, factories.open_loan())
    code, answer = told()
    assert (code, answer["movements"], answer["agreed"]) == (0, 5, 5)


REFERENCE = uuid.uuid4()


def line(**change: Any) -> BookLine:
    known: dict[str, Any] = {
        "number": 1, "kind": "transfer", "reference": str(REFERENCE), "provider_reference": "sb-1", "status": "SUCCEEDED",
        "returned": False, "amount": Decimal("10.00"), "currency": "CNY", **change,
    }  # fmt: skip
    return BookLine(**known)


def ours(**change: Any) -> Ours:
    known: dict[str, Any] = {
        "kind": "transfer", "reference": REFERENCE, "loan_id": 1, "amount": Decimal("10.00"), "currency": "CNY",
        "status": "CONFIRMED", "provider_reference": "sb-1", "done_at": None, "cash": Decimal("-10.00"), **change,
    }  # fmt: skip
    return Ours(**known)


@pytest.mark.parametrize(
    ("bank_says", "we_say", "what"),
    [
        ({}, {}, ""),
        ({"kind": "debit"}, {}, "direction_differs"),
        ({"amount": Decimal("10.01")}, {}, "amount_differs"),
        ({"currency": "USD"}, {}, "amount_differs"),
        ({"provider_reference": "sb-2"}, {}, "second_reference"),
        ({"status": "FAILED"}, {}, "booked_not_done_at_bank"),
        ({"status": "ACCEPTED"}, {"status": "SENT", "cash": Decimal(0)}, ""),
        ({}, {"status": "REFUSED", "cash": Decimal(0)}, "done_at_bank_not_booked"),
        ({}, {"cash": Decimal("-9.99")}, "booked_amount_differs"),
        ({"returned": True}, {}, "return_not_booked"),
        ({"returned": True}, {"cash": Decimal(0)}, ""),
    ],
)
def test_every_difference_has_a_name(bank_says: dict[str, Any], we_say: dict[str, Any], what: str) -> None:
    assert compare(line(**bank_says), ours(**we_say)) == what

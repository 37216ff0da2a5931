"""One contract, held by every gateway: whoever moves the money, a reference of ours stands for one movement.

What differs between banks is on the far side (`tests/loans/hands.py`) and in the recorded payloads below.
"""

from __future__ import annotations

import json
import threading
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from loans import operations
from loans.gateways import ISO_FILES, gateway
from loans.gateways.base import Gateway, NotExecuted, Order, Outcome, OutcomeUnknown
from loans.gateways.iso20022 import Debtor, read_notifications, read_orders, read_refusals
from loans.gateways.iso_files import IsoFileGateway, UnableToCollectByFile
from loans.gateways.message import read_message
from loans.gateways.sandbox import SandboxGateway, _receipt
from loans.models import Payout, Transfer
from loans.reconcile import reconcile_bank
from tests.factories import BankAccountFactory
from tests.loans import factories
from tests.loans.bank import API_KEY, BankProcess
from tests.loans.books import breaches
from tests.loans.factories import START
from tests.loans.hands import ApiHand, FileHand, Hand

PAYLOADS = Path(__file__).parent / "payloads"
DEBTOR = ("Lender Ltd", "10000001", "Bank of the Lake")
COLLECTS = {"api"}


def clock() -> datetime:
    return datetime(2026, 3, 2, 2, tzinfo=UTC)


@pytest.fixture(params=[pytest.param("api", marks=pytest.mark.django_db(transaction=True)), "files"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def side(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Gateway, Hand]:
    """Give a gateway and the bank at its other end."""
    if kind == "files":
        return IsoFileGateway(folder=tmp_path, debtor=Debtor(*DEBTOR), clock=clock), FileHand(tmp_path)
    bank: BankProcess = request.getfixturevalue("bank")
    return SandboxGateway(url=bank.url, api_key=API_KEY, timeout=5), ApiHand(bank)


def order(amount: str = "500.00", **changes: Any) -> Order:
    known = {"reference": str(uuid.uuid4()), "amount": Decimal(amount), "currency": "CNY", "account_number": "6222020200112233446",
             "holder_name": "王小明 & Söhne <GmbH>", "bank_name": "湖畔银行", **changes}  # fmt: skip
    return Order(**known)


def test_an_order_is_accepted_then_done_under_one_reference(side: tuple[Gateway, Hand]) -> None:
    bank, hand = side
    asked = order()
    assert bank.look_up(asked.reference) is None
    first = bank.pay_out(asked)
    assert (first.outcome, first.amount, first.currency) == (Outcome.ACCEPTED, asked.amount, "CNY")
    assert first.provider_reference
    hand.execute(asked)
    done = bank.look_up(asked.reference)
    assert done is not None
    assert (done.outcome, done.amount) == (Outcome.SUCCEEDED, asked.amount)
    assert (done.reference, done.provider_reference) == (first.reference, first.provider_reference)


def test_a_repeat_moves_nothing_more(side: tuple[Gateway, Hand]) -> None:
    bank, hand = side
    asked = order()
    receipts = [bank.pay_out(asked) for _ in range(3)]
    assert len({receipt.provider_reference for receipt in receipts}) == 1
    hand.execute(asked)
    assert bank.pay_out(asked).outcome is Outcome.SUCCEEDED, (
        "after the money moved it still is the first order"
    )
    assert [line.amount for line in bank.book(after=0, limit=100).lines] == [asked.amount]


def test_a_reference_used_for_other_money_is_never_sent(side: tuple[Gateway, Hand]) -> None:
    bank, _hand = side
    asked = order()
    bank.pay_out(asked)
    with pytest.raises(OutcomeUnknown):
        bank.pay_out(order("500.01", reference=asked.reference))
    assert [line.amount for line in bank.book(after=0, limit=100).lines] == [asked.amount]


def test_eight_at_once_place_one_order(side: tuple[Gateway, Hand]) -> None:
    bank, _hand = side
    asked, barrier, wrong = order(), threading.Barrier(8), list[BaseException]()

    def work() -> None:
        barrier.wait()
        try:
            bank.pay_out(asked)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(bank.book(after=0, limit=100).lines) == 1


def test_a_refusal_is_for_good_and_moves_no_cash(side: tuple[Gateway, Hand]) -> None:
    bank, hand = side
    asked = order()
    hand.refuse(asked, "AC04")
    bank.pay_out(asked)
    told = bank.look_up(asked.reference)
    assert told is not None
    assert (told.outcome, told.reason) == (Outcome.FAILED, "AC04")
    assert bank.book(after=0, limit=100).balance == 0


def test_the_book_names_each_movement_page_by_page(side: tuple[Gateway, Hand]) -> None:
    bank, hand = side
    orders = [order(f"{100 + number}.00") for number in range(5)]
    for asked in orders:
        bank.pay_out(asked)
        hand.execute(asked)
    first = bank.book(after=0, limit=3)
    rest = bank.book(after=first.lines[-1].number, limit=3)
    lines = [*first.lines, *rest.lines]
    assert [(line.kind, line.amount, line.status) for line in lines] == [
        ("transfer", asked.amount, "SUCCEEDED") for asked in orders
    ]
    assert (
        first.balance == rest.balance == sum((line.cash for line in lines), Decimal(0)) == Decimal("-510.00")
    )
    assert len({line.number for line in lines}) == 5


def test_money_that_comes_back_is_marked_and_counts_as_nothing(side: tuple[Gateway, Hand]) -> None:
    bank, hand = side
    asked = order()
    bank.pay_out(asked)
    hand.execute(asked)
    hand.give_back(asked)
    [line] = bank.book(after=0, limit=10).lines
    assert (line.returned, line.cash, bank.book(after=0, limit=10).balance) == (True, 0, 0)


def test_money_is_collected_or_the_gateway_says_that_it_cannot(side: tuple[Gateway, Hand], kind: str) -> None:
    bank, _hand = side
    if kind in COLLECTS:
        assert bank.collect(order()).outcome is Outcome.ACCEPTED
        return
    with pytest.raises(UnableToCollectByFile) as caught:
        bank.collect(order())
    assert caught.value.code == "gateway_cannot_collect"
    assert bank.book(after=0, limit=10).lines == ()


def test_what_cannot_be_reached_was_not_executed(kind: str, tmp_path: Path) -> None:
    if kind == "files":
        (tmp_path / "orders").write_text("a file where a folder should be")
        bank: Gateway = IsoFileGateway(folder=tmp_path, debtor=Debtor(*DEBTOR), clock=clock)
    else:
        bank = SandboxGateway(url="http://127.0.0.1:9", api_key="k", timeout=1)
    with pytest.raises(NotExecuted):
        bank.pay_out(order())


def test_an_answer_that_cannot_be_read_is_unknown_never_failed(side: tuple[Gateway, Hand], kind: str) -> None:
    bank, hand = side
    asked = order()
    if isinstance(hand, FileHand):
        bank.pay_out(asked)
        hand.write("half", "<Document")
        with pytest.raises(OutcomeUnknown):
            bank.look_up(asked.reference)
        return
    assert isinstance(hand, ApiHand)
    hand.bank.behave("transfer", "garbage")
    with pytest.raises(OutcomeUnknown):
        bank.pay_out(asked)


# ---- recorded payloads ----------------------------------------------------------------------------------------------
def test_the_recorded_answers_of_the_api_are_read() -> None:
    recorded = json.loads((PAYLOADS / "sandbox_api.json").read_text("utf-8"))
    for status, answer in recorded["receipts"].items():
        assert _receipt(answer).outcome is Outcome(status)
    for body in recorded["messages"]:
        assert read_message(json.dumps(body).encode()).amount == Decimal(body["data"]["amount"])


def test_the_recorded_files_are_read() -> None:
    [asked] = read_orders((PAYLOADS / "pain001.xml").read_bytes())
    assert (asked.reference, asked.amount, asked.currency) == (
        "0f8fad5bd9cb469fa16570867728950e", Decimal("500.00"), "CNY",
    )  # fmt: skip
    assert read_refusals((PAYLOADS / "pain002.xml").read_bytes()) == {
        "0f8fad5bd9cb469fa16570867728950e": "AC04",
        "7c9e6679742540de944be07fc1f90ae7": "FF01",
    }
    assert len(read_notifications((PAYLOADS / "camt054.xml").read_bytes())) == 2


def test_a_file_that_is_written_today_is_the_recorded_one(tmp_path: Path) -> None:
    bank = IsoFileGateway(folder=tmp_path, debtor=Debtor(*DEBTOR), clock=clock)
    bank.pay_out(order(reference="0f8fad5b-d9cb-469f-a165-70867728950e"))
    [written] = (tmp_path / "orders").iterdir()
    assert written.name == "0f8fad5bd9cb469fa16570867728950e.xml"
    assert written.read_bytes() == (PAYLOADS / "pain001.xml").read_bytes().rstrip(b"\n")


# ---- the portal pays through files -----------------------------------------------------------------------------------
@pytest.fixture
def by_files(settings: Any, tmp_path: Path, db: None) -> FileHand:
    settings.PAYING_GATEWAY, settings.BANK_FILES, settings.BANK_ACCOUNT = ISO_FILES, tmp_path, DEBTOR
    return FileHand(tmp_path)


def sweep() -> None:
    """Do what the sweepers do, late enough for every row that waits."""
    now = timezone.now() + timezone.timedelta(hours=2)
    for pk in Payout.objects.values_list("pk", flat=True):
        operations.send_payout(payout_id=pk, now=now, as_of=START)
    for pk in Transfer.objects.values_list("pk", flat=True):
        operations.send_transfer(transfer_id=pk, now=now, as_of=START)
    Payout.objects.exclude(next_attempt_at=None).update(next_attempt_at=timezone.now())
    Transfer.objects.exclude(next_attempt_at=None).update(next_attempt_at=timezone.now())


def test_a_payout_goes_out_as_a_file_and_is_booked_by_the_banks_notice(by_files: FileHand) -> None:
    loan = factories.open_loan()
    assert loan.payout.gateway == ISO_FILES
    sweep()
    sweep()
    loan.refresh_from_db()
    assert (loan.status, Payout.objects.get().status) == ("PENDING", "SENT")
    assert by_files.execute_all() == 1
    sweep()
    loan.refresh_from_db()
    assert (loan.status, loan.principal_outstanding) == ("ACTIVE", Decimal("1200.00"))
    book = reconcile_bank(
        gateway=gateway(ISO_FILES), name=ISO_FILES, began_at=timezone.now() + timezone.timedelta(days=1)
    )
    assert (book.differences, book.agreed, book.bank_balance) == ((), 1, Decimal("-1200.00"))
    assert breaches() == {}


def test_a_payout_that_the_bank_refuses_cancels_its_loan(by_files: FileHand) -> None:
    loan = factories.open_loan()
    sweep()
    by_files.refuse(order(reference=str(loan.payout.gateway_reference)), "AC04")
    sweep()
    loan.refresh_from_db()
    assert (loan.status, Payout.objects.get().status, Payout.objects.get().reason) == (
        "CANCELLED",
        "REFUSED",
        "AC04",
    )
    assert breaches() == {}


def test_a_second_booking_for_one_order_is_a_difference(by_files: FileHand) -> None:
    loan = factories.open_loan()
    sweep()
    by_files.execute_all()
    by_files.notify(str(loan.payout.gateway_reference), amount="1200.00")
    sweep()
    book = reconcile_bank(
        gateway=gateway(ISO_FILES), name=ISO_FILES, began_at=timezone.now() + timezone.timedelta(days=1)
    )
    assert [one.what for one in book.differences] == ["unknown_to_us"]


def test_a_transfer_goes_the_same_way(by_files: FileHand) -> None:
    factories.open_loan()  # opens the books
    account = BankAccountFactory()
    row = operations.order_transfer(
        purpose=Transfer.Purpose.SETTLEMENT, amount=Decimal("77.00"), currency="CNY", bank_account=account, key="k",
        as_of=START,
    )  # fmt: skip
    assert row.gateway == ISO_FILES
    sweep()
    assert by_files.execute_all() == 2
    sweep()
    row.refresh_from_db()
    assert row.status == "CONFIRMED"

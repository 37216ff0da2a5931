"""Messages of the gateway: believed only when signed, stored once, applied once, in whatever order they come."""

from __future__ import annotations

import itertools
import json
import threading
import time
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from loans import operations
from loans.gateways.signature import HEADER, sign
from loans.models import GatewayMessage, Loan, LoanEventRow, Payout
from loans.operations import messages
from loans.sandbox_bank.outbox import signature as banks_signature
from tests.loans import factories
from tests.loans.books import breaches
from tests.loans.factories import START

URL = "/gateway/sandbox/webhook/"
SECRET, OLD = "s" * 40, "o" * 40


@pytest.fixture(autouse=True)
def _secrets(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.GATEWAY_SECRETS = [SECRET, OLD]
    monkeypatch.setattr(
        "loans.api.wake_webhook.apply_async", lambda **kwargs: None
    )  # the sweeper's part is played here


def message(payout: Payout, what: str = "succeeded", **changes: Any) -> dict[str, Any]:
    data = {
        "reference": str(payout.gateway_reference), "provider_reference": "sb-1", "amount": f"{payout.amount:.2f}",
        "currency": "CNY", "reason": "", **changes,
    }  # fmt: skip
    return {"id": f"ev-{uuid.uuid4().hex[:12]}", "type": f"transfer.{what}", "version": "1", "data": data}


def deliver(
    body: bytes | dict[str, Any], *, header: str | None = None, secret: str = SECRET, at: float | None = None
) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = header if header is not None else sign(body=raw, secret=secret, timestamp=int(at or time.time()))
    headers = {HEADER: given} if given else {}
    return Client().post(URL, data=raw, content_type="application/json", headers=headers)


def apply_all() -> None:
    for pk in operations.due_messages(now=timezone.now(), limit=100):
        operations.apply_gateway_message(message_id=pk, as_of=START, now=timezone.now())


@pytest.mark.django_db
class TestDoor:
    BODY = b'{"id":"e","type":"transfer.succeeded","version":"1","data":{}}'

    @pytest.mark.parametrize(
        "header",
        [
            "",
            "nonsense",
            "t=1,v1=00",
            lambda body, now: sign(body=body, secret="x" * 40, timestamp=now),
            lambda body, now: sign(body=body, secret=SECRET, timestamp=now).upper(),
            lambda body, now: sign(body=body, secret=SECRET, timestamp=now - 302),
            lambda body, now: sign(body=body, secret=SECRET, timestamp=now + 302),
            lambda body, now: sign(body=body + b" ", secret=SECRET, timestamp=now),
            lambda body, now: sign(body=body, secret=SECRET, timestamp=now).replace("t=", "t=-"),
            lambda body, now: sign(body=body, secret=SECRET, timestamp=now).replace(
                f"t={now}", f"t={10**30}"
            ),
            lambda body, now: ",".join([sign(body=body, secret=SECRET, timestamp=now)] * 2),
            lambda body, now: sign(body=body, secret=SECRET, timestamp=now).split(",")[1],
        ],
    )
    def test_it_refuses_without_saying_why(self, header: Any) -> None:
        given = header(self.BODY, int(time.time())) if callable(header) else header
        answer = deliver(self.BODY, header=given)
        assert (answer.status_code, answer.json()) == (401, {"code": "signature_invalid"})
        assert not GatewayMessage.objects.exists()

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b"", 400),
            (b"not json", 400),
            (b"[]", 400),
            (b'{"id":"e","type":"transfer.succeeded"}', 400),
            (b'{"id":"e","id":"f","type":"t","data":{}}', 400),
            (b'{"id":"e","type":"t","data":{"amount":NaN}}', 400),
            (b"[" * 100_000, 400),
            (b'{"id":"e","type":"t","data":{"a":"\\u0000"}}', 400),
            (b'"\xff"', 400),
            (b" " * (256 * 1024 + 1), 413),
        ],
    )
    def test_it_refuses_what_it_cannot_read(self, body: bytes, status: int) -> None:
        started = time.perf_counter()
        assert deliver(body).status_code == status
        assert time.perf_counter() - started < 1
        assert not GatewayMessage.objects.exists()

    @pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
    def test_other_methods(self, method: str) -> None:
        assert getattr(Client(), method)(URL).status_code == 405

    def test_a_missing_slash_is_no_redirect(self) -> None:
        assert Client().post(URL.rstrip("/"), data=b"{}", content_type="application/json").status_code == 401

    def test_both_live_secrets_are_good_and_the_banks_signature_is_ours(self) -> None:
        payout = factories.open_loan().payout
        for secret in (SECRET, OLD):
            assert deliver(message(payout), secret=secret).status_code == 200
        raw = json.dumps(message(payout)).encode()
        header = banks_signature(body=raw, secret=SECRET, timestamp=int(time.time()))
        assert deliver(raw, header=header).status_code == 200

    @pytest.mark.parametrize(
        "changes",
        [
            {"reference": str(uuid.uuid4())},
            {"reference": "not-ours"},
            {"amount": "1200.01"},
            {"amount": "1199.99"},
            {"amount": "-1200.00"},
            {"amount": 1200.00},
            {"currency": "USD"},
        ],
    )
    def test_what_cannot_be_ours_is_parked(self, changes: dict[str, Any]) -> None:
        loan = factories.open_loan()
        assert deliver(message(loan.payout, **changes)).status_code == 202
        apply_all()
        assert GatewayMessage.objects.get().state == "PARKED"
        loan.refresh_from_db()
        assert loan.status == "PENDING"

    def test_unknown_types_are_stored_and_of_no_effect(self) -> None:
        payout = factories.open_loan().payout
        for change in ({"type": "transfer.danced"}, {"version": "2"}):
            assert deliver({**message(payout), **change}).status_code == 202
        apply_all()
        assert set(GatewayMessage.objects.values_list("state", flat=True)) == {"IGNORED"}
        assert not LoanEventRow.objects.exists()

    def test_a_message_before_the_loans_own_first_day_ends_is_applied_once(self) -> None:
        loan = factories.open_loan()
        told = message(loan.payout)
        for _ in range(20):
            assert deliver(told).status_code == 200
            apply_all()
        loan.refresh_from_db()
        assert loan.status == "ACTIVE"
        assert (GatewayMessage.objects.count(), LoanEventRow.objects.count()) == (1, 1)
        assert breaches() == {}


@pytest.mark.django_db
@pytest.mark.parametrize("order", list(itertools.permutations(["accepted", "succeeded", "returned"])))
def test_any_order_ends_in_the_same_state(order: tuple[str, ...]) -> None:
    loan = factories.open_loan()
    for what in order:
        deliver(message(loan.payout, what))
    now = timezone.now()
    for _ in range(6):
        for pk in operations.due_messages(now=now, limit=10):
            operations.apply_gateway_message(message_id=pk, as_of=START, now=now)
        now += timezone.timedelta(minutes=11)
    loan.refresh_from_db()
    assert loan.status == "CANCELLED"
    assert set(GatewayMessage.objects.values_list("state", flat=True)) == {"APPLIED"}
    assert breaches() == {}


@pytest.mark.django_db
def test_a_success_after_a_refusal_is_parked() -> None:
    loan = factories.open_loan()
    deliver(message(loan.payout, "failed", reason="account_refused"))
    apply_all()
    deliver(message(loan.payout, "succeeded"))
    apply_all()
    assert sorted(GatewayMessage.objects.values_list("state", "reason")) == [
        ("APPLIED", ""),
        ("PARKED", "outcome_contradicts"),
    ]
    loan.refresh_from_db()
    assert loan.status == "CANCELLED"


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_hung_until_another_applied_its_message_leaves_it_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first worker claimed the message and slept beyond its lease; the second applied it."""
    loan, later = factories.open_loan(), timezone.now() + timedelta(hours=1)
    deliver(message(loan.payout))
    row = GatewayMessage.objects.get()
    work, slept = messages._apply_locked, []

    def sleep_first(**given: Any) -> str:
        if not slept:
            slept.append(1)
            assert operations.apply_gateway_message(message_id=row.pk, as_of=START, now=later) == "APPLIED"
        return work(**given)

    monkeypatch.setattr(messages, "_apply_locked", sleep_first)
    dispatched = []
    dispatch = messages._dispatch
    monkeypatch.setattr(
        messages, "_dispatch", lambda *args, **given: dispatched.append(dispatch(*args, **given))
    )
    assert operations.apply_gateway_message(message_id=row.pk, as_of=START, now=timezone.now()) == "APPLIED"
    row.refresh_from_db()
    assert (len(dispatched), row.applied_at) == (1, later)
    assert LoanEventRow.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_message_twenty_times_at_once_posts_once() -> None:
    loan = factories.open_loan()
    told = message(loan.payout)
    barrier = threading.Barrier(20)
    answers: list[int] = []

    def work() -> None:
        try:
            barrier.wait()
            answers.append(deliver(told).status_code)
            for pk in GatewayMessage.objects.values_list("pk", flat=True):
                operations.apply_gateway_message(message_id=pk, as_of=START, now=timezone.now())
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 20
    assert (GatewayMessage.objects.count(), LoanEventRow.objects.count()) == (1, 1)
    assert Loan.objects.get().principal_outstanding == Decimal("1200.00")
    assert breaches() == {}


@pytest.mark.django_db(transaction=True)
def test_twenty_repayments_at_once_are_all_there() -> None:
    loan = factories.active_loan()
    barrier = threading.Barrier(20)
    wrong: list[BaseException] = []

    def work() -> None:
        try:
            barrier.wait()
            factories.repay(Loan.objects.get(pk=loan.pk), "10.00", on=START)
        except BaseException as error:
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    loan.refresh_from_db()
    assert (loan.last_sequence, loan.principal_outstanding) == (21, Decimal("1000.00"))
    assert breaches() == {}


@pytest.mark.django_db(transaction=True)
def test_repaying_while_the_night_books_is_one_of_the_two_orders() -> None:
    from datetime import timedelta

    from ledger.operations import advance_business_date

    loans = [factories.active_loan() for _ in range(6)]
    day = START + timedelta(days=45)
    advance_business_date(to=day)
    barrier = threading.Barrier(4)
    wrong: list[BaseException] = []

    def pay(offset: int) -> None:
        try:
            barrier.wait()
            for loan in loans[offset::3]:
                factories.repay(
                    Loan.objects.get(pk=loan.pk), "60.00", on=START + timedelta(days=20), as_of=day
                )
        except BaseException as error:
            wrong.append(error)
        finally:
            connection.close()

    def night() -> None:
        try:
            barrier.wait()
            for loan in loans:
                operations.age_loans(as_of=day, first_id=loan.pk, last_id=loan.pk)
                operations.accrue(as_of=day, first_id=loan.pk, last_id=loan.pk)
        except BaseException as error:
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=pay, args=(offset,)) for offset in range(3)] + [
        threading.Thread(target=night)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert breaches() == {}

"""The flows that are broken: each with what comes after it in the portal's life, and what must be true then."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import OperationalError, connection
from django.utils import timezone

from credit import operations as credit_operations
from credit.models import CreditLine, Drawdown, LimitChange, NightRun
from ledger.queries import business_date
from loans import operations
from loans.domain.events import EventKind, LoanEvent
from loans.gateways.signature import sign
from loans.models import Collection, GatewayMessage, Loan, LoanEventRow, Payout
from loans.tasks import wake_collection, wake_payout, wake_webhook
from loans.views.wake import wake
from tests.crash.runner import Flow
from tests.credit.factories import account_of, make_line, make_person
from tests.factories import StaffFactory

SECRET = "webhook-secret-of-the-tests-0123456789ab"
_count = itertools.count(1)


@dataclass
class Subject:
    """What one run is about; everything by primary key, because a child and its parent share only the database."""

    line: int = 0
    loan: int = 0
    movement: int = 0
    officer: int = 0
    key: str = ""
    body: bytes = b""
    day: date = date.min


# ---- making subjects -------------------------------------------------------------------------------------------------
def a_line() -> Subject:
    today = business_date()
    line = make_line(borrower=make_person(), limit=1_000, as_of=today)
    return Subject(line=line.pk, key=uuid.uuid4().hex, day=today)


def draw(subject: Subject) -> Drawdown:
    line = CreditLine.objects.get(pk=subject.line)
    drawn = credit_operations.draw_down(
        line_id=subject.line,
        amount=Decimal("600.00"),
        instalment_count=6,
        repayment_method="EQUAL_INSTALMENT",
        purpose="DAILY_GOODS",
        scenario="EVERYDAY",
        bank_account_id=account_of(line.borrower).pk,
        idempotency_key=subject.key,
        actor=None,
        as_of=business_date(),
    )
    wake(wake_payout, drawn.loan.payout.pk)
    return drawn


def drawn() -> Subject:
    subject = a_line()
    loan = draw(subject).loan
    subject.loan, subject.movement = loan.pk, loan.payout.pk
    return subject


def paid_out() -> Subject:
    subject = drawn()
    payout = Payout.objects.get(pk=subject.movement)
    operations.confirm_payout(
        payout_id=payout.pk,
        provider_reference=f"bank-{payout.gateway_reference}",
        amount=payout.amount,
        currency="CNY",
        as_of=business_date(),
        now=timezone.now(),
    )
    return subject


def collecting() -> Subject:
    subject = paid_out()
    subject.movement = _collect(subject).pk
    return subject


def _collect(subject: Subject) -> Collection:
    loan = Loan.objects.get(pk=subject.loan)
    row = operations.start_collection(
        loan_id=loan.pk,
        amount=Decimal("50.00"),
        choice="PAY_AHEAD",
        idempotency_key=f"pay-{subject.key}",
        bank_account_id=loan.payout.bank_account_id,
        actor=None,
        as_of=business_date(),
    )
    wake(wake_collection, row.pk)
    return row


def _told(model: type[Payout] | type[Collection], subject: Subject, kind: str, **more: Any) -> bytes:
    row = model.objects.get(pk=subject.movement)
    data = {
        "reference": str(row.gateway_reference),
        "provider_reference": row.provider_reference or f"bank-{row.gateway_reference}",
        "amount": f"{row.amount:.2f}",
        "currency": "CNY",
        "reason": "",
        **more,
    }
    return json.dumps({"id": f"ev-{uuid.uuid4().hex}", "type": kind, "version": "1", "data": data}).encode()


def _with_message(
    make: Callable[[], Subject], model: type[Payout] | type[Collection], kind: str, *, settled: bool = False
) -> Callable[[], Subject]:
    def prepare() -> Subject:
        subject = make()
        if settled and model is Collection:
            row = Collection.objects.get(pk=subject.movement)
            operations.confirm_collection(
                collection_id=row.pk,
                provider_reference=f"bank-{row.gateway_reference}",
                amount=row.amount,
                currency="CNY",
                as_of=business_date(),
                now=timezone.now(),
            )
        subject.body = _told(model, subject, kind)
        return subject

    return prepare


def receive(subject: Subject) -> None:
    """Take a message in as the door does, then apply it as the worker does."""
    header = sign(body=subject.body, secret=SECRET, timestamp=int(time.time()))
    row = operations.receive_gateway_message(
        provider="sandbox", body=subject.body, signatures=[header], now=timezone.now()
    )
    wake(wake_webhook, row.pk)
    operations.apply_gateway_message(message_id=row.pk, as_of=business_date(), now=timezone.now())


# ---- what comes afterwards -------------------------------------------------------------------------------------------
def sweep(tries: int = 8) -> None:
    """Do what the sweepers do, minute after minute, until nothing is under way."""
    now = timezone.now()
    for _ in range(tries):
        now += timedelta(minutes=11)
        for pk in operations.due(Payout, now=now, limit=1000):
            operations.send_payout(payout_id=pk, now=now, as_of=business_date())
        for pk in operations.due(Collection, now=now, limit=1000):
            operations.send_collection(collection_id=pk, now=now, as_of=business_date())
        for pk in operations.due_messages(now=now, limit=1000):
            operations.apply_gateway_message(message_id=pk, as_of=business_date(), now=now)
        waiting = ("PENDING", "CLAIMED", "SENT", "UNKNOWN")
        under_way = sum(model.objects.filter(status__in=waiting).count() for model in (Payout, Collection))
        if not under_way and not GatewayMessage.objects.filter(state="STORED").exists():
            return
        time.sleep(0.06)  # the bank settles


def _again(work: Callable[[Subject], object]) -> Callable[[Subject], None]:
    """Ask again under the same key, as a client without an answer does, then let the sweepers work."""

    def settle(subject: Subject) -> None:
        work(subject)
        sweep()

    return settle


def _swept(subject: Subject) -> None:
    sweep()


# ---- what must be true -----------------------------------------------------------------------------------------------
def _orders(reference: uuid.UUID) -> list[tuple[str, Decimal]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT status, amount FROM sandbox_bank.movement WHERE reference = %s", [str(reference)]
        )
        return list(cursor.fetchall())


def paid_once(subject: Subject) -> list[str]:
    rows = list(
        Drawdown.objects.filter(line_id=subject.line).select_related("loan").prefetch_related("loan__payouts")
    )
    if len(rows) != 1:
        return [f"{len(rows)} draws under one key"]
    payout = rows[0].loan.payout
    wrong = [] if payout.status == "CONFIRMED" else [f"payout {payout.status}"]
    wrong += [] if rows[0].loan.status == "ACTIVE" else [f"loan {rows[0].loan.status}"]
    told = LoanEventRow.objects.filter(loan_id=rows[0].loan_id, kind="PAYOUT").count()
    wrong += [] if told == 1 else [f"{told} payouts in the loan's history"]
    at_bank = _orders(payout.gateway_reference)
    wrong += [] if len(at_bank) <= 1 else [f"{len(at_bank)} transfers at the bank"]
    return wrong


def sent_once(subject: Subject) -> list[str]:
    payout = Payout.objects.get(pk=subject.movement)
    at_bank = _orders(payout.gateway_reference)
    return paid_once(subject) + ([] if len(at_bank) == 1 else [f"{len(at_bank)} transfers at the bank"])


def cancelled(subject: Subject) -> list[str]:
    loan = Loan.objects.get(pk=subject.loan)
    return [] if loan.status == "CANCELLED" else [f"loan {loan.status}"]


def repaid_once(subject: Subject) -> list[str]:
    rows = list(Collection.objects.filter(loan_id=subject.loan))
    if len(rows) != 1 or rows[0].status != "CONFIRMED":
        return [f"collections {[row.status for row in rows]}"]
    told = LoanEventRow.objects.filter(loan_id=subject.loan, kind="REPAYMENT").count()
    return [] if told == 1 else [f"{told} repayments in the loan's history"]


def event_once(kind: str) -> Callable[[Subject], list[str]]:
    def judge(subject: Subject) -> list[str]:
        told = LoanEventRow.objects.filter(loan_id=subject.loan, kind=kind).count()
        return [] if told == 1 else [f"{told} x {kind}"]

    return judge


def _event(kind: EventKind, **values: Any) -> Callable[[Subject], object]:
    def act(subject: Subject) -> object:
        today = business_date()
        event = LoanEvent(
            kind=kind,
            value_date=today,
            ref=f"{kind}-{subject.key}"[:64],
            sequence=0,
            recorded_date=today,
            **values,
        )
        return operations.add_event(loan_id=subject.loan, event=event, as_of=today)

    return act


def _late(make: Callable[[], Subject]) -> Callable[[], Subject]:
    def prepare() -> Subject:
        subject = make()
        _event(EventKind.FEE, amount=Decimal("5.00"), data={"component": "fee"})(subject)
        return subject

    return prepare


def _overpaid() -> Subject:
    subject = paid_out()
    today = business_date()
    operations.record_repayment(
        loan_id=subject.loan,
        amount=Decimal("700.00"),
        value_date=today,
        reference=f"over-{subject.key}",
        as_of=today,
    )
    return subject


def _written_off() -> Subject:
    subject = paid_out()
    _event(EventKind.WRITE_OFF)(subject)
    return subject


def _repaid() -> Subject:
    subject = paid_out()
    today = business_date()
    operations.record_repayment(
        loan_id=subject.loan,
        amount=Decimal("80.00"),
        value_date=today,
        reference=f"cash-{subject.key}",
        as_of=today,
    )
    return subject


def _reverse(subject: Subject) -> object:
    return operations.reverse_event(
        loan_id=subject.loan,
        reference=f"cash-{subject.key}",
        reversal_reference=f"undo-{subject.key}",
        as_of=business_date(),
        actor=None,
    )


def _cut(subject: Subject) -> object:
    from accounts.models import User

    return credit_operations.change_limit(
        line_id=subject.line,
        limit=Decimal(700),
        reason="a look at the papers",
        actor=User.objects.get(pk=subject.officer),
        as_of=business_date(),
    )


def _with_officer() -> Subject:
    subject = a_line()
    subject.officer = StaffFactory(email=f"officer{next(_count)}-{subject.key[:8]}@example.com").pk
    return subject


def _limit_is_that_of_the_newest_change(subject: Subject) -> list[str]:
    line = CreditLine.objects.get(pk=subject.line)
    newest = LimitChange.objects.filter(line=line).order_by("-pk")[0]
    return [] if line.limit == newest.new_limit == Decimal(700) else [f"{line.limit} and {newest.new_limit}"]


def _night(subject: Subject) -> object:
    return credit_operations.run_end_of_day(
        as_of=subject.day, now=timezone.now(), worker=f"w{time.monotonic_ns()}"
    )


def _settle_night(subject: Subject) -> None:
    with connection.cursor() as cursor:  # a dead worker's lease is over
        cursor.execute("UPDATE credit_nightshard SET claimed_until = now() WHERE status = 'CLAIMED'")
    if business_date() <= subject.day or NightRun.objects.exclude(status="DONE").exists():
        report = _night(subject)
        if report.status == "STOPPED" and "lock timeout" in report.problem:  # type: ignore[attr-defined]
            raise OperationalError(report.problem)  # type: ignore[attr-defined]  # the next tick goes on with it
        assert report.status in ("DONE", "ALREADY_DONE"), report  # type: ignore[attr-defined]
    sweep()


def _night_once(subject: Subject) -> list[str]:
    nights = NightRun.objects.filter(business_date=subject.day)
    wrong = (
        [] if business_date() == subject.day + timedelta(days=1) else [f"the books are at {business_date()}"]
    )
    return wrong + ([] if [run.status for run in nights] == ["DONE"] else ["the night is not done once"])


FLOWS = [
    Flow("draw", a_line, draw, _again(draw), paid_once),
    Flow(
        "payout",
        drawn,
        lambda s: operations.send_payout(payout_id=s.movement, now=timezone.now(), as_of=business_date()),
        _swept,
        sent_once,
    ),
    Flow(
        "payout_confirmed",
        _with_message(drawn, Payout, "transfer.succeeded"),
        receive,
        _again(receive),
        paid_once,
    ),
    Flow(
        "payout_refused", _with_message(drawn, Payout, "transfer.failed"), receive, _again(receive), cancelled
    ),
    Flow(
        "payout_returned",
        _with_message(paid_out, Payout, "transfer.returned"),
        receive,
        _again(receive),
        cancelled,
    ),
    Flow("repay", paid_out, _collect, _again(_collect), repaid_once),
    Flow(
        "collect",
        collecting,
        lambda s: operations.send_collection(
            collection_id=s.movement, now=timezone.now(), as_of=business_date()
        ),
        _swept,
        repaid_once,
    ),
    Flow(
        "collection_confirmed",
        _with_message(collecting, Collection, "debit.succeeded"),
        receive,
        _again(receive),
        repaid_once,
    ),
    Flow(
        "collection_returned",
        _with_message(collecting, Collection, "debit.returned", settled=True),
        receive,
        _again(receive),
        event_once("CHARGE_BACK"),
    ),
    Flow(
        "waive",
        _late(paid_out),
        _event(EventKind.WAIVER, amount=Decimal("5.00"), data={"component": "fee"}),
        _again(_event(EventKind.WAIVER, amount=Decimal("5.00"), data={"component": "fee"})),
        event_once("WAIVER"),
    ),
    Flow(
        "write_off",
        paid_out,
        _event(EventKind.WRITE_OFF),
        _again(_event(EventKind.WRITE_OFF)),
        event_once("WRITE_OFF"),
    ),
    Flow(
        "recover",
        _written_off,
        _event(EventKind.RECOVERY, amount=Decimal("40.00")),
        _again(_event(EventKind.RECOVERY, amount=Decimal("40.00"))),
        event_once("RECOVERY"),
    ),
    Flow(
        "refund",
        _overpaid,
        _event(EventKind.REFUND, amount=Decimal("90.00")),
        _again(_event(EventKind.REFUND, amount=Decimal("90.00"))),
        event_once("REFUND"),
    ),
    Flow("reverse", _repaid, _reverse, _again(_reverse), event_once("REVERSAL")),
    Flow("limit", _with_officer, _cut, _again(_cut), _limit_is_that_of_the_newest_change),
    Flow("night", a_line, _night, _settle_night, _night_once),
]
BY_NAME = {flow.name: flow for flow in FLOWS}

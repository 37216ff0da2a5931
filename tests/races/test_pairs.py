"""Two operations at once on one line and its loan end as one of the two orders would have, and nothing deadlocks.

Each pair is run one after the other in both orders first, on subjects of their own; then at once, by two threads that start
together. `DEEP=1` repeats each pair 200 times; `make test` does each once.
"""

from __future__ import annotations

import itertools
import os
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test import Client

from accounts.models import User
from credit import operations as credit_operations
from credit.models import CreditLine, Drawdown
from ledger.queries import business_date
from lendportal.management.commands.check_books import check
from loans import operations
from loans.domain.events import EventKind, LoanEvent
from loans.models import Loan, LoanEventRow
from regimes.errors import Refusal
from tests.crash.flows import paid_out
from tests.credit.factories import account_of, bring_first_versions
from tests.factories import StaffFactory

pytestmark = pytest.mark.django_db(transaction=True)
DEEP = os.environ.get("DEEP") == "1"
REPEATS = int(os.environ.get("RACE_REPEATS", "200")) if DEEP else 1


@dataclass(frozen=True)
class Scene:
    """One line with a running loan on it: a payment came, a fee is owed."""

    line: int
    loan: int
    account: int
    officer: int
    day: date


def scene(officer: int) -> Scene:
    subject = paid_out()
    today = business_date()
    operations.record_repayment(
        loan_id=subject.loan, amount=Decimal("80.00"), value_date=today, reference="cash", as_of=today
    )
    _event(subject.loan, EventKind.FEE, ref="fee", amount=Decimal("5.00"), data={"component": "fee"})
    line = CreditLine.objects.get(pk=subject.line)
    return Scene(line.pk, subject.loan, account_of(line.borrower).pk, officer, today)


def _event(loan: int, kind: EventKind, *, ref: str, **values: Any) -> None:
    today = business_date()
    event = LoanEvent(kind=kind, value_date=today, ref=ref, sequence=0, recorded_date=today, **values)
    operations.add_event(loan_id=loan, event=event, as_of=today)


def draw(at: Scene) -> None:
    credit_operations.draw_down(
        line_id=at.line,
        amount=Decimal("300.00"),
        instalment_count=6,
        repayment_method="EQUAL_INSTALMENT",
        purpose="DAILY_GOODS",
        scenario="EVERYDAY",
        bank_account_id=at.account,
        idempotency_key=uuid.uuid4().hex,
        actor=None,
        as_of=at.day,
    )


def pay(at: Scene) -> None:
    operations.record_repayment(
        loan_id=at.loan, amount=Decimal("100.00"), value_date=at.day, reference=uuid.uuid4().hex, as_of=at.day
    )


def pay_all(at: Scene) -> None:
    operations.record_repayment(
        loan_id=at.loan, amount=Decimal("525.00"), value_date=at.day, reference=uuid.uuid4().hex, as_of=at.day
    )


def reverse(at: Scene) -> None:
    operations.reverse_event(
        loan_id=at.loan, reference="cash", reversal_reference=uuid.uuid4().hex, as_of=at.day, actor=None
    )


def waive(at: Scene) -> None:
    _event(
        at.loan,
        EventKind.WAIVER,
        ref=uuid.uuid4().hex,
        amount=Decimal("5.00"),
        data={"component": "fee"},
    )


def write_off(at: Scene) -> None:
    _event(at.loan, EventKind.WRITE_OFF, ref=uuid.uuid4().hex)


def freeze(at: Scene) -> None:
    credit_operations.freeze_line(
        line_id=at.line, reason="papers", actor=User.objects.get(pk=at.officer), as_of=at.day
    )


def cut(at: Scene) -> None:
    credit_operations.change_limit(
        line_id=at.line,
        limit=Decimal(700),
        reason="papers",
        actor=User.objects.get(pk=at.officer),
        as_of=at.day,
    )


def close(at: Scene) -> None:
    credit_operations.close_line(
        line_id=at.line, actor=User.objects.get(pk=at.officer), as_of=at.day, reason="asked"
    )


ACTS: tuple[Callable[[Scene], None], ...] = (
    draw,
    pay,
    pay_all,
    reverse,
    waive,
    write_off,
    freeze,
    cut,
    close,
)
PAIRS = list(itertools.combinations_with_replacement(ACTS, 2))


def run(act: Callable[[Scene], None], at: Scene) -> str:
    """Do one thing; give what came of it."""
    try:
        act(at)
    except Refusal as refusal:
        return refusal.code
    return "done"


def end_of(at: Scene, outcomes: list[str]) -> tuple[Any, ...]:
    """Tell everything that a person could see of a scene, without what is random."""
    line, loan = CreditLine.objects.get(pk=at.line), Loan.objects.get(pk=at.loan)
    events = sorted(LoanEventRow.objects.filter(loan_id=at.loan).values_list("kind", "amount"))
    draws = sorted(Drawdown.objects.filter(line_id=at.line).values_list("amount", "exposure_before"))
    return (
        tuple(outcomes),
        (line.status, line.limit, line.freeze_reason),
        (loan.status, loan.principal_outstanding, loan.next_due_amount),
        tuple(events),
        tuple(draws),
    )


def at_once(first: Callable[[Scene], None], second: Callable[[Scene], None], at: Scene) -> list[str]:
    outcomes, barrier = ["", ""], threading.Barrier(2)

    def thread(place: int, act: Callable[[Scene], None]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(10)
            outcomes[place] = run(act, at)
        except Exception as error:
            outcomes[place] = f"{type(error).__name__}: {error}"
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=thread, args=(place, act)) for place, act in enumerate((first, second))
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    return outcomes


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def test_there_are_thirty_pairs_and_more() -> None:
    assert len(PAIRS) >= 30


@pytest.mark.parametrize("act", ACTS)
def test_two_operations_at_once_are_one_of_the_two_orders(act: Callable[[Scene], None]) -> None:
    bring_first_versions()
    officer, before, wrong = StaffFactory().pk, deadlocks(), []
    for first, second in PAIRS:
        if first is not act:
            continue
        one, other = scene(officer), scene(officer)
        forwards = end_of(one, [run(first, one), run(second, one)])
        told = [run(second, other), run(first, other)]
        backwards = end_of(other, told[::-1])
        for _ in range(REPEATS):
            at = scene(officer)
            seen = end_of(at, at_once(first, second, at))
            if seen not in (forwards, backwards):
                wrong.append(
                    f"{first.__name__} and {second.__name__}: {seen} is neither {forwards} nor {backwards}"
                )
    wrong += [
        f"{row['id']} {row['title']}: {row['rows'][:2]}"
        for row in check(strict=False)
        if row["rows"] or row["error"]
    ]
    assert not wrong, "\n".join(wrong[:20])
    assert deadlocks() == before


def test_a_lock_that_is_held_is_a_503_and_nothing_is_half(settings: Any) -> None:
    """Somebody holds the line for longer than a web request waits: the answer says to come again, and nothing is written."""
    bring_first_versions()
    at = scene(StaffFactory().pk)
    line = CreditLine.objects.select_related("borrower__user").get(pk=at.line)
    account = account_of(line.borrower)
    body = {
        "amount": "300.00",
        "currency": "CNY",
        "instalment_count": 6,
        "repayment_method": "EQUAL_INSTALMENT",
        "scenario": "EVERYDAY",
        "purpose": "DAILY_GOODS",
        "bank_account": str(account.ref),
        "terms_version": "everyday@1",
    }
    client = Client()
    client.force_login(line.borrower.user)
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                CreditLine.objects.select_for_update().get(pk=at.line)
                held.set()
                go_on.wait(20)
        finally:
            connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(10)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '150ms'")
        answer = client.post(
            f"/api/v1/lines/{line.ref}/drawdowns",
            body,
            content_type="application/json",
            headers={"Idempotency-Key": "held"},
        )
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
        go_on.set()
        holder.join(20)
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "unavailable", "2")
    assert Drawdown.objects.filter(line_id=at.line).count() == 1

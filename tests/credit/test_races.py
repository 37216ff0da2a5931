"""Races on the line, on PostgreSQL, with threads that start together; and proof that the tests can fail."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, connections

from credit import operations, queries
from credit.domain.line import UnableToDrawDown
from credit.models import Application, CreditLine, Decision, Drawdown, LimitChange, Policy, Product
from credit.operations import lines
from regimes.errors import Refusal
from tests.credit.factories import account_of, engine_inputs, make_line, make_person
from tests.factories import AS_OF, NOW, UserFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("transactional_db", "books")]
THREADS = 20


class Crowd:
    """Keep threads with open connections, so that many rounds cost no reconnecting."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.pool = ThreadPoolExecutor(size)

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, *error: object) -> None:
        meet = threading.Barrier(self.size)

        def leave() -> None:
            meet.wait(timeout=30)
            connections.close_all()

        for done in [self.pool.submit(leave) for _ in range(self.size)]:
            done.result(timeout=60)
        self.pool.shutdown()

    def at_once(self, *works: Callable[[], Any]) -> list[Any]:
        """Run each work in a thread of its own, all released by one barrier; give what came back or was raised."""
        assert len(works) <= self.size
        barrier = threading.Barrier(len(works))

        def run(work: Callable[[], Any]) -> Any:
            connection.ensure_connection()
            barrier.wait(timeout=30)
            try:
                return work()
            except Exception as error:
                return error

        return [done.result(timeout=60) for done in [self.pool.submit(run, work) for work in works]]


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Run works together once."""
    with Crowd(len(works)) as crowd:
        return crowd.at_once(*works)


def drawer(line: CreditLine, key: str, amount: Decimal = Decimal("100.00")) -> Callable[[], Drawdown]:
    account = account_of(line.borrower).pk
    return lambda: operations.draw_down(
        line_id=line.pk, amount=amount, instalment_count=3, repayment_method="EQUAL_INSTALMENT",
        purpose="DAILY_GOODS", scenario="EVERYDAY", bank_account_id=account, idempotency_key=key, actor=None, as_of=AS_OF,
    )  # fmt: skip


def accepted(results: list[Any]) -> int:
    return sum(isinstance(result, Drawdown) for result in results)


def outcomes(results: list[Any]) -> Counter[str]:
    return Counter(
        "drawn" if isinstance(r, Drawdown) else r.code if isinstance(r, Refusal) else repr(r) for r in results
    )


@pytest.mark.slow
def test_twenty_threads_take_ten_hundreds_of_a_thousand_fifty_times() -> None:
    borrower = make_person()
    with Crowd(THREADS) as crowd:
        for repeat in range(50):
            line = make_line(borrower=borrower)
            results = crowd.at_once(*(drawer(line, f"{repeat}-{number}") for number in range(THREADS)))
            assert outcomes(results) == {"drawn": 10, "limit_exceeded": 10}, f"repeat {repeat}"
            assert queries.line_exposure(line_id=line.pk) == 1000
            operations.close_line(line_id=line.pk, actor=None, as_of=AS_OF)
    wrong = {name for name in operations.prove_books() if name.split()[0] in ("I5", "I6", "I7", "I22")}
    assert not wrong


def test_without_the_lock_the_line_is_overdrawn_and_the_books_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above has power only if this one holds: take the lock out, and it would be red."""
    line = make_line()
    together = threading.Barrier(THREADS)

    def look_without_locking(*, line_id: int) -> CreditLine:
        return CreditLine.objects.select_related("borrower").get(pk=line_id)

    def see_together(**asked: Any) -> queries.Gate:
        found = queries.draw_gate(**asked)
        together.wait(timeout=30)
        return found

    monkeypatch.setattr(lines, "lock_line", look_without_locking)
    monkeypatch.setattr("credit.operations.drawdowns.draw_gate", see_together)
    results = at_once(*(drawer(line, str(number)) for number in range(THREADS)))
    assert accepted(results) == 20, outcomes(results)
    assert queries.line_exposure(line_id=line.pk) == 2000
    wrong = {name.split()[0] for name in operations.prove_books()}
    assert {"I6", "I7"} <= wrong, "the invariants see what the missing lock let through"


def test_one_key_from_twenty_threads_draws_once() -> None:
    line = make_line()
    results = at_once(*(drawer(line, "one") for _ in range(THREADS)))
    assert len({drawdown.pk for drawdown in results}) == 1
    assert Drawdown.objects.count() == 1


@pytest.mark.parametrize("repeat", range(5))
def test_no_draw_comes_after_a_freeze(repeat: int) -> None:
    line = make_line(limit=1_000)
    freeze = lambda: operations.freeze_line(line_id=line.pk, reason="race", actor=None, as_of=AS_OF)  # noqa: E731
    works = [drawer(line, str(number)) for number in range(8)]
    works.insert(4, freeze)
    results = at_once(*works)
    assert not [r for r in results if isinstance(r, Exception) and not isinstance(r, UnableToDrawDown)], (
        results
    )
    frozen = LimitChange.objects.get(direction="FREEZE")
    assert not Drawdown.objects.filter(limit_change_id__gte=frozen.pk).exists()
    assert not [name for name in operations.prove_books() if name.startswith(("I7", "I18"))]
    with pytest.raises(UnableToDrawDown):
        drawer(line, "after")()


@pytest.mark.parametrize("repeat", range(5))
def test_a_cut_and_draws_at_once_leave_no_draw_over_the_limit_in_force(repeat: int) -> None:
    line, officer = make_line(limit=1_000), UserFactory(is_staff=True)
    cut = lambda: operations.change_limit(  # noqa: E731
        line_id=line.pk, limit=Decimal(300), reason="race", actor=officer, as_of=AS_OF
    )
    works = [drawer(line, str(number)) for number in range(10)]
    works.insert(5, cut)
    at_once(*works)
    change = LimitChange.objects.get(direction="DOWN")
    for drawdown in Drawdown.objects.filter(limit_change_id=change.pk):
        assert drawdown.exposure_before + drawdown.amount <= 300
    assert not [name for name in operations.prove_books() if name.startswith(("I6", "I7"))]


def referred() -> Application:
    borrower = make_person()
    product = Product.objects.get(code="everyday")
    application = Application.objects.create(
        borrower=borrower, product=product, policy=Policy.objects.get(state="ACTIVE"), requested_amount=1_000,
        purpose="DAILY_GOODS", status="REFERRED", submitted_date=AS_OF, submitted_at=NOW,
    )  # fmt: skip
    Decision.objects.create(
        application=application, number=1, is_final=False, outcome="REFER", policy=application.policy,
        reasons=[{"code": "model_unavailable", "message": "…", "params": {}}], inputs=engine_inputs(), decided_date=AS_OF,
        decided_at=NOW,
    )  # fmt: skip
    return application


@pytest.mark.parametrize("repeat", range(3))
def test_two_officers_decide_one_application_once(repeat: int) -> None:
    application = referred()
    officers = [UserFactory(is_staff=True) for _ in range(2)]

    def decider(officer: Any, outcome: str) -> Callable[[], Decision]:
        return lambda: operations.decide_by_officer(
            application_id=application.pk, outcome=outcome, limit=Decimal(500), annual_rate=None, note="seen",
            actor=officer, as_of=AS_OF, now=NOW,
        )  # fmt: skip

    results = at_once(decider(officers[0], "APPROVE"), decider(officers[1], "DECLINE"))
    refused = [result for result in results if isinstance(result, Refusal)]
    assert [error.code for error in refused] == ["application_decided"], results
    assert application.decisions.filter(is_final=True).count() == 1
    assert CreditLine.objects.count() == int(application.decisions.get(is_final=True).outcome == "APPROVE")


ROUND_THREADS, ROUND_REPEATS = (200, 200) if os.environ.get("DEEP") else (40, 3)
ROUND_REPEATS = int(os.environ.get("REPEATS", ROUND_REPEATS))


@pytest.mark.slow
def test_draws_near_the_limit_while_a_look_cuts_it_leave_nothing_over_the_limit_in_force() -> None:
    """Half of the lines are cut by the engine's own write while all of them are drawn on; no deadlock, nothing over."""
    from django.db import transaction

    from credit.domain.decision import Scored
    from credit.domain.reasons import reason, recourse
    from credit.domain.reevaluation import Direction, LineView, Trigger, Verdict
    from credit.operations.moves import write_changes
    from credit.operations.reevaluation import apply_verdict
    from credit.operations.scoring import Assessed

    def cutter(chosen: list[CreditLine], limit: Decimal) -> Callable[[], int]:
        def cut() -> int:
            with transaction.atomic():
                locked = list(
                    CreditLine.objects.select_for_update(of=("self",)).select_related("borrower")
                    .filter(pk__in=[line.pk for line in chosen]).order_by("pk")
                )  # fmt: skip
                changes = []
                for line in locked:
                    verdict = Verdict(
                        Direction.DOWN, limit, (reason("risk_higher"),), (recourse("ask_person"),), AS_OF
                    )
                    view = LineView(
                        status="ACTIVE", freeze_reason="", limit=line.limit, as_of=AS_OF, last_raised_on=None,
                        last_cut_on=None, changed_this_period=False, days_past_due=0, overdue_amount=Decimal(0),
                        on_time_streak=0, utilisation=Decimal(0), consent_given=True, pd=None, problem="",
                        score_reasons=(), target=limit, target_reasons=(),
                    )  # fmt: skip
                    scored = Assessed(Scored(None, "model_unavailable"), None)
                    policy = Policy.objects.get(state="ACTIVE")
                    changes.append(apply_verdict(line, verdict, view, scored, policy, Trigger.MONTHLY, AS_OF))
                write_changes(locked, changes)
            return len(locked)

        return cut

    people = [make_person() for _ in range(8)]
    with Crowd(ROUND_THREADS + 2) as crowd:
        for repeat in range(ROUND_REPEATS):
            book = [make_line(borrower=person, limit=1_000) for person in people]
            works = [drawer(book[n % 8], f"{repeat}-{n}", Decimal(200)) for n in range(ROUND_THREADS)]
            works[3:3] = [cutter(book[:4], Decimal(800)), cutter(book[4:], Decimal(800))]
            results = crowd.at_once(*works)
            strange = [r for r in results if isinstance(r, Exception) and not isinstance(r, Refusal)]
            assert not strange, (repeat, strange[:3])
            for line in book:
                line.refresh_from_db()
                assert line.limit == 800
                assert queries.line_exposure(line_id=line.pk) <= 1_000
                operations.close_line(line_id=line.pk, actor=None, as_of=AS_OF)
            print(f"{repeat + 1} of {ROUND_REPEATS} repeats, {ROUND_THREADS} threads", flush=True)
    wrong = {name for name in operations.prove_books() if name.split()[0] in ("I5", "I6", "I6b", "I7", "I18")}
    assert not wrong

"""The end of day: once, whole, in order, whatever happens to its workers."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections

from accounts.models import Notice
from credit import operations
from credit.default_rates import default_rates
from credit.models import LimitChange, LineLook, NightRun, NightShard
from credit.operations import night
from ledger.domain.closing import month_end
from ledger.queries import business_date
from loans import operations as loan_operations
from loans.domain.provisions import default_over, months_between
from loans.models import Loan, ProvisionLine
from loans.reports import rules_in_force
from tests.credit.factories import account_of, make_line
from tests.credit.test_draw_down import draw
from tests.factories import AS_OF, NOW

pytestmark = pytest.mark.usefixtures("books")
NEXT = AS_OF + timedelta(1)


def close(day: date = AS_OF, **more: Any) -> operations.NightReport:
    return operations.run_end_of_day(as_of=day, now=NOW, worker="test", **more)


def lent(line: Any = None, **change: Any) -> Loan:
    """Draw and have the money arrive."""
    line = line or make_line()
    drawdown = draw(line, bank_account_id=account_of(line.borrower).pk, **change)
    loan_operations.confirm_payout(
        payout_id=drawdown.loan.payout.pk, provider_reference=f"p{drawdown.pk}", amount=drawdown.amount,
        currency="CNY", as_of=drawdown.drawn_date, now=NOW,
    )  # fmt: skip
    return Loan.objects.get(pk=drawdown.loan_id)


def test_it_closes_the_day_and_opens_the_next() -> None:
    lent()
    report = close()
    assert (report.status, report.closed, business_date()) == ("DONE", [AS_OF], NEXT)
    run = NightRun.objects.get()
    assert (run.status, run.step) == ("DONE", "NOTIFY")
    assert set(run.figures) == {
        "AGE",
        "ACCRUE",
        "PROVIDE",
        "COLLECT",
        "PROVE",
        "REEVALUATE",
        "ROLL",
        "NOTIFY",
    }
    assert run.figures["PROVE"]["proved"] >= 15


def test_a_second_beat_finds_the_day_done() -> None:
    close()
    before = NightShard.objects.count()
    report = close()
    assert (report.status, report.closed, business_date(), NightShard.objects.count()) == (
        "ALREADY_DONE",
        [],
        NEXT,
        before,
    )


def test_missed_days_are_closed_in_order_each_with_its_own_date(monkeypatch: pytest.MonkeyPatch) -> None:
    aged: list[date] = []
    real = loan_operations.age_loans
    monkeypatch.setattr(
        loan_operations,
        "age_loans",
        lambda *, as_of, **more: (aged.append(as_of), real(as_of=as_of, **more))[1],
    )
    lent()
    report = close(AS_OF + timedelta(3))
    days = [AS_OF + timedelta(n) for n in range(4)]
    assert report.closed == days == aged
    assert business_date() == AS_OF + timedelta(4)


def test_a_caught_up_book_is_that_of_one_that_never_stopped() -> None:
    loans = [lent(), lent()]
    close(AS_OF + timedelta(20))
    close(AS_OF + timedelta(45))
    late = Loan.objects.get(pk=loans[0].pk)
    assert late.days_past_due == (AS_OF + timedelta(45) - date(2026, 4, 2)).days
    assert late.penalty_outstanding >= 0
    assert late.status == "OVERDUE"
    assert NightRun.objects.filter(status="DONE").count() == 46
    assert operations.prove_books() == {}


@pytest.mark.parametrize(
    "step", ["AGE", "ACCRUE", "PROVIDE", "COLLECT", "PROVE", "REEVALUATE", "ROLL", "NOTIFY"]
)
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_a_step_the_night_goes_on(step: str, after: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Die before or after a step's work is written, then run again when the lease is over."""
    loan = lent()
    real = night._STEPS[night.Step(step)]

    def die(*arguments: Any) -> dict[str, int]:
        if after:
            real(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setitem(night._STEPS, night.Step(step), die)
    with pytest.raises(KeyboardInterrupt):
        close()
    monkeypatch.setitem(night._STEPS, night.Step(step), real)
    held = close()
    assert (held.status, held.waiting_for) == ("RUNNING", ["test"]), "the lease of the dead is not over"
    NightShard.objects.filter(status="CLAIMED").update(claimed_until=NOW - timedelta(days=3650))
    report = close()
    assert (report.status, business_date()) == ("DONE", NEXT)
    assert NightRun.objects.get().status == "DONE"
    assert Loan.objects.get(pk=loan.pk).accrued_through is not None
    assert operations.prove_books() == {}
    assert NightShard.objects.get(step=step, attempts__gt=1).attempts == 2


def test_it_stops_when_the_books_are_wrong_and_goes_on_when_they_are_right() -> None:
    line = make_line()
    type(line).objects.filter(pk=line.pk).update(limit=900)
    report = close()
    assert report.status == "STOPPED"
    assert "I6b" in report.problem
    assert business_date() == AS_OF, "the day stays open"
    type(line).objects.filter(pk=line.pk).update(limit=1000)
    assert close().status == "DONE"


def test_a_shard_that_fails_each_time_stops_the_night(monkeypatch: pytest.MonkeyPatch) -> None:
    real = night._STEPS[night.Step.ACCRUE]

    def fail(*arguments: Any) -> dict[str, int]:
        raise ValueError("broken")

    monkeypatch.setitem(night._STEPS, night.Step.ACCRUE, fail)
    report = close()
    assert (report.status, report.problem) == ("STOPPED", "ValueError: broken")
    assert NightShard.objects.get(step="ACCRUE").attempts == 6
    monkeypatch.setitem(night._STEPS, night.Step.ACCRUE, real)
    assert close().status == "DONE"


def test_the_last_night_of_a_month_sets_aside_for_losses() -> None:
    loan = lent()
    line = loan.drawdown.line
    LineLook.objects.create(
        period=AS_OF.replace(day=1),
        line_id=line.pk,
        as_of=AS_OF,
        code=1,
        pd=0.0725,
        target=0,
        policy_id=1,
        model_id=1,
    )
    end = month_end(AS_OF)
    close(end - timedelta(1))
    assert not ProvisionLine.objects.exists()
    close(end)
    held = ProvisionLine.objects.get(loan=loan)
    assert (held.as_of, held.amount > 0) == (end, True)
    months = min(12, months_between(end, loan.maturity_date))
    expected = default_over(Decimal("0.0725"), months).quantize(Decimal("0.000001"))
    assert held.default_rate == expected, "risk's word for this line, not the band's"
    assert NightRun.objects.get(business_date=end).figures["PROVIDE"] == {"changed": 1}
    assert (
        loan_operations.post_provisions(
            as_of=end, rules=rules_in_force(), default_rates=default_rates(as_of=end)
        ).run
        is None
    )
    assert operations.prove_books() == {}


def test_it_works_in_slices_of_time() -> None:
    lent()
    looks = iter([False, False, True])
    assert close(should_stop=lambda: next(looks)).status == "RUNNING"
    assert close().status == "DONE"


def test_reminders_climb_the_ladder_once() -> None:
    loan = lent()
    due = loan.instalments.order_by("due_date").first().due_date
    close(due + timedelta(8))
    told = Notice.objects.filter(kind__startswith="instalment_", params__due_date=due.isoformat())
    rungs = sorted(told.filter(channel="IN_APP").values_list("params__rung", flat=True))
    assert rungs == sorted(["T-7", "T-3", "T-1", "T", "T+1", "T+3", "T+7"])
    assert operations.send_reminders(as_of=due) == 0, "a second run tells nobody twice"
    assert told.filter(channel="SMS", params__rung="T-7").count() == 0
    assert told.filter(channel="EMAIL", params__rung="T+3").count() == 1


def test_a_paid_instalment_climbs_no_further() -> None:
    loan = lent()
    first = loan.instalments.order_by("due_date").first()
    close(first.due_date - timedelta(4))
    loan_operations.record_repayment(
        loan_id=loan.pk,
        amount=first.outstanding,
        value_date=business_date(),
        reference="r",
        as_of=business_date(),
    )
    close(first.due_date + timedelta(2))
    rungs = Notice.objects.filter(params__due_date=first.due_date.isoformat()).values_list(
        "params__rung", flat=True
    )
    assert set(rungs) == {"T-7", "T-3"}


def test_instalments_are_collected_where_it_was_agreed() -> None:
    line, other = make_line(auto_debit=True), make_line()
    agreed, not_agreed = lent(line), lent(other)
    due = agreed.instalments.order_by("due_date").first().due_date
    close(due)
    assert [row.loan_id for row in agreed.collections.all()] == [agreed.pk]
    assert agreed.collections.get().amount == agreed.instalments.order_by("due_date").first().outstanding
    assert not not_agreed.collections.exists()
    assert operations.start_auto_debits(as_of=due) == 1
    assert agreed.collections.count() == 1, "the same day asks once"


def test_a_late_line_is_frozen_by_the_night_that_sees_it() -> None:
    line = make_line()
    lent(line)
    due = date(2026, 4, 2)
    close(due + timedelta(3))
    line.refresh_from_db()
    assert line.status == "ACTIVE"
    close(due + timedelta(4))
    line.refresh_from_db()
    assert (line.status, line.freeze_reason) == ("FROZEN", "OVERDUE")
    assert LimitChange.objects.filter(direction="FREEZE").get().effective_date == due + timedelta(4)


@pytest.mark.django_db(transaction=True)
def test_three_workers_share_one_night(transactional_db: None) -> None:
    lent()
    reports: list[Any] = []

    def work(name: str) -> None:
        try:
            reports.append(operations.run_end_of_day(as_of=AS_OF, now=NOW, worker=name))
        except Exception as error:
            reports.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert {report.status for report in reports} <= {"DONE", "RUNNING", "ALREADY_DONE"}, reports
    assert close().status in ("DONE", "ALREADY_DONE")
    assert business_date() == NEXT
    assert list(NightShard.objects.values_list("attempts", flat=True).distinct()) == [1]


def leave(*arguments: str) -> int:
    try:
        call_command(*arguments)
    except SystemExit as left:
        return int(left.code or 0)
    return 0


def test_the_command_refuses_dates_that_cannot_be_closed(capsys: pytest.CaptureFixture[str]) -> None:
    assert leave("end_of_day", "--date=2026-3-2") == 2
    assert leave("end_of_day", "--date=2026-02-30") == 2
    assert leave("end_of_day", "--date=2999-01-01") == 2
    assert "not over" in capsys.readouterr().err
    assert leave("end_of_day", f"--date={AS_OF + timedelta(3)}") == 2
    assert f"{AS_OF}, {AS_OF + timedelta(1)}, {AS_OF + timedelta(2)}" in capsys.readouterr().err
    assert business_date() == AS_OF


def test_the_command_closes_once_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert leave("end_of_day", f"--date={AS_OF}") == 0
    assert f"{AS_OF} closed." in capsys.readouterr().out
    assert leave("end_of_day", f"--date={AS_OF}") == 0
    assert "closed already" in capsys.readouterr().out
    assert business_date() == NEXT


def test_the_command_waits_for_who_is_at_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*arguments: Any) -> dict[str, int]:
        raise KeyboardInterrupt

    monkeypatch.setitem(night._STEPS, night.Step.AGE, die)
    with pytest.raises(KeyboardInterrupt):
        close()
    assert leave("end_of_day", f"--date={AS_OF}") == 3
    assert "by test" in capsys.readouterr().err


def test_the_sandbox_date_moves_through_every_day() -> None:
    settled: list[date] = []
    report = operations.move_business_date(
        to=AS_OF + timedelta(3), actor=None, now=NOW, settle=settled.append
    )
    assert report.closed == [AS_OF + timedelta(n) for n in range(3)]
    assert settled == [AS_OF + timedelta(n) for n in range(4)]
    for to in (AS_OF, AS_OF + timedelta(3), AS_OF + timedelta(500)):
        with pytest.raises(Exception, match=r"later|at most"):
            operations.move_business_date(to=to, actor=None, now=NOW, settle=settled.append)


def test_production_does_not_move_the_date(settings: Any) -> None:
    settings.SANDBOX = False
    with pytest.raises(operations.UnableToMoveDate):
        operations.move_business_date(to=NEXT, actor=None, now=NOW)


@pytest.mark.usefixtures("model")
def test_the_model_is_looked_at_each_night_and_its_trouble_keeps_no_book_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from risk import operations as risk_operations
    from risk.models import MonitoringRun

    assert close().status == "DONE"
    assert MonitoringRun.objects.get().as_of == AS_OF

    def broken(**arguments: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(risk_operations, "monitor", broken)
    assert close(NEXT).status == "DONE"
    assert MonitoringRun.objects.count() == 1

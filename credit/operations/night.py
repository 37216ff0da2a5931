"""Close a business date: steps in order, each cut into shards that are claimed by conditional UPDATE with a lease.

Rows are the truth. A second beat finds nothing to claim, a killed worker's shard is claimed again when its lease
is over, and days that were missed are closed in their order, each with its own date.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Min

from credit.business import warn_businesses
from credit.default_rates import default_rates
from credit.domain.night import SHARD_SIZE, STEPS, Step, open_days, ranges, step_after
from credit.models import CreditLine, Drawdown, NightRun, NightShard
from credit.operations.autodebit import start_auto_debits
from credit.operations.changes import reevaluate_changed_lines
from credit.operations.invoices import watch_invoices
from credit.operations.notice_end import carry_out_cuts
from credit.operations.reminders import send_reminders
from credit.operations.renewal import renew_or_close_lines
from credit.operations.rounds import reevaluate_due_lines
from credit.operations.sales import read_sales, remind_of_sales
from credit.operations.temporary import end_temporary_limits
from credit.watching import desk_figures, looked_vectors, matured_outcomes
from ledger import operations as ledger_operations
from ledger import queries as ledger_queries
from ledger.domain.closing import month_end
from ledger.proof import prove
from loans import operations as loan_operations
from loans import reports as loan_reports
from regimes.errors import Refusal
from risk import operations as risk_operations

log = logging.getLogger(__name__)
# more than a task may live, so that a dead worker is followed within two looks of beat
LEASE = timedelta(seconds=90)
MOST_ATTEMPTS = 5
Status = NightRun.Status
Part = NightShard.Status


class UnableToCloseDay(Refusal):
    """Refuse to close a day: done, in the future, or the books are wrong."""


@dataclass
class NightReport:
    """Say what came of it. `waiting_for` names who holds the shards that keep the night open."""

    status: str  # DONE, RUNNING, STOPPED, ALREADY_DONE
    closed: list[date] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    problem: str = ""
    waiting_for: list[str] = field(default_factory=list)


def run_end_of_day(
    *,
    as_of: date,
    now: datetime,
    worker: str = "",
    should_stop: Callable[[], bool] = lambda: False,
    lease: timedelta = LEASE,
) -> NightReport:
    """Close every open day up to `as_of`, the oldest first; go on with a night that was left half way."""
    days = list(_days_to_close(as_of))
    if not days:
        return NightReport("ALREADY_DONE")
    report = NightReport("DONE")
    for day in days:
        run = _open_night(day, now)
        status = _work(run, worker, should_stop, lease, now)
        run.refresh_from_db()
        report.figures[day.isoformat()] = run.figures
        if status != Status.DONE:
            report.status, report.problem = status, run.problem
            report.waiting_for = list(
                run.shards.filter(status=Part.CLAIMED).values_list("claimed_by", flat=True).distinct()
            )
            return report
        report.closed.append(day)
    return report


def _days_to_close(as_of: date) -> Iterator[date]:
    """Give nights left half way, then each day that the books are open for."""
    half_way = sorted(
        NightRun.objects.exclude(status=Status.DONE)
        .filter(business_date__lte=as_of)
        .values_list("business_date", flat=True)
    )
    yield from half_way
    for day in open_days(ledger_queries.business_date(), as_of):
        if day not in half_way:
            yield day


def _open_night(day: date, now: datetime) -> NightRun:
    """Give the night's row; a night that stopped on wrong books proves them again."""
    with transaction.atomic():
        NightRun.objects.bulk_create([NightRun(business_date=day, started_at=now)], ignore_conflicts=True)
        run = NightRun.objects.select_for_update().get(business_date=day)
        if run.status == Status.STOPPED:
            run.status, run.problem = Status.RUNNING, ""
            run.save(update_fields=["status", "problem"])
            run.shards.filter(status=Part.PARKED).update(status=Part.PENDING, attempts=0, problem="")
        if not run.shards.filter(step=run.step).exists() and run.status == Status.RUNNING:
            _cut(run, Step(run.step))
    return run


def _work(
    run: NightRun, worker: str, should_stop: Callable[[], bool], lease: timedelta, now: datetime
) -> str:
    """Claim and do shards until the night is whole, stopped, or the rest is in other hands."""
    while True:
        if should_stop():
            return Status.RUNNING
        shard = _claim(run, worker, lease)
        if shard is not None and not _do(run, shard):
            continue
        if run.shards.filter(step=run.step).exclude(status=Part.DONE).exists():
            if shard is not None:
                continue
            run.refresh_from_db()
            return run.status
        _advance(run, now)
        run.refresh_from_db()
        if run.status != Status.RUNNING:
            return run.status


_CLAIM = """
UPDATE credit_nightshard SET status = 'CLAIMED', claimed_by = %s, claimed_until = clock_timestamp() + make_interval(secs => %s),
       attempts = attempts + 1
 WHERE id = (SELECT s.id FROM credit_nightshard s JOIN credit_nightrun r ON r.id = s.run_id
              WHERE r.id = %s AND r.status = 'RUNNING' AND s.step = r.step
                AND (s.status = 'PENDING' OR (s.status = 'CLAIMED' AND s.claimed_until < clock_timestamp()))
              ORDER BY s.id LIMIT 1 FOR UPDATE OF s SKIP LOCKED)
RETURNING id, step, first_id, last_id, attempts, problem
"""


def _claim(run: NightRun, worker: str, lease: timedelta) -> NightShard | None:
    """Claim one shard; the attempt is counted before the work, so that a shard that kills its worker is parked."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [worker[:80], lease.total_seconds(), run.pk])
        row = cursor.fetchone()
    if row is None:
        return None
    shard = NightShard(
        pk=row[0], run=run, step=row[1], first_id=row[2], last_id=row[3], attempts=row[4], problem=row[5]
    )
    if shard.attempts > MOST_ATTEMPTS:
        _stop(run, shard, shard.problem or "the worker died each time")
        return None
    run.step = shard.step
    return shard


def _do(run: NightRun, shard: NightShard) -> bool:
    """Do one shard and mark it done. Each step may be repeated: what it did before, it does not do again."""
    step, day = Step(shard.step), run.business_date
    try:
        figures = _STEPS[step](run, shard, day)
    except BooksAreWrong as wrong:
        _stop(run, shard, str(wrong))
        return False
    except Exception as error:
        log.exception("end of day %s, %s %s-%s failed", day, step, shard.first_id, shard.last_id)
        run.shards.filter(pk=shard.pk).update(
            status=Part.PENDING, claimed_until=None, problem=f"{type(error).__name__}: {error}"[:2000]
        )
        return False
    done = run.shards.filter(pk=shard.pk).exclude(status=Part.DONE)
    done.update(status=Part.DONE, claimed_until=None, figures=figures, problem="")
    return True


class BooksAreWrong(Exception):
    """Say which invariants do not hold."""


def _stop(run: NightRun, shard: NightShard, problem: str) -> None:
    run.shards.filter(pk=shard.pk).update(status=Part.PARKED, claimed_until=None, problem=problem[:2000])
    NightRun.objects.filter(pk=run.pk).update(status=Status.STOPPED, problem=problem[:2000])
    log.error("end of day %s stopped at %s: %s", run.business_date, shard.step, problem[:500])


def _advance(run: NightRun, now: datetime) -> None:
    """Open the next step, or end the night; the row's lock lets one worker do it."""
    with transaction.atomic():
        locked = NightRun.objects.select_for_update().get(pk=run.pk)
        if locked.status != Status.RUNNING or locked.step != run.step:
            return
        step = Step(locked.step)
        locked.figures[step] = _total(locked, step)
        following = step_after(step)
        if following is None:
            locked.status, locked.finished_at = Status.DONE, now
        else:
            locked.step = following
            _cut(locked, following)
        locked.save(update_fields=["status", "finished_at", "step", "figures"])


def _cut(run: NightRun, step: Step) -> None:
    """Cut a step into shards of ids; a step without ids is one shard."""
    first, last = _span(step)
    size = SHARD_SIZE.get(step, last - first + 1)
    shards = [
        NightShard(run=run, step=step, first_id=a, last_id=b) for a, b in ranges(first, last, max(1, size))
    ]
    NightShard.objects.bulk_create(shards, ignore_conflicts=True)


def _span(step: Step) -> tuple[int, int]:
    if step in (Step.AGE, Step.COLLECT):
        edge = Drawdown.objects.aggregate(first=Min("loan_id"), last=Max("loan_id"))
    elif step is Step.REEVALUATE:
        edge = CreditLine.objects.aggregate(first=Min("pk"), last=Max("pk"))
    else:
        return 0, 0
    return edge["first"] or 0, edge["last"] or 0


def _total(run: NightRun, step: Step) -> dict[str, int]:
    total: dict[str, int] = {}
    for figures in run.shards.filter(step=step).values_list("figures", flat=True):
        for name, value in figures.items():
            if isinstance(value, int):
                total[name] = total.get(name, 0) + value
    return total


# ---- the steps ------------------------------------------------------------------------------------------------------


def _age(run: NightRun, shard: NightShard, day: date) -> dict[str, int]:
    done = loan_operations.age_loans(as_of=day, first_id=shard.first_id, last_id=shard.last_id)
    return {"changed": done if isinstance(done, int) else 0}


def _accrue(run: NightRun, shard: NightShard, day: date) -> dict[str, int]:
    done = loan_operations.accrue(as_of=day)
    return {"journals": done if isinstance(done, int) else 0}


def _provide(run: NightRun, shard: NightShard, day: date) -> dict[str, int]:
    """Set aside for losses on the last day of a month, which its close asks for; a desk may post more often."""
    if day != month_end(day):
        return {"changed": 0}
    done = loan_operations.post_provisions(
        as_of=day, rules=loan_reports.rules_in_force(), default_rates=default_rates(as_of=day)
    )
    return {"changed": done.changed}


def _collect(run: NightRun, shard: NightShard, day: date) -> dict[str, int]:
    # sales first: what falls due tomorrow is asked on what is known tonight
    sales = read_sales(as_of=day, first_id=shard.first_id, last_id=shard.last_id)
    started = start_auto_debits(as_of=day, first_id=shard.first_id, last_id=shard.last_id)
    invoices = watch_invoices(as_of=day, first_id=shard.first_id, last_id=shard.last_id)
    return {"started": started, **sales, **invoices}


def _prove(run: NightRun, shard: NightShard, day: date) -> dict[str, int]:
    breaches = prove_books()
    if breaches:
        raise BooksAreWrong("; ".join(f"{name}: {rows} rows" for name, rows in breaches.items()))
    return {"proved": len(_invariants())}


def _reevaluate(run: NightRun, shard: NightShard, day: date) -> dict[str, int]:
    ended = end_temporary_limits(as_of=day, first_id=shard.first_id, last_id=shard.last_id)
    report = reevaluate_due_lines(as_of=day, first_id=shard.first_id, last_id=shard.last_id)
    report.add(
        reevaluate_changed_lines(as_of=day, first_id=shard.first_id, last_id=shard.last_id, stale=True)
    )
    terms = renew_or_close_lines(as_of=day, first_id=shard.first_id, last_id=shard.last_id)
    # after this night the books are open for the next day, on which a cut announced for it is in force
    cut = carry_out_cuts(as_of=day + timedelta(days=1), first_id=shard.first_id, last_id=shard.last_id)
    return {
        "looked_at": report.looked_at,
        "temporary_ended": ended,
        "announced_cuts": cut,
        **{f"term_{name.lower()}": count for name, count in terms.items()},
        **{str(name): count for name, count in report.directions.items()},
    }


def _roll(run: NightRun, shard: NightShard, day: date) -> dict[str, int]:
    following = day + timedelta(days=1)
    if ledger_queries.business_date() >= following:
        return {"moved": 0}
    ledger_operations.advance_business_date(to=following, actor=None)
    return {"moved": 1}


def _notify(run: NightRun, shard: NightShard, day: date) -> dict[str, int]:
    return {
        "new": send_reminders(as_of=day + timedelta(days=1), now=run.started_at),
        "signs": warn_businesses(as_of=day + timedelta(days=1)),
        "sales_missing": remind_of_sales(as_of=day + timedelta(days=1)),
        "alarms": _watch_model(day),
    }


def _watch_model(day: date) -> int:
    """Compare what was scored with what the model learned from; trouble with it is told and keeps no book open."""
    try:
        risk_operations.score_shadows(as_of=day)
        with transaction.atomic():
            found = risk_operations.monitor(
                as_of=day,
                outcomes=matured_outcomes(as_of=day),
                figures=desk_figures(as_of=day),
                looked=looked_vectors(as_of=day),
            )
    except Exception:
        log.exception("end of day %s: the model was not looked at", day)
        return 0
    return len(found.report["began"]) if found is not None else 0


_STEPS: dict[Step, Callable[[NightRun, NightShard, date], dict[str, int]]] = {
    Step.AGE: _age,
    Step.ACCRUE: _accrue,
    Step.PROVIDE: _provide,
    Step.COLLECT: _collect,
    Step.PROVE: _prove,
    Step.REEVALUATE: _reevaluate,
    Step.ROLL: _roll,
    Step.NOTIFY: _notify,
}
assert set(_STEPS) == set(STEPS)


def prove_books() -> dict[str, int]:
    """Ask each invariant of the rooms below and of credit; give those that do not hold with their number of rows."""
    found = prove(_invariants())
    return {
        f"{each['id']} {each['title']}": len(each["rows"]) or 1
        for each in found
        if each["rows"] or each["error"]
    }


def _invariants() -> list[Any]:
    from accounts import invariants as of_accounts
    from credit import invariants as of_credit
    from ledger import invariants as of_ledger
    from loans import invariants as of_loans

    return [
        *of_ledger.INVARIANTS,
        *of_loans.INVARIANTS,
        *of_credit.INVARIANTS,
        *of_accounts.INVARIANTS,
    ]

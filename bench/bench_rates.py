"""Small figures, each against its peer in the same run: `python -m bench.bench_rates`.

- reminders written a second, against tasks that do nothing on a Celery worker of two processes;
- journals of one lender's accounts, against journals spread over a thousand: a row that all writers touch would show;
- the page of a loan by the API, against a view that lays the same answers into dicts by hand;
- the model's step of a decision, against LightGBM's own fast call for one row.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from bench.bench_draw import Stage, say, servers
from tests.roof.processes import running, until

GOAL_REMINDERS, GOAL_HOT, GOAL_PAGE, GOAL_MODEL = 20.0, 0.95, 0.8, 1.5
PEOPLE, LOANS, TASKS = 200, 40_000, 4_000


# ---- reminders ------------------------------------------------------------------------------------------------------
def fill() -> Any:
    """Copy live loans, spread them over people who can be reached, and give the last day of the seeds."""
    from django.db import connection, transaction

    from bench.bench_night import OPENED, SEED_DAYS, copy_loans, seed_loans
    from tests.credit.factories import make_person

    copy_loans(seed_loans(), LOANS)
    people = [make_person(user__email=f"rates{number}@example.com").pk for number in range(PEOPLE)]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE loans_loan SET borrower_id = (%s::bigint[])[1 + id %% %s]", [people, PEOPLE])
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    return OPENED + timedelta(days=SEED_DAYS + 9)


def reminders(stage: Stage, day: Any) -> None:
    """Write the reminders of the days on which most instalments stand on a rung."""
    from django.utils import timezone

    from credit.operations import send_reminders

    written, spent = 0, 0.0
    for days in range(20):
        begun = time.perf_counter()
        written += send_reminders(as_of=day + timedelta(days=days), now=timezone.now())
        spent += time.perf_counter() - begun
    rate, tasks = written / spent, noops(stage)
    again = send_reminders(as_of=day + timedelta(days=19), now=timezone.now())
    say(f"reminders: {written:,} written, {rate:,.0f}/s; tasks that do nothing {tasks:,.0f}/s; "
        f"ratio {rate / tasks:.1f} (goal {GOAL_REMINDERS:.0f}); a second sweep wrote {again}")  # fmt: skip


def noops(stage: Stage) -> float:
    """Give tasks a second of a worker with two processes, from the first to be taken to the last that is done."""
    import redis

    from bench.noop import noop
    from lendportal.celery import app

    broker = redis.Redis(unix_socket_path=str(stage.folder / "run" / "valkey.sock"))
    for number in range(TASKS):
        noop.apply_async(args=[number], queue="default")
    assert broker.llen("default") == TASKS, "the tasks wait in the queue"
    command = ["-m", "celery", "-A", "lendportal", "worker", "--include", "bench.noop", "--queues", "default"]
    command += ["--concurrency", "2", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
    environment = {**os.environ, "LENDPORTAL_ROLE": "worker", "C_FORCE_ROOT": "1"}
    with running(command, environment, stage.folder / "worker.txt"):
        until(lambda: broker.llen("default") < TASKS, seconds=60, what="the worker", output=stage.folder / "worker.txt")  # fmt: skip
        begun = time.perf_counter()
        until(
            lambda: not broker.llen("default") and not broker.hlen("unacked"),
            seconds=120,
            what="the last task",
            output=stage.folder / "worker.txt",
        )
        spent = time.perf_counter() - begun
    app.close()
    return TASKS / spent


# ---- one account or many --------------------------------------------------------------------------------------------
JOURNAL = r"""
\set loan random(1, 1000000)
\set key random(1, 1000000000000)
\set other {other}
BEGIN;
INSERT INTO ledger_journal (ref, source, leg, kind, currency, value_date, booked_date, description, digest, written_in)
  VALUES (gen_random_uuid(), 'bench:' || :key || ':' || :client_id || ':' || clock_timestamp(), 'A', 'BENCH', 'CNY',
          '{day}', '{day}', '', '', 0) RETURNING id AS journal \gset
INSERT INTO ledger_posting (journal_id, account_id, direction, amount, loan_id, portfolio)
  VALUES (:journal, :other + 1, 'D', 100, :loan, ''), (:journal, :other + 2, 'C', 100, :loan, '');
END;
"""


def accounts(stage: Stage) -> None:
    """Book on two accounts, and on two of two thousand; the rounds alternate."""
    from bench.draw_peer import pgbench
    from ledger.models import Account
    from ledger.queries import business_date

    Account.objects.bulk_create(
        Account(id=10**6 + number, role=f"BENCH_{number}", code=f"B{number}", name="bench", kind="ASSET")
        for number in range(1, 2_003)
    )
    found: dict[str, list[float]] = {"one": [], "spread": []}
    for _ in range(3):
        for name, other in (("one", "1000000"), ("spread", "1000000 + 2 * random(0, 1000)")):
            with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
                file.write(JOURNAL.format(other=other, day=business_date()))
                file.flush()
                done = subprocess.run(
                    [str(pgbench(stage.postgres)), "-n", "-c", "8", "-j", "1", "-T", "5", "-f", file.name,
                     "-h", str(stage.postgres.sockets), "-U", stage.postgres.role, "lendportal"],
                    capture_output=True, text=True, check=False)  # fmt: skip
            lines = [line for line in done.stdout.splitlines() if line.startswith("tps = ")]
            if done.returncode or not lines:
                raise SystemExit(f"pgbench failed: {done.stderr[-2000:]}")
            found[name].append(float(lines[0].split()[2]))
    one, spread = (statistics.median(found[name]) for name in ("one", "spread"))
    say(f"journals by 8 clients: on one pair of accounts {one:,.0f}/s, over a thousand pairs {spread:,.0f}/s; "
        f"ratio {one / spread:.2f} (goal {GOAL_HOT})")  # fmt: skip


# ---- the page of a loan ---------------------------------------------------------------------------------------------
def best(work: Callable[[], Any], *, times: int = 60) -> float:
    """Give the median processor seconds of a call."""
    for _ in range(5):
        work()
    found = []
    for _ in range(times):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return statistics.median(found)


def loan_page() -> None:
    from rest_framework.test import APIRequestFactory, force_authenticate

    from ledger.queries import business_date
    from loans.api_v1 import LoanDetail
    from loans.models import Loan
    from loans.queries import loan_view

    loan = Loan.objects.filter(status="ACTIVE").select_related("borrower").first()
    assert loan is not None
    user = loan.borrower.user
    day = business_date()
    factory, view = APIRequestFactory(), LoanDetail.as_view()

    def ours() -> None:
        request = factory.get(f"/api/v1/loans/{loan.ref}", HTTP_ACCEPT="application/json")
        force_authenticate(request, user=user)
        answer = view(request, ref=loan.ref)
        answer.render()
        assert answer.status_code == 200, answer.content

    def by_hand() -> None:
        row = Loan.objects.get(ref=loan.ref, borrower__user=user)
        found = loan_view(loan_id=row.pk, as_of=day)
        json.dumps({
            "ref": str(row.ref), "status": row.status, "principal": str(row.principal),
            "payoff": {name: str(getattr(found.payoff, name)) for name in ("principal", "interest", "fee", "penalty", "total")},
            "instalments": [
                {"number": one.number, "due_date": one.due_date.isoformat(), "principal": str(one.due.principal),
                 "interest": str(one.due.interest), "fee": str(one.due.fee), "penalty": str(one.due.penalty),
                 "total": str(one.due.total), "outstanding": str(one.outstanding.total), "days_past_due": one.days_past_due}
                for one in found.instalments
            ],
            "events": [
                {"sequence": one.sequence, "kind": one.kind, "value_date": one.value_date.isoformat(), "amount": str(one.amount)}
                for one in found.events
            ],
        })  # fmt: skip

    plain, whole = best(by_hand), best(ours)
    say(f"a loan by the API: {whole * 1e3:.2f} ms of processor, the same answers laid out by hand {plain * 1e3:.2f} ms; "
        f"ratio {plain / whole:.2f} (goal {GOAL_PAGE})")  # fmt: skip


# ---- one row through the model --------------------------------------------------------------------------------------
def model_step() -> None:
    """Score one row as a decision does, and by LightGBM's prepared call for one row."""
    import numpy as np
    from lightgbm.basic import _LIB  # the library that lightgbm itself has loaded

    from bench.bench_risk import train
    from risk.queries import loaded_model

    trees, _card = train(4_000)
    model = loaded_model(version=trees)
    booster: Any = model._model.booster  # type: ignore[attr-defined]
    width = booster.num_feature()
    row = np.ascontiguousarray(np.random.default_rng(7).normal(size=(1, width)))
    config, out, length = ctypes.c_void_p(), (ctypes.c_double * 1)(), ctypes.c_int64()
    assert not _LIB.LGBM_BoosterPredictForMatSingleRowFastInit(
        booster._handle, 1, 0, -1, 1, width, b"num_threads=1", ctypes.byref(config)
    )

    def fast() -> None:
        _LIB.LGBM_BoosterPredictForMatSingleRowFast(
            config, row.ctypes.data_as(ctypes.c_void_p), ctypes.byref(length), out
        )

    def ours() -> None:
        model._model.raw(row)

    floor, mine = best(fast, times=3_000), best(ours, times=3_000)
    assert abs(out[0] - float(model._model.raw(row)[0])) < 1e-12, "both calls give one figure"
    say(f"one row through the model: {mine * 1e6:.0f} us, LightGBM's fast call {floor * 1e6:.0f} us; "
        f"ratio {mine / floor:.2f} (goal {GOAL_MODEL})")  # fmt: skip


PARTS = ("reminders", "accounts", "page", "model")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, help="one of them")
    asked = parser.parse_args(arguments)
    wanted = [asked.only] if asked.only else list(PARTS)
    with servers() as stage:
        day = fill()
        if "accounts" in wanted:
            accounts(stage)
        if "page" in wanted:
            loan_page()
        if "reminders" in wanted:
            reminders(stage, day)
        if "model" in wanted:
            model_step()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Time the API where money is asked for: `python -m bench.bench_draw [--seconds 8] [--rounds 3] [--loans 0]`.

Starts a PostgreSQL that syncs its commits, a Valkey and gunicorn as `make run` does, puts lines of 400 people into it, and
lets clients draw by POST /api/v1/lines/{ref}/drawdowns. The peer is pgbench with the same transaction on the same tables in
the same run: lock the line, ask what a draw asks, write the seven tables; once as client-side SQL, a statement a table, and
once as a call of one function of the database. Rounds of peer and portal alternate, so that the machine's mood meets both.
Then quotes, and checkouts from decision to authorisation with a trained model, are asked for one after the other.
With `--loans 1000000` the book of `bench_night` is filled beside the lines, and draws are timed before and after.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import draw_peer
from tests.plugins.servers import ROOT
from tests.roof.processes import free_port, get, running, until

LINES, BUYERS, QUOTES = 400, 40, 300
GOAL_CLIENT, GOAL_FUNCTION, GOAL_BOOK = 0.25, 0.20, 0.95
GOAL_DRAW_MS, GOAL_QUOTE_MS, GOAL_CHECKOUT_MS = 150.0, 20.0, 250.0


def say(line: str) -> None:
    print(line, flush=True)


@dataclass
class Stage:
    """The servers of one run, and what the clients need to know."""

    folder: Path
    port: int
    postgres: Any
    targets: list[dict[str, Any]] = field(default_factory=list)
    web: int = 0  # the process group of gunicorn


@contextmanager
def servers() -> Iterator[Stage]:
    """Start PostgreSQL and Valkey of this run's own, and point Django at them."""
    from lendportal.embedded.places import server_user
    from lendportal.embedded.postgres import DURABLE, Postgres
    from lendportal.embedded.valkey import Valkey

    folder = Path(tempfile.mkdtemp(prefix="lp-draw-"))
    folder.chmod(0o755)
    settings = {**DURABLE, "shared_buffers": "1GB", "max_wal_size": "8GB", "maintenance_work_mem": "512MB"}
    user = server_user()
    postgres = Postgres(
        data=folder / "pg", sockets=folder / "run", log=folder / "pg.log", user=user, settings=settings
    )
    valkey = Valkey(
        data=folder / "valkey", sockets=folder / "run", log=folder / "valkey.log", user=user, durable=False
    )
    try:
        postgres.start()
        postgres.create_database("lendportal")
        valkey.start()
        (folder / "home" / "static").mkdir(parents=True)
        os.environ.update(
            LENDPORTAL_ENV="sandbox",
            LENDPORTAL_LOG_LEVEL="WARNING",
            PORTAL_HOME=str(folder / "home"),
            DATABASE_URL=f"postgres://lendportal@/lendportal?host={folder / 'run'}",
            REDIS_URL=f"redis+socket://{valkey.socket}?virtual_host=0",
            CACHE_URL=f"unix://{valkey.socket}?db=1",
            LENDPORTAL_ROLE="command",
            LENDPORTAL_DB_PREPARE=os.environ.get("LENDPORTAL_DB_PREPARE", "yes"),  # no pooler is in between
            DJANGO_SETTINGS_MODULE="lendportal.settings",
        )
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        yield Stage(folder, free_port(), postgres)
    finally:
        from django.db import connection

        connection.close()
        postgres.stop()
        valkey.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def web(stage: Stage, processes: int, threads: int) -> Iterator[None]:
    """Start gunicorn with the flags of the portal's own supervisor."""
    command = [
        "-m", "gunicorn", "lendportal.wsgi:application", "--bind", f"127.0.0.1:{stage.port}",
        "--worker-class", "gthread", "--threads", str(threads), "--workers", str(processes),
        "--preload", "--timeout", "60", "--no-control-socket",
    ]  # fmt: skip
    environment = {**os.environ, "LENDPORTAL_ROLE": "web", "LENDPORTAL_DB_POOL": str(threads)}
    log = stage.folder / "web.txt"
    with running(command, environment, log) as process:
        stage.web = process.pid
        ready = f"http://127.0.0.1:{stage.port}/readyz"
        until(lambda: get(ready)[0] == 200, seconds=60, what="the portal", output=log)
        yield


def log_in(user: Any) -> str:
    """Make a session as a log-in does, and give its cookies."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from accounts.sign_in.sessions import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}; {settings.CSRF_COOKIE_NAME}={'a' * 32}"


def fill(stage: Stage) -> None:
    """Put people with lines into the portal."""
    from django.utils import timezone

    from ledger.operations import open_books
    from tests.credit.factories import account_of, make_line

    today = timezone.localtime().date()
    open_books(first_date=today)
    for _ in range(LINES):
        line = make_line(limit=200_000, as_of=today, valid_until=today.replace(year=today.year + 1))
        stage.targets.append(
            {
                "path": f"/api/v1/lines/{line.ref}",
                "cookie": log_in(line.borrower.user),
                "account": str(account_of(line.borrower).ref),
            }
        )
    draw_peer.install(first=today)


def ask(stage: Stage, kind: str, *, clients: int, seconds: float, most: int = 0) -> dict[str, Any]:
    """Let clients of another process ask; give how many answers a second and the times in milliseconds."""
    wanted = {"port": stage.port, "kind": kind, "clients": clients, "seconds": seconds, "most": most,
              "targets": stage.targets}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "bench.draw_client"],
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    found: dict[str, Any] = json.loads(done.stdout)
    if found["broken"]:
        say((stage.folder / "web.txt").read_text("utf-8", "replace")[-3000:])
        sys.exit(f"{len(found['broken'])} broken answers, such as {found['broken'][:3]}")
    return found


def spent(group: int) -> float:
    """Give the processor time so far of a group of processes, or of a server and its children, in seconds."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parts = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if group in (int(parts[1]), int(parts[2])):
            ticks += sum(int(part) for part in parts[11:15])  # with those of children that ended
    return ticks / os.sysconf("SC_CLK_TCK")


def p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1] if len(times) > 1 else max(times, default=0.0)


def compare(stage: Stage, *, seconds: float, rounds: int) -> tuple[float, float]:
    """Alternate pgbench and the portal; print the ratios and give draws a second and the 95th percentile."""
    draws: list[float] = []
    times: list[float] = []
    peers: dict[tuple[str, int], list[float]] = {("client", 8): [], ("function", 4): []}
    four: list[float] = []
    server = stage.postgres.child.pid
    for _ in range(rounds):
        for (script, clients), seen in peers.items():
            seen.append(draw_peer.run(stage.postgres, script, clients=clients, seconds=seconds))
            web, base = spent(stage.web), spent(server)
            found = ask(stage, "draw", clients=clients, seconds=seconds)
            web, base = spent(stage.web) - web, spent(server) - base
            (draws if clients == 8 else four).append(found["rate"])
            if clients == 8:
                times += found["times"]
                each = 1000 / len(found["times"])
                say(f"  processor time of a draw: web {web * each:.1f} ms, database {base * each:.1f} ms")
    eight, slow = statistics.fmean(draws), p95(times)
    bare, one_call = statistics.fmean(peers["client", 8]), statistics.fmean(peers["function", 4])
    mine = statistics.fmean(four)
    say(f"client-side SQL, 8 clients: pgbench {bare:7.0f}/s, draws by the API {eight:6.0f}/s, ratio {eight / bare:.3f} (goal {GOAL_CLIENT})")  # fmt: skip
    say(f"one function, 4 clients:    pgbench {one_call:7.0f}/s, draws by the API {mine:6.0f}/s, ratio {mine / one_call:.3f} (goal {GOAL_FUNCTION})")  # fmt: skip
    say(
        f"draw, 8 clients: p50 {statistics.median(times):.1f} ms, p95 {slow:.1f} ms (goal {GOAL_DRAW_MS:.0f} ms)"
    )
    return eight, slow


def quotes(stage: Stage) -> None:
    for clients in (1, 8):
        times = ask(stage, "quote", clients=clients, seconds=30, most=QUOTES)["times"]
        goal = f" (goal {GOAL_QUOTE_MS:.0f} ms)" if clients == 1 else ""
        say(
            f"quote, {clients} at a time: p50 {statistics.median(times):.1f} ms, p95 {p95(times):.1f} ms{goal}"
        )


def checkouts(stage: Stage) -> None:
    """Let buyers without a line be decided by a trained model and agree, one after the other."""
    from datetime import timedelta

    from django.utils import timezone

    from bench.bench_risk import PERSONAS, train
    from credit.demo.people import name_of, settle_in
    from risk.operations import connect_sandbox_person
    from tests.factories import UserFactory
    from tests.merchants.shop import make_checkout, make_merchant

    now = timezone.now()
    today = timezone.localtime(now).date()
    train(2_000)
    merchant = make_merchant()
    kept, stage.targets = stage.targets, []
    for order in range(BUYERS):
        user = UserFactory()
        borrower = settle_in(
            user=user, name=name_of(order), order=order, as_of=today, now=now - timedelta(days=3)
        )
        connect_sandbox_person(
            borrower_id=borrower.pk, persona=PERSONAS[order % 2], seed=order % 60, as_of=today, now=now
        )
        row = make_checkout(merchant, amount="500.00", now=now)
        stage.targets.append(
            {
                "path": f"/api/v1/purchases/{row.ref}",
                "cookie": log_in(user),
                "borrower": str(borrower.ref),
                "account": str(borrower.bank_accounts.first().ref),
            }
        )
    found = ask(stage, "checkout", clients=1, seconds=120, most=BUYERS)
    stage.targets = kept
    times = found["times"]
    say(
        f"checkout, decision and authorisation: {len(times)} of {BUYERS} buyers agreed, p50 {statistics.median(times):.1f} ms, "
        f"p95 {p95(times):.1f} ms (goal {GOAL_CHECKOUT_MS:.0f} ms)"
    )


def grow(stage: Stage, loans: int) -> None:
    """Fill the book beside the lines."""
    from django.db import connection

    from bench.bench_night import copy_loans, seed_loans

    begun = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
    copy_loans(seed_loans(), loans)
    say(f"{loans:,} loans on the book, filled in {time.perf_counter() - begun:.0f} s")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--loans", type=int, default=0, help="time draws again with so many loans on the book"
    )
    parser.add_argument("--only-draws", action="store_true")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=4)
    asked = parser.parse_args(arguments)
    with servers() as stage:
        fill(stage)
        with web(stage, asked.processes, asked.threads):
            ask(stage, "draw", clients=8, seconds=3)  # warm
            before, _ = compare(stage, seconds=asked.seconds, rounds=asked.rounds)
            if not asked.only_draws:
                quotes(stage)
                checkouts(stage)
            if asked.loans:
                grow(stage, asked.loans)
                ask(stage, "draw", clients=8, seconds=3)
                after, _ = compare(stage, seconds=asked.seconds, rounds=asked.rounds)
                say(
                    f"draws with {asked.loans:,} loans on the book against before: {after / before:.2f} (goal {GOAL_BOOK})"
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Time the monthly look at many lines: `python -m bench.bench_reevaluation [--sizes 100000,300000,1000000] [--two]`.

Fills a PostgreSQL of its own with live lines and their facts (synthetic people, a model trained here), then looks at all of
them twice: bare (COPY the facts out, predict, COPY looks in, taken back), and by the operation with everything around it.
The floor is measured before and after, because other work on a machine must not choose the ratio. `--two` cuts the largest
book in two id ranges and looks at them by one process and then by two. Facts stand ready: what it costs to bring them up
to date is timed by itself, on real borrowers.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from bench.bench_night import own_database
from bench.bench_risk import resident, say, settle, train

OPENED = date(2026, 1, 5)
GOAL, MUST, GOAL_TWO = 1.3, 2.0, 1.7
MONTHS = [date(2026, month, 28) for month in range(3, 13)]


_HOLDS = """
INSERT INTO credit_hold (ref, reference, line_id, product_id, amount, taken, released, annual_rate, penalty_rate, instalment_count,
       repayment_method, purpose, bank_account_id, limit_change_id, limit_at_hold, exposure_before, status, held_date, expires_date)
SELECT gen_random_uuid(), gen_random_uuid(), n.id, %s, n.amount, 0, 0, 0.12, 0.18, 12, 'EQUAL_INSTALMENT', 'OTHER', 0, 0,
       n.amount * 2, 0, 'OPEN', '2026-02-01', '2027-12-31'
  FROM unnest(%s::bigint[], %s::numeric[]) n(id, amount)"""


def fill(count: int, version: Any) -> None:
    """Make borrowers, lines that stand near their target, the events that opened them, and their facts."""
    from django.db import connection

    from credit.domain.limits_columns import MeansColumns
    from credit.domain.rounds import LineColumns, targets
    from credit.models import Application, Policy, Product
    from credit.operations.binary import EPOCH, copy_in
    from credit.operations.line_facts import IN_SHAPE, packed
    from credit.queries import ceiling_now, rules_of
    from risk.queries import loaded_model
    from risk.synthetic.matrix import draw_sample
    from risk.synthetic.population import World

    policy = Policy.objects.get(state="ACTIVE")
    product = Product.objects.filter(family="PERSONAL", is_active=True).order_by("pk")[0]
    seed = draw_sample(World(size=8_000, seed=11)).facts
    chance = np.random.default_rng(5)
    model = loaded_model(version=version)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            """INSERT INTO accounts_borrower (id, ref, kind, display_name, status, language, created_at)
               OVERRIDING SYSTEM VALUE
               SELECT 1000000 + g, gen_random_uuid(), 'PERSON', 'b', 'ACTIVE', 'zh-hans', '2026-01-05'
                 FROM generate_series(1, %s) g""", [count],
        )  # fmt: skip
        application = Application.objects.create(
            borrower_id=1_000_001, product=product, policy=policy, requested_amount=1_000, purpose=product.purposes[0],
            status="APPROVED", submitted_date=OPENED, submitted_at="2026-01-05T00:00:00Z", decided_date=OPENED,
        )  # fmt: skip
        for first in range(0, count, 100_000):
            size = min(100_000, count - first)
            chosen = chance.integers(0, len(seed), size)
            values = seed.values[chosen]
            income = np.nan_to_num(seed.column("income_mean_6m")[chosen], nan=np.nan).round(0)
            pd = model.score(values, seed.segment[chosen]).pd
            zero = np.zeros(size)
            means = MeansColumns(seed.segment[chosen] == 1, income, zero, zero)
            columns = LineColumns(
                freeze=zero.astype(np.int64), granted=np.full(size, 1_000.0), limit=np.full(size, 1_000.0), exposure=zero,
                last_moved=zero.astype(np.int64), days_past_due=zero.astype(np.int64), on_time_streak=zero,
                consent_given=zero == 0, has_own_cap=zero > 0, announced=zero > 0, pd=pd, sufficiency=zero.astype(np.int64),
                evidence_age_months=zero, means=means,
            )  # fmt: skip
            target = targets(columns, policy=rules_of(policy), ceiling=ceiling_now())
            # lines stand at their target, or within what hysteresis lets stand; one in a hundred has news
            limit = np.clip(np.round(target * chance.uniform(0.92, 1.08, size) / 100) * 100, 100, 200_000)
            news = chance.random(size) < 0.01
            limit[news] = np.clip(
                np.round(limit[news] * chance.choice([0.6, 1.5], int(news.sum())) / 100) * 100, 100, 2e5
            )
            # what the policy declines today was cut to the floor, and what it freezes was frozen, in months before
            limit[target == 0] = 50.0
            frozen = pd >= 0.3
            ids = np.arange(first, first + size) + 1
            cursor.execute(
                """INSERT INTO credit_creditline (id, ref, borrower_id, family, "limit", annual_rate, penalty_rate, grade,
                     status, freeze_reason, opened_date, valid_until, application_id, auto_debit, next_review_date)
                   OVERRIDING SYSTEM VALUE
                   SELECT n.id, gen_random_uuid(), 1000000 + n.id, 'PERSONAL', n.lim, 0.12, 0.18, 'B', CASE WHEN n.cold THEN 'FROZEN' ELSE 'ACTIVE' END,
                          CASE WHEN n.cold THEN 'RISK' ELSE '' END,
                          '2026-01-05', '2027-12-31', %s, false, '2026-02-01'
                     FROM unnest(%s::bigint[], %s::numeric[], %s::boolean[]) n(id, lim, cold)""",
                [application.pk, ids.tolist(), limit.tolist(), frozen.tolist()],
            )
            copy_in("credit_linefacts", IN_SHAPE, {
                "line_id": ids, "as_of": OPENED.toordinal() - EPOCH, "segment": seed.segment[chosen],
                "consent_given": np.ones(size, dtype=np.uint8), "days_past_due": zero, "on_time_streak": zero + 3,
                "evidence_age_months": zero, "monthly_income": income, "monthly_instalments": zero, "other_limits": zero,
                "exposure": np.where(news, limit * 0.5, 0.0), "vector": packed(values),
            }, size)  # fmt: skip
            # the lines with news are half used: by purchases kept free, which the judge sums under the lock as it sums loans
            cursor.execute(_HOLDS, [product.pk, ids[news].tolist(), (limit[news] * 0.5).tolist()])
        cursor.execute("SET session_replication_role = DEFAULT")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE credit_creditline")
        cursor.execute("VACUUM ANALYZE credit_linefacts")
        cursor.execute("VACUUM ANALYZE credit_hold")


def floor_of(version: Any, count: int, block: int, day: date) -> tuple[float, float, float]:
    """COPY the facts out, predict, COPY looks in, and nothing else; taken back."""
    from django.db import connection, transaction

    from credit.operations.binary import HEADER, TRAILER, copy_out, layout, tuples
    from credit.operations.line_facts import WIDTH
    from credit.operations.rounds import _LOOK
    from risk.domain.registry import FEATURE_NAMES
    from risk.queries import loaded_model

    booster: Any = loaded_model(version=version)._model.booster  # type: ignore[attr-defined]
    shape = layout(("line_id", ">i8"), ("segment", ">i2"), ("vector", f"V{WIDTH}"))
    names = [name for name in _LOOK.names or () if name != "fields" and not name.endswith("_length")]
    out = predict = into = 0.0
    with transaction.atomic():
        for first in range(0, count, block):
            ask = f"SELECT line_id, segment, vector FROM credit_linefacts WHERE line_id > {first} AND line_id <= {first + block} ORDER BY line_id"
            begun = time.perf_counter()
            rows = copy_out(ask, shape)
            out += time.perf_counter() - begun
            values = np.ascontiguousarray(rows["vector"]).view("<f8").reshape(len(rows), len(FEATURE_NAMES))
            begun = time.perf_counter()
            booster.predict(values, raw_score=True, num_threads=1)
            predict += time.perf_counter() - begun
            columns = dict.fromkeys(names, 1) | {"line_id": rows["line_id"], "period": 9_000, "as_of": 9_000}
            ready = memoryview(tuples(_LOOK, columns, len(rows))).cast("B")
            begun = time.perf_counter()
            with (
                connection.cursor() as cursor,
                cursor.copy(f"COPY credit_linelook ({', '.join(names)}) FROM STDIN (FORMAT BINARY)") as copy,
            ):
                copy.write(HEADER)
                copy.write(ready)
                copy.write(TRAILER)
            into += time.perf_counter() - begun
        transaction.set_rollback(True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM credit_linelook")
    return out, predict, into


def processor() -> float:
    """Give the processor seconds of this process and of the database's process that serves it: load does not move them."""
    from django.db import connection

    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    parts = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return time.process_time() + (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def one_size(version: Any, count: int, block: int, day: date) -> float:
    from credit.operations import run_monthly_round

    used = [processor()]
    before = floor_of(version, count, block, day)
    used.append(processor())
    begun = time.perf_counter()
    report = run_monthly_round(as_of=day, last_id=count, block=block, refresh=False)
    spent = time.perf_counter() - begun
    used.append(processor())
    assert report.looked_at == count, report
    after = floor_of(version, count, block, day)
    used.append(processor())
    floors = (used[1] - used[0] + used[3] - used[2]) / 2
    say(
        f"{count:>9,} lines, processor: {used[2] - used[1]:.1f} s, floor {floors:.1f} s; ratio {(used[2] - used[1]) / floors:.2f}"
    )
    out, predict, into = (sum(pair) / 2 for pair in zip(before, after, strict=True))
    floor = out + predict + into
    moved = {str(name): many for name, many in sorted(report.directions.items()) if str(name) != "KEEP"}
    say(f"{count:>9,} lines: {spent:6.1f} s, {spent / count * 1e6:5.1f} us a line; floor {floor:.1f} s (COPY out {out:.1f} + predict "
        f"{predict:.1f} + COPY in {into:.1f}; before {sum(before):.1f}, after {sum(after):.1f}); ratio {spent / floor:.2f} "
        f"(goal {GOAL}, must {MUST}); moved {moved}, {sum(moved.values()) / count:.1%}; resident {resident():.0f} MB")  # fmt: skip
    return spent / count


WORKER = """
import sys, django; django.setup()
from datetime import date
from credit.operations import run_monthly_round
from risk import queries
queries.model_for_scoring()
from django.db import connection
connection.ensure_connection()
print("ready", flush=True); sys.stdin.readline()
report = run_monthly_round(as_of=date.fromisoformat(sys.argv[1]), first_id=int(sys.argv[2]), last_id=int(sys.argv[3]),
                           block=int(sys.argv[4]), refresh=False)
print(report.looked_at, flush=True)
"""


def by_workers(ranges: list[tuple[int, int]], block: int, day: date) -> tuple[float, int]:
    """Look at id ranges, each by a process of its own, started together."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, day.isoformat(), str(first), str(last), str(block)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ,
        )
        for first, last in ranges
    ]  # fmt: skip
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline().strip() == "ready"
    begun = time.perf_counter()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n")
        worker.stdin.flush()
    looked = sum(int(worker.communicate()[0].strip()) for worker in workers)
    return time.perf_counter() - begun, looked


def two_workers(count: int, block: int, days: list[date]) -> None:
    one, looked = by_workers([(0, count)], block, days[0])
    assert looked == count
    two, looked = by_workers([(0, count // 2), (count // 2 + 1, count)], block, days[1])
    assert looked == count
    again, _ = by_workers([(0, count)], block, days[2])
    single = (one + again) / 2
    say(
        f"{count:,} lines by one process {one:.1f} s and {again:.1f} s, by two {two:.1f} s: {single / two:.2f} x (goal {GOAL_TWO})"
    )


def facts_cost(people: int) -> None:
    """Time what it costs to bring facts up to date, on borrowers with two years of records."""
    from django.db import connection

    from credit.operations.line_facts import refresh_line_facts
    from credit.queries import active_policy, rules_of
    from tests.credit.factories import make_line

    with connection.cursor() as cursor:  # the book was made with keys of its own
        for table in ("accounts_borrower", "credit_creditline"):
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
            )
    lines = [make_line(borrower=borrower).pk for borrower in settle(people)]
    rules = rules_of(active_policy())
    refresh_line_facts(line_ids=lines[:10], as_of=MONTHS[0], rules=rules)
    begun = time.perf_counter()
    refresh_line_facts(line_ids=lines, as_of=MONTHS[1], rules=rules)
    spent = time.perf_counter() - begun
    say(
        f"facts of {len(lines)} lines brought up to date in {spent:.2f} s, {spent / len(lines) * 1e3:.2f} ms a line"
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="100000,300000,1000000")
    parser.add_argument("--train", type=int, default=4_000, help="synthetic people to train on")
    parser.add_argument(
        "--people", type=int, default=0, help="borrowers on whom the refresh of facts is timed"
    )
    parser.add_argument("--block", type=int, default=100_000)
    parser.add_argument("--two", action="store_true", help="also by two processes")
    options = parser.parse_args(arguments)
    sizes = sorted(int(size) for size in options.sizes.split(","))
    with own_database():
        trees, _card = train(options.train)
        begun = time.perf_counter()
        fill(sizes[-1], trees)
        say(f"filled {sizes[-1]:,} lines in {time.perf_counter() - begun:.1f} s")
        from credit.operations import run_monthly_round

        months = iter(MONTHS)
        run_monthly_round(
            as_of=next(months), last_id=1_000, block=1_000, refresh=False
        )  # load what loads once
        costs = [one_size(trees, size, options.block, next(months)) for size in sizes]
        say(f"cost a line, largest against smallest: {costs[-1] / costs[0]:.2f} (1 is linear)")
        if options.two:
            two_workers(sizes[-1], options.block, [next(months) for _ in range(3)])
        if options.people:
            facts_cost(options.people)
    return 0


if __name__ == "__main__":
    sys.exit(main())

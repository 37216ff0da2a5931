"""Time the policy laboratory: `python -m bench.bench_laboratory [--decisions 1000000]`.

A PostgreSQL of its own is filled with decisions made by the rule itself, copied set-wise; then a period of all of them
is decided again under the policy of then (nothing may flip), a changed policy, and limits by expected profit. The floor
is the bare COPY of the same columns in the same run.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from bench.bench_night import own_database

GOAL = 60.0
SEEDS = 2_000
_COPY_APPLICATIONS = """
INSERT INTO credit_application (id, ref, borrower_id, product_id, policy_id, requested_amount, purpose, occupation, status,
                                submitted_date, submitted_at, decided_date, submitted_by_id)
SELECT a.id + s * %(step)s, gen_random_uuid(), a.borrower_id, a.product_id, a.policy_id, a.requested_amount, a.purpose, a.occupation,
       a.status, a.submitted_date, a.submitted_at, a.decided_date, NULL
  FROM credit_application a CROSS JOIN generate_series(1, %(copies)s) s WHERE a.id <= %(step)s"""
_COPY_DECISIONS = """
INSERT INTO credit_decision (id, ref, application_id, number, is_final, outcome, "limit", annual_rate, grade, pd, reasons, inputs,
                             is_exploration, policy_id, note, decided_date, decided_at)
SELECT d.id + s * %(step)s, gen_random_uuid(), d.application_id + s * %(step)s, d.number, d.is_final, d.outcome, d."limit",
       d.annual_rate, d.grade, d.pd, d.reasons, d.inputs, d.is_exploration, d.policy_id, d.note, d.decided_date + (s %% 300)::int,
       d.decided_at
  FROM credit_decision d CROSS JOIN generate_series(1, %(copies)s) s WHERE d.id <= %(step)s"""


def say(line: str) -> None:
    print(line, flush=True)


def fill(count: int) -> None:
    """Make a few thousand decisions by the rule, and copy them until there are enough."""
    from django.db import connection

    from credit.queries import active_policy, ceiling_now, rules_of
    from ledger.operations import open_books
    from tests.credit.laboratory.rows import drawn, write
    from tests.factories import AS_OF

    open_books(first_date=AS_OF)
    write(drawn(SEEDS, seed=7), rules=rules_of(active_policy()), ceiling=ceiling_now())
    with connection.cursor() as cursor:
        values = {"step": SEEDS, "copies": count // SEEDS - 1}
        cursor.execute(_COPY_APPLICATIONS, values)
        cursor.execute(_COPY_DECISIONS, values)
        cursor.execute("ANALYZE credit_application, credit_decision")


def floor(first: Any, last: Any) -> tuple[int, float]:
    """Copy the columns out and do nothing with them."""
    from credit.laboratory import reading

    begun, after, rows = time.perf_counter(), 0, 0
    while len(part := reading._copy(first, last, after, False, reading.BLOCK)):
        after, rows = int(part["id"].max()), rows + len(part)
    return rows, time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=1_000_000)
    count = parser.parse_args().decisions
    with own_database():
        from credit.domain.profit import REFERENCE
        from credit.laboratory.replaying import Candidate, replay_decisions
        from credit.queries import active_policy, rules_of
        from tests.factories import AS_OF

        begun = time.perf_counter()
        fill(count)
        say(
            f"{count:,} decisions filled in {time.perf_counter() - begun:.0f} s; load {os.getloadavg()[0]:.1f}"
        )
        first, last = AS_OF, AS_OF + timedelta(days=400)
        rules = rules_of(active_policy())
        stricter = replace(rules, cut_offs=replace(rules.cut_offs, approve_below=Decimal("0.05")))
        rows, bare = floor(first, last)
        say(f"bare COPY of the columns: {rows:,} rows in {bare:.1f} s")
        for name, policy in (
            ("the policy of then", rules),
            ("a changed policy", stricter),
            ("limits by expected profit", replace(rules, profit=REFERENCE)),
        ):
            begun, busy = time.perf_counter(), time.process_time()
            found = replay_decisions(candidate=Candidate(policy), first=first, last=last)
            seconds, cpu = time.perf_counter() - begun, time.process_time() - busy
            flips = sum(flip["count"] for flip in found["flips"])
            say(
                f"{name}: {found['rows']:,} decisions in {seconds:.1f} s ({cpu:.1f} s of our processor time), {flips:,} flip, "
                f"{found['checked']['differ']} of {found['checked']['rows']} checked differ; goal {GOAL:.0f} s "
                f"{'reached' if seconds < GOAL else 'MISSED'}"
            )


if __name__ == "__main__":
    main()

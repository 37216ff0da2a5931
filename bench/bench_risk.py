"""Time the risk engine: `python -m bench.bench_risk [--people 300] [--vectors 200000]`.

Everything runs on a PostgreSQL of its own, with a model trained here. A decision is timed from the application to its
rows, then its own statements are sent again bare, with the bare single-row predict and contributions: the ratio of the
two is the price of the engine around them, and holds on any machine. Both sides are rolled back, so neither pays a commit.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np

from bench.bench_night import own_database

AS_OF = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
GOAL_DECISION, GOAL_BATCH, MUST_BATCH, GOAL_REASONS = 2.0, 1.3, 2.0, 0.20
PERSONAS = ("steady", "tight", "risky")


def say(line: str) -> None:
    print(line, flush=True)


# ---- people and models ----------------------------------------------------------------------------------------------


def train(people: int) -> list[Any]:
    from risk import operations
    from risk.models import ModelVersion

    begun = time.perf_counter()
    operations.train_on_synthetic_people(size=people, seed=7, now=NOW, install=True)
    say(f"trained on {people:,} synthetic people in {time.perf_counter() - begun:.1f} s")
    return list(ModelVersion.objects.order_by("pk"))


def settle(count: int) -> list[Any]:
    """Make applicants with identity, agreements and two years of records."""
    from accounts.models import User
    from credit.demo.people import name_of, settle_in
    from ledger.operations import open_books
    from risk.operations import connect_sandbox_person

    open_books(first_date=AS_OF)
    found = []
    for order in range(count):
        user = User.objects.create_user(email=f"bench{order}@example.org", password=None)
        borrower = settle_in(user=user, name=name_of(order), order=order, as_of=AS_OF, now=NOW)
        connect_sandbox_person(
            borrower_id=borrower.pk, persona=PERSONAS[order % 3], seed=order % 60, as_of=AS_OF, now=NOW
        )
        found.append(borrower)
    return found


# ---- one decision ---------------------------------------------------------------------------------------------------


@contextmanager
def written_down(statements: list[tuple[str, Any]]) -> Iterator[None]:
    from django.db import connection

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        assert not many
        statements.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield


def product_of() -> tuple[str, str]:
    from credit.models import Product

    product = Product.objects.filter(family="PERSONAL", is_active=True).order_by("pk")[0]
    return product.code, product.purposes[0]


def timed(work: Any) -> tuple[float, float, Any]:
    wall, busy = time.perf_counter(), time.process_time()
    found = work()
    return time.perf_counter() - wall, time.process_time() - busy, found


def one_decision(borrowers: list[Any], version: Any) -> None:
    """Time decisions, and the bare work of each right after it."""
    from django.db import connection, transaction

    from credit.operations import submit_application
    from risk.models import Assessment
    from risk.queries import facts_of, loaded_model

    model = loaded_model(version=version)
    booster: Any = model._model.booster  # type: ignore[attr-defined]
    code, purpose = product_of()
    scored = 0
    whole, bare, busy, explain = list[float](), list[float](), list[float](), list[float]()
    for order, borrower in enumerate(borrowers):
        statements: list[tuple[str, Any]] = []

        def ask(borrower: Any = borrower) -> Any:
            return submit_application(
                borrower=borrower, product_code=code, requested_amount=Decimal(3000), purpose=purpose,
                occupation="EMPLOYED", actor=None, as_of=AS_OF, now=NOW,
            )  # fmt: skip

        with transaction.atomic(), written_down(statements):
            ask()
            row = Assessment.objects.filter(subject_id=borrower.pk).latest("pk")
            transaction.set_rollback(True)
        statements.pop()  # the look at the assessment is not the decision's
        with transaction.atomic():
            wall, cpu, _ = timed(ask)
            transaction.set_rollback(True)
        facts = np.ascontiguousarray(facts_of(assessment=row)[None, :])

        def bare_work(statements: list[tuple[str, Any]] = statements, facts: Any = facts) -> None:
            with connection.connection.cursor() as raw:
                for sql, params in statements:
                    raw.execute(sql, params)
                    if raw.description:
                        raw.fetchall()
            booster.predict(facts, raw_score=True, num_threads=1)
            booster.predict(facts, pred_contrib=True, num_threads=1)

        with transaction.atomic():
            floor, _, _ = timed(bare_work)
            transaction.set_rollback(True)
        _, told, _ = timed(lambda facts=facts: model.reasons(facts))
        if order < len(borrowers) // 10:
            continue  # warm
        scored += row.pd is not None
        for kept, spent in ((whole, wall), (bare, floor), (busy, cpu), (explain, told)):
            kept.append(spent)
    report_decisions(
        np.array(whole), np.array(bare), np.array(busy), np.array(explain), scored, len(statements)
    )


def report_decisions(whole: Any, bare: Any, busy: Any, explain: Any, scored: int, statements: int) -> None:
    for part in (50, 99):
        a, b = np.percentile(whole, part) * 1e3, np.percentile(bare, part) * 1e3
        say(f"one decision p{part}: {a:7.2f} ms; its {statements} statements bare + predict + contributions {b:6.2f} ms; "
            f"ratio {a / b:.2f} (goal {GOAL_DECISION})")  # fmt: skip
    share = float(np.median(explain)) / float(np.median(busy) - np.median(explain))
    say(f"reason codes: {np.median(explain) * 1e3:.2f} ms CPU on a decision of {np.median(busy) * 1e3:.2f} ms CPU: "
        f"+{share:.0%} (goal +{GOAL_REASONS:.0%}); {scored} of {len(whole)} decisions were scored")  # fmt: skip


# ---- a batch --------------------------------------------------------------------------------------------------------


def fill(version: Any, count: int) -> None:
    """Store assessments of a month ago: today's vectors are those of the synthetic people, moved a little."""
    from django.db import connection

    from risk.domain.registry import FEATURE_NAMES, registry_digest
    from risk.queries import loaded_model
    from risk.synthetic.matrix import draw_sample
    from risk.synthetic.population import World

    model = loaded_model(version=version)
    facts = draw_sample(World(size=8_000, seed=11)).facts
    chance = np.random.default_rng(3)
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY risk_assessment (ref, subject_id, as_of, purpose, segment, outcome, unscored_code, model_id, is_fallback, facts,"
            " registry_digest, pd, score, lgd, evidence_age_months, reasons) FROM STDIN"
        ) as copy,
    ):
        from uuid import uuid4

        for first in range(0, count, 10_000):
            size = min(10_000, count - first)
            chosen = chance.integers(0, len(facts), size)
            before = np.ascontiguousarray(facts.values[chosen])
            moved = chance.random(size) < 0.2  # one in five has news this month
            cash = [i for i, name in enumerate(FEATURE_NAMES) if name.endswith(("_mean_6m", "_mean_3m"))]
            now = before.copy()
            now[np.ix_(moved, cash)] *= chance.uniform(0.8, 1.2, (int(moved.sum()), len(cash)))
            scored = model.score(before, facts.segment[chosen])
            for row in range(size):
                copy.write_row(
                    (uuid4(), 10_000_000 + first + row, AS_OF, "REEVALUATION", int(facts.segment[chosen[row]]), "SCORED", "",
                     version.pk, False, now[row].astype("<f8").tobytes(), registry_digest(), float(scored.pd[row]),
                     int(scored.score[row]), 0.6, None if row % 7 == 0 else 1.0, "[]")
                )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE risk_assessment")


def floor_of(version: Any, count: int, chunk: int) -> tuple[float, float, float]:
    """COPY out, predict, COPY in, and nothing else: the bytes that go in were made beforehand."""
    from django.db import connection, transaction

    from risk.domain.registry import registry_digest
    from risk.operations import shadow
    from risk.queries import loaded_model

    model = loaded_model(version=version)
    booster: Any = model._model.booster  # type: ignore[attr-defined]
    out = predict = into = 0.0
    after, done = 0, 0
    with transaction.atomic():
        while done < count:
            ask = shadow._OUT.format(
                after=after, first=AS_OF, last=AS_OF, digest=registry_digest(), unless="", chunk=chunk
            )
            begun = time.perf_counter()
            rows = shadow.read_block(ask)
            out += time.perf_counter() - begun
            values = shadow.vectors(rows)
            begun = time.perf_counter()
            booster.predict(values, raw_score=True, num_threads=1)
            predict += time.perf_counter() - begun
            scored = model.score(values, rows["segment"].astype(np.int8))
            parts = shadow._blocks(rows, scored, np.zeros(len(rows), dtype=bool), [], version, model)
            begun = time.perf_counter()
            with connection.cursor() as cursor, cursor.copy(shadow._IN) as copy:
                for part in parts:
                    copy.write(part)
            into += time.perf_counter() - begun
            after, done = int(rows["id"][-1]), done + len(rows)
        transaction.set_rollback(True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM risk_assessment")
    return out, predict, into


def batch(version: Any, count: int, chunk: int) -> None:
    from risk.operations import score_again

    begun = time.perf_counter()
    fill(version, count)
    say(f"stored {count:,} vectors in {time.perf_counter() - begun:.1f} s")
    before = floor_of(version, count, chunk)
    begun = time.perf_counter()
    report = score_again(version=version, first_date=AS_OF, last_date=AS_OF, chunk=chunk)
    spent = time.perf_counter() - begun
    assert report.scored == count, report
    held = resident()
    after = floor_of(version, count, chunk)  # again: other work on the machine must not choose the ratio
    out, predict, into = (sum(pair) / 2 for pair in zip(before, after, strict=True))
    floor = out + predict + into
    say(f"floor before {sum(before):.1f} s, after {sum(after):.1f} s")
    say(f"batch of {count:,}: {spent:.1f} s ({count / spent:,.0f} rows/s), reasons for {report.changed:,}; floor {floor:.1f} s "
        f"(COPY out {out:.1f} + predict {predict:.1f} + COPY in {into:.1f}); ratio {spent / floor:.2f} "
        f"(goal {GOAL_BATCH}, must {MUST_BATCH}); blocks of {report.largest_block / 1e6:.0f} MB, resident {held:.0f} MB")  # fmt: skip


def replayed(count: int) -> None:
    from risk import queries
    from risk.models import Assessment

    queries.forget_loaded_models()
    newest = list(
        Assessment.objects.filter(purpose="SHADOW").order_by("-pk").values_list("pk", flat=True)[:count]
    )
    begun = time.perf_counter()
    found = queries.replay(assessments=Assessment.objects.filter(pk__in=newest))
    say(f"replay of {found['replayed']:,} decisions: {len(found['differences'])} differ, largest gap {found['largest']:.1e}, "
        f"{time.perf_counter() - begun:.1f} s")  # fmt: skip
    assert found["replayed"] == count
    assert found["largest"] <= 1e-12


# ---- memory ---------------------------------------------------------------------------------------------------------


def resident() -> float:
    """Give this process's resident memory in MB."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


WORKER = """
import time; begun = time.perf_counter()
from lendportal.wsgi import application
from django.urls import get_resolver
get_resolver().url_patterns
from bench.bench_risk import resident
print(f"web worker: {resident():.0f} MB after {time.perf_counter() - begun:.1f} s,", end=" ")
from risk import queries
version = queries.champion()
begun = time.perf_counter(); model = queries.loaded_model(version=version)
import sys
heavy = [name for name in ("pandas", "matplotlib", "sklearn", "dask", "pyarrow") if name in sys.modules]
print(f"{resident():.0f} MB with the champion loaded ({time.perf_counter() - begun:.2f} s); heavy libraries loaded: {heavy or 'none'}")
"""


def worker() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORKER], env=os.environ, capture_output=True, text=True, check=False
    )
    say(done.stdout.strip() or done.stderr.strip()[-400:])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=300, help="decisions that are timed")
    parser.add_argument("--train", type=int, default=4_000, help="synthetic people to train on")
    parser.add_argument("--vectors", type=int, default=200_000)
    parser.add_argument("--chunk", type=int, default=50_000)
    parser.add_argument("--replay", type=int, default=10_000)
    options = parser.parse_args(arguments)
    with own_database():
        trees, _card = train(options.train)
        worker()
        begun = time.perf_counter()
        borrowers = settle(options.people)
        say(f"settled {options.people} applicants in {time.perf_counter() - begun:.1f} s")
        one_decision(borrowers, trees)
        batch(trees, options.vectors, options.chunk)
        replayed(min(options.replay, options.vectors))
    return 0


if __name__ == "__main__":
    sys.exit(main())

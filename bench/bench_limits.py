"""Time limits by expected profit against the plain grade matrix: `python -m bench.bench_limits [--lines 1000000]`.

The same lines are sized by both, a million at once and one by one; nothing of it needs a database.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from credit.domain.limits import Use, size_limit
from credit.domain.limits_columns import MeansColumns, SizedColumns, grades_of, size_limits
from credit.domain.policy import Ceiling, PolicyRules, read_policy
from credit.domain.profit import REFERENCE, Economics, best_limit, expect, needs_seen

CEILING = Ceiling(Decimal(300_000), Decimal(300_000), Decimal("0.24"))
POLICY = Path(__file__).parent.parent / "credit" / "seed" / "policy_v1.json"
ONE_BY_ONE = 20_000


def lines(count: int, seed: int = 7) -> dict[str, Any]:
    """Draw open lines: incomes, debts elsewhere, probabilities, limits and how they are used."""
    rng = np.random.default_rng(seed)
    income = np.floor(np.exp(rng.normal(8.75, 0.5, count)))
    return {
        "means": MeansColumns(
            rng.random(count) < 0.2,
            income,
            np.floor(income * rng.uniform(0, 0.3, count) * (rng.random(count) < 0.4)),
            np.zeros(count),
        ),
        "pd": np.round(np.clip(rng.beta(0.9, 22, count), 1e-6, 0.1399), 8),
        "limit": np.floor(income * rng.uniform(0.5, 6, count) / 100) * 100 + 100,
        "utilisation": np.round(rng.uniform(0, 1, count), 4),
    }


def at_once(policy: PolicyRules, drawn: dict[str, Any]) -> tuple[SizedColumns, float]:
    begun = time.perf_counter()
    sized = size_limits(
        policy=policy, ceiling=CEILING, grade=grades_of(policy, drawn["pd"]), asked=np.full(len(drawn["pd"]), 3e5), **drawn
    )  # fmt: skip
    return sized, time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    count = parser.parse_args().lines
    matrix = read_policy(json.loads(POLICY.read_text()), ceiling=CEILING)
    profit = replace(matrix, profit=REFERENCE)
    drawn = lines(count)
    economics = Economics.of(REFERENCE)
    need = needs_seen(
        limit=drawn["limit"], utilisation=drawn["utilisation"],
        expected=drawn["means"].monthly_income * economics.need_multiple,
    )  # fmt: skip
    price = np.array([float(grade.annual_rate) for grade in matrix.grades])[grades_of(matrix, drawn["pd"])]
    for name, policy in (("grade matrix", matrix), ("expected profit", profit)):
        sized, seconds = at_once(policy, drawn)
        some = min(count, ONE_BY_ONE)
        begun, differ = time.perf_counter(), 0
        for at in range(some):
            pd = Decimal(repr(float(drawn["pd"][at])))
            grade = policy.grade_of(pd)
            assert grade is not None
            use = Use(Decimal(int(drawn["limit"][at])), Decimal(repr(float(drawn["utilisation"][at]))))
            one = size_limit(
                policy=policy, ceiling=CEILING, grade=grade, means=drawn["means"].at(at), asked=Decimal(300_000), pd=pd, use=use
            )  # fmt: skip
            differ += float(one.limit) != sized.limit[at]
        each = (time.perf_counter() - begun) / some * 1e6
        told = expect(
            economics, pd=drawn["pd"], annual_rate=price, is_business=drawn["means"].is_business, need=need, limit=sized.limit
        )  # fmt: skip
        print(
            f"{name:<16} {count:,} lines in {seconds:.2f} s, one in {each:.0f} us with all caps and reasons, "
            f"{differ} of {some:,} differ; expected a year: profit {told.profit.sum() / count:.2f} a line, loss {told.loss.sum() / count:.2f}"
        )
    begun = time.perf_counter()
    for at in range(ONE_BY_ONE):
        best_limit(
            economics, pd=float(drawn["pd"][at]), annual_rate=float(price[at]), is_business=False, need=float(need[at]), most=5e4
        )  # fmt: skip
    print(f"the best limit alone, one line: {(time.perf_counter() - begun) / ONE_BY_ONE * 1e6:.1f} us")


if __name__ == "__main__":
    main()

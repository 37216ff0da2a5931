"""Time the loan engine: `python -m bench.bench_loan_engine` prints one line a figure.

The anchor of the schedule is a bare loop of the same Decimal operations in the same run, so the ratio
holds on any machine. The anchor of the fold is 350 s for 2,394 accruals in the nearest open system.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from loans.domain.engine import fold, payoff_quote
from loans.domain.events import EventKind, LoanEvent
from loans.domain.quotes import cost_rate, quote
from loans.domain.schedule import build_schedule
from loans.domain.terms import (
    DayCount,
    Frequency,
    LoanTerms,
    OverdueInterest,
    PrepaymentPolicy,
    RepaymentMethod,
)

CENT = Decimal("0.01")
YEAR = LoanTerms(
    Decimal("12000.00"),
    Decimal("0.18"),
    RepaymentMethod.EQUAL_INSTALMENT,
    12,
    date(2026, 1, 31),
)
SCHEDULE_GOAL_MS = 1.0
FOLD_GOAL_S = 0.1


def best_of(work: Callable[[], object], *, repeat: int, number: int) -> float:
    """Return the best mean time of one call, in seconds."""
    best = float("inf")
    for _ in range(repeat):
        begun = time.perf_counter()
        for _ in range(number):
            work()
        best = min(best, (time.perf_counter() - begun) / number)
    return best


def bare_loop() -> list[tuple[Decimal, Decimal, Decimal]]:
    """Do the same Decimal operations as a twelve-instalment schedule, and nothing else."""
    rows = build_dates()
    rate, one = Decimal("0.18"), Decimal(1)
    value = Decimal(0)
    for days in reversed(rows):
        value = (value + one) / (one + rate * days / 365)
    balance = Decimal("12000.00")
    level = (balance / value).quantize(CENT, ROUND_HALF_UP)
    found = []
    for index, days in enumerate(rows):
        interest = (balance * rate * days / 365).quantize(CENT, ROUND_HALF_UP)
        principal = balance if index == len(rows) - 1 else min(max(level - interest, Decimal(0)), balance)
        balance -= principal
        found.append((principal, interest, balance))
    return found


def build_dates() -> list[int]:
    """Return the days of twelve months from 31 January, anchored at the month's end."""
    ends = [date(2026 + m // 12, m % 12 + 1, 1) - timedelta(days=1) for m in range(1, 14)]
    return [(b - a).days for a, b in itertools.pairwise(ends)]


def long_history(events: int, **terms: object) -> tuple[LoanTerms, list[LoanEvent], date]:
    """Return a loan that is paid a little on almost every day of its life."""
    rng = random.Random(7)
    loan = LoanTerms(
        **{
            "principal": Decimal("300000.00"),
            "annual_rate": Decimal("0.18"),
            "repayment_method": RepaymentMethod.EQUAL_INSTALMENT,
            "instalment_count": 120,
            "start_date": date(2016, 1, 31),
            "penalty_rate": Decimal("0.27"),
            **terms,
        }
    )
    story = [LoanEvent(EventKind.PAYOUT, loan.start_date, "p", 1, loan.start_date, loan.principal)]
    day = loan.start_date
    for number in range(2, events + 1):
        day += timedelta(days=rng.choice((1, 1, 2)))
        amount = Decimal(rng.randint(1, 20000)) / 100
        policy = rng.choice(list(PrepaymentPolicy)).value
        data = {"prepayment": policy}
        story.append(LoanEvent(EventKind.REPAYMENT, day, f"r{number}", number, day, amount, data))
    return loan, story, day


def million_schedules(count: int) -> dict[str, object]:
    """Build random schedules of every way, frequency and day count; count what does not close."""
    rng = random.Random(1)
    methods = [m for m in RepaymentMethod if m not in (RepaymentMethod.CUSTOM, RepaymentMethod.STEP)]
    frequencies = [f for f in Frequency if f is not Frequency.CUSTOM]
    wrong = negative = open_end = 0
    begun = time.perf_counter()
    for _ in range(count):
        principal = Decimal(rng.choice((1, rng.randint(1, 10**5), rng.randint(1, 3 * 10**7)))) / 100
        terms = LoanTerms(
            principal,
            Decimal(rng.randint(0, 360000)) / 10**6,
            rng.choice(methods),
            rng.choice((1, 3, 6, 12, 24)),
            date(2024, 1, 1) + timedelta(days=rng.randint(0, 1000)),
            frequency=rng.choice(frequencies),
            day_count=rng.choice(list(DayCount)),
        )
        rows = build_schedule(terms)
        wrong += sum(row.principal for row in rows) != principal
        negative += any(row.balance_after < 0 or row.principal < 0 or row.interest < 0 for row in rows)
        open_end += rows[-1].balance_after != 0
    seconds = time.perf_counter() - begun
    return {
        "random_loans": count,
        "sums_wrong": wrong,
        "negative": negative,
        "not_closed": open_end,
        "seconds": round(seconds, 1),
    }


def figures(loans: int) -> dict[str, object]:
    """Measure everything."""
    bare = best_of(bare_loop, repeat=5, number=200)
    schedule = best_of(lambda: build_schedule(YEAR), repeat=5, number=200)
    with_rate = best_of(lambda: (build_schedule(YEAR), cost_rate(YEAR)), repeat=5, number=100)
    whole = best_of(lambda: quote(YEAR, as_of=YEAR.start_date), repeat=5, number=50)
    found: dict[str, object] = {
        "bare_loop_12_ms": round(bare * 1e3, 4),
        "schedule_12_ms": round(schedule * 1e3, 4),
        "schedule_ratio_to_bare": round(schedule / bare, 2),
        "schedule_with_rate_ms": round(with_rate * 1e3, 4),
        "schedule_with_rate_goal_ms": SCHEDULE_GOAL_MS,
        "quote_three_rates_ms": round(whole * 1e3, 4),
    }
    kinds: dict[str, dict[str, object]] = {
        "level": {},
        "continues": {"overdue_interest": OverdueInterest.CONTINUES},
        "flexible": {"repayment_method": RepaymentMethod.FLEXIBLE},
        "600_instalments": {"instalment_count": 600, "frequency": Frequency.WEEKLY},
    }
    for name, extra in kinds.items():
        loan, story, day = long_history(2400, **extra)
        took = best_of(lambda a=loan, b=story, d=day: fold(a, b, value_date=d), repeat=3, number=1)  # type: ignore[misc]
        found[f"fold_2400_{name}_s"] = round(took, 4)
    loan, story, day = long_history(2400)
    found["payoff_2400_s"] = round(
        best_of(lambda: payoff_quote(loan, story, value_date=day), repeat=3, number=1), 4
    )
    found["fold_2400_goal_s"] = FOLD_GOAL_S
    found.update(million_schedules(loans))
    return found


def main() -> int:
    """Print the figures as lines of JSON; the first argument is how many random loans to build."""
    loans = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    for name, value in figures(loans).items():
        print(json.dumps({name: value}))
    return 0


if __name__ == "__main__":
    sys.exit(main())

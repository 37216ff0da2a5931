"""Teach the twin's score on an earlier economy, lent to under the plain matrix."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np

from credit.domain.policy import Ceiling, PolicyRules
from credit.twin.economy import draw_economy
from credit.twin.lending import Twin
from credit.twin.scoring import Score, application_columns, fit_line
from risk.domain.events import Floats, Integers
from risk.synthetic.lending import draw_history

OUTLOOK = 12  # months in which a line goes bad or does not
SEED = 101


def teach(
    *, policy: PolicyRules, ceiling: Ceiling, borrowers: int = 20_000, months: int = 24, seed: int = SEED
) -> Score:
    """Learn from another economy without a shock: first from applications, then from how lines were used and paid."""
    economy = draw_economy(borrowers=borrowers, months=months, seed=seed)
    bad = draw_history(economy.people).bad.astype(np.float64)
    line = fit_line(application_columns(economy.signal), bad)
    first = Score(line, np.array([line[0], line[1], 0.0, 0.0, 0.0, 0.0]))
    seen: list[tuple[int, Integers, Floats]] = []

    def watch(month: int, twin: Twin) -> None:
        lines = twin.lines
        who = np.flatnonzero((lines.limit > 0) & ~lines.closed & (lines.opened < month) & (lines.state == 0))
        seen.append((month, who, twin.conduct(who, month)))

    diary = Twin(economy, policy=policy, ceiling=ceiling, score=first, watch=watch).run()
    columns = np.concatenate([block for _, _, block in seen])
    outcome = np.concatenate(
        [(diary.defaulted[who] >= month) & (diary.defaulted[who] < month + OUTLOOK) for month, who, _ in seen]
    )
    return Score(line, fit_line(columns, outcome.astype(np.float64)))


def fit_weight(
    *,
    policy: PolicyRules,
    against: PolicyRules,
    ceiling: Ceiling,
    score: Score,
    borrowers: int = 10_000,
    months: int = 24,
    seed: int = SEED,
    rounds: int = 5,
    highest: float = 3.0,
    margin: float = 0.97,
) -> Decimal:
    """Find how much a loss must count for a policy of profit to lose no more than another policy in the earlier economy.

    `margin` of that loss is allowed, because the next economy is another one.
    """
    assert policy.profit is not None
    economy = draw_economy(borrowers=borrowers, months=months, seed=seed)
    budget = Twin(economy, policy=against, ceiling=ceiling, score=score).run().loss.sum() * margin
    low, high = 0.0, highest
    for _ in range(rounds):
        weight = (low + high) / 2
        tried = replace(policy, profit=replace(policy.profit, loss_weight=Decimal(repr(weight))))
        lost = Twin(economy, policy=tried, ceiling=ceiling, score=score).run().loss.sum()
        low, high = (low, weight) if lost <= budget else (weight, high)
    return Decimal(repr(high))

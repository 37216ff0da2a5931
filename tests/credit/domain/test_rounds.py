"""The sieve asks what the judge asks: no line that the judge would move is kept, and the reason is the judge's."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from credit.domain.limits import Means, Use, size_limit
from credit.domain.limits_columns import MeansColumns
from credit.domain.policy import MOST_LIMIT, Ceiling, PolicyRules, read_policy
from credit.domain.reevaluation import Direction, LineView, Verdict, period_of, reevaluate
from credit.domain.rounds import (
    CODE,
    FREEZES,
    KEPT,
    MAY_MOVE,
    NEVER,
    TOLD,
    UNSCORED,
    LineColumns,
    kept_reasons,
    sift,
)
from risk.domain.facts import Sufficiency

CEILING = Ceiling(Decimal(200_000), Decimal(300_000), Decimal("0.24"))
DOCUMENT = json.loads(Path("credit/seed/policy_v1.json").read_text("utf-8"))
RULES = read_policy(DOCUMENT, ceiling=CEILING)
PROFIT = read_policy(
    {**DOCUMENT, "profit": {
        "funding_rate": "0.03", "capital_share": "0.1", "capital_rate": "0.1", "person_loss": "0.6",
        "business_loss": "0.5", "drawn_at_default": "0.8", "need_multiple": "3", "account_cost": "5",
        "loss_weight": "0.5",
    }}, ceiling=CEILING,
)  # fmt: skip
TODAY = date(2026, 11, 29)
SIZE = 4_000


def columns(seed: int) -> LineColumns:
    chance = np.random.default_rng(seed)
    freeze = chance.choice(len(FREEZES), SIZE, p=[0.8, 0.05, 0.05, 0.05, 0.05])
    granted = chance.choice([50.0, 100, 400, 1_000, 5_000, 12_300, 60_000, 120_000], SIZE)
    limit = np.where(chance.random(SIZE) < 0.9, granted, granted + 100)
    verdict = chance.choice(
        [Sufficiency.ENOUGH, Sufficiency.NO_EVIDENCE, Sufficiency.STALE_EVIDENCE, Sufficiency.OUT_OF_RANGE],
        SIZE, p=[0.94, 0.02, 0.02, 0.02],
    )  # fmt: skip
    pd = np.round(np.exp(chance.uniform(np.log(0.001), np.log(0.6), SIZE)), 8)
    pd[chance.random(SIZE) < 0.05] = 0.02  # on an edge
    pd[verdict != Sufficiency.ENOUGH] = np.nan
    announced = np.random.default_rng(seed + 100).random(SIZE) < 0.2
    income = chance.choice(
        [np.nan, 0.0, 1_500, 6_000, 12_000, 48_000.25], SIZE, p=[0.05, 0.05, 0.2, 0.3, 0.3, 0.1]
    )
    return LineColumns(
        freeze=freeze.astype(np.int64), granted=granted, limit=limit,
        exposure=np.round(limit * chance.choice([0.0, 0.1, 0.2, 0.7, 1.0], SIZE), 2),
        last_moved=np.where(
            chance.random(SIZE) < 0.5, NEVER, TODAY.toordinal() - chance.integers(0, 200, SIZE)
        ).astype(np.int64),
        days_past_due=chance.choice([0, 1, 3, 4, 40], SIZE, p=[0.8, 0.05, 0.05, 0.05, 0.05]).astype(np.int64),
        on_time_streak=chance.integers(0, 5, SIZE).astype(np.float64),
        consent_given=chance.random(SIZE) < 0.95, has_own_cap=chance.random(SIZE) < 0.1, pd=pd, announced=announced,
        sufficiency=verdict.astype(np.int64), evidence_age_months=chance.choice([np.nan, 0, 1, 2, 3, 4], SIZE),
        means=MeansColumns(
            chance.random(SIZE) < 0.3, income, chance.choice([0.0, 500, 2_000], SIZE),
            chance.choice([0.0, 100_000, 299_950], SIZE, p=[0.8, 0.1, 0.1]),
        ),
    )  # fmt: skip


def judged(of: LineColumns, at: int, rules: PolicyRules, notice: int = 0) -> Verdict:
    """Judge one line of the columns by the rule of one line."""
    pd = None if np.isnan(of.pd[at]) else Decimal(repr(float(of.pd[at])))
    means: Means = of.means.at(at)
    granted, exposure = (Decimal(repr(float(amount[at]))) for amount in (of.granted, of.exposure))
    age = float(of.evidence_age_months[at])
    problem = UNSCORED.get(Sufficiency(int(of.sufficiency[at])), "")
    if not problem and (means.monthly_income is None or np.isnan(age)):
        problem = "income_unknown"
    elif not problem and age >= 3:
        problem = "evidence_stale"
    target, why = Decimal(0), ()
    grade = rules.grade_of(pd) if pd is not None else None
    if grade is not None and pd is not None and pd < rules.cut_offs.refer_below:
        sized = size_limit(
            policy=rules, ceiling=CEILING, grade=grade, means=means, asked=MOST_LIMIT, pd=pd,
            use=Use(granted, exposure / granted),
        )  # fmt: skip
        target, why = sized.limit, sized.reasons
    moved = None if of.last_moved[at] == NEVER else date.fromordinal(int(of.last_moved[at]))
    freeze = FREEZES[int(of.freeze[at])]
    view = LineView(
        status="FROZEN" if freeze else "ACTIVE", freeze_reason=freeze, limit=granted, as_of=TODAY,
        last_raised_on=moved, last_cut_on=None,
        changed_this_period=moved is not None and period_of(moved) == period_of(TODAY),
        days_past_due=int(of.days_past_due[at]), overdue_amount=Decimal(10),
        on_time_streak=int(of.on_time_streak[at]), utilisation=exposure / Decimal(repr(float(of.limit[at]))),
        consent_given=bool(of.consent_given[at]), pd=pd, problem=problem, score_reasons=(), target=target,
        target_reasons=why, own_cap=granted if of.has_own_cap[at] else None,
        notice_days=notice, announced=bool(of.announced[at]),
    )  # fmt: skip
    return reevaluate(view, policy=rules, next_review=TODAY + timedelta(9))


@pytest.mark.parametrize(("rules", "seed", "notice"), [(RULES, 1, 0), (RULES, 2, 45), (PROFIT, 3, 0)])
def test_the_sieve_keeps_no_line_that_the_judge_would_move(
    rules: PolicyRules, seed: int, notice: int
) -> None:
    of = columns(seed)
    found = sift(of, policy=rules, ceiling=CEILING, as_of=TODAY)
    seen: set[str] = set()
    sent = 0
    for at in range(SIZE):
        verdict, code = judged(of, at, rules, notice), int(found.code[at])
        seen.add(verdict.direction)
        if code == MAY_MOVE:
            sent += 1
            continue
        assert verdict.direction is Direction.KEEP, (at, KEPT[code], verdict)
        assert verdict.reasons[0].code == KEPT[code], (at, KEPT[code], verdict)
    moved = sum(
        judged(of, at, rules, notice).direction is not Direction.KEEP
        for at in np.flatnonzero(found.code == 0)
    )
    assert {"UP", "ANNOUNCE" if notice else "DOWN", "WITHDRAW", "FREEZE", "UNFREEZE", "KEEP"} <= seen
    assert 0.9 * sent <= moved <= sent, "the judge is called for few that it keeps"


def test_every_number_that_a_look_stores_says_a_sentence() -> None:
    for name in TOLD:
        why, way = kept_reasons(name, rules=RULES.reevaluation)
        assert "%(" not in str(why)
        assert "%(" not in str(way)
    assert CODE["moved"] == 16, "the invariant I19b knows this number"
    assert CODE["cut_announced"] == 17


def test_nothing_is_kept_for_a_reason_that_was_not_asked() -> None:
    of = columns(5)
    everything: Any = sift(of, policy=RULES, ceiling=CEILING, as_of=TODAY).code
    assert set(np.unique(everything)) <= {CODE[name] for name in TOLD} | {MAY_MOVE}


def test_every_recourse_was_tried_by_the_same_rule() -> None:
    from dataclasses import replace

    from credit.domain.reevaluation import RIGHTS
    from tests.credit.domain.test_reevaluation import NEXT, VIEW
    from tests.credit.domain.test_reevaluation import RULES as LINE_RULES

    def judge(**change: Any) -> Verdict:
        return reevaluate(replace(VIEW, **change), policy=LINE_RULES, next_review=NEXT)

    rise: dict[str, Any] = {"target": Decimal(50_000)}
    late = judge(**rise, on_time_streak=0)
    assert [way.code for way in late.recourse] == ["pay_on_time"]
    assert judge(**rise, on_time_streak=2).direction is Direction.UP
    capped = judge(**rise, own_cap=Decimal(10_000))
    assert [way.code for way in capped.recourse] == ["lift_own_cap"]
    cut = judge(target=Decimal(5_000))
    assert cut.direction is Direction.DOWN
    assert {way.code for way in cut.recourse} <= RIGHTS, "paying on time would not bring this limit back"
    risky = judge(pd=Decimal("0.4"))
    assert {way.code for way in risky.recourse} <= RIGHTS
    overdue = judge(days_past_due=9)
    assert overdue.recourse[0].code == "pay_overdue"
    steady = judge()
    assert [way.code for way in steady.recourse] == ["wait_for_review"]


def test_the_way_back_is_the_riskiest_score_at_which_the_old_limit_stands() -> None:
    from credit.domain.way_back import restoring_pd

    means = Means(False, Decimal(12_000), Decimal(0), Decimal(0))
    use = Use(Decimal(48_000), Decimal("0.5"))

    def bound(direction: str, old: int) -> Decimal | None:
        return restoring_pd(
            direction=direction, old_limit=Decimal(old), means=means, use=use, policy=RULES, ceiling=CEILING
        )

    assert bound("DOWN", 48_000) == Decimal("0.03999999"), "grade C gives 48,000, grade D 20,000"
    assert bound("DOWN", 20_000) == Decimal("0.07999999")
    assert bound("DOWN", 200_000) is None, "no score brings back what the income does not bear"
    assert bound("FREEZE", 48_000) == Decimal("0.19999999")
    assert bound("UP", 48_000) is None

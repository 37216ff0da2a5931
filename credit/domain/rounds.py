"""A month's look at many lines at once: which may move, and why each of the others is kept.

The rule of one line (`reevaluation.reevaluate`) is exact and stays the only judge of a change. This sieve asks the same
questions in the same order of whole columns, so that the judge is called for the few that may move. A test walks random
lines through both and finds that no line which the judge would move is kept here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from credit.domain.limits_columns import MeansColumns, grades_of, round_limits, size_limits
from credit.domain.line import FreezeReason
from credit.domain.policy import LEAST_LIMIT, LIMIT_STEP, MOST_LIMIT, Ceiling, PolicyRules, ReevaluationRules
from credit.domain.reasons import RECOURSES, SENTENCES, Reason, reason, recourse
from risk.domain.facts import Sufficiency

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

NEVER: Final = -100_000  # a day number before every move
MAY_MOVE: Final = 0
KEPT: Final[tuple[str, ...]] = (
    "",  # may move: the judge decides
    "limit_steady",
    "already_changed",
    "cool_down",
    "not_enough_history",
    "own_cap",
    "consent_withdrawn",
    "income_unknown",
    "evidence_missing",
    "evidence_stale",
    "evidence_out_of_range",
    "model_unavailable",
    "overdue_freeze",
    "risk_freeze",
    "asked_to_freeze",
    "frozen_by_officer",
    "moved",  # the judge moved it: the change itself tells why
    "cut_announced",
)
"""Why a line was kept, by the number that is stored; numbers are never given another meaning."""
CODE: Final = {name: number for number, name in enumerate(KEPT)}
KEPT_RECOURSE: Final = {
    "not_enough_history": "pay_on_time",
    "consent_withdrawn": "give_consent",
    "income_unknown": "connect_fresh",
    "evidence_missing": "connect_fresh",
    "evidence_stale": "connect_fresh",
    "own_cap": "lift_own_cap",
    "cut_announced": "ask_person",
    "asked_to_freeze": "lift_own_freeze",
    "frozen_by_officer": "ask_person",
    "risk_freeze": "ask_person",
    "overdue_freeze": "pay_what_is_overdue",
}
"""What would help a line that was kept; of the others nothing is promised, and the next look comes by itself."""
FREEZES: Final = (
    FreezeReason.NONE,
    FreezeReason.OVERDUE,
    FreezeReason.RISK,
    FreezeReason.BORROWER,
    FreezeReason.OFFICER,
)
UNSCORED: Final = {
    Sufficiency.NO_EVIDENCE: "evidence_missing",
    Sufficiency.STALE_EVIDENCE: "evidence_stale",
    Sufficiency.OUT_OF_RANGE: "evidence_out_of_range",
}
STALE_MONTHS: Final = 3.0
TOLD: Final = tuple(name for name in KEPT if name and name != "moved")
assert all(name in SENTENCES for name in TOLD)
assert set(KEPT_RECOURSE.values()) <= set(RECOURSES)


def kept_reasons(name: str, *, rules: ReevaluationRules) -> tuple[Reason, Reason]:
    """Say why a look kept a limit, and what helps. A figure that a look does not store is told without it."""
    told = {
        "not_enough_history": lambda: reason("not_enough_history", count=rules.least_on_time),
        "cool_down": lambda: reason("cool_down_days", days=rules.cool_down_days),
        "own_cap": lambda: reason("own_cap_stands"),
        "overdue_freeze": lambda: reason("overdue_still"),
    }
    why = told[name]() if name in told else reason(name)
    return why, recourse(KEPT_RECOURSE.get(name, "wait_for_review"))


@dataclass(frozen=True, slots=True)
class LineColumns:
    """Hold n lines on one day, shapes (n,); money in the line's currency, days as day numbers.

    `freeze` is a place in `FREEZES`; 0 is a line that is active. `pd` of NaN is not scored.
    """

    freeze: Integers
    granted: Floats
    limit: Floats  # in force
    exposure: Floats
    last_moved: Integers  # day number of the newest rise or cut; NEVER
    days_past_due: Integers
    on_time_streak: Floats
    consent_given: Flags
    has_own_cap: Flags
    announced: Flags  # a cut was announced and is not in force yet
    pd: Floats
    sufficiency: Integers
    evidence_age_months: Floats
    means: MeansColumns

    def __len__(self) -> int:
        return len(self.freeze)


@dataclass(frozen=True, slots=True)
class Sifted:
    """Hold for n lines the number of the reason to keep them (0: may move), and the target."""

    code: Integers
    target: Floats


def rounded_pd(pd: Floats) -> Floats:
    """Round probabilities as decisions store them: eight places, never 0 or 1."""
    return np.asarray(np.clip(np.round(pd, 8), 1e-8, 0.99999999))


def targets(columns: LineColumns, *, policy: PolicyRules, ceiling: Ceiling) -> Floats:
    """Give the limit that the policy would give each line today; 0 without a score, or with one that it declines."""
    known = np.nan_to_num(columns.pd, nan=1.0)
    grade = grades_of(policy, known)
    able = (grade < len(policy.grades)) & (known < float(policy.cut_offs.refer_below))
    sized = size_limits(
        policy=policy,
        ceiling=ceiling,
        grade=np.minimum(grade, len(policy.grades) - 1),
        means=columns.means,
        asked=np.full(len(columns), float(MOST_LIMIT)),
        pd=known,
        limit=columns.granted,
        utilisation=columns.exposure / columns.granted,
    )
    return np.asarray(np.where(able, sized.limit, 0.0))


def sift(columns: LineColumns, *, policy: PolicyRules, ceiling: Ceiling, as_of: date) -> Sifted:
    """Say of each line whether it may move, or why it is kept."""
    rules = policy.reevaluation
    target = targets(columns, policy=policy, ceiling=ceiling)
    late, pd = columns.days_past_due, columns.pd
    scored = ~np.isnan(pd)
    today = as_of.toordinal()
    first_of_month = as_of.replace(day=1).toordinal()
    granted = columns.granted
    cut = (target <= np.round(granted * float(rules.cut_from), 6)) & (granted > float(LEAST_LIMIT))
    rise = target >= np.round(granted * float(rules.raise_from), 6)
    # a rise that rounding leaves where it was is none; a hair of room, because the judge decides in decimals
    most = np.maximum(granted * (1 + float(rules.most_rise)), granted + float(LIMIT_STEP)) + 1e-6
    risen = round_limits(np.minimum(target, most)) > granted
    frozen = [columns.freeze == place for place in range(len(FREEZES))]
    problem = problems_of(columns)
    with np.errstate(invalid="ignore"):
        risky, safe = pd >= float(rules.freeze_pd), (pd < float(rules.unfreeze_pd)) & (late == 0)
    steps: list[tuple[Flags, Integers | int]] = [
        (frozen[1] & (late == 0), MAY_MOVE),
        (frozen[1], CODE["overdue_freeze"]),
        (frozen[2] & safe, MAY_MOVE),
        (frozen[2], CODE["risk_freeze"]),
        (frozen[3], CODE["asked_to_freeze"]),
        (frozen[4], CODE["frozen_by_officer"]),
        (late >= rules.freeze_days_past_due, MAY_MOVE),
        (risky, MAY_MOVE),
        (~columns.consent_given, CODE["consent_withdrawn"]),
        (~scored | (problem > 0), problem),
        (columns.last_moved >= first_of_month, CODE["already_changed"]),
        (cut & columns.announced, CODE["cut_announced"]),
        (cut | columns.announced, MAY_MOVE),
        (~rise, CODE["limit_steady"]),
        (today < columns.last_moved + rules.cool_down_days, CODE["cool_down"]),
        (columns.exposure / columns.limit < float(rules.use_from), CODE["limit_steady"]),
        ((late > 0) | (columns.on_time_streak < rules.least_on_time), CODE["not_enough_history"]),
        (columns.has_own_cap, CODE["own_cap"]),
        (~risen, CODE["limit_steady"]),
    ]
    chosen = np.select(
        [flags for flags, _ in steps], [np.asarray(code) for _, code in steps], default=MAY_MOVE
    )
    return Sifted(np.asarray(chosen, dtype=np.int64), target)


def problems_of(columns: LineColumns) -> Integers:
    """Say what is missing, by the number of its reason; 0 when nothing is."""
    found = np.where(np.isnan(columns.pd), CODE["model_unavailable"], 0)
    for verdict, name in UNSCORED.items():
        found = np.where(columns.sufficiency == verdict, CODE[name], found)
    unknown = np.isnan(columns.means.monthly_income) | np.isnan(columns.evidence_age_months)
    found = np.where((found == 0) & unknown, CODE["income_unknown"], found)
    stale = columns.evidence_age_months >= STALE_MONTHS
    return np.asarray(np.where((found == 0) & stale, CODE["evidence_stale"], found), dtype=np.int64)

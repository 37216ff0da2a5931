"""`decide` for many stored decisions at once: the same order of rules in columns, equal to it row by row.

A test decides thousands of made-up applicants both ways, and each replay decides a sample of its rows by `decide`
itself and counts what differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from credit.domain.limits import CAP_CODES
from credit.domain.limits_columns import MeansColumns, grades_of, size_limits
from credit.domain.policy import LEAST_LIMIT, Ceiling, PolicyRules

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

OUTCOMES: Final = ("APPROVE", "COUNTER_OFFER", "REFER", "DECLINE")
APPROVE, COUNTER_OFFER, REFER, DECLINE = range(4)
KNOCK_OUTS: Final = (
    "borrower_blocked",
    "age_too_low",
    "age_too_high",
    "is_student",
    "overdue_now",
    "overdue_past",
)
MISSING: Final = (
    "model_unavailable",
    "evidence_missing",
    "evidence_stale",
    "evidence_out_of_range",
    "age_unknown",
    "student_unknown",
    "income_unknown",
    "evidence_odd",
)
OTHERS: Final = (
    "risk_too_high",
    "risk_near_cut_off",
    "limit_too_small",
    "exploration",
    "risk_good",
)
CODES: Final = (*KNOCK_OUTS, *MISSING, *OTHERS, *CAP_CODES)
"""Why, in the words of the policy; one of them is the first reason of each row."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Hold the facts of n stored decisions, shape (n,). NaN is unknown; `problem` is -1, or a place in `MISSING`."""

    pd: Floats
    problem: Integers
    age: Floats
    is_student: Floats
    is_blocked: Flags
    days_past_due: Floats
    worst_days_past_due: Floats
    is_evidence_odd: Flags
    means: MeansColumns
    asked: Floats
    product_maximum: Floats
    lot: Floats

    def __len__(self) -> int:
        return len(self.pd)


@dataclass(frozen=True, slots=True)
class DecidedColumns:
    """Hold n decisions: outcome (place in `OUTCOMES`), first reason (in `CODES`), limit, price, grade (-1 for none)."""

    outcome: Integers
    why: Integers
    limit: Floats
    annual_rate: Floats
    grade: Integers
    explores: Flags


def decide_columns(policy: PolicyRules, ceiling: Ceiling, stored: Stored) -> DecidedColumns:
    """Decide n applications again."""
    count = len(stored)
    knocked, missing = _knock_outs(policy, ceiling, stored), _missing(stored)
    outcome = np.full(count, REFER, dtype=np.int64)
    why = np.full(count, CODES.index("risk_near_cut_off"), dtype=np.int64)
    open_ = (knocked < 0) & (missing < 0)
    outcome[knocked >= 0], why[knocked >= 0] = DECLINE, knocked[knocked >= 0]
    lacking = (knocked < 0) & (missing >= 0)
    why[lacking] = missing[lacking]
    pd = np.where(np.isnan(stored.pd), 1.0, stored.pd)
    too_high = open_ & (pd >= float(policy.cut_offs.refer_below))
    outcome[too_high], why[too_high] = DECLINE, CODES.index("risk_too_high")
    near = open_ & ~too_high & (pd >= float(policy.cut_offs.approve_below))
    rules = policy.exploration
    explores = near & (pd < float(rules.up_to)) & (stored.lot < float(rules.share))
    sized = np.flatnonzero(open_ & ~too_high & (~near | explores))
    limit, rate = np.zeros(count), np.zeros(count)
    grade = np.full(count, -1, dtype=np.int64)
    if len(sized):
        _size(policy, ceiling, stored, sized, explores, outcome, why, limit, rate, grade)
    return DecidedColumns(outcome, why, limit, rate, grade, explores & (limit > 0))


def _size(
    policy: PolicyRules,
    ceiling: Ceiling,
    stored: Stored,
    at: Integers,
    explores: Flags,
    outcome: Integers,
    why: Integers,
    limit: Floats,
    rate: Floats,
    grade: Integers,
) -> None:
    """Size the limits of the rows `at` and write them into the columns."""
    chance = stored.pd[at]
    place = grades_of(policy, chance)
    assert place.max() < len(policy.grades), "the grades reach the cut-off"
    most = np.where(
        explores[at],
        np.minimum(stored.product_maximum[at], float(policy.exploration.limit)),
        stored.product_maximum[at],
    )
    means = stored.means
    sized = size_limits(
        policy=policy,
        ceiling=ceiling,
        grade=place,
        means=MeansColumns(
            means.is_business[at],
            means.monthly_income[at],
            means.monthly_instalments[at],
            means.other_limits[at],
        ),
        asked=stored.asked[at],
        product_maximum=most,
        pd=chance,
    )
    whole, small = sized.binding == 0, sized.limit < float(LEAST_LIMIT)
    outcome[at] = np.where(small, DECLINE, np.where(whole, APPROVE, COUNTER_OFFER))
    prices = np.array([float(min(item.annual_rate, ceiling.annual_rate)) for item in policy.grades])
    limit[at] = np.where(small, 0.0, sized.limit)
    rate[at] = np.where(small, 0.0, prices[place])
    grade[at] = np.where(small, -1, place)
    first_cap = np.zeros(len(at), dtype=np.int64)
    for bit in reversed(range(len(CAP_CODES))):
        first_cap = np.where(sized.binding & (1 << bit), CODES.index(CAP_CODES[bit]), first_cap)
    good = np.where(explores[at], CODES.index("exploration"), CODES.index("risk_good"))
    why[at] = np.where(explores[at] & ~small, CODES.index("exploration"), np.where(whole, good, first_cap))


def _knock_outs(policy: PolicyRules, ceiling: Ceiling, stored: Stored) -> Integers:
    """Give the first knock-out of each row, -1 for none."""
    rules, business = policy.knock_outs, stored.means.is_business
    refuses = rules.refuse_students or ceiling.refuses_students
    hits = [
        stored.is_blocked,
        stored.age < rules.minimum_age,
        stored.age > rules.maximum_age,
        (stored.is_student == 1.0) & refuses & ~business,
        stored.days_past_due > 0,
        (stored.days_past_due <= 0) & (stored.worst_days_past_due > rules.worst_days_past_due_12m),
    ]
    return _first(hits, KNOCK_OUTS)


def _missing(stored: Stored) -> Integers:
    """Give the first thing that is missing of each row, -1 for nothing."""
    unknown = np.isnan(stored.pd)
    hits = [unknown & (stored.problem == place) for place in range(4)]
    hits[0] |= unknown & (stored.problem < 0)
    hits += [
        np.isnan(stored.age),
        np.isnan(stored.is_student) & ~stored.means.is_business,
        np.isnan(stored.means.monthly_income),
        stored.is_evidence_odd,
    ]
    return _first(hits, MISSING)


def _first(hits: list[Flags], codes: tuple[str, ...]) -> Integers:
    found = np.full(len(hits[0]), -1, dtype=np.int64)
    for place in reversed(range(len(hits))):
        found[hits[place]] = CODES.index(codes[place])
    return found

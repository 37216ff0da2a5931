"""Re-evaluation: hysteresis, cool-down, smoothness, freezes; every verdict explains itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit.domain.policy import read_policy
from credit.domain.reasons import Reason
from credit.domain.reevaluation import Direction, LineView, next_review_after, period_of, reevaluate
from tests.credit.domain.test_policy import CEILING, document

RULES = read_policy(document(), ceiling=CEILING)
TODAY = date(2026, 6, 10)
NEXT = date(2026, 7, 4)
VIEW = LineView(
    status="ACTIVE",
    freeze_reason="",
    limit=Decimal(10_000),
    as_of=TODAY,
    last_raised_on=None,
    last_cut_on=None,
    changed_this_period=False,
    days_past_due=0,
    overdue_amount=Decimal(0),
    on_time_streak=5,
    utilisation=Decimal("0.5"),
    consent_given=True,
    pd=Decimal("0.02"),
    problem="",
    score_reasons=(Reason("bills", "You paid bills late."),),
    target=Decimal(10_000),
    target_reasons=(),
)


def verdict(**change: object):
    return reevaluate(replace(VIEW, **change), policy=RULES, next_review=NEXT)


@pytest.mark.parametrize(
    ("change", "direction", "limit", "code"),
    [
        ({}, "KEEP", 10_000, "limit_steady"),
        ({"target": Decimal(11_400)}, "KEEP", 10_000, "limit_steady"),  # hysteresis: 15 % are needed
        ({"target": Decimal(11_500)}, "UP", 11_500, "paid_on_time"),
        ({"target": Decimal(100_000)}, "UP", 15_000, "paid_on_time"),  # half at one time
        ({"target": Decimal(8_600)}, "KEEP", 10_000, "limit_steady"),
        ({"target": Decimal(8_500)}, "DOWN", 8_500, "risk_higher"),
        ({"target": Decimal(0)}, "DOWN", 8_000, "risk_higher"),  # a fifth a month
        ({"target": Decimal(0), "limit": Decimal(200)}, "DOWN", 100, "risk_higher"),
        ({"target": Decimal(0), "limit": Decimal(100)}, "DOWN", 50, "risk_higher"),
        ({"target": Decimal(0), "limit": Decimal(50)}, "KEEP", 50, "limit_steady"),
        ({"target": Decimal(50_000), "on_time_streak": 1}, "KEEP", 10_000, "not_enough_history"),
        ({"target": Decimal(50_000), "utilisation": Decimal("0.1")}, "KEEP", 10_000, "limit_steady"),
        ({"target": Decimal(50_000), "last_raised_on": TODAY - timedelta(89)}, "KEEP", 10_000, "cool_down"),
        ({"target": Decimal(50_000), "last_cut_on": TODAY - timedelta(89)}, "KEEP", 10_000, "cool_down"),
        ({"target": Decimal(50_000), "last_raised_on": TODAY - timedelta(90)}, "UP", 15_000, "paid_on_time"),
        ({"target": Decimal(0), "changed_this_period": True}, "KEEP", 10_000, "already_changed"),
        ({"pd": None, "problem": "model_unavailable"}, "KEEP", 10_000, "model_unavailable"),
        (
            {"pd": None, "problem": "evidence_missing", "target": Decimal(0)},
            "KEEP",
            10_000,
            "evidence_missing",
        ),
        ({"problem": "evidence_stale", "target": Decimal(90_000)}, "KEEP", 10_000, "evidence_stale"),
        ({"consent_given": False, "target": Decimal(0)}, "KEEP", 10_000, "consent_withdrawn"),
        ({"days_past_due": 4}, "FREEZE", 10_000, "overdue_freeze"),
        ({"days_past_due": 3, "target": Decimal(50_000)}, "KEEP", 10_000, "not_enough_history"),
        ({"days_past_due": 4, "changed_this_period": True}, "FREEZE", 10_000, "overdue_freeze"),
        ({"pd": Decimal("0.30")}, "FREEZE", 10_000, "risk_freeze"),
        ({"status": "FROZEN", "freeze_reason": "OVERDUE"}, "UNFREEZE", 10_000, "paid_up"),
        (
            {"status": "FROZEN", "freeze_reason": "OVERDUE", "days_past_due": 2},
            "KEEP",
            10_000,
            "overdue_freeze",
        ),
        (
            {"status": "FROZEN", "freeze_reason": "RISK", "pd": Decimal("0.19")},
            "UNFREEZE",
            10_000,
            "risk_lower",
        ),
        ({"status": "FROZEN", "freeze_reason": "RISK", "pd": Decimal("0.25")}, "KEEP", 10_000, "risk_freeze"),
        ({"status": "FROZEN", "freeze_reason": "RISK", "pd": None}, "KEEP", 10_000, "risk_freeze"),
        (
            {"status": "FROZEN", "freeze_reason": "BORROWER", "target": Decimal(0)},
            "KEEP",
            10_000,
            "asked_to_freeze",
        ),
        ({"status": "FROZEN", "freeze_reason": "OFFICER"}, "KEEP", 10_000, "frozen_by_officer"),
    ],
)
def test_each_case_has_its_verdict_and_reason(change: dict, direction: str, limit: int, code: str) -> None:
    result = verdict(**change)
    assert (result.direction, result.limit) == (direction, limit)
    assert code in [item.code for item in result.reasons]
    assert result.recourse
    assert result.next_review_date == NEXT
    assert all("%(" not in str(item) for item in (*result.reasons, *result.recourse))


@given(
    limit=st.integers(1, 3_000).map(lambda n: Decimal(n * 100)),
    target=st.integers(0, 3_000).map(lambda n: Decimal(n * 100)),
    pd=st.decimals(min_value="0.0001", max_value="0.2999", places=4),
)
def test_no_month_moves_a_limit_further_than_the_policy_says(
    limit: Decimal, target: Decimal, pd: Decimal
) -> None:
    result = verdict(limit=limit, target=target, pd=pd)
    if result.direction is Direction.DOWN:
        assert result.limit >= min(limit * Decimal("0.8"), limit - 100) or result.limit == 50
        assert result.limit < limit
        if limit > 500:
            assert result.limit >= limit * Decimal("0.8")
    if result.direction is Direction.UP:
        assert limit < result.limit <= max(limit * Decimal("1.5"), limit + 100)
        assert result.limit <= target


@given(
    st.integers(0, 3_000).map(lambda n: Decimal(n * 100)),
    st.integers(1, 3_000).map(lambda n: Decimal(n * 100)),
)
def test_a_limit_comes_to_rest_under_steady_facts(target: Decimal, start: Decimal) -> None:
    """Move month by month with the same target: no swinging, and an end."""
    limit, directions = start, []
    for month in range(60):
        result = verdict(limit=limit, target=target, as_of=TODAY + timedelta(days=31 * month))
        directions.append(result.direction)
        limit = result.limit
    assert directions[-1] is Direction.KEEP
    assert not ({Direction.UP, Direction.DOWN} <= set(directions))


def test_review_days_are_spread_and_in_the_next_month() -> None:
    days = {next_review_after(date(2026, 12, 31), anchor=n) for n in range(100)}
    assert len(days) == 28
    assert {period_of(day) for day in days} == {"2027-01"}

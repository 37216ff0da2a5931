"""Decisions: refusals first, then what is missing, then the score, then the size."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit.domain.decision import Applicant, Asked, Outcome, Scored, decide
from credit.domain.limits import Means, instalment_factor, round_limit, size_limit
from credit.domain.policy import read_policy
from credit.domain.reasons import Reason
from tests.credit.domain.test_policy import CEILING, document

RULES = read_policy(document(), ceiling=CEILING)
MEANS = Means(
    is_business=False, monthly_income=Decimal(12_000), monthly_instalments=Decimal(0), other_limits=Decimal(0)
)
GOOD = Applicant(
    is_business=False,
    age=35,
    is_student=False,
    is_blocked=False,
    days_past_due=0,
    worst_days_past_due_12m=0,
    means=MEANS,
)
SCORE = Scored(Decimal("0.005"), "", (Reason("bills", "You paid bills late."),))
ASKED = Asked(Decimal(10_000), Decimal(200_000), Decimal("0.9"))


def decided(applicant: Applicant = GOOD, scored: Scored = SCORE, asked: Asked = ASKED):
    return decide(policy=RULES, ceiling=CEILING, applicant=applicant, scored=scored, asked=asked)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"age": 17}, "age_too_low"),
        ({"age": 66}, "age_too_high"),
        ({"is_student": True}, "is_student"),
        ({"is_blocked": True}, "borrower_blocked"),
        ({"days_past_due": 1}, "overdue_now"),
        ({"worst_days_past_due_12m": 31}, "overdue_past"),
    ],
)
def test_it_declines_what_the_policy_knocks_out_whatever_the_score(change: dict, code: str) -> None:
    result = decided(replace(GOOD, **change))
    assert result.outcome is Outcome.DECLINE
    assert result.reasons[0].code == code
    assert result.limit == 0


@pytest.mark.parametrize(
    ("change", "scored", "code"),
    [
        ({"age": None}, SCORE, "age_unknown"),
        ({"is_student": None}, SCORE, "student_unknown"),
        ({"means": replace(MEANS, monthly_income=None)}, SCORE, "income_unknown"),
        ({}, Scored(None, "model_unavailable"), "model_unavailable"),
        ({}, Scored(None, "evidence_missing"), "evidence_missing"),
        ({}, Scored(None, "evidence_stale"), "evidence_stale"),
    ],
)
def test_it_refers_what_is_missing_and_never_approves_it(change: dict, scored: Scored, code: str) -> None:
    result = decided(replace(GOOD, **change), scored)
    assert result.outcome is Outcome.REFER
    assert code in [item.code for item in result.reasons]


def test_it_declines_a_high_risk_with_the_reasons_of_the_score() -> None:
    result = decided(scored=replace(SCORE, pd=Decimal("0.14")))
    assert (result.outcome, [item.code for item in result.reasons]) == (Outcome.DECLINE, ["bills"])


def test_it_refers_a_risk_between_the_cut_offs() -> None:
    result = decided(scored=replace(SCORE, pd=Decimal("0.08")))
    assert (result.outcome, result.reasons[0].code) == (Outcome.REFER, "risk_near_cut_off")


def test_it_explores_a_fixed_share_with_a_small_limit() -> None:
    near = replace(SCORE, pd=Decimal("0.09"))
    lucky = decided(scored=near, asked=replace(ASKED, lot=Decimal("0.0199")))
    assert lucky.is_exploration
    assert 0 < lucky.limit <= RULES.exploration.limit
    assert lucky.reasons[0].code == "exploration"
    assert not decided(scored=near, asked=replace(ASKED, lot=Decimal("0.02"))).is_exploration


def test_it_approves_the_whole_request() -> None:
    result = decided()
    assert (result.outcome, result.limit, result.grade) == (Outcome.APPROVE, Decimal(10_000), "A")
    assert [item.code for item in result.reasons] == ["risk_good", "limit_as_requested"]


def test_it_offers_less_and_says_which_cap_decided() -> None:
    result = decided(asked=replace(ASKED, amount=Decimal(200_000)))
    # half of 12,000 a month over 12 months at 8.64 % carries 68,740; 8 x income is 96,000; the grade 200,000
    assert (result.outcome, result.limit) == (Outcome.COUNTER_OFFER, Decimal(68_700))
    assert [item.code for item in result.reasons] == ["limit_by_affordability"]


def test_it_declines_when_nothing_can_be_afforded() -> None:
    result = decided(replace(GOOD, means=replace(MEANS, monthly_instalments=Decimal(6_000))))
    assert result.outcome is Outcome.DECLINE
    assert [item.code for item in result.reasons] == ["limit_by_affordability", "limit_too_small"]


def test_it_counts_the_limits_of_the_group() -> None:
    rich = replace(MEANS, monthly_income=Decimal(200_000), other_limits=Decimal(295_000))
    result = decided(replace(GOOD, means=rich))
    assert (result.outcome, result.limit) == (Outcome.COUNTER_OFFER, Decimal(5_000))
    assert [item.code for item in result.reasons] == ["limit_by_group"]


def test_it_gives_students_no_way_through_a_lenient_policy() -> None:
    lenient = replace(RULES, knock_outs=replace(RULES.knock_outs, refuse_students=False))
    result = decide(
        policy=lenient, ceiling=CEILING, applicant=replace(GOOD, is_student=True), scored=SCORE, asked=ASKED
    )
    assert result.reasons[0].code == "is_student"


def test_the_instalment_factor_agrees_with_a_published_example() -> None:
    # 100,000 at 7.2 % over 30 months: 3,648.75 a month by the annuity formula
    assert (instalment_factor(Decimal("0.072"), 12) * 1000).quantize(Decimal("0.01")) == Decimal("86.62")
    assert instalment_factor(Decimal(0), 4) == Decimal("0.25")


AMOUNTS = st.decimals(min_value=0, max_value=400_000, places=2)


@given(
    income=AMOUNTS, owed=AMOUNTS, others=AMOUNTS, asked=st.decimals(min_value=50, max_value=300_000, places=2)
)
def test_no_limit_is_over_a_cap_or_off_its_steps(
    income: Decimal, owed: Decimal, others: Decimal, asked: Decimal
) -> None:
    for grade in RULES.grades:
        sized = size_limit(
            policy=RULES, ceiling=CEILING, grade=grade, means=Means(False, income, owed, others), asked=asked
        )
        assert sized.limit == 0 or 50 <= sized.limit <= 300_000
        assert sized.limit % 100 == 0 or sized.limit == 50
        assert sized.limit <= min(asked, grade.limit, max(Decimal(0), RULES.group_limit - others))
        assert sized.limit <= income * grade.income_multiple
        assert sized.limit * instalment_factor(grade.annual_rate, 12) + owed <= income / 2 or sized.limit == 0
        assert sized.reasons


@given(st.decimals(min_value=0, max_value=400_000, places=2))
def test_rounding_never_raises_a_limit(amount: Decimal) -> None:
    assert round_limit(amount) <= amount

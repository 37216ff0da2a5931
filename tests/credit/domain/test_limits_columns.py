"""Many limits at once are the limits one by one, and the best limit is the best of the grid."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from credit.domain.limits import Means, Use, round_limit, size_limit
from credit.domain.limits_columns import MeansColumns, grades_of, mask_of, round_limits, size_limits
from credit.domain.policy import PolicyRules, UnableToReadPolicy, read_policy
from credit.domain.profit import (
    REFERENCE,
    Economics,
    best_limit,
    best_limits,
    expect,
    need_seen,
    needs_seen,
    weight_for_loss,
)
from tests.credit.domain.test_policy import CEILING, document

MATRIX = read_policy(document(), ceiling=CEILING)
PROFIT = replace(MATRIX, profit=REFERENCE)
ECONOMICS = Economics.of(REFERENCE)


def drawn(rng: np.random.Generator, count: int) -> tuple[MeansColumns, np.ndarray, np.ndarray]:
    """Draw means on and off the steps, requests, and probabilities on and off the grades' edges."""
    income = np.where(
        rng.random(count) < 0.5,
        rng.integers(0, 400, count) * 100.0,
        np.round(rng.uniform(0, 40_000, count), 2),
    )
    income = np.where(rng.random(count) < 0.05, np.nan, income)
    means = MeansColumns(
        rng.random(count) < 0.3,
        income,
        np.round(rng.uniform(0, 3_000, count) * (rng.random(count) < 0.5), 2),
        np.round(rng.uniform(0, 320_000, count) * (rng.random(count) < 0.4), 2),
    )
    asked = np.where(rng.random(count) < 0.2, 300_000.0, np.round(rng.uniform(50, 90_000, count), 2))
    edges = np.array([0.01, 0.02, 0.04, 0.08, 0.1399])
    pd = np.where(
        rng.random(count) < 0.2, rng.choice(edges, count), np.round(rng.uniform(1e-8, 0.1399, count), 8)
    )
    return means, asked, pd


@pytest.mark.parametrize("policy", [MATRIX, PROFIT], ids=["matrix", "profit"])
@pytest.mark.parametrize("is_open", [False, True], ids=["application", "line"])
def test_columns_give_the_limit_and_the_reasons_of_each(policy: PolicyRules, is_open: bool) -> None:
    rng = np.random.default_rng(5)
    count = 4_000
    means, asked, pd = drawn(rng, count)
    limit = rng.integers(1, 900, count) * 100.0 if is_open else None
    use = np.round(rng.uniform(0, 1.1, count), 4) if is_open else None
    grade = grades_of(policy, pd)
    product = np.where(means.is_business, 300_000.0, 200_000.0)
    sized = size_limits(
        policy=policy, ceiling=CEILING, grade=grade, means=means, asked=asked, product_maximum=product, pd=pd,
        limit=limit, utilisation=use,
    )  # fmt: skip
    for at in range(count):
        probability = Decimal(repr(float(pd[at])))
        assert policy.grade_of(probability) == policy.grades[grade[at]]
        one = size_limit(
            policy=policy,
            ceiling=CEILING,
            grade=policy.grades[grade[at]],
            means=means.at(at),
            asked=Decimal(repr(float(asked[at]))),
            product_maximum=Decimal(int(product[at])),
            pd=probability,
            use=None
            if limit is None or use is None
            else Use(Decimal(int(limit[at])), Decimal(repr(float(use[at])))),
        )
        assert float(one.limit) == sized.limit[at], at
        assert mask_of([item.code for item in one.reasons]) == sized.binding[at], at


def test_an_affordable_amount_on_a_step_is_worked_in_decimals() -> None:
    free = replace(MATRIX, grades=tuple(replace(grade, annual_rate=Decimal(0)) for grade in MATRIX.grades))
    income = (
        np.arange(1, 400) * 50.0
    )  # at no interest, half an income over twelve months: always a step or half
    means = MeansColumns(np.zeros(399, bool), income, np.zeros(399), np.zeros(399))
    sized = size_limits(
        policy=free, ceiling=CEILING, grade=np.zeros(399, int), means=means, asked=np.full(399, 3e5)
    )
    wanted = [
        size_limit(
            policy=free, ceiling=CEILING, grade=free.grades[0],
            means=Means(False, Decimal(int(amount)), Decimal(0), Decimal(0)), asked=Decimal(300_000),
        ).limit
        for amount in income
    ]  # fmt: skip
    assert sized.limit.tolist() == [float(amount) for amount in wanted]


def test_rounding_is_the_same_for_many() -> None:
    amounts = [0, 49.99, 50, 99.99, 100, 199.99, 1234, 300_000]
    assert round_limits(np.array(amounts)).tolist() == [float(round_limit(Decimal(str(a)))) for a in amounts]


def cases(count: int, seed: int = 3) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "pd": rng.beta(1, 15, count),
        "annual_rate": rng.uniform(0.04, 0.24, count),
        "is_business": rng.random(count) < 0.2,
        "need": rng.lognormal(8.5, 1.0, count),
        "most": round_limits(rng.uniform(0, 40_000, count)),
    }


@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize("weight", ["0", "3"])
def test_the_best_limit_is_the_best_of_the_whole_grid(is_open: bool, weight: str) -> None:
    economics = Economics.of(replace(REFERENCE, loss_weight=Decimal(weight)))
    columns = cases(300)
    least = round_limits(columns["most"] * np.random.default_rng(4).uniform(0, 0.9, 300)) * is_open
    found = best_limits(economics, **columns, least=least, is_open=is_open)
    for at in range(300):
        one = {name: column[at] for name, column in columns.items()}
        low, high = least[at], one.pop("most")
        grid = np.array([0.0, 50.0, *np.arange(100.0, 40_100.0, 100.0)])
        grid = grid[(grid >= low) & (grid <= max(high, low))]
        whole = expect(economics, **{k: np.full(len(grid), v) for k, v in one.items()}, limit=grid)
        earned = (
            whole.profit
            - economics.loss_weight * whole.loss
            + np.where(grid > 0, economics.account_cost, 0.0) * is_open
        )
        best = grid[int(np.argmax(earned))] if is_open or earned.max() > 0 else 0.0
        assert found[at] == best, at


def test_one_line_gets_what_it_gets_among_many() -> None:
    columns = cases(20_000, seed=9)
    many = best_limits(ECONOMICS, **columns)
    one = [
        best_limit(
            ECONOMICS, pd=pd, annual_rate=rate, is_business=bool(business), need=need, most=most
        )
        for pd, rate, business, need, most in zip(*(columns[name].tolist() for name in columns), strict=True)
    ]  # fmt: skip
    assert many.tolist() == one


def test_need_is_read_from_use_the_same_way_for_one_and_for_many() -> None:
    rng = np.random.default_rng(2)
    limit, use, expected = rng.uniform(50, 9e4, 500), rng.uniform(0, 1.2, 500), rng.uniform(1, 9e4, 500)
    many = needs_seen(limit=limit, utilisation=use, expected=expected)
    one = [
        need_seen(limit=a, utilisation=b, expected=c)
        for a, b, c in zip(limit.tolist(), use.tolist(), expected.tolist(), strict=True)
    ]
    assert np.allclose(many, one, rtol=1e-12)
    used = np.clip(use, 0.02, 0.95)
    seen = needs_seen(limit=limit, utilisation=use, expected=np.full(500, 1e-9))
    assert np.allclose(seen * -np.expm1(-limit / seen) / limit, used, rtol=1e-9)
    assert (many == np.maximum(seen, expected)).all(), "a line is not cut for lying idle"
    assert needs_seen(limit=limit, utilisation=np.full(500, np.nan), expected=expected).tolist() == list(
        expected
    )


def test_the_price_of_loss_keeps_a_portfolio_within_its_budget_and_no_lower_than_it_must() -> None:
    columns = cases(3_000)
    most = columns.pop("most")
    free = expect(ECONOMICS, **columns, limit=best_limits(ECONOMICS, **columns, most=most))
    budget = float(free.loss.sum()) * 0.6
    weight = weight_for_loss(ECONOMICS, **columns, most=most, budget=budget)
    tight = Economics.of(replace(REFERENCE, loss_weight=Decimal(repr(weight))))
    held = expect(tight, **columns, limit=best_limits(tight, **columns, most=most))
    assert 0.95 * budget < held.loss.sum() <= budget
    # at the same loss no plain cut of all limits earns as much
    shares = np.linspace(0.0, 1.0, 201)
    plain = [expect(ECONOMICS, **columns, limit=round_limits(most * share)) for share in shares]
    assert held.profit.sum() > max(p.profit.sum() for p in plain if p.loss.sum() <= held.loss.sum())


def test_it_refuses_economics_out_of_range() -> None:
    profit = {name: str(getattr(REFERENCE, name)) for name in REFERENCE.__slots__}
    assert read_policy({**document(), "profit": profit}, ceiling=CEILING).profit == REFERENCE
    for name, wrong, code in [
        ("person_loss", "1.01", "policy_field_invalid"),
        ("need_multiple", "25", "policy_field_invalid"),
        ("funding_rate", "NaN", "policy_field_invalid"),
    ]:
        with pytest.raises(UnableToReadPolicy) as refused:
            read_policy({**document(), "profit": {**profit, name: wrong}}, ceiling=CEILING)
        assert (refused.value.code, refused.value.field) == (code, f"profit.{name}")
    with pytest.raises(UnableToReadPolicy) as refused:
        read_policy({**document(), "profit": {}}, ceiling=CEILING)
    assert refused.value.code == "policy_field_missing"

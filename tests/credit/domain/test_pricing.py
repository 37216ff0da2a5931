"""Prices: under the all-in guard with every fee, and at the best of how people answer them."""

from __future__ import annotations

import csv
import gzip
import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from credit.domain.all_in import METHODS, RATE_STEP, all_in_rate, highest_rate
from credit.domain.pricing import Applicants, PriceResponse, best_rates, fit_response
from credit.domain.profit import REFERENCE, Economics
from loans.domain.terms import FeeTerm, FeeTiming
from tests.credit.domain.test_policy import CEILING

COUNTS = (1, 3, 6, 12, 24)
ECONOMICS = Economics.of(REFERENCE)


def dearest(rate: Decimal, fees: tuple[FeeTerm, ...] = ()) -> Decimal:
    return max(
        all_in_rate(rate, count=count, method=method, fees=fees)
        for method in METHODS
        for count in COUNTS
        if not (method.value == "BULLET" and count > CEILING.bullet_months)
    )


@pytest.mark.parametrize(
    "fees",
    [
        (),
        (FeeTerm("arrangement", FeeTiming.AT_PAYOUT, rate=Decimal("0.005")),),
        (FeeTerm("service", FeeTiming.EACH_INSTALMENT, amount=Decimal("5.00")),),
    ],
    ids=["no fee", "at payout", "each instalment"],
)
def test_the_highest_rate_stays_under_the_guard_and_the_next_step_does_not(fees: tuple[FeeTerm, ...]) -> None:
    rate = highest_rate(CEILING, fees=fees)
    assert rate > 0
    assert dearest(rate, fees) <= CEILING.annual_rate < dearest(rate + RATE_STEP, fees)
    assert rate < CEILING.annual_rate, "compounding alone makes a nominal rate cost more than itself"


def test_fees_lower_the_highest_rate_and_too_many_leave_none() -> None:
    small = (FeeTerm("arrangement", FeeTiming.AT_PAYOUT, rate=Decimal("0.001")),)
    assert highest_rate(CEILING, fees=small) < highest_rate(CEILING)
    assert highest_rate(CEILING, fees=(replace(small[0], rate=Decimal("0.10")),)) == 0


def test_a_known_answer_is_found_again() -> None:
    rates = np.linspace(0.04, 0.15, 30)
    truth = PriceResponse(0.04, 0.05, 1.3)
    found = fit_response(rates, 1 - np.asarray(truth.retained(rates)))
    assert found.response.scale == pytest.approx(0.05, rel=1e-6)
    assert found.response.shape == pytest.approx(1.3, rel=1e-6)
    assert found.largest < 1e-8


def test_real_small_businesses_answer_prices_as_the_curve_says() -> None:
    folder = Path(os.environ.get("RISK_DATA_DIR", Path(__file__).resolve().parents[4] / "shared" / "data"))
    path = folder / "cn_smallbiz_rate_churn.csv.gz"
    if not path.exists():
        pytest.skip(f"the shared data are not at {folder}; set RISK_DATA_DIR")
    with gzip.open(path, "rt") as lines:
        rows = list(csv.DictReader(lines))
    rates = np.array([float(row["annual_rate"]) for row in rows])
    for rating in "ABC":
        found = fit_response(rates, np.array([float(row[f"churn_rating_{rating}"]) for row in rows]))
        assert found.points == 29
        assert found.root_mean_square < 0.02
        assert 0.03 < found.response.scale < 0.07


def people(pd: float, count: int = 50) -> Applicants:
    rng = np.random.default_rng(int(pd * 1e6))
    return Applicants(
        np.full(count, pd), np.zeros(count, bool), rng.lognormal(9, 0.5, count), np.full(count, 50_000.0)
    )


def test_without_an_answer_to_prices_the_guard_earns_most_and_with_one_the_price_lies_inside() -> None:
    guard, lowest = Decimal("0.2160"), Decimal("0.0432")
    grades = [people(0.005), people(0.03), people(0.06)]
    free = best_rates(ECONOMICS, grades=grades, guard=guard, lowest=lowest)
    assert free == [guard] * 3
    answered = best_rates(
        ECONOMICS, grades=grades, guard=guard, lowest=lowest, response=PriceResponse(0.04, 0.05, 1.0)
    )
    assert answered == sorted(answered)
    assert lowest < answered[0] < guard

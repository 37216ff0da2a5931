"""The synthetic population has the properties of its table (docs/algorithms/risk_population.md)."""

from __future__ import annotations

import hashlib
import os
import time

import numpy as np
import pytest

from risk.domain import metrics, scorecard
from risk.domain.features import compute
from risk.domain.registry import FEATURE_NAMES, FEATURES
from risk.domain.rollup import days_of_months, roll_up, windows
from risk.domain.training import TreeShape, booster_raw, fit_booster
from risk.synthetic.evidence import all_events
from risk.synthetic.lending import draw_conduct, draw_history
from risk.synthetic.matrix import Sample, all_consents, draw_sample, known_before_application
from risk.synthetic.population import Shock, World, draw_people

SIGNS = [f.sign for f in FEATURES]
DEEP = bool(
    os.environ.get("DEEP")
)  # the table's own size and marks; else a third of it, and marks as wide as that needs
SIZE = 50_000 if DEEP else 16_000


@pytest.fixture(scope="module")
def big() -> Sample:
    return draw_sample(World(size=SIZE, seed=7))


@pytest.fixture(scope="module")
def split(big):
    new = big.people.application >= np.quantile(big.people.application, 0.7)
    return ~new, new


@pytest.fixture(scope="module")
def forecast(big, split):
    old, new = split
    text = fit_booster(big.facts.values[old], big.bad[old], signs=SIGNS, seed=7, shape=TreeShape())
    return booster_raw(text, big.facts.values[new])


def test_bad_rates_are_those_of_consumer_credit(big):
    business = big.people.is_business
    assert 0.03 <= big.bad.mean() <= 0.07
    assert 1.1 <= big.bad[business].mean() / big.bad[~business].mean() <= 1.5


def test_the_truth_separates_as_truth_should(big):
    assert 0.84 <= metrics.auc(big.people.eta, big.bad) <= 0.90


def test_trees_come_near_the_truth_and_no_nearer(big, split, forecast):
    _old, new = split
    found = metrics.auc_interval(forecast, big.bad[new])
    low, high = (0.75, 0.81) if DEEP else (0.73, 0.82)  # 16,000 people have 200 bads in the test
    assert low <= found.value <= high
    assert found.value <= metrics.auc(big.people.eta[new], big.bad[new]) - 0.05


def test_the_scorecard_is_close_behind(big, split, forecast):
    old, new = split
    card = scorecard.fit(big.facts.values[old], big.bad[old], signs=SIGNS)
    gap = metrics.auc(forecast, big.bad[new]) - metrics.auc(card.raw(big.facts.values[new]), big.bad[new])
    # at 50,000 the scorecard is ahead by .003 to .006: docs/algorithms/risk_population.md says so
    low, high = (-0.01, 0.025) if DEEP else (-0.02, 0.035)
    assert low <= gap <= high


def test_calibration_and_deciles(big, split, forecast):
    _old, new = split
    pd = 1 / (1 + np.exp(-forecast))
    assert metrics.ece(pd, big.bad[new]) <= (0.015 if DEEP else 0.02)
    parts = metrics.deciles(pd, big.bad[new], parts=10 if DEEP else 5)
    assert metrics.inversions(parts) <= 1
    assert parts[-1].observed >= (15 if DEEP else 8) * max(parts[0].observed, 0.001)


@pytest.mark.skipif(not DEEP, reason="the slope of 200 bads swings by .1; DEEP=1 has 600")
def test_the_calibrated_forecast_has_the_slope_of_the_truth(big):
    """Judge as the pipeline does: trees calibrated by cross-fitting on the older part, tried on the newer."""
    from risk.domain.labels import LabelPolicy, label
    from risk.domain.training import train
    from risk.operations import training_set

    labels = label(
        big.history.days_past_due, months_observed=np.full(len(big.people), 12), policy=LabelPolicy()
    )
    data = training_set(facts=big.facts, labels=labels, month=big.people.application)
    found = train(data, seed=7).report["out_of_time"]
    assert 0.9 <= found["slope"] <= 1.15
    assert found["ece"] <= 0.015
    assert found["inversions"] <= 1


def test_no_single_feature_gives_it_away(big):
    for place, name in enumerate(FEATURE_NAMES):
        column = big.facts.values[:, place]
        known = ~np.isnan(column)
        if known.sum() > 500 and big.bad[known].sum() > 30:
            value = metrics.auc(column[known], big.bad[known])
            assert max(value, 1 - value) < 0.76, name


def test_shuffled_labels_teach_nothing(big, split):
    """One shuffle swings by .02 to .07: noise that happens to lie along what all features share is half an order of people."""
    old, new = split
    found = []
    for seed in range(3, 9):
        noise = np.random.default_rng(seed).permutation(big.bad[old])
        text = fit_booster(big.facts.values[old], noise, signs=[0] * len(SIGNS), seed=7, shape=TreeShape())
        found.append(metrics.auc(booster_raw(text, big.facts.values[new]), big.bad[new]))
    assert abs(np.mean(found) - 0.5) <= (0.04 if DEEP else 0.06), found


def air(sample: Sample) -> float:
    half = np.arange(len(sample.people)) % 2 == 0
    text = fit_booster(sample.facts.values[half], sample.bad[half], signs=SIGNS, seed=7, shape=TreeShape())
    raw = booster_raw(text, sample.facts.values[~half])
    sex = sample.people.sex[~half]
    approved = raw <= np.quantile(raw, 0.7)
    rates = [approved[sex == s].mean() for s in (0, 1)]
    return min(rates) / max(rates)


def test_a_neutral_world_is_fair_and_a_biased_one_is_caught(big):
    assert air(big) >= (0.95 if DEEP else 0.93)
    assert air(draw_sample(World(size=8_000, seed=7, biased=True))) < 0.80


def test_a_shock_raises_losses_and_the_calibration_alarm(big):
    calm = big.bad
    shocked = draw_history(draw_people(World(size=SIZE, seed=7, shock=Shock(month=612))))
    late = (big.people.application >= 610) & (big.people.application <= 614)
    low, high = (1.4, 2.2) if DEEP else (1.3, 2.5)
    assert low <= shocked.bad[late].mean() / calm[late].mean() <= high
    assert shocked.bad[late].mean() / calm[late].mean() > 1.25  # outside 0.8-1.25: the alarm's mark


def test_the_ledger_of_the_history_reconciles_to_the_cent(big):
    history = big.history
    assert (history.scheduled.sum(axis=1) == history.principal).all()
    assert (history.outstanding >= 0).all()
    never_late = (history.days_past_due == 0).all(axis=1)
    assert never_late.sum() > SIZE * 0.6
    assert (history.outstanding[never_late] == 0).all()
    assert (history.paid >= 0).all()
    assert 0.69 <= history.approved.mean() <= 0.72


def test_balances_follow_from_payments_to_the_cent():
    events = all_events(draw_people(World(size=40, seed=3)))
    for subject in np.unique(events.subject):
        mine = events.take(events.subject == subject)
        paid = mine.kind == 1
        assert np.array_equal(np.cumsum(mine.cents[paid]), np.rint(mine.balance[paid] * 100).astype(np.int64))


def digest(world: World) -> str:
    events = all_events(draw_people(world))
    return hashlib.sha256(b"".join(getattr(events, n).tobytes() for n in events.__slots__)).hexdigest()


def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    assert digest(World(size=200, seed=7)) == digest(World(size=200, seed=7))
    assert digest(World(size=200, seed=7)) != digest(World(size=200, seed=8))


def test_nothing_dated_at_or_after_the_application_reaches_a_vector():
    people = draw_people(World(size=300, seed=5))
    conduct = draw_conduct(people)

    def vectors(events):
        months = windows(roll_up(events), subjects=people.subject, as_of=people.application)
        return compute(
            months=months,
            conduct=conduct,
            consents=all_consents(300),
            as_of=__import__("datetime").date(2000, 1, 1),
        ).digest()

    everything = all_events(people, months_after=6)
    cut = days_of_months(people.application)[everything.subject - 1] * 1440 - 480
    assert (everything.occurred >= cut).sum() > 10_000
    past = everything.take(everything.occurred < cut)
    assert vectors(past) == vectors(everything)
    known = known_before_application(people, everything)
    assert len(known) < len(past)  # late arrivals are not known yet
    assert vectors(known) != vectors(past)


def test_the_demo_size_is_quick():
    started = time.process_time()
    draw_sample(World(size=2_000, seed=7))
    assert time.process_time() - started < 5.0


def test_an_outage_month_has_no_events():
    events = all_events(draw_people(World(size=100, seed=7, outage_month=595)))
    rollups = roll_up(events)
    assert 594 in rollups.month
    assert 595 not in rollups.month

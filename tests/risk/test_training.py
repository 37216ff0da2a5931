"""Training refuses bad material, repeats itself, obeys its signs; the scorecard sums by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from risk.domain import leakage, metrics, psi, scorecard
from risk.domain.reasons import by_factor, reasons
from risk.domain.registry import FACTORS, FEATURE_AT, FEATURES
from risk.domain.training import TreeShape, UnableToTrain, booster_raw, check, fit_booster, train


def spoilt(data, name, column):
    values = data.values.copy()
    values[:, FEATURE_AT[name]] = column
    return replace(data, values=values)


def test_it_refuses_one_class_and_too_few_bads(data):
    with pytest.raises(UnableToTrain) as refusal:
        train(replace(data, label=np.zeros_like(data.label)), seed=1)
    assert refusal.value.code == "one_class"
    few = np.flatnonzero(data.label == 1)[:5]
    label = np.zeros_like(data.label)
    label[few] = 1
    with pytest.raises(UnableToTrain) as refusal:
        train(replace(data, label=label), seed=1)
    assert refusal.value.code == "too_few_bads"


def overwritten(bad, rng):
    """Give terms of whole years, of which six in ten bads were overwritten by the month in which it ended."""
    years = 12 * rng.integers(1, 8, len(bad))
    return np.where((bad == 1) & (rng.random(len(bad)) < 0.6), rng.integers(1, 80, len(bad)), years)


def test_the_gate_refuses_news_from_the_future(data):
    rng = np.random.default_rng(1)
    bad = data.bad
    for column, code in (
        (bad + rng.normal(0, 0.3, len(bad)), "single_feature_auc"),
        (bad * 0.5 + rng.normal(0, 0.6, len(bad)), None),
        (np.where(bad == 1, 5.0, np.nan), "missing_depends_on_label"),
        (overwritten(bad, rng), "pattern_of_one_outcome"),
    ):
        found = leakage.inspect_number("x", np.asarray(column, dtype=float), bad)
        assert (found.code if found else None) == code
    with pytest.raises(UnableToTrain) as refusal:
        check(spoilt(data, "refund_share_6m", bad * 0.9 + rng.random(len(bad)) * 0.05))
    assert refusal.value.code == "leakage"
    assert "refund_share_6m" in str(refusal.value)


def test_the_same_seed_trains_the_same_bytes(data):
    rows = np.arange(1500)
    args = {"signs": data.signs, "seed": 7, "shape": TreeShape(trees=20)}
    first = fit_booster(data.values[rows], data.bad[rows], **args)
    assert first == fit_booster(data.values[rows], data.bad[rows], **args)
    assert first != fit_booster(data.values[rows], data.bad[rows], **args | {"seed": 8})


def test_no_sign_is_broken_anywhere_on_a_grid(data, trained):
    rows = data.values[:40]
    for place, feature in enumerate(FEATURES):
        known = data.values[:, place][~np.isnan(data.values[:, place])]
        if not feature.sign or not len(known):
            continue
        grid = np.quantile(known, np.linspace(0, 1, 15))
        many = np.repeat(rows, len(grid), axis=0)
        many[:, place] = np.tile(grid, len(rows))
        for raw in (booster_raw(trained.booster_text, many), trained.scorecard.raw(many)):
            steps = np.diff(raw.reshape(len(rows), -1), axis=1) * feature.sign
            assert steps.min() >= -1e-9, feature.name


def test_a_small_jitter_moves_little(data, trained):
    rng = np.random.default_rng(2)
    shaken = data.values * (1 + rng.uniform(-0.01, 0.01, data.values.shape))
    before, after = (
        trained.booster_calibration.pd(booster_raw(trained.booster_text, v), data.segment)
        for v in (data.values, shaken)
    )
    assert (
        np.quantile(np.abs(after / before - 1), 0.95) < 0.35
    )  # steps of trees: measured, not the 10 % wished for


def test_contributions_sum_to_the_score(data, trained):
    from risk.domain.lean import lightgbm_module

    rows = data.values[:200]
    booster = lightgbm_module().Booster(model_str=trained.booster_text)
    parts = booster.predict(rows, pred_contrib=True)
    assert np.allclose(parts.sum(axis=1), booster.predict(rows, raw_score=True), atol=1e-9)
    card = trained.scorecard
    assert np.allclose(card.contributions(rows).sum(axis=1) + card.base, card.raw(rows), atol=1e-9)


def test_a_scorecard_summed_by_hand():
    rng = np.random.default_rng(4)
    x = rng.random((4000, 2))
    x[:800, 1] = np.nan
    bad = (rng.random(4000) < np.where(np.isnan(x[:, 1]), 0.4, 0.05 + 0.3 * x[:, 0])).astype(np.int64)
    card = scorecard.fit(x, bad, signs=[1, 0])
    row = np.array([[0.5, np.nan]])
    total = card.base
    for c in card.characteristics:
        value = row[0, c.place]
        woe = c.missing_woe if np.isnan(value) else c.woe[sum(1 for e in c.edges if value > e)]
        total += c.beta * woe - c.mean
    assert card.raw(row)[0] == pytest.approx(total, abs=1e-12)
    missing = next(c for c in card.characteristics if c.place == 1)
    goods, bads = (bad == 0).sum(), (bad == 1).sum()
    gone = np.isnan(x[:, 1])
    woe = np.log(((bad[gone].sum() + 0.5) / (bads + 1)) / (((1 - bad[gone]).sum() + 0.5) / (goods + 1)))
    assert missing.missing_woe == pytest.approx(woe)
    again = scorecard.Scorecard.of_json(__import__("json").loads(__import__("json").dumps(card.as_json())))
    assert again.raw(x).tobytes() == card.raw(x).tobytes()


def test_what_nobody_saw_is_not_held_against_anyone(data, trained):
    values = np.full((1, len(FEATURES)), np.nan)
    contributions = np.zeros((1, len(FEATURES)))
    contributions[0, FEATURE_AT["bill_late_share_12m"]] = 1.0
    contributions[0, FEATURE_AT["utilisation"]] = 0.5
    found = reasons(values, contributions)[0]
    assert [r.code for r in found] == ["evidence", "history"]
    values[0, FEATURE_AT["bill_late_share_12m"]] = 0.5
    assert reasons(values, contributions)[0][0].code == "bills"
    assert by_factor(values, contributions).shape == (1, len(FACTORS))


def test_drift_knows_the_size_of_the_sample():
    rng = np.random.default_rng(6)
    ref = psi.reference(rng.normal(size=20_000))
    small = [psi.drift(ref, rng.normal(size=40)) for _ in range(50)]
    assert max(d.psi for d in small) > 0.25  # chance alone goes over the mark ...
    assert all(d.level == "OK" for d in small)  # ... and is not an alarm
    assert psi.drift(ref, rng.normal(1.0, 1.0, 500)).level == "ACT"
    assert psi.drift(ref, np.full(500, np.nan)).level == "ACT"


def test_the_report_of_a_training_says_what_was_measured(trained, data):
    late = trained.report["out_of_time"]
    assert 0.65 <= late["auc"] <= 0.86
    assert late["ece"] <= 0.03
    assert abs(late["shuffled_auc"] - 0.5) <= 0.12
    assert late["price_of_signs"] <= 0.03
    assert trained.report["fairness"]["sex"]["air"] >= 0.9
    pd = trained.booster_calibration.pd(booster_raw(trained.booster_text, data.values), data.segment)
    assert abs(pd.mean() / data.bad.mean() - 1) < 0.25
    assert metrics.auc(pd, data.bad) > late["auc"]

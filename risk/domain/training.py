"""Training: monotone LightGBM and a scorecard on the same matrix, judged out of time before anything else.

LightGBM is imported inside functions: the web process that never trains does not carry it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from regimes.errors import N_, Refusal
from risk.domain import calibration, fairness, leakage, metrics, scorecard
from risk.domain.calibration import Calibration
from risk.domain.events import Bytes, Flags, Floats, Integers
from risk.domain.labels import BAD, GOOD, INDETERMINATE
from risk.domain.lean import lightgbm_module
from risk.domain.scorecard import Scorecard

LEAST_BADS = 30
FOLDS = 5
OUT_OF_TIME_SHARE = 0.30
PARALLEL_ROWS = (
    100_000  # below, a second thread costs more than it brings: 2.9 s against 0.2 s on a busy machine
)


class UnableToTrain(Refusal):
    """Refuse to make a model from this material."""


@dataclass(frozen=True, slots=True)
class TreeShape:
    """Say how big the trees are. 150 trees of 15 leaves explain themselves within the request:
    docs/algorithms/risk_training.md has the price in AUC, measured on real sets."""

    trees: int = 150
    leaves: int = 15
    depth: int = 4
    learning_rate: float = 0.06
    least_in_leaf: int = 40
    l2: float = 10.0
    feature_fraction: float = 0.6
    bagging_fraction: float = 0.8


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Hold n observations: features, labels (`labels.GOOD`, `BAD`, `INDETERMINATE`), month, person, segment.

    `outside` are protected columns for the fairness report; they never reach the matrix.
    """

    names: tuple[str, ...]
    signs: tuple[int, ...]
    values: Floats
    label: Integers
    month: Integers
    person: Integers
    segment: Bytes
    weight: Floats | None = None
    outside: Mapping[str, Integers] = field(default_factory=dict)

    def digest(self) -> str:
        """Hash everything that training sees."""
        parts = (self.values, self.label, self.month, self.person, self.segment)
        found = hashlib.sha256("\n".join(self.names).encode())
        for part in parts:
            found.update(np.ascontiguousarray(part).tobytes())
        return found.hexdigest()

    @property
    def bad(self) -> Integers:
        return np.asarray(self.label == BAD, dtype=np.int64)

    @property
    def determinate(self) -> Flags:
        return np.asarray(self.label != INDETERMINATE)

    def take(self, chosen: Integers | Flags) -> TrainingSet:
        return TrainingSet(
            self.names,
            self.signs,
            self.values[chosen],
            self.label[chosen],
            self.month[chosen],
            self.person[chosen],
            self.segment[chosen],
            None if self.weight is None else self.weight[chosen],
            {name: column[chosen] for name, column in self.outside.items()},
        )


@dataclass(frozen=True, slots=True)
class Trained:
    """Hold what came out: two models on the same matrix, each calibrated, and the report."""

    booster_text: str
    booster_calibration: Calibration
    scorecard: Scorecard
    scorecard_calibration: Calibration
    report: dict[str, Any]


class Fitter(Protocol):
    """Fit trees and give the text model: in this process (`fit_booster`) or on a cluster."""

    def __call__(
        self,
        values: Floats,
        bad: Integers,
        *,
        signs: Sequence[int],
        seed: int,
        shape: TreeShape,
        weight: Floats | None = None,
    ) -> str: ...


def booster_parameters(shape: TreeShape, signs: Sequence[int], seed: int, *, rows: int) -> dict[str, Any]:
    """Give LightGBM's parameters; deterministic for a seed on any number of threads."""
    return {
        "objective": "binary",
        "num_leaves": shape.leaves,
        "max_depth": shape.depth,
        "learning_rate": shape.learning_rate,
        "min_data_in_leaf": max(5, min(shape.least_in_leaf, rows // 20)),
        "lambda_l2": shape.l2,
        "feature_fraction": shape.feature_fraction,
        "bagging_fraction": shape.bagging_fraction,
        "bagging_freq": 1,
        "monotone_constraints": list(signs),
        "monotone_constraints_method": "basic",
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }


def fit_booster(
    values: Floats,
    bad: Integers,
    *,
    signs: Sequence[int],
    seed: int,
    shape: TreeShape,
    weight: Floats | None = None,
) -> str:
    """Fit trees and give the text model."""
    lightgbm = lightgbm_module()
    parameters = booster_parameters(shape, signs, seed, rows=len(values))
    if len(values) >= PARALLEL_ROWS:
        parameters["num_threads"] = 2
    data = lightgbm.Dataset(values, label=bad, weight=weight, params={"verbosity": -1}, free_raw_data=True)
    booster = lightgbm.train(parameters, data, num_boost_round=shape.trees)
    return str(booster.model_to_string())


def booster_raw(text: str, values: Floats) -> Floats:
    """Score with a text model that this process has just made."""
    booster = lightgbm_module().Booster(model_str=text)
    return np.asarray(booster.predict(values, raw_score=True, num_threads=1), dtype=np.float64)


def check(data: TrainingSet) -> None:
    """Refuse material that no honest model can come from."""
    bads, goods = int((data.label == BAD).sum()), int((data.label == GOOD).sum())
    if bads == 0 or goods == 0:
        raise UnableToTrain("one_class", N_("All outcomes are alike: a model needs goods and bads."))
    if min(bads, goods) < LEAST_BADS:
        raise UnableToTrain(
            "too_few_bads",
            N_("There are %(bads)s bads and %(goods)s goods; a model needs %(least)s of each."),
            params={"bads": bads, "goods": goods, "least": LEAST_BADS},
        )
    leaks = gate(data)
    if leaks:
        raise UnableToTrain(
            "leakage",
            N_("These columns know the outcome: %(columns)s. Take them out of the features."),
            params={"columns": "; ".join(f"{leak.column} ({leak.reason})" for leak in leaks)},
        )


def gate(data: TrainingSet) -> list[leakage.Leak]:
    """Inspect every feature."""
    rows = data.determinate
    weight = None if data.weight is None else data.weight[rows]
    found = (
        leakage.inspect_number(name, data.values[rows, place], data.bad[rows], weight)
        for place, name in enumerate(data.names)
    )
    return [leak for leak in found if leak is not None]


def folds_by_person(person: Integers, seed: int, folds: int = FOLDS) -> Integers:
    """Deal people into folds, all rows of one person into the same."""
    unique, place = np.unique(person, return_inverse=True)
    return np.asarray(np.random.default_rng([seed, 11]).permutation(len(unique))[place] % folds)


def out_of_time(data: TrainingSet, share: float = OUT_OF_TIME_SHARE) -> tuple[Flags, Flags]:
    """Split by month: the last `share` of observations test; nobody of the test is in the training part.

    When all are of one month, people are dealt by fold instead.
    """
    months = np.sort(data.month)
    first_test = months[min(int(len(months) * (1 - share)), len(months) - 1)]
    test = data.month >= first_test
    if test.all():
        test = folds_by_person(data.person, 5) == 0
    train = ~test & ~np.isin(data.person, data.person[test])
    return train, test


def train(
    data: TrainingSet,
    *,
    seed: int,
    shape: TreeShape | None = None,
    say: Callable[[str], None] = lambda line: None,
    fitter: Fitter = fit_booster,
) -> Trained:
    """Check, judge out of time, cross-fit for calibration, then fit on everything mature.

    All trees are fitted by `fitter`; scoring, scorecards and calibration stay in this process.
    """
    shape = shape or TreeShape()
    say("leakage gate")
    check(data)
    report = _judge(data, seed, shape, say, fitter)
    say("cross-fitting for calibration")
    raw_b, raw_s = _cross_fit(data, seed, shape, fitter)
    rows = np.flatnonzero(data.determinate)
    w = data.weight
    fit_weight = None if w is None else w[rows]
    say("fitting on everything")
    text = fitter(
        data.values[rows], data.bad[rows], signs=data.signs, seed=seed, shape=shape, weight=fit_weight
    )
    card = scorecard.fit(data.values[rows], data.bad[rows], signs=data.signs, weight=fit_weight)
    trees = calibration.fit(raw_b, data.bad, data.segment, w)
    points = calibration.fit(raw_s, data.bad, data.segment, w)
    pd = trees.pd(raw_b, data.segment)
    report["cross_validation"] = _figures(pd, data.bad, w) | {
        "scorecard": _figures(points.pd(raw_s, data.segment), data.bad, w)
    }
    report["fairness"] = {
        name: fairness.group_report(groups, pd=pd, bad=data.bad)
        | {"proxies": fairness.proxies(data.values, groups, data.names)}
        for name, groups in data.outside.items()
    }
    report |= {
        "seed": seed,
        "rows": len(data.label),
        "bads": int(data.bad.sum()),
        "data_sha256": data.digest(),
    }
    return Trained(text, trees, card, points, report)


def _cross_fit(data: TrainingSet, seed: int, shape: TreeShape, fitter: Fitter) -> tuple[Floats, Floats]:
    """Score every row by models that did not see its person."""
    fold = folds_by_person(data.person, seed)
    raw_b, raw_s = np.empty(len(data.label)), np.empty(len(data.label))
    for number in range(FOLDS):
        mine = fold == number
        rest = data.take(~mine & data.determinate)
        raw_b[mine], raw_s[mine] = _score_both(rest, data.values[mine], seed, shape, fitter)
    return raw_b, raw_s


def _score_both(
    train_on: TrainingSet, values: Floats, seed: int, shape: TreeShape, fitter: Fitter
) -> tuple[Floats, Floats]:
    text = fitter(
        train_on.values, train_on.bad, signs=train_on.signs, seed=seed, shape=shape, weight=train_on.weight
    )
    card = scorecard.fit(train_on.values, train_on.bad, signs=train_on.signs, weight=train_on.weight)
    return booster_raw(text, values), card.raw(values)


def _judge(
    data: TrainingSet, seed: int, shape: TreeShape, say: Callable[[str], None], fitter: Fitter
) -> dict[str, Any]:
    """Fit on the older part, test on the newer; with the price of the signs, and labels shuffled."""
    say("out-of-time validation")
    before, after = out_of_time(data)
    old, new = data.take(before), data.take(after)
    fit_on = old.take(old.determinate)
    raw_old_b, raw_old_s = _cross_fit(old, seed, shape, fitter)
    raw_b, raw_s = _score_both(fit_on, new.values, seed, shape, fitter)
    pd_b = calibration.fit(raw_old_b, old.bad, old.segment, old.weight).pd(raw_b, new.segment)
    pd_s = calibration.fit(raw_old_s, old.bad, old.segment, old.weight).pd(raw_s, new.segment)
    free = fitter(
        fit_on.values, fit_on.bad, signs=[0] * len(data.names), seed=seed, shape=shape, weight=fit_on.weight
    )
    shuffled = np.random.default_rng([seed, 5]).permutation(fit_on.bad)
    noise = fitter(fit_on.values, shuffled, signs=[0] * len(data.names), seed=seed, shape=shape)
    found = _figures(pd_b, new.bad, new.weight)
    say("rolling origin")
    return {
        "out_of_time": found
        | {
            "scorecard": _figures(pd_s, new.bad, new.weight),
            "price_of_signs": metrics.auc(booster_raw(free, new.values), new.bad, new.weight) - found["auc"],
            "shuffled_auc": metrics.auc(booster_raw(noise, new.values), new.bad, new.weight),
            "first_test_month": int(new.month.min()),
        },
        "rolling_origin": _rolling(data, seed, shape, fitter),
    }


def _rolling(
    data: TrainingSet, seed: int, shape: TreeShape, fitter: Fitter, origins: int = 3
) -> list[dict[str, Any]]:
    """Move the origin through time: train before, test on the months up to the next origin."""
    months = np.unique(data.month)
    if len(months) < origins + 2:
        return []
    cuts = [int(m) for m in np.quantile(months, np.linspace(0.5, 1.0, origins + 1), method="lower")]
    found = []
    for begin, end in pairwise(cuts):
        test = (data.month >= begin) & ((data.month < end) | (end == cuts[-1]))
        rest = data.take((data.month < begin) & data.determinate & ~np.isin(data.person, data.person[test]))
        hits = int(data.bad[test].sum())
        if min(hits, int(test.sum()) - hits, int(rest.bad.sum())) < 5:
            continue
        text = fitter(rest.values, rest.bad, signs=rest.signs, seed=seed, shape=shape, weight=rest.weight)
        value = metrics.auc(booster_raw(text, data.values[test]), data.bad[test])
        found.append({"from_month": begin, "rows": int(test.sum()), "bads": hits, "auc": value})
    return found


def _figures(pd: Floats, bad: Integers, weight: Floats | None) -> dict[str, Any]:
    """Give the figures of a forecast that every report quotes."""
    interval = metrics.auc_interval(pd, bad)
    tenths = metrics.deciles(pd, bad, weight)
    level, gradient = metrics.slope(pd, bad, weight)
    w = metrics.weights_of(bad, weight)
    expected = float((w * pd).sum())
    return {
        "auc": metrics.auc(pd, bad, weight),
        "auc_interval": [interval.low, interval.high],
        "ks": metrics.ks(pd, bad, weight),
        "ece": metrics.ece(pd, bad, weight),
        "slope": gradient,
        "intercept": level,
        "observed_over_expected": float((w * bad).sum()) / expected,
        "bad_rate": float((w * bad).sum() / w.sum()),
        "rows": len(bad),
        "inversions": metrics.inversions(tenths),
        "deciles": [[t.count, t.forecast, t.observed] for t in tenths],
    }

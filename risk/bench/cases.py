"""The cases of the risk report: each a public set, its fixed split, and what was reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from risk.bench import sets
from risk.bench.sets import PublicSet
from risk.domain import bench, metrics
from risk.domain.bench import Material
from risk.domain.events import Floats, Integers
from risk.domain.matrix import refuse_columns
from risk.domain.training import TreeShape, booster_raw, fit_booster

Say = Callable[[str], None]
TAIWAN_SIGNS = (
    {"limit_bal": -1} | {f"pay_{k}": 1 for k in range(1, 7)} | {f"pay_amt{k}": -1 for k in range(1, 7)}
)
REPEATS = 5


@dataclass(frozen=True, slots=True)
class Line:
    """Hold one line of the report."""

    case: str
    measure: str
    value: float
    floor: float | None
    goal: float | None
    note: str = ""
    smaller_is_better: bool = False

    @property
    def verdict(self) -> str:
        def reached(mark: float | None) -> bool:
            return mark is not None and (self.value <= mark if self.smaller_is_better else self.value >= mark)

        if self.floor is None and self.goal is None:
            return ""
        if reached(self.goal):
            return "goal"
        return "floor" if reached(self.floor) else "MISSED"


def cross_validate(
    found: PublicSet, *, fold: Integers, seeds: int, signs: dict[str, int] | None = None
) -> tuple[Floats, list[bench.Prediction]]:
    """Forecast every row by a pipeline that saw the other folds only."""
    pd, all_ = np.empty(len(fold)), []
    for part in np.unique(fold):
        mine = fold == part
        test = found.material.take(mine)
        result = bench.predict(
            found.material.take(~mine), test.columns, rows=len(test.bad), seeds=seeds, signs=signs
        )
        pd[mine] = result.pd
        all_.append(result)
    return pd, all_


def taiwan(folder: Path, say: Say) -> list[Line]:
    """Run the five fixed folds; then the price of signs, and shuffled labels."""
    found = sets.with_splits(folder, "taiwan_cards")
    bad, fold = found.material.bad, found.fold
    pd, parts = cross_validate(found, fold=fold, seeds=3)
    by_fold = [metrics.auc(pd[fold == k], bad[fold == k]) for k in np.unique(fold)]
    interval = metrics.auc_interval(pd, bad)
    tenths = metrics.deciles(pd, bad)
    say(f"refused: {', '.join(r['column'] for r in parts[0].report['refused'])}")
    price, shuffled = _price_of_signs(found), _shuffled(found)
    case = "Taiwan cards, 5 folds"
    return [
        Line(
            case, "AUC", float(np.mean(by_fold)), 0.780, 0.786, f"95 % {interval.low:.3f}-{interval.high:.3f}"
        ),
        Line(case, "KS", metrics.ks(pd, bad), None, 0.434),
        Line(case, "ECE", metrics.ece(pd, bad), 0.012, 0.006, smaller_is_better=True),
        Line(
            case,
            "slope",
            abs(metrics.slope(pd, bad)[1] - 1),
            None,
            0.10,
            "distance from 1",
            smaller_is_better=True,
        ),
        Line(case, "decile inversions", metrics.inversions(tenths), None, 1, smaller_is_better=True),
        Line(case, "price of signs", price, None, 0.003, "AUC, champion's shape", smaller_is_better=True),
        Line(
            case,
            "shuffled labels",
            abs(shuffled - 0.5),
            None,
            0.04,
            "distance from .50",
            smaller_is_better=True,
        ),
    ]


def _matrix(found: PublicSet) -> tuple[Floats, list[str]]:
    kept = refuse_columns(found.material.columns, found.material.bad, None)[0]
    return np.column_stack([c.numbers for c in kept.values()]), list(kept)


def _price_of_signs(found: PublicSet) -> float:
    x, names = _matrix(found)
    bad, fold = found.material.bad, found.fold
    free, bound = np.empty(len(bad)), np.empty(len(bad))
    for part in np.unique(fold):
        mine = fold == part
        for target, signs in ((free, [0] * len(names)), (bound, [TAIWAN_SIGNS.get(n, 0) for n in names])):
            text = fit_booster(x[~mine], bad[~mine], signs=signs, seed=7, shape=TreeShape())
            target[mine] = booster_raw(text, x[mine])
    return metrics.auc(free, bad) - metrics.auc(bound, bad)


def _shuffled(found: PublicSet) -> float:
    x, names = _matrix(found)
    mine = found.fold == 0
    noise = np.random.default_rng(5).permutation(found.material.bad[~mine])
    text = fit_booster(x[~mine], noise, signs=[0] * len(names), seed=7, shape=TreeShape())
    return metrics.auc(booster_raw(text, x[mine]), found.material.bad[mine])


def sba(folder: Path, say: Say) -> list[Line]:
    """Train on 1990-2003, forecast 2004-06; the gate must refuse `term`, the drift alarm must sound."""
    found = sets.with_splits(folder, "sba_loans_sample")
    when = np.array(found.oot)
    train, test = found.material.take(when == "train"), found.material.take(when == "test")
    result = bench.predict(train, test.columns, rows=len(test.bad), say=say)
    refused = {r["column"]: r["reason"] for r in result.report["refused"]}
    for column, reason in refused.items():
        say(f"refused {column}: {reason}")
    assert "term" in refused, "the gate let `term` through"
    interval = metrics.bootstrap_interval(result.pd, test.bad, test.weight, seed=7, rounds=100)
    case = "SBA, out of time 2004-06"
    return [
        Line(
            case, "AUC weighted", interval.value, 0.665, 0.69, f"95 % {interval.low:.3f}-{interval.high:.3f}"
        ),
        Line(
            case,
            "drift alarm",
            float(result.report["drift"]["alarm"]),
            1.0,
            1.0,
            f"score PSI {result.report['drift']['score_psi']:.2f}",
        ),
        Line(
            case,
            "ECE",
            metrics.ece(result.pd, test.bad, test.weight),
            None,
            None,
            "no past calibration rescues it",
        ),
    ]


def berka_aggregates(folder: Path, say: Say) -> list[Line]:
    """Train on 1993-96, forecast 1997-98."""
    found = sets.berka_aggregates(folder)
    when = np.array(found.oot)
    test = found.material.take(when == "test")
    result = bench.predict(found.material.take(when == "train"), test.columns, rows=len(test.bad), say=say)
    interval = metrics.auc_interval(result.pd, test.bad)
    return [
        Line(
            "Berka aggregates, 1993-96 -> 1997-98",
            "AUC",
            interval.value,
            0.90,
            0.94,
            f"95 % {interval.low:.3f}-{interval.high:.3f}",
        )
    ]


def _repeated(name: str, found: PublicSet, floor: float, goal: float, say: Say) -> list[Line]:
    """Repeat five folds: the first time the fixed ones, then dealt anew."""
    bad, values, pds = found.material.bad, list[float](), list[Floats]()
    for repeat in range(REPEATS):
        fold = found.fold if repeat == 0 else deal(found.material, repeat)
        pd, _parts = cross_validate(found, fold=fold, seeds=2)
        values.append(metrics.auc(pd, bad))
        pds.append(pd)
        say(f"{name}: repeat {repeat + 1} of {REPEATS}, AUC {values[-1]:.3f}")
    interval = metrics.auc_interval(np.mean(pds, axis=0), bad)
    note = f"sd of repeats {np.std(values):.3f}; 95 % {interval.low:.3f}-{interval.high:.3f}, {int(bad.sum())} bads"
    return [Line(name, "AUC", float(np.mean(values)), floor, goal, note)]


def deal(data: Material, seed: int, folds: int = 5) -> Integers:
    """Deal rows into folds with the same share of bads."""
    rng, fold = np.random.default_rng(seed), np.empty(len(data.bad), dtype=np.int64)
    for value in (0, 1):
        rows = np.flatnonzero(data.bad == value)
        fold[rng.permutation(rows)] = np.arange(len(rows)) % folds
    return fold


def berka_transactions(folder: Path, say: Say) -> list[Line]:
    """Forecast from raw account transactions through the product's own roll-ups and features."""
    return _repeated("Berka raw transactions, repeated CV", sets.berka_transactions(folder), 0.87, 0.91, say)


def small_business(folder: Path, say: Say) -> list[Line]:
    """Forecast from invoices through the product's own roll-ups and features."""
    return _repeated("Chinese firms by invoices, repeated CV", sets.small_business(folder), 0.84, 0.88, say)


CASES: dict[str, Callable[[Path, Say], list[Line]]] = {
    "taiwan": taiwan,
    "sba": sba,
    "berka_aggregates": berka_aggregates,
    "berka_transactions": berka_transactions,
    "small_business": small_business,
}

"""The engine's pipeline on any table: gate, encode, fit trees and scorecard, weigh them, calibrate.

Everything is chosen inside the training file: by people's folds, or by its own last years when the test lies
in its future.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from regimes.errors import N_
from risk.domain import calibration, metrics, psi, scorecard
from risk.domain.columns import Column, ColumnKind, guess, number, read_as
from risk.domain.events import Flags, Floats, Integers
from risk.domain.matrix import (
    PERSON,
    Encoder,
    fit_matrix,
    learn,
    recency,
    refuse_columns,
    use_matrix,
)
from risk.domain.table import Table
from risk.domain.training import TreeShape, UnableToTrain, booster_raw, fit_booster

RESERVED = ("row_id", "bad", "sample_weight")
LEAST_BADS = 5
SMALL = 3_000
TINY = 1_000
FEW = 100  # bads or goods
FOLDS = 4
HALF_LIVES: tuple[float | None, ...] = (None, 2.0, 1.0)  # out of time: one model each, averaged
TINY_MIX = (0.2, 0.1, 0.7)  # trees, scorecard, line: the fewer the bads, the plainer the model
OUT_OF_TIME_MIX = {"trees": 0.5, "scorecard": 0.25, "line": 0.25}


@dataclass(frozen=True, slots=True)
class Prediction:
    """Hold the forecast for the test rows and the report of how it came about."""

    pd: Floats
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Material:
    """Hold a training file's columns (as guessed) with labels and weights."""

    columns: dict[str, Column]
    bad: Integers
    weight: Floats | None
    group: Integers | None = None  # rows of one person, or the same row twice, have one number

    def take(self, chosen: Integers | Flags) -> Material:
        weight = None if self.weight is None else self.weight[chosen]
        group = None if self.group is None else self.group[chosen]
        return Material(subset(self.columns, chosen), self.bad[chosen], weight, group)


def subset(columns: Mapping[str, Column], chosen: Integers | Flags) -> dict[str, Column]:
    """Select rows of all columns."""
    rows = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
    return {
        n: Column(n, c.kind, c.numbers[rows], tuple(c.texts[r] for r in rows) if c.texts else (), c.style)
        for n, c in columns.items()
    }


def material(table: Table) -> Material:
    """Read labels and weights of a training table; anything else than 0 and 1 is refused."""
    texts = table.need("bad")
    try:
        values = np.array([number(t) for t in texts])
    except ValueError:
        values = np.array([np.nan])
    if np.isnan(values).any() or not np.isin(values, (0.0, 1.0)).all():
        raise UnableToTrain("label_invalid", N_("Column 'bad' must hold 0 or 1 in every row."), field="bad")
    bad = values.astype(np.int64)
    if bad.min() == bad.max():
        raise UnableToTrain(
            "one_class", N_("All outcomes are alike: a model needs goods and bads."), field="bad"
        )
    if min(int(bad.sum()), int((1 - bad).sum())) < LEAST_BADS:
        raise UnableToTrain(
            "too_few_bads",
            N_("There are %(bads)s bads and %(goods)s goods; a model needs %(least)s of each."),
            params={"bads": int(bad.sum()), "goods": int((1 - bad).sum()), "least": LEAST_BADS},
        )
    weight = None
    if "sample_weight" in table.columns:
        try:
            weight = np.array([number(t) for t in table.columns["sample_weight"]])
        except ValueError:
            weight = np.array([np.nan])
        if np.isnan(weight).any() or (weight <= 0).any():
            raise UnableToTrain("weight_invalid", N_("Column 'sample_weight' must hold numbers above 0."))
    columns = {n: guess(n, texts) for n, texts in table.columns.items() if n not in RESERVED}
    return Material(columns, bad, weight, _groups(table))


def _groups(table: Table) -> Integers | None:
    """Number the rows that must not be parted: those of one person, else those that are alike in everything.

    None when every row stands alone.
    """
    person = next((n for n in table.columns if PERSON.search(n.lower()) and n not in RESERVED), None)
    names = [person] if person is not None else [n for n in table.columns if n != "row_id"]
    book: dict[tuple[str, ...], int] = {}
    rows = zip(*(table.columns[n] for n in names), strict=True)
    group = np.array([book.setdefault(row, len(book)) for row in rows], dtype=np.int64)
    return group if len(book) < len(group) else None


def predict(
    train: Material,
    test: Mapping[str, Column],
    *,
    rows: int,
    seed: int = 7,
    signs: Mapping[str, int] | None = None,
    say: Callable[[str], None] = lambda line: None,
    seeds: int = 3,
) -> Prediction:
    """Train on one table and forecast another."""
    say("leakage gate")
    kept, refused, decision = refuse_columns(train.columns, train.bad, train.weight)
    if not kept:
        raise UnableToTrain("no_columns", N_("No column is left to learn from."))
    later = _is_later(train.columns, test, decision)
    usable = Material(kept, train.bad, train.weight, train.group)
    date_kept = decision if decision in kept else None
    say("cross-fitting")
    members = _cross_fit(usable, date_kept, later, seed, signs or {})
    fixed = later and len(train.bad) >= TINY
    mix = OUT_OF_TIME_MIX if fixed else _mix(members, train.bad, train.weight)
    blended = _blend(members, mix)
    curve = calibration.fit_curve(blended, train.bad, train.weight)
    say("fitting on everything")
    scores, encoder = _fit_and_score(usable, test, rows, date_kept, later, seed, signs or {}, seeds)
    raw = _blend(scores, mix)
    pd = curve.pd(raw)
    moved = psi.drift(psi.reference(blended), raw)
    report: dict[str, Any] = {
        "rows": len(train.bad),
        "bads": int(train.bad.sum()),
        "test_rows": rows,
        "seed": seed,
        "refused": [{"column": leak.column, "code": leak.code, "reason": leak.reason} for leak in refused],
        "features": encoder.names,
        "decision_date": decision,
        "out_of_time": later,
        "half_lives_years": HALF_LIVES if later else None,
        "mix": mix,
        "cross_validation": {
            "auc": metrics.auc(blended, train.bad, train.weight),
            "members": {n: metrics.auc(v, train.bad, train.weight) for n, v in members.items()},
            "ece": metrics.ece(curve.pd(blended), train.bad, train.weight),
        },
        "drift": {
            "score_psi": moved.psi,
            "level": moved.level,
            "features": _feature_drift(kept, test),
        },
    }
    report["drift"]["alarm"] = moved.level == "ACT" or any(
        d["level"] == "ACT" for d in report["drift"]["features"]
    )
    return Prediction(pd, report)


def _is_later(train: Mapping[str, Column], test: Mapping[str, Column], decision: str | None) -> bool:
    """Tell whether most of the test was decided after all of the training file."""
    if decision is None or decision not in test:
        return False
    newest = np.nanmax(train[decision].numbers)
    with np.errstate(invalid="ignore"):
        return bool((test[decision].numbers > newest).mean() > 0.8)


def _feature_drift(columns: Mapping[str, Column], test: Mapping[str, Column]) -> list[dict[str, Any]]:
    found = []
    for name, column in columns.items():
        if column.kind is ColumnKind.TEXT or name not in test:
            continue
        moved = psi.drift(psi.reference(column.numbers), test[name].numbers)
        if moved.level != "OK":
            found.append({"column": name, "psi": round(moved.psi, 4), "level": moved.level})
    return found


def shape_for(rows: int, bads: int) -> TreeShape:
    """Choose the size of trees by the size of the set: few bads bear few splits."""
    if rows < TINY:
        return TreeShape(
            trees=120,
            leaves=4,
            depth=2,
            learning_rate=0.05,
            least_in_leaf=max(6, rows // 40),
            l2=5.0,
            feature_fraction=0.3,
            bagging_fraction=0.7,
        )
    if rows < SMALL:
        return TreeShape(
            trees=150, leaves=6, depth=3, learning_rate=0.05, least_in_leaf=20, l2=10.0, feature_fraction=0.4
        )
    return TreeShape(
        trees=250,
        leaves=15,
        depth=4,
        learning_rate=0.05,
        least_in_leaf=60 if bads < 20_000 else 100,
        l2=10.0,
        feature_fraction=0.5,
    )


def _fit_and_score(
    train: Material,
    test: Mapping[str, Column],
    rows: int,
    decision: str | None,
    later: bool,
    seed: int,
    signs: Mapping[str, int],
    seeds: int,
) -> tuple[dict[str, Floats], Encoder]:
    """Fit every member and score the other rows; out of time, once for each half-life, and average."""
    totals: dict[str, Floats] = {}
    options = HALF_LIVES if later and decision is not None else HALF_LIVES[:1]
    for half_life in options:
        encoder = learn(train.columns, train.bad, train.weight, decision_date=decision, out_of_time=later)
        weight = recency(train.columns, decision, half_life, train.weight, len(train.bad))
        weight = weight / weight.mean()
        x = fit_matrix(encoder, train.columns, train.bad, weight)
        z = use_matrix(encoder, dict(test), rows)
        for name, values in _members(x, train.bad, weight, z, encoder.names, seed, signs, seeds).items():
            totals[name] = totals.get(name, np.zeros(rows)) + values / len(options)
    return totals, encoder


def _members(
    x: Floats,
    bad: Integers,
    weight: Floats,
    z: Floats,
    names: Sequence[str],
    seed: int,
    signs: Mapping[str, int],
    seeds: int,
) -> dict[str, Floats]:
    directions = [int(signs.get(name, 0)) for name in names]
    shape = shape_for(len(bad), int(bad.sum()))
    trees = np.zeros(len(z))
    for k in range(seeds):
        text = fit_booster(x, bad, signs=directions, seed=seed + k, shape=shape, weight=weight)
        trees += booster_raw(text, z) / seeds
    card = scorecard.fit(x, bad, signs=directions, weight=weight, bins=8 if len(x) >= SMALL else 4, ridge=3.0)
    return {"trees": trees, "scorecard": card.raw(z), "line": line_member(x, bad, weight, z)}


MOST_BENT = 80  # columns
MOST_LINE_ROWS = 50_000  # a line learns nothing more from more
KNOTS = (-0.6, 0.0, 0.6)  # where the line of a rank may bend, when there are rows enough to say so


def line_member(x: Floats, bad: Integers, weight: Floats, z: Floats) -> Floats:
    """Fit a ridge logistic regression on ranks: the steadiest member when bads are few.

    Each column is replaced by its place among the training values, from -1 to 1; missing is 0. From 1,000 rows on the
    line of each column may bend at three places, and missing has a level of its own.
    """
    design, other = list[Floats](), list[Floats]()
    bends = len(x) >= TINY and x.shape[1] <= MOST_BENT
    if len(x) > MOST_LINE_ROWS:
        some = np.random.default_rng(23).choice(len(x), MOST_LINE_ROWS, replace=False)
        x, bad, weight = x[some], bad[some], weight[some]
    for place in range(x.shape[1]):
        known = np.sort(x[:, place][~np.isnan(x[:, place])])
        if len(known) == 0 or known[0] == known[-1]:
            continue
        several = bends and len(np.unique(known[:: max(1, len(known) // 2_000)])) > 4
        for source, target in ((x, design), (z, other)):
            column = source[:, place]
            lost = np.isnan(column)
            low, high = np.searchsorted(known, column, "left"), np.searchsorted(known, column, "right")
            rank = np.where(lost, 0.0, (low + high) / len(known) - 1.0)
            target.append(rank)
            if several:
                target += [np.where(lost, 0.0, np.maximum(rank - knot, 0.0)) for knot in KNOTS]
            if bends and len(known) < 0.99 * len(x):
                target.append(lost.astype(np.float64))
    ridge = 4.0 if len(x) < TINY else 20.0
    level = float(np.log((weight * bad).sum() / (weight * (1 - bad)).sum()))
    if not design:
        return np.full(len(z), level)
    intercept, beta = scorecard.ridge_logistic(
        np.column_stack(design), bad.astype(np.float64), weight, level, ridge
    )
    return np.asarray(intercept + np.column_stack(other) @ beta)


def _cross_fit(
    train: Material,
    decision: str | None,
    later: bool,
    seed: int,
    signs: Mapping[str, int],
) -> dict[str, Floats]:
    """Score each training row by models that did not see it."""
    fold = deal(train.bad, train.group, FOLDS if len(train.bad) >= SMALL else 8, seed)
    out = {name: np.empty(len(train.bad)) for name in ("trees", "scorecard", "line")}
    for part in np.unique(fold):
        mine = fold == part
        scores, _encoder = _fit_and_score(
            train.take(~mine),
            subset(train.columns, mine),
            int(mine.sum()),
            decision,
            later,
            seed,
            signs,
            1,
        )
        for name, values in scores.items():
            out[name][mine] = values
    return out


def deal(bad: Integers, group: Integers | None, folds: int, seed: int) -> Integers:
    """Deal rows into folds with the same share of bads in each; all rows of one group into the same fold."""
    rng, fold = np.random.default_rng(seed), np.empty(len(bad), dtype=np.int64)
    if group is None:
        for value in (0, 1):
            rows = np.flatnonzero(bad == value)
            fold[rng.permutation(rows)] = np.arange(len(rows)) % folds
        return fold
    _names, place = np.unique(group, return_inverse=True)
    hits = np.bincount(place, bad) > 0
    dealt = deal(hits.astype(np.int64), None, folds, seed)
    return np.asarray(dealt[place])


def _blend(members: Mapping[str, Floats], mix: Mapping[str, float]) -> Floats:
    return np.asarray(sum(mix[name] * members[name] for name in mix))


def _mix(members: Mapping[str, Floats], bad: Integers, weight: Floats | None) -> dict[str, float]:
    """Choose weights of the members on a coarse grid by out-of-fold likelihood after calibration.

    With few bads nothing is chosen: a choice made on 27 bads is made by chance.
    """
    w = metrics.weights_of(bad, weight)
    grid: Sequence[tuple[float, float, float]] = (
        (1.0, 0.0, 0.0),
        (0.75, 0.25, 0.0),
        (0.75, 0.0, 0.25),
        (0.5, 0.5, 0.0),
        (0.5, 0.0, 0.5),
        (0.5, 0.25, 0.25),
        (0.25, 0.25, 0.5),
        (0.25, 0.0, 0.75),
    )
    if min(int(bad.sum()), int((1 - bad).sum())) < FEW:
        grid = (TINY_MIX,)
    best, chosen = np.inf, grid[0]
    for option in grid:
        mix = dict(zip(("trees", "scorecard", "line"), option, strict=True))
        raw = _blend(members, mix)
        a, b = metrics.logistic_line(raw, bad, weight)
        z = a + b * raw
        loss = float((w * (np.logaddexp(0, z) - bad * z)).sum() / w.sum())
        if loss < best - 1e-5:
            best, chosen = loss, option
    return dict(zip(("trees", "scorecard", "line"), chosen, strict=True))


def read_test(train: Material, table: Table) -> dict[str, Column]:
    """Read the test's columns as the training file showed them; a missing column is refused by name."""
    return {name: read_as(column, table.need(name)) for name, column in train.columns.items()}

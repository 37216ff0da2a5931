"""The leakage gate: columns that know the outcome are refused before anything is trained.

It fails closed: the product's pipeline refuses to train; the bench leaves the column out and says why.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from risk.domain.events import Flags, Floats, Integers
from risk.domain.metrics import auc, weights_of

SINGLE_AUC = 0.90
PATTERN_GAP = 0.40
MISSING_GAP = 0.25
LEAST_BADS = 20
PURE = 0.98  # of those with the mark, so many are bad
PURE_SHARE = 0.05  # and they are so many of all bads
COMMON = 50  # values that are looked at one by one
MODULI = (12.0, 5.0, 10.0, 100.0, 1000.0)


@dataclass(frozen=True, slots=True)
class Leak:
    """Hold a refused column and why."""

    column: str
    code: str
    reason: str


def inspect_number(name: str, column: Floats, bad: Integers, weight: Floats | None = None) -> Leak | None:
    """Look for news from the future in one numeric column."""
    w = weights_of(bad, weight)
    if int(bad.sum()) < LEAST_BADS or int((1 - bad).sum()) < LEAST_BADS:
        return None
    return (
        _missing_depends(name, np.isnan(column), bad, w)
        or _too_good(name, column, bad, w)
        or _only_bads(name, column, bad, w)
        or _pattern_of_bads(name, column, bad, w)
    )


def inspect_codes(name: str, codes: Integers, bad: Integers, weight: Floats | None = None) -> Leak | None:
    """Look at a column of categories; code -1 is missing."""
    w = weights_of(bad, weight)
    if int(bad.sum()) < LEAST_BADS or int((1 - bad).sum()) < LEAST_BADS:
        return None
    found = _missing_depends(name, codes < 0, bad, w)
    if found:
        return found
    value = _out_of_fold_rate_auc(codes - codes.min(), bad, w)
    if value > SINGLE_AUC:
        return Leak(name, "single_feature_auc", f"alone it reaches AUC {value:.3f}, over {SINGLE_AUC:.2f}")
    return _pure(name, {f"value {code + 1} of the column": codes == code for code in _common(codes)}, bad, w)


def _only_bads(name: str, column: Floats, bad: Integers, w: Floats) -> Leak | None:
    """Look for a mark that only bads bear: an amount recovered, a fee for collection, a date that is there at all."""
    known = ~np.isnan(column)
    with np.errstate(invalid="ignore"):
        marks = {"being there": known, "above zero": column > 0, "below zero": column < 0}
        marks |= {f"the value {value:g}": column == value for value in _common(column[known])}
    return _pure(name, marks, bad, w)


def _common(values: Floats | Integers) -> list[float]:
    found, counts = np.unique(values, return_counts=True)
    return [float(v) for v in found[np.argsort(-counts, kind="stable")[:COMMON]]]


def _pure(name: str, marks: dict[str, Flags], bad: Integers, w: Floats) -> Leak | None:
    """Refuse a mark of which nearly all bearers are bad, if bads are not nearly everybody anyway."""
    bads, base = float((w * bad).sum()), float((w * bad).sum() / w.sum())
    if base > 0.5:
        return None
    for what, mark in marks.items():
        hits = float((w * mark * bad).sum())
        if int(bad[mark].sum()) < LEAST_BADS or hits < PURE_SHARE * bads:
            continue
        share = hits / float((w * mark).sum())
        if share >= PURE:
            return Leak(
                name,
                "mark_of_bads",
                f"{what}: {share:.0%} of those are bad, {hits / bads:.0%} of all bads: it was written after the outcome",
            )
    return None


def _missing_depends(name: str, missing: Flags, bad: Integers, w: Floats) -> Leak | None:
    if not missing.any() or missing.all():
        return None
    among_bad = float((w * missing * bad).sum() / (w * bad).sum())
    among_good = float((w * missing * (1 - bad)).sum() / (w * (1 - bad)).sum())
    if abs(among_bad - among_good) <= MISSING_GAP:
        return None
    return Leak(
        name,
        "missing_depends_on_label",
        f"missing for {among_bad:.0%} of bads and {among_good:.0%} of goods: it was filled after the outcome",
    )


def _too_good(name: str, column: Floats, bad: Integers, w: Floats) -> Leak | None:
    known = ~np.isnan(column)
    if int(bad[known].sum()) < LEAST_BADS or int((1 - bad[known]).sum()) < LEAST_BADS:
        return None
    x, b, v = column[known], bad[known], w[known]
    straight = auc(x, b, v)
    values, codes = np.unique(x, return_inverse=True)
    edges = np.unique(np.quantile(x, np.linspace(0, 1, 51)[1:-1]))
    best = max(straight, 1 - straight, _out_of_fold_rate_auc(np.searchsorted(edges, x), b, v))
    if len(values) <= len(x) / 5:
        best = max(best, _out_of_fold_rate_auc(codes, b, v))
    if best <= SINGLE_AUC:
        return None
    return Leak(name, "single_feature_auc", f"alone it reaches AUC {best:.3f}, over {SINGLE_AUC:.2f}")


def _pattern_of_bads(name: str, column: Floats, bad: Integers, w: Floats) -> Leak | None:
    """Look for a way of writing values (round months, round sums) that belongs to one outcome.

    A value overwritten at charge-off loses its roundness: a term of 47 months where the contract said 60.
    """
    # zero is a multiple of everything and tells nothing of how a value was written (days late, amounts not used)
    known = ~np.isnan(column) & (column != 0)
    x, b, v = column[known], bad[known], w[known]
    if len(x) == 0 or len(np.unique(x)) < 12 or int(b.sum()) < LEAST_BADS or int((1 - b).sum()) < LEAST_BADS:
        return None
    marks = {f"a multiple of {m:g}": np.mod(x, m) == 0 for m in MODULI}
    marks["a whole number"] = x == np.rint(x)
    for what, mark in marks.items():
        of_bad = float((v * mark * b).sum() / (v * b).sum())
        of_good = float((v * mark * (1 - b)).sum() / (v * (1 - b)).sum())
        if abs(of_bad - of_good) > PATTERN_GAP:
            return Leak(
                name,
                "pattern_of_one_outcome",
                f"{what} for {of_bad:.0%} of bads and {of_good:.0%} of goods: values were overwritten after the outcome",
            )
    return None


def _out_of_fold_rate_auc(codes: Integers, bad: Integers, w: Floats, folds: int = 5) -> float:
    """Give the AUC of a value's bad rate, learned on the other folds."""
    fold = np.random.default_rng(0).integers(0, folds, len(codes))
    prior = float((w * bad).sum() / w.sum())
    size = int(codes.max()) + 1
    score = np.empty(len(codes))
    hits, all_ = np.bincount(codes, w * bad, size), np.bincount(codes, w, size)
    typical = float(w.mean()) * 10
    for number in range(folds):
        mine = fold == number
        hit = hits - np.bincount(codes[mine], (w * bad)[mine], size)
        every = all_ - np.bincount(codes[mine], w[mine], size)
        score[mine] = ((hit + typical * prior) / (every + typical))[codes[mine]]
    return auc(score, bad, w)

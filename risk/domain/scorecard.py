"""A points scorecard with weight of evidence: challenger to the trees, and what decides when they cannot.

Missing is a bin of its own. Bins follow the sign of the registry: neighbours that break it are pooled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from risk.domain.events import Floats, Integers
from risk.domain.metrics import weights_of

LEAST_BIN_SHARE = 0.03
LEAST_MISSING = 30
SMOOTH = 0.5


@dataclass(frozen=True, slots=True)
class Characteristic:
    """Hold one column: inner edges, weight of evidence of each bin and of missing, the factor that multiplies it.

    A value v falls into bin `searchsorted(edges, v, "left")`: edges belong to the lower bin. `mean` is the
    population's mean contribution, which contributions are counted from.
    """

    place: int
    edges: tuple[float, ...]
    woe: tuple[float, ...]
    missing_woe: float
    beta: float
    mean: float

    def evidence(self, column: Floats) -> Floats:
        table = np.array([*self.woe, self.missing_woe])
        unknown = np.isnan(column)
        at = np.searchsorted(np.array(self.edges), np.where(unknown, 0.0, column), side="left")
        return np.asarray(table[np.where(unknown, len(self.woe), at)])


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Hold an additive model in log-odds: `base` plus contributions, each 0 for the average borrower."""

    base: float
    characteristics: tuple[Characteristic, ...]
    width: int

    def contributions(self, values: Floats) -> Floats:
        """Give an array (n, width) that sums with `base` to the raw score."""
        out = np.zeros((len(values), self.width))
        for c in self.characteristics:
            out[:, c.place] = c.beta * c.evidence(values[:, c.place]) - c.mean
        return out

    def raw(self, values: Floats) -> Floats:
        """Give the log-odds of default, added up in a fixed order."""
        total = np.full(len(values), self.base)
        for c in self.characteristics:
            total += c.beta * c.evidence(values[:, c.place]) - c.mean
        return total

    def as_json(self) -> dict[str, Any]:
        rows = [
            [c.place, list(c.edges), list(c.woe), c.missing_woe, c.beta, c.mean] for c in self.characteristics
        ]
        return {"base": self.base, "width": self.width, "characteristics": rows}

    @classmethod
    def of_json(cls, found: dict[str, Any]) -> Scorecard:
        rows = tuple(
            Characteristic(int(p), tuple(e), tuple(w), float(m), float(b), float(mean))
            for p, e, w, m, b, mean in found["characteristics"]
        )
        assert all(len(c.woe) == len(c.edges) + 1 and 0 <= c.place < found["width"] for c in rows)
        return cls(float(found["base"]), rows, int(found["width"]))


def fit(
    values: Floats,
    bad: Integers,
    *,
    signs: Sequence[int],
    weight: Floats | None = None,
    bins: int = 8,
    ridge: float = 2.0,
) -> Scorecard:
    """Fit bins by quantile, pool them by sign, then a logistic regression whose factors stay above zero."""
    w, hit = weights_of(bad, weight), np.asarray(bad, dtype=np.float64)
    goods, bads = float((w * (1 - hit)).sum()), float((w * hit).sum())
    drafts = []
    for place in range(values.shape[1]):
        draft = _bins(values[:, place], hit, w, signs[place], bins, goods, bads, place)
        if draft is not None and _information(draft, values[:, place], hit, w, goods, bads) >= 0.01:
            drafts.append(draft)
    level = math.log(bads / goods)
    if not drafts:
        return Scorecard(level, (), values.shape[1])
    x = np.column_stack([d.evidence(values[:, d.place]) for d in drafts])
    kept, (intercept, betas) = list(range(len(drafts))), (level, np.zeros(0))
    while kept:
        intercept, betas = ridge_logistic(x[:, kept], hit, w, level, ridge)
        if (betas > 0).all():
            break
        kept = [k for k, beta in zip(kept, betas, strict=True) if beta > 0]
    share = w / w.sum()
    final, base = [], intercept
    for k, beta in zip(kept, betas, strict=True):
        d = drafts[k]
        mean = float(beta * (x[:, k] * share).sum())
        final.append(Characteristic(d.place, d.edges, d.woe, d.missing_woe, float(beta), mean))
        base += mean
    return Scorecard(float(base), tuple(final), values.shape[1])


def _bins(
    column: Floats, bad: Floats, w: Floats, sign: int, bins: int, goods: float, bads: float, place: int
) -> Characteristic | None:
    unknown = np.isnan(column)
    known = column[~unknown]
    if len(known) < 2 * LEAST_MISSING or known.min() == known.max():
        return None
    edges = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1], method="higher"))
    edges = edges[edges < known.max()]
    at = np.searchsorted(edges, known, side="left")
    good = np.bincount(at, weights=w[~unknown] * (1 - bad[~unknown]), minlength=len(edges) + 1)
    hit = np.bincount(at, weights=w[~unknown] * bad[~unknown], minlength=len(edges) + 1)
    keep_edges, goods_in, bads_in = _pool(
        list(edges), list(good), list(hit), sign, LEAST_BIN_SHARE * (goods + bads)
    )
    if len(goods_in) < 2 and not unknown.any():
        return None
    woe = tuple(_woe(b, g, bads, goods) for b, g in zip(bads_in, goods_in, strict=True))
    lost = float((w * bad)[unknown].sum()), float((w * (1 - bad))[unknown].sum())
    missing = _woe(*lost, bads, goods) if int(unknown.sum()) >= LEAST_MISSING else 0.0
    return Characteristic(place, tuple(float(e) for e in keep_edges), woe, missing, 1.0, 0.0)


def _woe(bad: float, good: float, bads: float, goods: float) -> float:
    return math.log(((bad + SMOOTH) / (bads + 2 * SMOOTH)) / ((good + SMOOTH) / (goods + 2 * SMOOTH)))


def _pool(
    edges: list[float], good: list[float], hit: list[float], sign: int, least: float
) -> tuple[list[float], list[float], list[float]]:
    """Join small bins, then neighbours that run against the sign (pool adjacent violators)."""

    def join(i: int) -> None:
        good[i : i + 2] = [good[i] + good[i + 1]]
        hit[i : i + 2] = [hit[i] + hit[i + 1]]
        del edges[i]

    i = 0
    while i < len(good) and len(good) > 1:
        if good[i] + hit[i] < least:
            join(i if i < len(good) - 1 else i - 1)
            i = 0
        else:
            i += 1
    i = 0
    while sign and i < len(good) - 1:
        # judged as the evidence will be written, smoothing included: else a thin bin could break the sign
        here, there = ((hit[k] + SMOOTH) / (good[k] + SMOOTH) for k in (i, i + 1))
        if (there - here) * sign < 0:
            join(i)
            i = max(i - 1, 0)
        else:
            i += 1
    return edges, good, hit


def _information(
    draft: Characteristic, column: Floats, bad: Floats, w: Floats, goods: float, bads: float
) -> float:
    """Give the information value: how far the bin shares of bads and goods lie apart."""
    evidence = draft.evidence(column)
    return float((w * (bad / bads - (1 - bad) / goods) * evidence).sum())


def ridge_logistic(x: Floats, bad: Floats, w: Floats, level: float, ridge: float) -> tuple[float, Floats]:
    """Fit by Newton's method with a ridge towards 0; weights are scaled to a mean of one."""
    w = w / w.mean()
    design = np.column_stack([np.ones(len(x)), x])
    beta = np.zeros(design.shape[1])
    beta[0] = level
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 0.0
    for _ in range(30):
        p = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        gradient = design.T @ (w * (p - bad)) + penalty * beta
        hessian = (design * (w * np.maximum(p * (1 - p), 1e-9))[:, None]).T @ design + np.diag(penalty + 1e-9)
        step = np.linalg.solve(hessian, gradient)
        beta = beta - np.clip(step, -3, 3)
        if np.abs(step).max() < 1e-9:
            break
    return float(beta[0]), beta[1:]

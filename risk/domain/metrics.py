"""Measures of a score: AUC, KS, calibration, intervals. Weights are allowed everywhere."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from risk.domain.events import Floats, Integers


def weights_of(bad: Integers, weight: Floats | None) -> Floats:
    return np.ones(len(bad)) if weight is None else np.asarray(weight, dtype=np.float64)


def auc(score: Floats, bad: Integers, weight: Floats | None = None) -> float:
    """Give the chance that a bad scores above a good, ties counted half; NaN with one class.

    >>> auc(np.array([.1, .4, .35, .8]), np.array([0, 0, 1, 1]))
    0.75
    """
    w = weights_of(bad, weight)
    order = np.argsort(score, kind="stable")
    s, b, w = np.asarray(score)[order], np.asarray(bad)[order] == 1, w[order]
    ends = np.flatnonzero(np.r_[s[1:] != s[:-1], True])
    goods, bads = np.cumsum(np.where(b, 0.0, w))[ends], np.cumsum(np.where(b, w, 0.0))[ends]
    if goods[-1] <= 0 or bads[-1] <= 0:
        return math.nan
    step_bad, before = np.diff(np.r_[0.0, bads]), np.r_[0.0, goods[:-1]]
    return float((step_bad * (before + goods) / 2).sum() / goods[-1] / bads[-1])


def ks(score: Floats, bad: Integers, weight: Floats | None = None) -> float:
    """Give the widest gap between the two distributions of score."""
    w = weights_of(bad, weight)
    order = np.argsort(score, kind="stable")
    s, b, w = np.asarray(score)[order], np.asarray(bad)[order] == 1, w[order]
    ends = np.flatnonzero(np.r_[s[1:] != s[:-1], True])
    goods, bads = np.cumsum(np.where(b, 0.0, w)), np.cumsum(np.where(b, w, 0.0))
    if goods[-1] <= 0 or bads[-1] <= 0:
        return math.nan
    return float(np.abs(goods / goods[-1] - bads / bads[-1])[ends].max())


@dataclass(frozen=True, slots=True)
class Decile:
    """Hold one tenth of the people by forecast."""

    count: int
    forecast: float
    observed: float


def deciles(pd: Floats, bad: Integers, weight: Floats | None = None, parts: int = 10) -> list[Decile]:
    """Cut into parts of equal weight by forecast."""
    w = weights_of(bad, weight)
    order = np.argsort(pd, kind="stable")
    cumulative = np.cumsum(w[order])
    part = np.minimum((cumulative - w[order] / 2) / cumulative[-1] * parts, parts - 1e-9).astype(int)
    found = []
    for number in range(parts):
        chosen = order[part == number]
        if len(chosen):
            share = w[chosen] / w[chosen].sum()
            found.append(
                Decile(len(chosen), float((pd[chosen] * share).sum()), float((bad[chosen] * share).sum()))
            )
    return found


def ece(pd: Floats, bad: Integers, weight: Floats | None = None) -> float:
    """Give the expected calibration error over deciles: the mean gap of forecast and truth."""
    w = weights_of(bad, weight)
    order = np.argsort(pd, kind="stable")
    cumulative = np.cumsum(w[order])
    part = np.minimum((cumulative - w[order] / 2) / cumulative[-1] * 10, 10 - 1e-9).astype(int)
    gaps = np.bincount(part, weights=w[order] * (pd[order] - bad[order]), minlength=10)
    return float(np.abs(gaps).sum() / cumulative[-1])


def inversions(found: list[Decile]) -> int:
    """Count neighbours among deciles where the riskier one had fewer bads."""
    return sum(1 for low, high in pairwise(found) if high.observed < low.observed)


def slope(pd: Floats, bad: Integers, weight: Floats | None = None) -> tuple[float, float]:
    """Fit bad ~ a + b * logit(pd); give (a, b): 0 and 1 for a calibrated forecast."""
    clipped = np.clip(pd, 1e-9, 1 - 1e-9)
    return logistic_line(np.log(clipped / (1 - clipped)), bad, weight)


def logistic_line(
    x: Floats, bad: Integers, weight: Floats | None = None, ridge: float = 1e-9
) -> tuple[float, float]:
    """Fit a logistic line in one variable by Newton's method, with step halving.

    Steps are halved while they do not raise the likelihood, so separated classes stop at a finite line.
    """
    w, y = weights_of(bad, weight), np.asarray(bad, dtype=np.float64)
    rate = min(max(float((w * y).sum() / w.sum()), 1e-9), 1 - 1e-9)
    beta = np.array([math.log(rate / (1 - rate)), 0.0])

    def loss(b: Floats) -> float:
        z = b[0] + b[1] * x
        return float((w * (np.logaddexp(0, z) - y * z)).sum() + ridge * b[1] ** 2)

    now = loss(beta)
    for _ in range(50):
        p = 1 / (1 + np.exp(-(beta[0] + beta[1] * x)))
        g = np.array([(w * (p - y)).sum(), (w * (p - y) * x).sum() + 2 * ridge * beta[1]])
        v = w * np.maximum(p * (1 - p), 1e-12)
        h = np.array([[v.sum() + 1e-9, (v * x).sum()], [(v * x).sum(), (v * x * x).sum() + 2 * ridge + 1e-9]])
        step, size = np.linalg.solve(h, g), 1.0
        while size > 1e-6 and loss(beta - size * step) > now:
            size /= 2
        new = loss(beta - size * step)
        if now - new < 1e-10 * max(1.0, abs(now)):
            break
        beta, now = beta - size * step, new
    return float(beta[0]), float(beta[1])


@dataclass(frozen=True, slots=True)
class Interval:
    """Hold an estimate and its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def auc_interval(score: Floats, bad: Integers) -> Interval:
    """Give AUC with the 95 % interval of DeLong, DeLong and Clarke-Pearson (1988), unweighted."""
    positive, negative = np.sort(score[bad == 1]), np.sort(score[bad == 0])
    m, n = len(positive), len(negative)
    value = auc(score, bad)
    if m < 2 or n < 2:
        return Interval(value, math.nan, math.nan)

    def place(values: Floats, among: Floats) -> Floats:
        return np.asarray(
            (np.searchsorted(among, values, "left") + np.searchsorted(among, values, "right")) / 2
        )

    v10, v01 = place(positive, negative) / n, 1 - place(negative, positive) / m
    spread = 1.96 * math.sqrt(v10.var(ddof=1) / m + v01.var(ddof=1) / n)
    return Interval(value, max(0.0, value - spread), min(1.0, value + spread))


def bootstrap_interval(
    score: Floats, bad: Integers, weight: Floats | None, *, seed: int, rounds: int = 200
) -> Interval:
    """Give weighted AUC with a percentile interval from resampling rows."""
    rng, count = np.random.default_rng(seed), len(bad)
    w = weights_of(bad, weight)
    found = []
    for _ in range(rounds):
        rows = rng.integers(0, count, count)
        found.append(auc(score[rows], bad[rows], w[rows]))
    low, high = np.nanpercentile(found, [2.5, 97.5])
    return Interval(auc(score, bad, w), float(low), float(high))


def ks_interval(score: Floats, bad: Integers, *, seed: int, rounds: int = 200) -> Interval:
    """Give KS with a percentile interval from resampling rows."""
    rng, count = np.random.default_rng(seed), len(bad)
    found = [ks(score[r], bad[r]) for r in (rng.integers(0, count, count) for _ in range(rounds))]
    low, high = np.nanpercentile(found, [2.5, 97.5])
    return Interval(ks(score, bad), float(low), float(high))

"""Calibration: from a raw log-odds to a probability, a line per segment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from risk.domain.events import Bytes, Floats, Integers
from risk.domain.facts import Segment
from risk.domain.metrics import logistic_line
from risk.domain.scorecard import ridge_logistic

LEAST_BADS = 25
PD_FLOOR, PD_CEILING = 0.0003, 0.9997  # the Basel floor of 3 basis points; nobody is certain


@dataclass(frozen=True, slots=True)
class Calibration:
    """Hold intercept and slope per segment; `overlay` is a macro shift in log-odds, 0 unless decided."""

    lines: Mapping[int, tuple[float, float]]
    overlay: float = 0.0

    def pd(self, raw: Floats, segment: Bytes) -> Floats:
        """Give the probability of default."""
        a, b = np.zeros(len(raw)), np.ones(len(raw))
        for number, (intercept, gradient) in self.lines.items():
            mine = segment == number
            a[mine], b[mine] = intercept, gradient
        z = a + b * raw + self.overlay
        return np.clip(1.0 / (1.0 + np.exp(-z)), PD_FLOOR, PD_CEILING)


def fit(raw: Floats, bad: Integers, segment: Bytes, weight: Floats | None = None) -> Calibration:
    """Fit Platt's line per segment on out-of-sample raw scores.

    A segment with fewer than 25 bads or goods takes the common line and only moves its level, and below 5 not
    even that. A slope that is not above zero would turn the order around; then only the level is moved.
    """
    common = _line(raw, bad, weight)
    lines = {}
    for member in Segment:
        mine = segment == member
        bads = int(bad[mine].sum())
        fewest = min(bads, int(mine.sum()) - bads)
        w = None if weight is None else weight[mine]
        if fewest >= LEAST_BADS:
            lines[int(member)] = _line(raw[mine], bad[mine], w)
        elif fewest >= 5:
            lines[int(member)] = (_level(common[1] * raw[mine], bad[mine], w), common[1])
        else:
            lines[int(member)] = common
    return Calibration(lines)


@dataclass(frozen=True, slots=True)
class Curve:
    """Hold log-odds as a parabola of the raw score, held straight beyond `low` and `high`."""

    level: float
    gradient: float
    bend: float
    low: float
    high: float

    def pd(self, raw: Floats) -> Floats:
        """Give the probability of default."""
        inside = np.clip(raw, self.low, self.high)
        z = self.level + self.gradient * inside + self.bend * inside**2
        z = z + (self.gradient + 2 * self.bend * inside) * (raw - inside)
        return np.clip(1.0 / (1.0 + np.exp(-z)), PD_FLOOR, PD_CEILING)


def fit_curve(raw: Floats, bad: Integers, weight: Floats | None = None) -> Curve:
    """Fit Platt's line on out-of-sample raw scores; with 500 bads and goods it may bend, if that is surely better.

    Surely: twice the gain in log-likelihood above 10.8 (p < .001 for one parameter), and rising everywhere.
    """
    w = np.ones(len(bad)) if weight is None else weight / weight.mean()
    low, high = (float(q) for q in np.quantile(raw, (0.001, 0.999)))
    a, b = _line(raw, bad, weight)
    straight = Curve(a, b, 0.0, low, high)
    if min(int(bad.sum()), int((1 - bad).sum())) < 20 * LEAST_BADS:
        return straight
    level, (gradient, bend) = ridge_logistic(
        np.column_stack([raw, raw**2]), bad.astype(np.float64), w, math.log(w @ bad / (w @ (1 - bad))), 1e-6
    )
    bent = Curve(level, float(gradient), float(bend), low, high)
    rises = min(bent.gradient + 2 * bent.bend * end for end in (low, high)) > 0.05
    return (
        bent if rises and 2 * (_loss(straight, raw, bad, w) - _loss(bent, raw, bad, w)) > 10.8 else straight
    )


def _loss(curve: Curve, raw: Floats, bad: Integers, w: Floats) -> float:
    p = curve.pd(raw)
    return -float((w * (bad * np.log(p) + (1 - bad) * np.log1p(-p))).sum())


def _line(raw: Floats, bad: Integers, weight: Floats | None) -> tuple[float, float]:
    a, b = logistic_line(raw, bad, weight)
    return (a, b) if b > 0.05 and math.isfinite(a) else (_level(raw, bad, weight), 1.0)


def _level(offset: Floats, bad: Integers, weight: Floats | None) -> float:
    """Find the shift at which the mean forecast equals the observed rate."""
    w = np.ones(len(bad)) if weight is None else weight
    rate = min(max(float((w * bad).sum() / w.sum()), 1e-6), 1 - 1e-6)
    low, high = -30.0, 30.0
    for _ in range(80):
        middle = (low + high) / 2
        mean = float((w / (1 + np.exp(-(offset + middle)))).sum() / w.sum())
        low, high = (middle, high) if mean < rate else (low, middle)
    return (low + high) / 2


def score_of(pd: Floats) -> Integers:
    """Turn a probability into points: 600 at odds 30:1, 20 points double the odds; 300 to 850.

    >>> score_of(np.array([1 / 31, 1 / 61])).tolist()
    [600, 620]
    """
    odds = (1 - pd) / pd
    points = 600 + 20 / math.log(2) * np.log(odds / 30)
    return np.clip(np.rint(points), 300, 850).astype(np.int64)

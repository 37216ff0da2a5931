"""Population stability: has what we score moved away from what the model learned from?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from risk.domain.events import Floats

WATCH, ACT = 0.10, 0.25
PARTS = 10


@dataclass(frozen=True, slots=True)
class Reference:
    """Hold the shares of a training column: inner edges, and the share of each part; the last is "missing"."""

    edges: tuple[float, ...]
    shares: tuple[float, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Drift:
    """Hold a stability index and whether chance alone could have made it."""

    psi: float
    p_value: float
    level: str  # "OK", "WATCH", "ACT"


def reference(values: Floats) -> Reference:
    """Cut a training column into ten parts by quantile, and one for missing."""
    known = values[~np.isnan(values)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, PARTS + 1)[1:-1])) if len(known) else np.zeros(0)
    return Reference(tuple(edges.tolist()), tuple(_shares(values, edges).tolist()), len(values))


def _shares(values: Floats, edges: Floats) -> Floats:
    missing = np.isnan(values)
    part = np.where(
        missing, len(edges) + 1, np.searchsorted(edges, np.where(missing, 0.0, values), side="left")
    )
    return np.bincount(part, minlength=len(edges) + 2) / max(len(values), 1)


def drift(ref: Reference, values: Floats) -> Drift:
    """Compare a newer column with the reference.

    Under no change the index times n*m/(n+m) is about chi-squared with parts - 1 degrees of freedom
    (Yurdakul 2018), so a small sample's large index is not an alarm: WATCH and ACT need p < .001 too.
    """
    if len(values) == 0:
        return Drift(0.0, 1.0, "OK")
    now, then = _shares(values, np.array(ref.edges)), np.array(ref.shares)
    used = (now > 0) | (then > 0)
    floor = 0.5 / np.array([len(values), max(ref.count, 1)])
    a, b = np.maximum(now[used], floor[0]), np.maximum(then[used], floor[1])
    psi = float(((a - b) * np.log(a / b)).sum())
    freedom = max(int(used.sum()) - 1, 1)
    scale = len(values) * ref.count / (len(values) + ref.count)
    p_value = chi_squared_tail(psi * scale, freedom)
    sure = p_value < 0.001
    level = "ACT" if sure and psi >= ACT else "WATCH" if sure and psi >= WATCH else "OK"
    return Drift(psi, p_value, level)


def chi_squared_tail(x: float, freedom: int) -> float:
    """Give P(chi-squared > x) by the recurrence in the degrees of freedom.

    >>> round(chi_squared_tail(18.307, 10), 3)
    0.05
    """
    if x <= 0:
        return 1.0
    half = x / 2
    if freedom % 2 == 0:
        tail, term, start = math.exp(-half), math.exp(-half), 2
    else:
        tail, term, start = math.erfc(math.sqrt(half)), math.sqrt(2 * x / math.pi) * math.exp(-half), 1
        if freedom >= 3:
            tail += term
        start = 3
    if freedom % 2 == 0:
        for k in range(start, freedom, 2):
            term *= half / (k / 2)
            tail += term
    else:
        for k in range(start, freedom, 2):
            term *= x / k
            tail += term
    return min(max(tail, 0.0), 1.0)

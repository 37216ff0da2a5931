"""Monitoring: has the population moved, does the forecast still hold, and what must somebody look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from risk.domain import metrics, psi
from risk.domain.events import Floats, Integers

LOW, HIGH = 0.8, 1.25
LEAST_EXPECTED = 10.0
LEAST_POINTS, BAND = 300, 25


def drift_report(
    references: Mapping[str, Sequence[Any]], columns: Mapping[str, Floats]
) -> tuple[dict[str, Any], list[str]]:
    """Compare columns with the model's references; give the figures, and an alarm for each that must be acted on."""
    found, alarms = {}, []
    for name, (edges, shares, count) in references.items():
        if name not in columns:
            continue
        moved = psi.drift(psi.Reference(tuple(edges), tuple(shares), int(count)), columns[name])
        found[name] = {"psi": round(moved.psi, 4), "p_value": moved.p_value, "level": moved.level}
        if moved.level == "ACT":
            alarms.append(f"drift:{name}")
    return found, alarms


def outcome_report(pd: Floats, bad: Integers, *, seed: int) -> tuple[dict[str, Any], list[str]]:
    """Compare matured forecasts with what happened.

    Observed over expected outside 0.8-1.25 is an alarm once 10 bads were expected: below, chance alone goes there.
    """
    expected, observed = float(pd.sum()), int(bad.sum())
    report: dict[str, Any] = {"rows": len(bad), "expected": expected, "observed": observed}
    alarms: list[str] = []
    if expected > 0:
        report["observed_over_expected"] = observed / expected
        if expected >= LEAST_EXPECTED and not LOW <= observed / expected <= HIGH:
            alarms.append("calibration:observed_over_expected")
    if 0 < observed < len(bad):
        interval, gap = metrics.auc_interval(pd, bad), metrics.ks_interval(pd, bad, seed=seed)
        report["auc"] = [interval.value, interval.low, interval.high]
        report["ks"] = [gap.value, gap.low, gap.high]
        report["deciles"] = [[t.count, t.forecast, t.observed] for t in metrics.deciles(pd, bad)]
    return report, alarms


def score_counts(score: Integers) -> list[list[int]]:
    """Count borrowers by bands of 25 points: [first point of the band, borrowers], bands without anybody left out.

    >>> score_counts(np.array([300, 324, 325, 850]))
    [[300, 2], [325, 1], [850, 1]]
    """
    bands, counts = np.unique((np.asarray(score) - LEAST_POINTS) // BAND, return_counts=True)
    return [[LEAST_POINTS + BAND * int(b), int(c)] for b, c in zip(bands, counts, strict=True)]

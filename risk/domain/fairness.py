"""Fairness: what the score does to groups that it must not know."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from risk.domain.events import Floats, Integers
from risk.domain.metrics import auc

LEAST_GROUP = 200
AIR_LIMIT = 0.80


def group_report(
    groups: Integers, *, pd: Floats, bad: Integers, approval_rate: float = 0.7
) -> dict[str, Any]:
    """Compare groups at the cut-off that approves `approval_rate` of everyone.

    AIR is a group's approval rate over that of the best-approved group; `good_gap` is how much less often its
    goods are approved. Groups under 200 people are left out: their ratios are noise.
    """
    cut = float(np.quantile(pd, approval_rate))
    found = {}
    for name in np.unique(groups):
        mine = groups == name
        if int(mine.sum()) < LEAST_GROUP:
            continue
        goods = mine & (bad == 0)
        found[str(name)] = {
            "count": int(mine.sum()),
            "approved": float((pd[mine] <= cut).mean()),
            "goods_approved": float((pd[goods] <= cut).mean()) if goods.any() else math.nan,
            "bad_rate": float(bad[mine].mean()),
            "mean_pd": float(pd[mine].mean()),
            "auc": auc(pd[mine], bad[mine]),
        }
    if not found:
        return {"groups": {}, "air": 1.0, "good_gap": 0.0, "passes": True}
    best = max(g["approved"] for g in found.values())
    best_goods = max(g["goods_approved"] for g in found.values())
    air = min(g["approved"] for g in found.values()) / best if best > 0 else 1.0
    gap = best_goods - min(g["goods_approved"] for g in found.values())
    return {"groups": found, "air": air, "good_gap": gap, "passes": air >= AIR_LIMIT}


def proxies(
    values: Floats, groups: Integers, names: tuple[str, ...], limit: float = 0.65
) -> dict[str, float]:
    """List features that alone tell two groups apart (AUC of group membership over the limit)."""
    labels = np.unique(groups)
    found = {}
    for place, name in enumerate(names):
        known = ~np.isnan(values[:, place])
        if len(labels) != 2 or known.sum() < LEAST_GROUP:
            continue
        value = auc(values[known, place], (groups[known] == labels[1]).astype(np.int64))
        value = max(value, 1 - value)
        if value > limit:
            found[name] = round(value, 4)
    return found

"""Reasons: from exact additive contributions to one to four plain factors that were truly scored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from risk.domain.events import Floats
from risk.domain.registry import FACTORS, FEATURES, Missing

MOST = 4
LEAST_LOG_ODDS = 0.02
_CODES = tuple(factor.code for factor in FACTORS)
_AT = {code: place for place, code in enumerate(_CODES)}
_FACTOR_OF = np.array([_AT[f.factor] for f in FEATURES])
_WHEN_MISSING = np.array(
    [_AT["evidence"] if f.missing is Missing.UNKNOWN else _AT["history"] for f in FEATURES]
)


@dataclass(frozen=True, slots=True)
class Reason:
    """Hold a factor that raised the risk, and its part of all that raised it."""

    code: str
    share: float


def by_factor(values: Floats, contributions: Floats) -> Floats:
    """Add contributions (n, features) up to factors (n, factors).

    What is missing cannot be held against somebody under the name of the thing that nobody saw: it counts as
    short records, or as a short history with us.
    """
    target = np.where(np.isnan(values), _WHEN_MISSING, _FACTOR_OF)
    target += np.arange(len(values))[:, None] * len(_CODES)
    # adds in the order of the features, so that one row and a million give the same bits
    summed = np.bincount(target.ravel(), weights=contributions.ravel(), minlength=len(values) * len(_CODES))
    return np.asarray(summed.reshape(len(values), len(_CODES)))


def reasons(values: Floats, contributions: Floats) -> list[list[Reason]]:
    """Name for each row the factors that raised its risk most; the heaviest first, at least one."""
    weights = by_factor(values, contributions)
    found = []
    for row in weights:
        order = np.argsort(-row, kind="stable")
        total = float(row[row > 0].sum())
        chosen = [place for place in order[:MOST] if row[place] >= LEAST_LOG_ODDS] or [order[0]]
        shares = [float(row[p]) / total if total > 0 else 0.0 for p in chosen]
        found.append([Reason(_CODES[p], round(share, 4)) for p, share in zip(chosen, shares, strict=True)])
    return found

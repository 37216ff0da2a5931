"""Who is scored by which model while a challenger is on trial, and when the trial must stop.

A borrower stays with the model that the first draw gave: the place in 0..9999 depends on the borrower and the challenger
alone. Widening a trial keeps everybody who was in it; narrowing it only lets people go.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from risk.domain.events import Integers

PLACES = 10_000
ALPHA = 0.05
TYPICAL_GAP = 0.02  # the difference of bad rates that the mixture is centred on


def place_of(subject_ids: Integers, *, salt: int) -> Integers:
    """Give each borrower's place in 0..9999 for one challenger (splitmix64 of both).

    >>> place_of(np.array([1, 2, 3]), salt=7).tolist() == place_of(np.array([1, 2, 3]), salt=7).tolist()
    True
    """
    with np.errstate(over="ignore"):
        z = np.asarray(subject_ids, dtype=np.int64).astype(np.uint64)
        z = z * np.uint64(0x9E3779B97F4A7C15) + np.uint64((salt * 0xD1B54A32D192ED03) & 0xFFFFFFFFFFFFFFFF)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
        z = z ^ (z >> np.uint64(31))
    return np.asarray((z % np.uint64(PLACES)).astype(np.int64))


def arms(subject_ids: Integers, challengers: Sequence[tuple[int, int]]) -> Integers:
    """Give each borrower's arm: -1 for the champion, else the place of a challenger `(salt, percent)` in the list."""
    found = np.full(len(subject_ids), -1, dtype=np.int64)
    for number, (salt, percent) in enumerate(challengers):
        mine = place_of(subject_ids, salt=salt) < percent * PLACES // 100
        found[mine & (found < 0)] = number
    return found


def evidence_of_harm(*, bads: int, rows: int, champion_bads: int, champion_rows: int) -> float:
    """Give how much likelier the outcomes are under "the challenger lets more bads in" than under "no difference".

    A mixture sequential ratio (Robbins; normal approximation): it may be looked at every night, and in a world without a
    difference ever reaches 1/ALPHA = 20 with chance ALPHA at most. 0 while the challenger is not behind, or too few are known.
    """
    if min(rows, champion_rows) < 50 or bads + champion_bads < 10:
        return 0.0
    pooled = (bads + champion_bads) / (rows + champion_rows)
    gap = bads / rows - champion_bads / champion_rows
    if gap <= 0 or not 0 < pooled < 1:
        return 0.0
    spread, wide = pooled * (1 - pooled) * (1 / rows + 1 / champion_rows), TYPICAL_GAP**2
    power = wide * gap**2 / (2 * spread * (spread + wide))
    return math.sqrt(spread / (spread + wide)) * math.exp(min(power, 700.0))

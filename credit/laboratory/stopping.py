"""When a trial of two policies may stop: five looks at the rate of bad loans, with the power of the whole said first.

The bounds are O'Brien and Fleming's for two sides at 5 %: hard to pass early, near the usual one at the end. What the
plan can find, and how often, is drawn from 200,000 made-up trials with a fixed seed, not taken from a table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final

import numpy as np

LOOKS: Final = 5
BOUND: Final = 2.0396  # for five looks, two sides, 5 %: z at look k is BOUND x sqrt(5 / k)
TRIALS: Final = 200_000
LEAST_BADS: Final = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """Hold a stopping rule: sizes of both sides at each look, the bounds, the false alarms and the power."""

    base_rate: float
    difference: float  # in the rate of bad loans, either way, that is to be found
    share: float  # of borrowers on the challenger's side
    matured: tuple[int, ...]  # of both sides together, at each look
    bounds: tuple[float, ...]
    false_alarms: float
    power: float

    def as_dict(self) -> dict[str, Any]:
        """Write as JSON takes it."""
        return {name: getattr(self, name) for name in self.__slots__} | {
            "matured": list(self.matured),
            "bounds": list(self.bounds),
        }


def plan_trial(*, base_rate: float, difference: float, share: float, power: float = 0.80) -> Plan:
    """Plan a trial that finds a difference with a power, looking five times; sizes are matured loans of both sides.

    >>> plan = plan_trial(base_rate=0.05, difference=0.02, share=0.5)
    >>> 0.78 < plan.power < 0.84, plan.false_alarms < 0.055
    (True, True)
    """
    assert 0 < base_rate < 1
    assert 0 < difference < 1 - base_rate
    assert 0 < share < 1
    other = base_rate + difference
    spread = base_rate * (1 - base_rate) / (1 - share) + other * (1 - other) / share
    normal = NormalDist()
    wanted = normal.inv_cdf(0.975) + normal.inv_cdf(power)
    whole = math.ceil(1.03 * spread * (wanted / difference) ** 2)  # looking five times costs about 3 %
    matured = tuple(math.ceil(whole * look / LOOKS) for look in range(1, LOOKS + 1))
    bounds = tuple(BOUND * math.sqrt(LOOKS / look) for look in range(1, LOOKS + 1))
    drift = difference / math.sqrt(spread / whole)
    return Plan(base_rate, difference, share, matured, bounds, _passes(bounds, 0.0), _passes(bounds, drift))


def _passes(bounds: tuple[float, ...], drift: float) -> float:
    """Say how often a made-up trial passes a bound; `drift` is the mean of z at the end."""
    rng = np.random.default_rng(20_261_129)
    steps = rng.normal(drift / LOOKS, 1 / math.sqrt(LOOKS), (TRIALS, LOOKS))
    looks = np.arange(1, LOOKS + 1)
    z = steps.cumsum(axis=1) / np.sqrt(looks / LOOKS)
    return float((np.abs(z) >= np.array(bounds)).any(axis=1).mean())


def judge(plan: Plan, *, bad: tuple[int, int], matured: tuple[int, int]) -> tuple[str, int, float]:
    """Judge a trial: (verdict, looks passed, z); counts are of the policy in force, then of the challenger.

    The verdict is empty while the trial goes on. Between two looks nothing is judged: a glance is not a look.
    """
    both = sum(matured)
    looks = sum(both >= size for size in plan.matured)
    if looks == 0 or min(matured) == 0:
        return "", looks, 0.0
    rates = [bad[side] / matured[side] for side in (0, 1)]
    pooled = sum(bad) / both
    spread = math.sqrt(pooled * (1 - pooled) * (1 / matured[0] + 1 / matured[1])) if 0 < pooled < 1 else 0.0
    z = (rates[1] - rates[0]) / spread if spread else 0.0
    if sum(bad) >= LEAST_BADS and abs(z) >= plan.bounds[looks - 1]:
        return ("WORSE" if z > 0 else "BETTER"), looks, z
    return ("NO_DIFFERENCE" if looks == LOOKS else ""), looks, z


def plan_from(written: dict[str, Any]) -> Plan:
    """Read what `as_dict` wrote."""
    values = {name: written[name] for name in Plan.__slots__}
    return Plan(**{**values, "matured": tuple(written["matured"]), "bounds": tuple(written["bounds"])})

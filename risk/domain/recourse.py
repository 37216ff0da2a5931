"""Recourse: the smallest feasible change in what a borrower can change that would turn the outcome.

Every offer is verified by scoring the changed facts again with the same model. Nothing is promised of things
that the borrower cannot act on, and no change goes beyond what other borrowers show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from risk.domain.events import Floats
from risk.domain.registry import FEATURE_NAMES, FEATURES

MOST_CHANGES = 3
FRACTIONS = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Change:
    """Hold one step: bring a feature from a value to another."""

    feature: str
    current: float
    wanted: float


@dataclass(frozen=True, slots=True)
class Goals:
    """Hold for each feature the good value that a quarter of borrowers reach, learned in training."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Floats) -> Goals:
        quantile = np.full(values.shape[1], np.nan)
        for place, feature in enumerate(FEATURES):
            known = values[:, place][~np.isnan(values[:, place])]
            if feature.actionable and feature.sign and len(known):
                quantile[place] = np.quantile(known, 0.25 if feature.sign > 0 else 0.75)
        return cls(tuple(quantile.tolist()))


def recourse(
    vector: Floats, *, pd_of: Callable[[Floats], Floats], threshold: float, goals: Goals
) -> tuple[Change, ...]:
    """Find at most three changes after which PD is at or under the threshold; empty when there are none.

    Greedy by the fall of PD for the effort (a part of the way to the goal), then each change is cut back to
    the smallest part of its way that still suffices.
    """
    options = [
        (place, wanted)
        for place, feature in enumerate(FEATURES)
        if feature.actionable and (wanted := _wanted(vector, place, goals)) is not None
    ]
    if not options or pd_of(vector[None, :])[0] <= threshold:
        return ()
    current, chosen = vector.copy(), list[int]()
    for _ in range(MOST_CHANGES):
        trials = np.repeat(current[None, :], len(options), axis=0)
        for row, (place, wanted) in enumerate(options):
            trials[row, place] = wanted
        pds = pd_of(trials)
        best = int(np.argmin(pds))
        place, wanted = options.pop(best)
        chosen.append(place)
        current[place] = wanted
        if pds[best] <= threshold:
            return _trim(vector, current, chosen, pd_of, threshold)
        if not options:
            break
    return ()


def _wanted(vector: Floats, place: int, goals: Goals) -> float | None:
    """Give the feasible better value of a feature that is known and worse than the goal."""
    feature, value, goal = FEATURES[place], float(vector[place]), goals.values[place]
    if (
        np.isnan(value)
        or np.isnan(goal)
        or (goal - value) * feature.sign >= 0
        or abs(goal - value) < feature.step
    ):
        return None
    return goal


def _rounded(place: int, value: float, goal: float) -> float:
    """Round to a step that a borrower can see, away from where they stand, never past the goal."""
    step, sign = FEATURES[place].step, FEATURES[place].sign
    steps = np.floor(value / step + 1e-9) if sign > 0 else np.ceil(value / step - 1e-9)
    rounded = float(steps * step)
    return max(rounded, goal) if sign > 0 else min(rounded, goal)


def _trim(
    start: Floats, reached: Floats, chosen: list[int], pd_of: Callable[[Floats], Floats], threshold: float
) -> tuple[Change, ...]:
    final = reached.copy()
    for place in chosen:
        for fraction in FRACTIONS:
            trial = final.copy()
            goal = float(reached[place])
            trial[place] = _rounded(place, float(start[place] + fraction * (goal - start[place])), goal)
            if pd_of(trial[None, :])[0] <= threshold:
                final = trial
                break
    assert pd_of(final[None, :])[0] <= threshold, "an offer that was not verified"
    return tuple(
        Change(FEATURE_NAMES[place], float(start[place]), float(final[place]))
        for place in chosen
        if final[place] != start[place]
    )

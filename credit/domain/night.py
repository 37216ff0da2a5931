"""The night's plan: steps in order, shards of a step, and which days are still to be closed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from typing import Final


class Step(StrEnum):
    """Name a step of the night, in order; a step opens when the one before is whole."""

    AGE = "AGE"
    ACCRUE = "ACCRUE"
    PROVIDE = "PROVIDE"  # at the end of a month: set aside for losses
    COLLECT = "COLLECT"
    PROVE = "PROVE"
    REEVALUATE = "REEVALUATE"
    ROLL = "ROLL"  # the business date moves to the next day
    NOTIFY = "NOTIFY"  # for the day that has just opened


STEPS: Final = tuple(Step)
SHARD_SIZE: Final[dict[Step, int]] = {
    Step.AGE: 100_000,
    Step.COLLECT: 500,
    Step.REEVALUATE: 2_000,
}
"""How many ids a shard spans; steps that are not here have one shard."""


def step_after(step: Step) -> Step | None:
    """Give the next step, None after the last."""
    place = STEPS.index(step) + 1
    return STEPS[place] if place < len(STEPS) else None


def ranges(first_id: int, last_id: int, size: int) -> Iterator[tuple[int, int]]:
    """Cut a span of ids into closed ranges without gap or overlap.

    >>> list(ranges(1, 5, 2))
    [(1, 2), (3, 4), (5, 5)]
    """
    assert size >= 1
    for start in range(first_id, last_id + 1, size):
        yield start, min(start + size - 1, last_id)


def open_days(business_date: date, until: date) -> Iterator[date]:
    """Give each day from the business date to `until`, both included, in order."""
    for offset in range((until - business_date).days + 1):
        yield business_date + timedelta(days=offset)

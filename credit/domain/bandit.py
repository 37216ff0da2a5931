"""Learn when and by which channel a reminder helps: Thompson sampling over a few arms, with a hold-out group.

An arm is a channel and an hour. What counts is whether the instalment was paid inside the rung's window, never how
many messages went out. One borrower in ten is reminded by the standard ladder for good: the hold-out, against which
everything learned is measured. Nobody goes unreminded for the sake of a measurement, and reminders that the law
requires take no part.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Final

HOLD_OUT_SHARE: Final = 0.10
STANDARD_HOUR: Final = 10


@dataclass(frozen=True, slots=True)
class Arm:
    """Name one way of reminding: over which channel, at which local hour."""

    channel: str
    hour: int

    @property
    def name(self) -> str:
        """Return the name that is stored with a trial."""
        return f"{self.channel}@{self.hour}"

    @classmethod
    def read(cls, name: str) -> Arm:
        """Read a stored name.

        >>> Arm.read("SMS@19").hour
        19
        """
        channel, _at, hour = name.partition("@")
        return cls(channel, int(hour))


ARMS: Final = (Arm("SMS", 9), Arm("SMS", 12), Arm("SMS", 19), Arm("EMAIL", 9), Arm("EMAIL", 19))


@dataclass(frozen=True, slots=True)
class Tally:
    """Count an arm's settled trials: how many instalments were paid in the window, and how many were not."""

    cured: int = 0
    missed: int = 0

    @property
    def settled(self) -> int:
        """Return how many trials have an outcome."""
        return self.cured + self.missed

    @property
    def rate(self) -> float | None:
        """Return the part that was paid, or None before anything is known."""
        return self.cured / self.settled if self.settled else None


def in_hold_out(borrower_id: int, *, share: float = HOLD_OUT_SHARE) -> bool:
    """Tell whether a borrower is reminded by the standard ladder, always the same answer for the same borrower."""
    digest = hashlib.sha256(f"reminders|{borrower_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def choose_arm(*, seed: str, tallies: Mapping[str, Tally], channels: Collection[str]) -> Arm | None:
    """Draw from each arm's Beta(1 + cured, 1 + missed) and take the highest; None when no channel reaches the person.

    The draw hangs on `seed` alone, so that the same question asked twice on the same knowledge has one answer.
    """
    # not for secrets: a draw that can be repeated
    draw = random.Random(seed)  # noqa: S311
    best, chosen = -1.0, None
    for arm in ARMS:
        tally = tallies.get(arm.name, Tally())
        value = draw.betavariate(1 + tally.cured, 1 + tally.missed)
        if arm.channel in channels and value > best:
            best, chosen = value, arm
    return chosen


def interval(tally: Tally, *, z: float = 1.96) -> tuple[float, float] | None:
    """Give Wilson's interval of a rate.

    >>> low, high = interval(Tally(cured=50, missed=50))
    >>> round(low, 3), round(high, 3)
    (0.404, 0.596)
    """
    n = tally.settled
    if not n:
        return None
    p = tally.cured / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True, slots=True)
class Effect:
    """Compare what was learned with the hold-out: the difference of the rates of cure and its 95 % interval."""

    difference: float
    low: float
    high: float

    @property
    def is_certain(self) -> bool:
        """Tell whether chance alone would not explain the difference."""
        return self.low > 0 or self.high < 0


def compare(learned: Tally, hold_out: Tally) -> Effect | None:
    """Give Newcombe's interval of the difference of two rates; None while one of them is unknown."""
    ours, theirs = interval(learned), interval(hold_out)
    if ours is None or theirs is None or learned.rate is None or hold_out.rate is None:
        return None
    p, q = learned.rate, hold_out.rate
    low = p - q - sqrt((p - ours[0]) ** 2 + (theirs[1] - q) ** 2)
    high = p - q + sqrt((ours[1] - p) ** 2 + (q - theirs[0]) ** 2)
    return Effect(p - q, low, high)

"""The limit in force: what the lender grants, a temporary increase with an end, and the borrower's own lower cap.

A line stores the limit in force, because draws are checked against it, and what the other two take away or add. The
lender's grant follows from them, so no figure is kept twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from credit.domain.policy import LEAST_LIMIT, LIMIT_STEP
from regimes.errors import N_, InvalidInput

MOST_TEMPORARY_SHARE: Final = Decimal("0.5")  # of what is granted
MOST_TEMPORARY_DAYS: Final = 62
LEAST_EXCLUSION_DAYS: Final = 30
MOST_EXCLUSION_DAYS: Final = 1_830


class UnableToSetLimit(InvalidInput):
    """Refuse a cap, a temporary increase or an exclusion that breaks its rule."""


@dataclass(frozen=True, slots=True)
class LimitParts:
    """Hold what a limit is made of, in the line's currency.

    >>> LimitParts(Decimal(1000), extra=Decimal(400), own_cap=Decimal(1200)).in_force
    Decimal('1200')
    """

    granted: Decimal
    extra: Decimal = Decimal(0)
    own_cap: Decimal | None = None

    @classmethod
    def of(cls, *, limit: Decimal, held_back: Decimal, extra: Decimal, own_cap: Decimal | None) -> LimitParts:
        """Read the parts from what a line stores."""
        return cls(limit + held_back - extra, extra, own_cap)

    @property
    def in_force(self) -> Decimal:
        """Give the limit that draws are checked against."""
        whole = self.granted + self.extra
        return whole if self.own_cap is None else min(whole, self.own_cap)

    @property
    def held_back(self) -> Decimal:
        """Give what the own cap takes away; lifting the cap gives it back."""
        return self.granted + self.extra - self.in_force


def check_own_cap(cap: Decimal | None) -> None:
    """Pass a borrower's own cap: 50, or hundreds; None lifts it."""
    if cap is None:
        return
    if cap < LEAST_LIMIT or (cap % LIMIT_STEP and cap != LEAST_LIMIT):
        raise UnableToSetLimit(
            "own_cap_invalid",
            N_("Enter 50, or hundreds such as 1200. To draw nothing at all, freeze the line."),
            field="cap",
        )


def check_temporary(*, granted: Decimal, extra: Decimal, until: date, as_of: date, most: Decimal) -> None:
    """Pass a temporary increase: hundreds, at most half of the grant, at most two months, within `most` in all."""
    room = min(granted * MOST_TEMPORARY_SHARE, most - granted) // LIMIT_STEP * LIMIT_STEP
    if extra <= 0 or extra % LIMIT_STEP or extra > room:
        raise UnableToSetLimit(
            "temporary_invalid",
            N_("Enter hundreds up to %(maximum)s."),
            field="extra",
            params={"maximum": str(max(Decimal(0), room).quantize(Decimal(1)))},
        )
    if not as_of < until <= as_of + timedelta(days=MOST_TEMPORARY_DAYS):
        raise UnableToSetLimit(
            "temporary_end_invalid",
            N_("Choose an end within the next %(days)s days."),
            field="until",
            params={"days": str(MOST_TEMPORARY_DAYS)},
        )


def check_exclusion(*, until: date, as_of: date) -> None:
    """Pass the end of a self-exclusion: a month away at least, so that it outlives the hour in which it was asked."""
    days = (until - as_of).days
    if not LEAST_EXCLUSION_DAYS <= days <= MOST_EXCLUSION_DAYS:
        raise UnableToSetLimit(
            "exclusion_end_invalid",
            N_("Choose a day between %(first)s and %(last)s."),
            field="until",
            params={
                "first": (as_of + timedelta(days=LEAST_EXCLUSION_DAYS)).isoformat(),
                "last": (as_of + timedelta(days=MOST_EXCLUSION_DAYS)).isoformat(),
            },
        )

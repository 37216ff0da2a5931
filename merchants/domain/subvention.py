"""Interest that a shop pays for its buyers: taken at the sale, earned while the money is lent.

A plan at 0 % costs the buyer nothing. The shop gives up a part of the price, which is our price of lending the rest
of the term: it is owed to nobody, and not earned yet either. It is earned in proportion to balance x days of the
agreed plan, like interest on that plan would be, and the rest at once when the loan ends early.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from ledger.domain.money import ZERO, round_money


class Due(NamedTuple):
    """One instalment of the agreed plan."""

    due_date: date
    principal: Decimal


def lent_days(plan: Sequence[Due], *, start: date, through: date) -> Decimal:
    """Return the sum of balance x days that the plan lends from its start through a day.

    >>> from datetime import date
    >>> plan = [Due(date(2026, 1, 11), Decimal(50)), Due(date(2026, 1, 21), Decimal(50))]
    >>> lent_days(plan, start=date(2026, 1, 1), through=date(2026, 1, 16))
    Decimal('1250')
    """
    return sum(
        (due.principal * max((min(due.due_date, through) - start).days, 0) for due in plan),
        ZERO,
    )


def earned(whole: Decimal, plan: Sequence[Due], *, start: date, through: date, is_over: bool) -> Decimal:
    """Return how much of a subvention is earned through a day; all of it once the loan is over."""
    last = max((due.due_date for due in plan), default=start)
    if is_over or through >= last or not whole:
        return whole
    total = lent_days(plan, start=start, through=last)
    return round_money(whole * lent_days(plan, start=start, through=through) / total)

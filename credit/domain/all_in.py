"""The all-in guard: what a loan costs a year with every cost in it, and the highest price that stays under it.

The guard holds the annual rate of all costs (`loans.domain.quotes.cost_rate`: the internal rate of return, compounded),
not the nominal rate: 24 % nominal with monthly instalments costs 26.8 % a year.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_DOWN, Decimal
from functools import lru_cache
from typing import Final

from credit.domain.ceiling import Ceiling
from loans.domain.quotes import cost_rate
from loans.domain.terms import FeeTerm, LoanTerms, RepaymentMethod

RATE_STEP: Final = Decimal("0.0001")
REFERENCE_DAY: Final = date(2026, 1, 31)
REFERENCE_PRINCIPAL: Final = Decimal("10000.00")
METHODS: Final = (
    RepaymentMethod.EQUAL_INSTALMENT,
    RepaymentMethod.EQUAL_PRINCIPAL,
    RepaymentMethod.INTEREST_FIRST,
    RepaymentMethod.BULLET,
)


def all_in_rate(
    annual_rate: Decimal,
    *,
    count: int,
    method: RepaymentMethod = RepaymentMethod.EQUAL_INSTALMENT,
    fees: tuple[FeeTerm, ...] = (),
    start: date = REFERENCE_DAY,
    principal: Decimal = REFERENCE_PRINCIPAL,
) -> Decimal:
    """Give what a loan costs a year with everything in it, by the schedule that would be signed.

    >>> round(all_in_rate(Decimal("0.24"), count=12), 4)
    Decimal('0.2683')
    """
    terms = LoanTerms(
        principal=principal,
        annual_rate=annual_rate,
        repayment_method=method,
        instalment_count=count,
        start_date=start,
        fees=fees,
    )
    return cost_rate(terms)


def highest_rate(
    ceiling: Ceiling,
    *,
    counts: Sequence[int] = (1, 3, 6, 12, 24),
    methods: Sequence[RepaymentMethod] = METHODS,
    fees: tuple[FeeTerm, ...] = (),
) -> Decimal:
    """Give the highest nominal rate, in hundredths of a per cent, of which no loan on offer costs more than the guard.

    0 when the fees alone cost more: then there is no price at all.
    """

    return _highest(ceiling, tuple(counts), tuple(methods), fees)


@lru_cache(maxsize=64)
def _highest(
    ceiling: Ceiling, counts: tuple[int, ...], methods: tuple[RepaymentMethod, ...], fees: tuple[FeeTerm, ...]
) -> Decimal:
    def fits(steps: int) -> bool:
        rate = steps * RATE_STEP
        return all(
            all_in_rate(rate, count=count, method=method, fees=fees) <= ceiling.annual_rate
            for method in methods
            for count in counts
            if not (method is RepaymentMethod.BULLET and count > ceiling.bullet_months)
        )

    low, high = 0, int((ceiling.annual_rate / RATE_STEP).to_integral_value(ROUND_DOWN))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low * RATE_STEP

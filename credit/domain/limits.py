"""How much and at what price: caps, affordability, rounding, and the check before a draw.

A limit is the smallest of what was asked for and of every cap; the caps that bind are its reasons. It is
rounded down to 100, and from 50 to 100 it is 50, so no cap is ever exceeded by rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from typing import Final

from credit.domain.policy import (
    LEAST_LIMIT,
    LIMIT_STEP,
    MOST_LIMIT,
    Ceiling,
    Grade,
    PolicyRules,
)
from credit.domain.profit import Economics, best_limit, need_seen
from credit.domain.reasons import Reason, reason

Cap = tuple[Decimal, str, dict[str, Decimal]]  # the most, the code of its reason, the figures in it
_EXACT: Final = Context(prec=40, rounding=ROUND_HALF_EVEN)
CAP_CODES: Final = (
    "limit_by_affordability",
    "limit_by_income",
    "limit_by_grade",
    "limit_by_group",
    "limit_by_product",
    "limit_by_regime",
    "limit_by_use",
)
"""The caps in the order in which they are told."""


@dataclass(frozen=True, slots=True)
class Means:
    """Hold what a borrower can bear: income, instalments to everybody, other limits of the group."""

    is_business: bool
    monthly_income: Decimal | None
    monthly_instalments: Decimal  # to all lenders, before this limit
    other_limits: Decimal  # promised or owed on other lines of the person and the owned businesses


@dataclass(frozen=True, slots=True)
class Use:
    """Hold how an open line is used: its limit and the part of it that is owed."""

    limit: Decimal
    utilisation: Decimal


@dataclass(frozen=True, slots=True)
class SizedLimit:
    """Hold a limit and what set it."""

    limit: Decimal
    reasons: tuple[Reason, ...]


@lru_cache(maxsize=512)
def instalment_factor(annual_rate: Decimal, count: int) -> Decimal:
    """Give the level monthly instalment of 1 at a nominal annual rate.

    >>> round(instalment_factor(Decimal("0.12"), 12), 6)
    Decimal('0.088849')
    """
    assert count >= 1
    rate = _EXACT.divide(annual_rate, Decimal(12))
    if rate == 0:
        return _EXACT.divide(Decimal(1), Decimal(count))
    growth = _EXACT.power(1 + rate, count)
    return _EXACT.divide(_EXACT.multiply(rate, growth), growth - 1)


def round_limit(amount: Decimal) -> Decimal:
    """Round a limit down to 100; from 50 it is at least 50; below there is none.

    >>> [int(round_limit(Decimal(a))) for a in (49, 50, 99, 100, 199, 1234)]
    [0, 50, 50, 100, 100, 1200]
    """
    if amount < LEAST_LIMIT:
        return Decimal(0)
    return max(LEAST_LIMIT, amount // LIMIT_STEP * LIMIT_STEP)


def size_limit(
    *,
    policy: PolicyRules,
    ceiling: Ceiling,
    grade: Grade,
    means: Means,
    asked: Decimal,
    product_maximum: Decimal = MOST_LIMIT,
    pd: Decimal | None = None,
    use: Use | None = None,
) -> SizedLimit:
    """Size a limit and say which caps set it. A missing income gives 0: nothing can be afforded unseen.

    A policy with the economics of profit replaces the caps by grade and by income with the limit that is expected to
    earn most, given the probability of default and, for an open line, its use; without a probability it cannot.
    """
    regime = min(
        MOST_LIMIT,
        ceiling.business_limit if means.is_business else ceiling.person_limit,
    )
    income = means.monthly_income or Decimal(0)
    rules = policy.affordability
    share = rules.instalments_to_income
    room = _EXACT.multiply(income, share) - means.monthly_instalments
    affordable = _EXACT.divide(
        max(Decimal(0), room),
        instalment_factor(grade.annual_rate, rules.assumed_instalments),
    )
    caps: list[Cap] = [
        (affordable, "limit_by_affordability", {"percent": share * 100}),
        (income * grade.income_multiple, "limit_by_income", {"multiple": grade.income_multiple}),
        (grade.limit, "limit_by_grade", {"maximum": grade.limit}),
        (
            max(Decimal(0), policy.group_limit - means.other_limits),
            "limit_by_group",
            {"maximum": policy.group_limit},
        ),
        (product_maximum, "limit_by_product", {"maximum": product_maximum}),
        (regime, "limit_by_regime", {"maximum": regime}),
    ]
    if policy.profit is not None and pd is not None:
        caps = _with_use(policy, grade, means, pd, use, ceiling, [caps[0], *caps[3:]])
    limit = round_limit(min(cap for cap, *_ in caps))
    if limit >= asked:
        return SizedLimit(round_limit(asked), (reason("limit_as_requested"),))
    # a reason is made only for a cap that binds: making one costs more than the cap
    binding = tuple(reason(code, **params) for cap, code, params in caps if round_limit(cap) <= limit)
    assert binding, "a limit below the request has a cap that set it"
    assert limit <= asked, "a limit is never above the request"
    return SizedLimit(limit, binding)


def _with_use(
    policy: PolicyRules,
    grade: Grade,
    means: Means,
    pd: Decimal,
    use: Use | None,
    ceiling: Ceiling,
    caps: list[Cap],
) -> list[Cap]:
    """Add the limit that is expected to earn most as one more cap."""
    assert policy.profit is not None
    economics = Economics.of(policy.profit)
    need = float(means.monthly_income or 0) * economics.need_multiple
    if use is not None:
        need = need_seen(limit=float(use.limit), utilisation=float(use.utilisation), expected=need)
    best = best_limit(
        economics,
        pd=float(pd),
        annual_rate=float(min(grade.annual_rate, ceiling.annual_rate)),
        is_business=means.is_business,
        need=need,
        most=float(round_limit(min(cap for cap, *_ in caps))),
        is_open=use is not None,
    )
    return [*caps, (Decimal(int(best)), "limit_by_use", {})]


@dataclass(frozen=True, slots=True)
class Burden:
    """Hold the instalments of a month beside the income, without and with a limit that is drawn in full."""

    monthly_income: Decimal | None
    before: Decimal
    after: Decimal

    def to_dict(self) -> dict[str, str | None]:
        """Write it with the parts of the income; None where no income is seen."""
        income = self.monthly_income
        shares = [f"{amount / income:.4f}" if income else None for amount in (self.before, self.after)]
        return {
            "monthly_income": None if income is None else f"{income:.2f}",
            "before": f"{self.before:.2f}",
            "after": f"{self.after:.2f}",
            "share_before": shares[0],
            "share_after": shares[1],
        }


def burden(means: Means, *, limit: Decimal, annual_rate: Decimal, count: int) -> Burden:
    """Say what a limit would ask a month if it were drawn in full and repaid in `count` level instalments.

    >>> burden(Means(False, Decimal(10000), Decimal(1000), Decimal(0)), limit=Decimal(12000), annual_rate=Decimal(0), count=12).to_dict()
    {'monthly_income': '10000.00', 'before': '1000.00', 'after': '2000.00', 'share_before': '0.1000', 'share_after': '0.2000'}
    """
    asked = _EXACT.multiply(limit, instalment_factor(annual_rate, count))
    return Burden(means.monthly_income, means.monthly_instalments, means.monthly_instalments + asked)


def penalty_rate(policy: PolicyRules, annual_rate: Decimal, ceiling: Ceiling) -> Decimal:
    """Give the annual rate on overdue principal, within the regime."""
    return min(annual_rate * policy.penalty_factor, ceiling.penalty_rate).quantize(Decimal("0.000001"))


def available(*, limit: Decimal, exposure: Decimal) -> Decimal:
    """Say how much can be drawn: never below zero, also after a cut below what is owed."""
    return max(Decimal(0), limit - exposure)

"""The limit that is expected to earn most: one line in microseconds, a million in a second, equal both ways.

What a line is expected to earn in a year at limit L, with need N, price r, probability of default p and loss l:

    balance   B(L) = N (1 - exp(-L / N))             people draw what they need; a limit far above it lies unused
    exposure  E(L) = B + k (L - B)                   a part k of what is unused is drawn before a default
    profit    (r - funding) B (1 - p / 2) - p l E - capital x E - the account's cost

A loss may be made to count for more than itself (`loss_weight`). Then profit is a B(L) - b L with constants a and
b: concave, so the best limit is N ln(a / b), and on the grid of hundreds one of its two neighbours. Smoothness and
caps only bound it, for the same reason. Doubles are used: a limit is a decision in whole hundreds, nothing is booked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from credit.domain.profit_rules import ProfitRules

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

REFERENCE: Final = ProfitRules(
    funding_rate=Decimal("0.03"),
    capital_share=Decimal("0.10"),
    capital_rate=Decimal("0.08"),
    person_loss=Decimal("0.60"),
    business_loss=Decimal("0.60"),
    drawn_at_default=Decimal("0.50"),
    need_multiple=Decimal("2.5"),
    account_cost=Decimal("12"),
    loss_weight=Decimal("0"),
)
"""Assumptions of a sandbox, to value a policy that has none of its own; a lender puts the own figures in the policy."""

_STEP, _LEAST = 100.0, 50.0
_HAIR = 1e-9  # money: a higher limit must earn more than this beyond the lower one
_LEAST_USE, _MOST_USE, _ROUNDS = 0.02, 0.95, 14


@dataclass(frozen=True, slots=True)
class Economics:
    """Hold the rules as doubles."""

    funding: float
    capital: float  # cost of capital on one of exposure
    person_loss: float
    business_loss: float
    drawn_at_default: float
    need_multiple: float
    account_cost: float
    loss_weight: float

    @classmethod
    def of(cls, rules: ProfitRules) -> Economics:
        """Read the rules of a policy."""
        return cls(
            funding=float(rules.funding_rate),
            capital=float(rules.capital_share) * float(rules.capital_rate),
            person_loss=float(rules.person_loss),
            business_loss=float(rules.business_loss),
            drawn_at_default=float(rules.drawn_at_default),
            need_multiple=float(rules.need_multiple),
            account_cost=float(rules.account_cost),
            loss_weight=float(rules.loss_weight),
        )


@dataclass(frozen=True, slots=True)
class Expected:
    """Hold what n lines are expected to bring in a year, in money; shapes (n,)."""

    balance: Floats
    exposure: Floats
    income: Floats  # interest less funding
    loss: Floats
    capital: Floats
    profit: Floats


# ---- one line -------------------------------------------------------------------------------------------------------


def best_limit(
    economics: Economics,
    *,
    pd: float,
    annual_rate: float,
    is_business: bool,
    need: float,
    most: float,
    least: float = 0.0,
    is_open: bool = False,
) -> float:
    """Give the limit between `least` and `most` that is expected to earn most; 0 if none earns its account's cost.

    `most` is the smallest cap and `least` the floor of smoothness, each rounded as limits are. An open line's
    account costs what it costs, so `is_open` leaves that out.

    >>> best_limit(Economics.of(REFERENCE), pd=0.02, annual_rate=0.12, is_business=False, need=10_000.0, most=50_000.0)
    20700.0
    """
    lost = economics.business_loss if is_business else economics.person_loss
    gain, cost = _slopes(economics, pd, annual_rate, lost)
    top = max(most, least)
    if need <= 0 or top <= 0 or gain <= cost:
        return least
    wanted = min(need * math.log(gain / cost), top) if cost > 0 else top
    lower = _down(wanted)
    upper = min(_up(lower), top)
    worth_lower = _worth(gain, cost, need, lower)
    worth_upper = _worth(gain, cost, need, upper)
    best, worth = (upper, worth_upper) if worth_upper > worth_lower + _HAIR else (lower, worth_lower)
    best = min(max(best, least), top)
    if not is_open and worth <= economics.account_cost:
        return least
    return best


def _slopes(economics: Economics, pd: Any, annual_rate: Any, lost: Any) -> tuple[Any, Any]:
    """Give a and b of a B(L) - b L; the same operations for one and for many."""
    exposed = (1.0 + economics.loss_weight) * pd * lost + economics.capital
    cost = exposed * economics.drawn_at_default
    gain = (annual_rate - economics.funding) * (1.0 - pd * 0.5) - exposed + cost
    return gain, cost


def _worth(gain: float, cost: float, need: float, limit: float) -> float:
    return gain * need * -math.expm1(-limit / need) - cost * limit


def _down(amount: float) -> float:
    if amount < _LEAST:
        return 0.0
    return max(math.floor(amount / _STEP) * _STEP, _LEAST)


def _up(limit: float) -> float:
    if limit < _LEAST:
        return _LEAST
    return _STEP if limit < _STEP else limit + _STEP


def need_seen(*, limit: float, utilisation: float, expected: float) -> float:
    """Say what a borrower needs from how the line is used, and never less than what was expected before.

    So a use raises a limit, and a line is not cut for lying idle.

    >>> round(need_seen(limit=10_000.0, utilisation=0.63212, expected=5_000.0))
    10000
    """
    use = min(max(utilisation, _LEAST_USE), _MOST_USE)
    x = 1.0 / use
    for _ in range(_ROUNDS):
        shrunk = math.exp(-x)
        x -= (1.0 - shrunk - use * x) / (shrunk - use)
    return max(limit / x, expected)


# ---- many lines -----------------------------------------------------------------------------------------------------


def best_limits(
    economics: Economics,
    *,
    pd: Floats,
    annual_rate: Floats,
    is_business: Flags,
    need: Floats,
    most: Floats,
    least: Floats | float = 0.0,
    is_open: bool = False,
) -> Floats:
    """Give what `best_limit` gives for each of n lines; shapes (n,)."""
    lost = np.where(is_business, economics.business_loss, economics.person_loss)
    gain, cost = _slopes(economics, pd, annual_rate, lost)
    top = np.maximum(most, least)
    able = (need > 0) & (top > 0) & (gain > cost)
    need_ = np.where(able, need, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(able & (cost > 0), gain / np.where(cost > 0, cost, 1.0), 1.0)
        wanted = np.where(cost > 0, np.minimum(need_ * np.log(ratio), top), top)
    lower = np.where(wanted < _LEAST, 0.0, np.maximum(np.floor(wanted / _STEP) * _STEP, _LEAST))
    next_up = np.where(lower < _LEAST, _LEAST, np.where(lower < _STEP, _STEP, lower + _STEP))
    upper = np.minimum(next_up, top)
    worth_lower = gain * need_ * -np.expm1(-lower / need_) - cost * lower
    worth_upper = gain * need_ * -np.expm1(-upper / need_) - cost * upper
    higher = worth_upper > worth_lower + _HAIR
    best = np.minimum(np.maximum(np.where(higher, upper, lower), least), top)
    if not is_open:
        able = able & (np.where(higher, worth_upper, worth_lower) > economics.account_cost)
    return np.asarray(np.where(able, best, least), dtype=np.float64)


def needs_seen(*, limit: Floats, utilisation: Floats, expected: Floats) -> Floats:
    """Give what `need_seen` gives for each of n lines; a utilisation of NaN was not seen, and `expected` stands."""
    use = np.clip(utilisation, _LEAST_USE, _MOST_USE)
    x = 1.0 / use
    for _ in range(_ROUNDS):
        shrunk = np.exp(-x)
        x = x - (1.0 - shrunk - use * x) / (shrunk - use)
    return np.asarray(np.where(np.isnan(utilisation), expected, np.maximum(limit / x, expected)))


def expect(
    economics: Economics,
    *,
    pd: Floats,
    annual_rate: Floats,
    is_business: Flags,
    need: Floats,
    limit: Floats,
) -> Expected:
    """Say what lines at given limits are expected to bring in a year; a limit of 0 brings nothing."""
    lost = np.where(is_business, economics.business_loss, economics.person_loss)
    some = (limit > 0) & (need > 0)
    need_ = np.where(some, need, 1.0)
    balance = np.where(some, need_ * -np.expm1(-limit / need_), 0.0)
    exposure = np.where(some, balance + economics.drawn_at_default * (limit - balance), 0.0)
    income = (annual_rate - economics.funding) * balance * (1.0 - pd * 0.5)
    loss = pd * lost * exposure
    capital = economics.capital * exposure
    profit = income - loss - capital - np.where(some, economics.account_cost, 0.0)
    return Expected(balance, exposure, income, loss, capital, profit)


def weight_for_loss(
    economics: Economics,
    *,
    pd: Floats,
    annual_rate: Floats,
    is_business: Flags,
    need: Floats,
    most: Floats,
    budget: float,
    highest: float = 20.0,
) -> float:
    """Find the least `loss_weight` at which the best limits together lose no more than a budget a year.

    It is the shadow price of loss: a portfolio that may lose so much earns most when every line is set with it.
    """
    columns: dict[str, Any] = {"pd": pd, "annual_rate": annual_rate, "is_business": is_business, "need": need}

    def lost_at(weight: float) -> float:
        rules = _weighted(economics, weight)
        limit = best_limits(rules, **columns, most=most)
        return float(expect(rules, **columns, limit=limit).loss.sum())

    low, high = 0.0, highest
    if lost_at(low) <= budget:
        return low
    assert lost_at(high) <= budget, "no weight keeps the loss within this budget"
    while high - low > 1e-3:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if lost_at(middle) <= budget else (middle, high)
    return high


def _weighted(economics: Economics, weight: float) -> Economics:
    values = {name: getattr(economics, name) for name in Economics.__slots__}
    return Economics(**{**values, "loss_weight": weight})

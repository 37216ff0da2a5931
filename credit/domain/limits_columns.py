"""The caps of `limits.py` for many borrowers at once, equal to the cent.

Amounts are doubles. A cap that is a product of decimals is exact once it is rounded to six places; the affordable
amount is a quotient, so the few that lie within a hair of a step are worked again in decimals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from credit.domain.limits import CAP_CODES, Means, Use, instalment_factor, size_limit
from credit.domain.policy import LEAST_LIMIT, LIMIT_STEP, MOST_LIMIT, Ceiling, PolicyRules
from credit.domain.profit import Economics, best_limits, needs_seen

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]
_PLACES: Final = 6
_HAIR: Final = 1e-5


@dataclass(frozen=True, slots=True)
class MeansColumns:
    """Hold what n borrowers can bear; an income of NaN is unknown. Shapes (n,), money a month."""

    is_business: Flags
    monthly_income: Floats
    monthly_instalments: Floats
    other_limits: Floats

    def __len__(self) -> int:
        return len(self.is_business)

    def at(self, place: int) -> Means:
        """Give one borrower's as `size_limit` takes them."""
        income = float(self.monthly_income[place])
        return Means(
            bool(self.is_business[place]),
            None if np.isnan(income) else _decimal(income),
            _decimal(float(self.monthly_instalments[place])),
            _decimal(float(self.other_limits[place])),
        )


@dataclass(frozen=True, slots=True)
class SizedColumns:
    """Hold n limits and which caps set them: bit k of `binding` stands for `CAP_CODES[k]`; 0 is as requested."""

    limit: Floats
    binding: Integers


def round_limits(amounts: Floats) -> Floats:
    """Round limits down to 100; from 50 to 100 they are 50; below there is none.

    >>> round_limits(np.array([49.0, 50, 99, 100, 199, 1234])).tolist()
    [0.0, 50.0, 50.0, 100.0, 100.0, 1200.0]
    """
    step, least = float(LIMIT_STEP), float(LEAST_LIMIT)
    down = np.floor(amounts / step) * step
    return np.asarray(np.where(amounts < least, 0.0, np.maximum(down, least)))


def caps(
    *,
    policy: PolicyRules,
    ceiling: Ceiling,
    grade: Integers,
    means: MeansColumns,
    product_maximum: Floats | float = float(MOST_LIMIT),
) -> Floats:
    """Give every cap in the order of `CAP_CODES`, shape (6, n); `grade` is the place in `policy.grades`."""
    income = np.nan_to_num(means.monthly_income)
    rules = policy.affordability
    room = np.round(
        income * float(rules.instalments_to_income) - means.monthly_instalments,
        _PLACES,
    )
    factors = np.array(
        [float(instalment_factor(item.annual_rate, rules.assumed_instalments)) for item in policy.grades]
    )
    multiple = np.array([float(item.income_multiple) for item in policy.grades])
    most = np.array([float(item.limit) for item in policy.grades])
    person, business = (
        float(min(MOST_LIMIT, amount)) for amount in (ceiling.person_limit, ceiling.business_limit)
    )
    return np.stack(
        [
            np.maximum(room, 0.0) / factors[grade],
            np.round(income * multiple[grade], _PLACES),
            most[grade],
            np.maximum(np.round(float(policy.group_limit) - means.other_limits, _PLACES), 0.0),
            np.broadcast_to(np.asarray(product_maximum, dtype=np.float64), grade.shape),
            np.where(means.is_business, business, person),
        ]
    )


def size_limits(
    *,
    policy: PolicyRules,
    ceiling: Ceiling,
    grade: Integers,
    means: MeansColumns,
    asked: Floats,
    product_maximum: Floats | float = float(MOST_LIMIT),
    pd: Floats | None = None,
    limit: Floats | None = None,
    utilisation: Floats | None = None,
) -> SizedColumns:
    """Size n limits: what `size_limit` gives for each, equal to the cent.

    `limit` and `utilisation` say how open lines are used; leave both out for applications.
    """
    bounds = caps(policy=policy, ceiling=ceiling, grade=grade, means=means, product_maximum=product_maximum)
    if policy.profit is not None and pd is not None:
        bounds = _with_use(policy, ceiling, grade, means, pd, limit, utilisation, bounds)
    least = bounds.min(axis=0)
    rounded = round_limits(least)
    whole = rounded >= asked
    given = np.where(whole, round_limits(asked), rounded)
    hits = round_limits(bounds) <= given
    binding = np.where(whole, 0, (hits * (1 << np.arange(len(bounds)))[:, None]).sum(axis=0))
    products = np.broadcast_to(np.asarray(product_maximum, dtype=np.float64), grade.shape)
    for place in np.flatnonzero(_near_a_step(bounds[0])):
        use = None
        if limit is not None and utilisation is not None:
            use = Use(_decimal(float(limit[place])), Decimal(repr(float(utilisation[place]))))
        one = size_limit(
            policy=policy,
            ceiling=ceiling,
            grade=policy.grades[int(grade[place])],
            means=means.at(int(place)),
            asked=_decimal(float(asked[place])),
            product_maximum=_decimal(float(products[place])),
            pd=None if pd is None else Decimal(repr(float(pd[place]))),
            use=use,
        )
        given[place] = float(one.limit)
        binding[place] = mask_of([item.code for item in one.reasons])
    return SizedColumns(given, binding)


def _with_use(
    policy: PolicyRules,
    ceiling: Ceiling,
    grade: Integers,
    means: MeansColumns,
    pd: Floats,
    limit: Floats | None,
    utilisation: Floats | None,
    bounds: Floats,
) -> Floats:
    """Lift the caps by income and by grade, and add the limit that is expected to earn most as the last cap."""
    assert policy.profit is not None
    economics = Economics.of(policy.profit)
    lifted = bounds.copy()
    lifted[[CAP_CODES.index("limit_by_income"), CAP_CODES.index("limit_by_grade")]] = np.inf
    need = np.nan_to_num(means.monthly_income) * economics.need_multiple
    if limit is not None and utilisation is not None:
        need = needs_seen(limit=limit, utilisation=utilisation, expected=need)
    price = np.array([float(min(item.annual_rate, ceiling.annual_rate)) for item in policy.grades])
    best = best_limits(
        economics,
        pd=pd,
        annual_rate=price[grade],
        is_business=means.is_business,
        need=need,
        most=round_limits(lifted.min(axis=0)),
        is_open=limit is not None,
    )
    return np.concatenate([lifted, best[None, :]])


def mask_of(codes: Sequence[str]) -> int:
    """Write cap codes as bits; `limit_as_requested` is none of them."""
    return sum(1 << CAP_CODES.index(code) for code in codes if code in CAP_CODES)


def grades_of(policy: PolicyRules, pd: Floats) -> Integers:
    """Give the place of each probability's grade; `len(policy.grades)` above the last."""
    edges = np.array([float(item.pd_below) for item in policy.grades])
    return np.asarray(np.searchsorted(edges, pd, side="right"), dtype=np.int64)


def _near_a_step(amounts: Floats) -> Any:
    step = float(LIMIT_STEP)
    beside = np.abs(amounts - np.round(amounts / step) * step) < _HAIR
    return (amounts > 0) & (beside | (np.abs(amounts - float(LEAST_LIMIT)) < _HAIR))


def _decimal(amount: float) -> Decimal:
    return Decimal(repr(round(amount, _PLACES)))

"""The price: under the all-in guard (`all_in.py`), and as high as people's answer to prices makes worth while."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from credit.domain.profit import Economics, best_limits, expect

Floats = NDArray[np.float64]


# ---- how people answer a price --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PriceResponse:
    """Say which part of customers stays at a price: exp(-((rate - base) / scale) ** shape), all of them up to `base`."""

    base: float
    scale: float
    shape: float

    def retained(self, rate: Any) -> Any:
        """Give the part that stays; `rate` is a number or an array.

        >>> round(PriceResponse(0.04, 0.05, 1.0).retained(0.09), 3)
        0.368
        """
        over = np.maximum(np.asarray(rate, dtype=np.float64) - self.base, 0.0) / self.scale
        found = np.exp(-(over**self.shape))
        return found if np.ndim(rate) else float(found)


SMALL_BUSINESSES: Final = PriceResponse(base=0.04, scale=0.0515, shape=0.943)
"""Customers of rating B of `manage.py fit_price_response`: small businesses in China, 4 to 15 % a year."""


@dataclass(frozen=True, slots=True)
class FittedResponse:
    """Hold a fitted answer with its errors in parts of customers."""

    response: PriceResponse
    points: int
    root_mean_square: float
    largest: float


def fit_response(rates: Floats, lost: Floats, *, rounds: int = 200) -> FittedResponse:
    """Fit the answer to prices on the part of customers lost at each rate, by least squares (Gauss-Newton, damped).

    `base` is the lowest rate given, at which nobody is lost.
    """
    base = float(rates.min())
    inner = rates > base
    over, stays = rates[inner] - base, 1.0 - lost[inner]
    assert len(over) >= 3, "three prices or more"
    at, damping = np.array([math.log(float(over.mean())), 0.0]), 1e-3  # logs of scale and shape

    def left(point: Floats) -> Floats:
        return np.asarray(np.exp(-((over / math.exp(point[0])) ** math.exp(point[1]))) - stays)

    here = left(at)
    for _ in range(rounds):
        slope = np.stack([(left(at + step) - here) / 1e-6 for step in np.eye(2) * 1e-6], axis=1)
        normal = slope.T @ slope
        move = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), -slope.T @ here)
        there = left(at + move)
        if there @ there < here @ here:
            at, here, damping = at + move, there, damping / 3
            if float(np.abs(move).max()) < 1e-10:
                break
        else:
            damping *= 4
    response = PriceResponse(base, math.exp(float(at[0])), math.exp(float(at[1])))
    gap = np.asarray(response.retained(rates)) - (1.0 - lost)
    return FittedResponse(response, len(rates), float(np.sqrt((gap**2).mean())), float(np.abs(gap).max()))


@dataclass(frozen=True, slots=True)
class Applicants:
    """Hold the people of one grade whose price is looked for; shapes (n,)."""

    pd: Floats
    is_business: NDArray[np.bool_]
    need: Floats
    most: Floats


def best_rates(
    economics: Economics,
    *,
    grades: Sequence[Applicants],
    guard: Decimal,
    lowest: Decimal,
    response: PriceResponse | None = None,
    step: Decimal = Decimal("0.0036"),
) -> list[Decimal]:
    """Give each grade's price on a grid up to the guard that is expected to earn most, with limits set for it.

    A step of 0.0036 is one more hundredth of a thousandth a day. Without an answer to prices the guard itself earns
    most. A riskier grade is never cheaper.
    """
    assert lowest <= guard, "no price lies under the guard"
    rates = [lowest + place * step for place in range(int((guard - lowest) / step) + 1)]
    found: list[Decimal] = []
    for people in grades:
        earned = []
        for rate in rates:
            price = np.full(len(people.pd), float(rate))
            columns: dict[str, Any] = {
                "pd": people.pd,
                "annual_rate": price,
                "is_business": people.is_business,
                "need": people.need,
            }
            limit = best_limits(economics, **columns, most=people.most)
            stays = 1.0 if response is None else response.retained(float(rate))
            earned.append(stays * float(expect(economics, **columns, limit=limit).profit.sum()))
        best = rates[int(np.argmax(earned))]
        found.append(max([best, *found[-1:]]))
    return found

"""Money arithmetic: the one rounding function, the one parser and the one splitter of the house.

Amounts are `Decimal` in the currency's major unit, held to its minor unit (CNY 2 places, JPY 0, KWD 3).
No float ever becomes money, and nothing here reads the thread's decimal context for its result.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import (
    ROUND_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
)
from enum import StrEnum
from typing import Final

from regimes.errors import N_, InvalidInput

ZERO: Final = Decimal(0)

# ISO 4217 minor units. A currency that is not here is refused, never guessed.
CURRENCY: Final[dict[str, int]] = {
    "AED": 2, "AUD": 2, "BHD": 3, "BRL": 2, "CAD": 2, "CHF": 2, "CLP": 0, "CNY": 2, "CZK": 2,
    "DKK": 2, "EUR": 2, "GBP": 2, "HKD": 2, "HUF": 2, "IDR": 2, "ILS": 2, "INR": 2, "ISK": 0,
    "JOD": 3, "JPY": 0, "KES": 2, "KRW": 0, "KWD": 3, "MOP": 2, "MXN": 2, "MYR": 2, "NGN": 2,
    "NOK": 2, "NZD": 2, "OMR": 3, "PHP": 2, "PKR": 2, "PLN": 2, "SAR": 2, "SEK": 2, "SGD": 2,
    "THB": 2, "TND": 3, "TRY": 2, "TWD": 2, "USD": 2, "VND": 0, "ZAR": 2,
}  # fmt: skip
DEFAULT_CURRENCY: Final = "CNY"

MAX_AMOUNT: Final = Decimal("999999999999.99")


class Rounding(StrEnum):
    """Name a way to round; the value is what `Decimal.quantize` takes."""

    HALF_UP = ROUND_HALF_UP
    HALF_EVEN = ROUND_HALF_EVEN
    DOWN = ROUND_DOWN
    UP = ROUND_UP


HALF_UP: Final = Rounding.HALF_UP
HALF_EVEN: Final = Rounding.HALF_EVEN

# 40 digits hold any product of an amount, a rate and a number of days exactly; quotients are
# rounded far below the minor unit, so the one visible rounding is the one asked for.
EXACT: Final = Context(prec=40, rounding=ROUND_HALF_EVEN)

_BEYOND: Final = Decimal(10) ** 30
_UNITS: Final = {places: Decimal(1).scaleb(-places) for places in range(5)}
_GRAMMAR: Final = {
    0: re.compile(r"(?:0|[1-9][0-9]{0,11})"),
    2: re.compile(r"(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,2})?"),
    3: re.compile(r"(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,3})?"),
}


class UnableToReadAmount(InvalidInput):
    """Refuse a text that is not an amount, or is out of the range of its field."""


class UnableToUseCurrency(InvalidInput):
    """Refuse a currency that is not on the list."""


def minor_unit(currency: str = DEFAULT_CURRENCY) -> Decimal:
    """Return the smallest amount of a currency, such as 0.01."""
    places = CURRENCY.get(currency)
    if places is None:
        raise UnableToUseCurrency(
            "currency_unknown",
            N_("The currency %(currency)s is not supported. Use a three-letter code such as CNY."),
            field="currency",
            params={"currency": str(currency)[:16]},
        )
    return _UNITS[places]


def round_money(amount: Decimal, *, currency: str = DEFAULT_CURRENCY, rounding: str = HALF_UP) -> Decimal:
    """Round an amount to the minor unit of its currency."""
    return amount.quantize(minor_unit(currency), rounding=rounding, context=EXACT)


def round_to_multiple(amount: Decimal, *, multiple: Decimal, rounding: str = HALF_UP) -> Decimal:
    """Round an amount to a multiple such as 1, 5 or 0.05, keeping the places of the multiple."""
    steps = EXACT.divide(amount, multiple).quantize(Decimal(1), rounding=rounding, context=EXACT)
    return EXACT.multiply(steps, multiple)


def is_money(amount: object, *, currency: str = DEFAULT_CURRENCY) -> bool:
    """Tell whether a value is a finite Decimal with no more places than its currency has."""
    if not isinstance(amount, Decimal) or not amount.is_finite() or not -_BEYOND < amount < _BEYOND:
        return False
    unit = minor_unit(currency)
    return amount.same_quantum(unit) or amount.quantize(unit, ROUND_DOWN, EXACT) == amount


def parse_amount(
    text: object,
    *,
    currency: str = DEFAULT_CURRENCY,
    minimum: Decimal | None = None,
    maximum: Decimal | None = None,
    field: str = "amount",
) -> Decimal:
    """Read an amount from text in the one canonical form, or refuse it.

    Only ASCII digits, no sign, no exponent, no grouping, no leading zero, no space, no more places than
    the currency has. Anything that is not a `str` is refused too: a JSON number has already been a float.
    """
    grammar = _GRAMMAR[-int(minor_unit(currency).as_tuple().exponent)]
    if not isinstance(text, str) or len(text) > 16 or grammar.fullmatch(text) is None:
        raise UnableToReadAmount("amount_invalid", N_("Enter an amount such as 1500.00."), field=field)
    amount = Decimal(text).quantize(minor_unit(currency), context=EXACT)
    if minimum is not None and amount < minimum:
        raise UnableToReadAmount(
            "amount_too_small",
            N_("The amount must be at least %(minimum)s."),
            field=field,
            params={"minimum": format_amount(minimum, currency=currency)},
        )
    if maximum is not None and amount > maximum:
        raise UnableToReadAmount(
            "amount_too_large",
            N_("The amount must be at most %(maximum)s."),
            field=field,
            params={"maximum": format_amount(maximum, currency=currency)},
        )
    return amount


def format_amount(amount: Decimal, *, currency: str = DEFAULT_CURRENCY) -> str:
    """Write an amount in the form that `parse_amount` reads back."""
    return str(amount.quantize(minor_unit(currency), context=EXACT))


def split_amount(
    total: Decimal, weights: Sequence[Decimal | int], *, currency: str = DEFAULT_CURRENCY
) -> tuple[Decimal, ...]:
    """Split a total by weights so that the parts add up to it exactly.

    Each cut is the rounded running share less what was given before, so a part is never more than one
    minor unit away from its exact share and no part takes the whole residue.
    """
    whole = sum(weights, ZERO)
    if not weights or whole <= 0 or any(weight < 0 for weight in weights):
        raise ValueError("weights must be non-negative with a positive sum")
    parts: list[Decimal] = []
    running, given = ZERO, ZERO
    for weight in weights:
        running += weight
        share = EXACT.divide(EXACT.multiply(total, running), whole)
        cut = round_money(share, currency=currency)
        parts.append(cut - given)
        given = cut
    assert given == total, "the parts do not add up to the whole"
    return tuple(parts)

"""The frozen terms of a loan: everything that was agreed, in one value that never changes.

A change of the agreement (rate, reschedule, pause) is a dated event, never another set of terms. The
form written by `to_dict` is stored with the contract and read back as long as the loan lives, so it is
versioned, JSON-safe and carries money and rates as strings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Self

from ledger.domain.money import HALF_UP, ZERO
from regimes.errors import N_, InvalidInput

TERMS_VERSION: Final = 1
MAX_INSTALMENTS: Final = 600


class RepaymentMethod(StrEnum):
    """Name a way of repaying."""

    EQUAL_INSTALMENT = "EQUAL_INSTALMENT"  # 等额本息
    EQUAL_PRINCIPAL = "EQUAL_PRINCIPAL"  # 等额本金
    INTEREST_FIRST = "INTEREST_FIRST"  # 先息后本
    BULLET = "BULLET"  # 到期一次还本付息
    FLEXIBLE = "FLEXIBLE"  # 随借随还: pay at any time, interest by the day, the rest at maturity
    FLAT = "FLAT"  # interest on the first principal for the whole term
    STEP = "STEP"  # principal in given proportions
    CUSTOM = "CUSTOM"  # principal amounts on given dates
    SALES_SHARE = "SALES_SHARE"  # a share of reported sales, capped, the rest at maturity


class Frequency(StrEnum):
    """Name how far apart the due dates are."""

    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    BIWEEKLY = "BIWEEKLY"
    MONTHLY = "MONTHLY"
    QUARTERLY = "QUARTERLY"
    YEARLY = "YEARLY"
    CUSTOM = "CUSTOM"  # the dates are given in `custom_due_dates`


class DayCount(StrEnum):
    """Name a convention that turns two dates into a part of a year."""

    ACT_365F = "ACT_365F"
    ACT_360 = "ACT_360"
    ACT_ACT_ISDA = "ACT_ACT_ISDA"
    THIRTY_360_BOND = "THIRTY_360_BOND"
    THIRTY_E_360 = "THIRTY_E_360"
    THIRTY_US_360 = "THIRTY_US_360"
    THIRTY_E_360_ISDA = "THIRTY_E_360_ISDA"
    THIRTY_360_NOMINAL = "THIRTY_360_NOMINAL"  # each period counts its nominal months, R/12


class HolidayRoll(StrEnum):
    """Name what happens to a due date on a day that is not a business day."""

    SAME = "SAME"
    NEXT = "NEXT"
    PREVIOUS = "PREVIOUS"
    MODIFIED_FOLLOWING = "MODIFIED_FOLLOWING"


class PrepaymentPolicy(StrEnum):
    """Name what money beyond what is due does; a repayment may choose another way for itself."""

    PAY_AHEAD = "PAY_AHEAD"  # settles the next instalments in their order
    FEWER_INSTALMENTS = "FEWER_INSTALMENTS"  # pays principal from the last instalment backwards
    SMALLER_INSTALMENTS = "SMALLER_INSTALMENTS"  # pays principal, the remaining instalments shrink


class OverdueInterest(StrEnum):
    """Name what principal that is overdue costs besides the penalty."""

    PENALTY_ONLY = "PENALTY_ONLY"  # the penalty rate takes the place of the contract rate
    CONTINUES = "CONTINUES"  # the contract rate runs on, the penalty comes on top


class InterestRounding(StrEnum):
    """Name where interest inside one period is rounded."""

    ONCE = "ONCE"  # the balance segments of a period are summed exactly, then rounded
    EACH_SEGMENT = "EACH_SEGMENT"  # each stretch of one balance is rounded, then summed


class Rest(StrEnum):
    """Name when a payment begins to lower the balance that bears interest."""

    DAILY = "DAILY"
    PERIOD = "PERIOD"  # with the next due date


class EarlyInterest(StrEnum):
    """Name how far interest runs when money comes before it is due."""

    TO_DAY = "TO_DAY"
    TO_PERIOD_END = "TO_PERIOD_END"


class Component(StrEnum):
    """Name a part of what is owed."""

    PENALTY = "penalty"
    FEE = "fee"
    INTEREST = "interest"
    PRINCIPAL = "principal"


class FeeTiming(StrEnum):
    """Name when a fee of the terms falls due."""

    AT_PAYOUT = "AT_PAYOUT"  # kept back from the payout
    EACH_INSTALMENT = "EACH_INSTALMENT"


DUE_ORDER: Final = (Component.PENALTY, Component.FEE, Component.INTEREST, Component.PRINCIPAL)
ADVANCE_ORDER: Final = (Component.INTEREST, Component.PRINCIPAL, Component.FEE)


class UnableToAgreeTerms(InvalidInput):
    """Refuse terms that cannot be a loan."""


@dataclass(frozen=True, slots=True)
class FeeTerm:
    """Agree one fee: a fixed amount plus a rate on the principal."""

    name: str
    timing: FeeTiming
    amount: Decimal = ZERO
    rate: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class LoanTerms:
    """Hold everything agreed about a loan. Rates are annual nominal fractions: 0.18 is 18 %."""

    principal: Decimal
    annual_rate: Decimal
    repayment_method: RepaymentMethod
    instalment_count: int
    start_date: date
    frequency: Frequency = Frequency.MONTHLY
    every: int = 1  # every second month: MONTHLY and 2
    currency: str = "CNY"
    first_due_date: date | None = None
    due_day: int | None = None  # day of the month, 1 to 31, clipped to the month's length
    day_count: DayCount = DayCount.ACT_365F
    rounding: str = HALF_UP
    instalment_rounding: str | None = None  # of the level part; None: as `rounding`
    instalment_multiple: Decimal | None = None  # round the level part to this, such as 1 or 0.05
    agreed_instalment: Decimal | None = None  # a level instalment named by the contract
    fees: tuple[FeeTerm, ...] = ()
    penalty_rate: Decimal = ZERO  # annual, on overdue principal only
    grace_days: int = 0  # days after a due date without penalty and without being overdue
    overdue_interest: OverdueInterest = OverdueInterest.PENALTY_ONLY
    allocation_order: tuple[Component, ...] = DUE_ORDER
    advance_order: tuple[Component, ...] = ADVANCE_ORDER
    prepayment_policy: PrepaymentPolicy = PrepaymentPolicy.PAY_AHEAD
    interest_rounding: InterestRounding = InterestRounding.ONCE
    rest: Rest = Rest.DAILY
    early_interest: EarlyInterest = EarlyInterest.TO_DAY
    cooling_off_days: int = 0
    cooling_off_interest: bool = True  # whether a withdrawal owes the interest of its days
    holiday_roll: HolidayRoll = HolidayRoll.SAME
    holidays: tuple[date, ...] = ()  # the non-business days known at signing, frozen with the terms
    weekends_are_holidays: bool = False
    working_days: tuple[date, ...] = ()  # weekends that are worked all the same
    principal_grace_periods: int = 0  # the first periods owe interest only
    interest_grace_periods: int = 0  # interest of the first periods falls due with the one after
    step_weights: tuple[Decimal, ...] = ()  # STEP: proportions of principal, one per instalment
    custom_due_dates: tuple[date, ...] = ()
    custom_principals: tuple[Decimal, ...] = ()
    sales_share: Decimal = ZERO  # SALES_SHARE: part of reported sales that is paid
    period_cap: Decimal | None = None  # SALES_SHARE: most that one period asks for
    expected_sales: Decimal | None = None  # SALES_SHARE: of a period; asked on where nothing is reported

    def to_dict(self) -> dict[str, Any]:
        """Write the terms as JSON-safe values, with the version of the form."""
        written = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}
        return {"version": TERMS_VERSION, **written}

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> Self:
        """Read terms that `to_dict` wrote; an unknown field or version is refused."""
        version = written.get("version", TERMS_VERSION)
        known = {field.name for field in fields(cls)}
        unknown = set(written) - known - {"version"}
        if unknown or version != TERMS_VERSION:
            raise UnableToAgreeTerms(
                "unknown_field",
                N_("The terms have a field or a version that is not known: %(name)s."),
                field="terms",
                params={"name": ", ".join(sorted(map(str, unknown))) or "version"},
            )
        values: dict[str, Any] = {}
        for name, value in written.items():
            if name != "version":
                values[name] = _read_field(name, value)
        for field in fields(cls):
            if field.default is MISSING and field.name not in values:
                raise UnableToAgreeTerms(
                    f"{field.name}_missing",
                    N_("The terms lack %(name)s."),
                    field=field.name,
                    params={"name": field.name},
                )
        return cls(**values)


def _read_field(name: str, value: Any) -> Any:
    try:
        return _READERS[name](value)
    except UnableToAgreeTerms:
        raise
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        code, message = _CODES.get(name, (f"{name}_invalid", N_("The value of %(name)s cannot be read.")))
        raise UnableToAgreeTerms(code, message, field=name, params={"name": name}) from error


def _decimal(value: Any) -> Decimal:
    if not isinstance(value, str) or _NUMBER.fullmatch(value) is None:
        raise ValueError(value)
    return Decimal(value)


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(value)
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _fee_term(value: Any) -> FeeTerm:
    if set(value) - {"name", "timing", "amount", "rate"}:
        raise ValueError(value)
    return FeeTerm(
        name=_text(value["name"]),
        timing=FeeTiming(value["timing"]),
        amount=_decimal(value.get("amount", "0")),
        rate=_decimal(value.get("rate", "0")),
    )


def _many(reader: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, (list, tuple)):
            raise TypeError(value)
        return tuple(reader(item) for item in value)

    return read


def _optional(reader: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else reader(value)


_AMOUNT = ("amount_invalid", N_("Enter an amount such as 1500.00."))
_RATE = ("rate_invalid", N_("The rate is an annual fraction such as 0.18, from 0 to 10."))
_DATE = ("date_invalid", N_("Enter a date such as 2026-01-31."))
_CODES: Final = {
    "principal": _AMOUNT,
    "period_cap": _AMOUNT,
    "expected_sales": _AMOUNT,
    "agreed_instalment": _AMOUNT,
    "custom_principals": _AMOUNT,
    "annual_rate": _RATE,
    "penalty_rate": _RATE,
    "sales_share": _RATE,
    "start_date": _DATE,
    "first_due_date": _DATE,
    "custom_due_dates": _DATE,
    "holidays": _DATE,
    "working_days": _DATE,
}
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,12})?")
_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "principal": _decimal,
    "annual_rate": _decimal,
    "repayment_method": RepaymentMethod,
    "instalment_count": _whole,
    "start_date": date.fromisoformat,
    "frequency": Frequency,
    "every": _whole,
    "currency": _text,
    "first_due_date": _optional(date.fromisoformat),
    "due_day": _optional(_whole),
    "day_count": DayCount,
    "rounding": _text,
    "instalment_rounding": _optional(_text),
    "instalment_multiple": _optional(_decimal),
    "agreed_instalment": _optional(_decimal),
    "fees": _many(_fee_term),
    "penalty_rate": _decimal,
    "grace_days": _whole,
    "overdue_interest": OverdueInterest,
    "allocation_order": _many(Component),
    "advance_order": _many(Component),
    "prepayment_policy": PrepaymentPolicy,
    "interest_rounding": InterestRounding,
    "rest": Rest,
    "early_interest": EarlyInterest,
    "cooling_off_days": _whole,
    "cooling_off_interest": _flag,
    "holiday_roll": HolidayRoll,
    "holidays": _many(date.fromisoformat),
    "weekends_are_holidays": _flag,
    "working_days": _many(date.fromisoformat),
    "principal_grace_periods": _whole,
    "interest_grace_periods": _whole,
    "step_weights": _many(_decimal),
    "custom_due_dates": _many(date.fromisoformat),
    "custom_principals": _many(_decimal),
    "sales_share": _decimal,
    "period_cap": _optional(_decimal),
    "expected_sales": _optional(_decimal),
}


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, FeeTerm):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value

"""Refuse terms that cannot be a loan, each with a stable code that names the field."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final, NamedTuple

from ledger.domain.money import CURRENCY, ZERO, Rounding, format_amount, is_money
from loans.domain.calendar import due_dates
from loans.domain.terms import (
    DUE_ORDER,
    MAX_INSTALMENTS,
    FeeTiming,
    Frequency,
    LoanTerms,
    RepaymentMethod,
    UnableToAgreeTerms,
)
from regimes.errors import N_

MAX_RATE: Final = Decimal(10)  # 1000 % a year: beyond any cap, a typing error
MAX_YEAR: Final = 2200
_ROUNDINGS: Final = tuple(Rounding)


class Breach(NamedTuple):
    """Name one broken rule."""

    code: str
    field: str
    message: str
    params: dict[str, Any]


def validate_terms(
    terms: LoanTerms,
    *,
    maximum_annual_rate: Decimal | None = None,
    minimum_principal: Decimal | None = None,
    maximum_principal: Decimal | None = None,
) -> LoanTerms:
    """Return the terms if they can be a loan within the caps given, or refuse them."""
    for check in _CHECKS:
        for breach in check(terms):
            _refuse(breach)
    if maximum_annual_rate is not None and terms.annual_rate > maximum_annual_rate:
        percent = f"{maximum_annual_rate * 100:f}".rstrip("0").rstrip(".")
        _refuse(
            Breach(
                "rate_over_cap",
                "annual_rate",
                N_("The annual rate is over the cap of %(percent)s %%."),
                {"percent": percent},
            )
        )
    lowest = minimum_principal if minimum_principal is not None else ZERO
    if terms.principal < lowest:
        _refuse(
            Breach(
                "principal_too_small",
                "principal",
                N_("The principal must be at least %(minimum)s."),
                {"minimum": format_amount(lowest, currency=terms.currency)},
            )
        )
    if maximum_principal is not None and terms.principal > maximum_principal:
        _refuse(
            Breach(
                "principal_too_large",
                "principal",
                N_("The principal must be at most %(maximum)s."),
                {"maximum": format_amount(maximum_principal, currency=terms.currency)},
            )
        )
    return terms


def _refuse(breach: Breach) -> None:
    raise UnableToAgreeTerms(breach.code, breach.message, field=breach.field, params=breach.params)


def _check_money(terms: LoanTerms) -> Iterator[Breach]:
    if terms.currency not in CURRENCY:
        yield Breach("currency_unknown", "currency", N_("The currency is not supported."), {})
    amounts = [("principal", terms.principal)]
    amounts += [("fees", fee.amount) for fee in terms.fees]
    for name in ("period_cap", "expected_sales", "agreed_instalment"):
        if getattr(terms, name) is not None:
            amounts.append((name, getattr(terms, name)))
    for name, amount in amounts:
        if not is_money(amount, currency=terms.currency) or abs(amount) >= 10**12:
            yield Breach("amount_invalid", name, N_("Enter an amount such as 1500.00."), {})
    if terms.principal <= 0:
        yield Breach("principal_not_positive", "principal", N_("The principal must be more than zero."), {})
    if any(fee.amount < 0 or not _rate_ok(fee.rate) for fee in terms.fees):
        yield Breach("fee_invalid", "fees", N_("A fee cannot be negative."), {})
    kept = [fee for fee in terms.fees if fee.timing is FeeTiming.AT_PAYOUT]
    if sum((fee.amount + fee.rate * terms.principal for fee in kept), ZERO) >= terms.principal:
        yield Breach("fee_invalid", "fees", N_("The fees take the whole principal."), {})
    if terms.agreed_instalment is not None and terms.agreed_instalment <= 0:
        yield Breach("amount_invalid", "agreed_instalment", N_("Enter an amount such as 1500.00."), {})


def _rate_ok(rate: Any) -> bool:
    return isinstance(rate, Decimal) and rate.is_finite() and ZERO <= rate <= MAX_RATE


def _check_rates(terms: LoanTerms) -> Iterator[Breach]:
    for name in ("annual_rate", "penalty_rate", "sales_share"):
        if not _rate_ok(getattr(terms, name)):
            yield Breach(
                "rate_invalid",
                name,
                N_("The rate is an annual fraction such as 0.18, from 0 to 10."),
                {},
            )
    if terms.rounding not in _ROUNDINGS or terms.instalment_rounding not in (None, *_ROUNDINGS):
        yield Breach("rounding_invalid", "rounding", N_("The rounding is not known."), {})
    multiple = terms.instalment_multiple
    if multiple is not None and not (is_money(multiple, currency=terms.currency) and multiple > 0):
        yield Breach("multiple_invalid", "instalment_multiple", N_("Enter a multiple such as 1.00."), {})


def _check_counts(terms: LoanTerms) -> Iterator[Breach]:
    if not 1 <= terms.instalment_count <= MAX_INSTALMENTS:
        yield Breach(
            "term_out_of_range",
            "instalment_count",
            N_("The number of instalments is from 1 to %(maximum)s."),
            {"maximum": MAX_INSTALMENTS},
        )
    if not 1 <= terms.every <= 120:
        yield Breach("every_invalid", "every", N_("The step between due dates is from 1 to 120."), {})
    if terms.due_day is not None and not 1 <= terms.due_day <= 31:
        yield Breach("due_day_invalid", "due_day", N_("The due day is from 1 to 31."), {})
    for name in ("grace_days", "cooling_off_days"):
        if not 0 <= getattr(terms, name) <= 366:
            yield Breach(f"{name}_invalid", name, N_("The number of days is from 0 to 366."), {})
    for name in ("principal_grace_periods", "interest_grace_periods"):
        if not 0 <= getattr(terms, name) < max(terms.instalment_count, 1):
            yield Breach("grace_too_long", name, N_("The grace must end before the last instalment."), {})
    for name in ("allocation_order", "advance_order"):
        order = getattr(terms, name)
        if len(set(order)) != len(order) or (name == "allocation_order" and set(order) != set(DUE_ORDER)):
            yield Breach("order_invalid", name, N_("The order names each component once."), {})


def _check_parts(terms: LoanTerms) -> Iterator[Breach]:
    method, count = terms.repayment_method, terms.instalment_count
    weights = terms.step_weights
    if method is RepaymentMethod.STEP and (
        len(weights) != count or any(not w.is_finite() or w < 0 for w in weights) or not sum(weights, ZERO)
    ):
        yield Breach("steps_invalid", "step_weights", N_("Give one weight for each instalment."), {})
    parts = terms.custom_principals
    if method is RepaymentMethod.CUSTOM and (
        len(parts) != count
        or any(not is_money(part, currency=terms.currency) or part < 0 for part in parts)
        or sum(parts, ZERO) != terms.principal
    ):
        yield Breach(
            "custom_principals_invalid",
            "custom_principals",
            N_("Give one amount for each instalment; they add up to the principal."),
            {},
        )
    if method is RepaymentMethod.SALES_SHARE and not ZERO < terms.sales_share <= 1:
        yield Breach("rate_invalid", "sales_share", N_("The share of sales is from 0 to 1."), {})
    if terms.expected_sales is not None and terms.expected_sales < ZERO:
        yield Breach("amount_invalid", "expected_sales", N_("Enter an amount such as 1500.00."), {})


def _check_dates(terms: LoanTerms) -> Iterator[Breach]:
    order = N_("The dates are in the wrong order.")
    if not 1900 <= terms.start_date.year < MAX_YEAR:
        yield Breach("date_out_of_range", "start_date", N_("The date is out of range."), {})
    first = terms.first_due_date
    if first is not None and not terms.start_date <= first <= terms.start_date + timedelta(days=3660):
        yield Breach("dates_in_wrong_order", "first_due_date", order, {})
    custom = terms.custom_due_dates
    if terms.frequency is Frequency.CUSTOM and len(custom) != terms.instalment_count:
        yield Breach(
            "custom_due_dates_invalid",
            "custom_due_dates",
            N_("Give one due date for each instalment."),
            {},
        )
    if custom and len(custom) != terms.instalment_count:
        yield Breach(
            "custom_due_dates_invalid",
            "custom_due_dates",
            N_("Give one due date for each instalment."),
            {},
        )
    if custom and (custom[0] < terms.start_date or custom[-1].year >= MAX_YEAR):
        yield Breach("dates_in_wrong_order", "custom_due_dates", order, {})
    if any(a >= b for a, b in pairwise(custom)):
        yield Breach("dates_in_wrong_order", "custom_due_dates", order, {})
    yield from _check_series(due_dates(terms), terms.start_date)


def _check_series(series: list[date], start: date) -> Iterator[Breach]:
    if series[0] < start or any(a > b for a, b in pairwise(series)):
        yield Breach("dates_in_wrong_order", "first_due_date", N_("The dates are in the wrong order."), {})


_CHECKS: Final[tuple[Callable[[LoanTerms], Iterator[Breach]], ...]] = (
    _check_money,
    _check_rates,
    _check_counts,
    _check_parts,
    _check_dates,
)

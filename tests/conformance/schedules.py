"""Answer the schedule cases."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from ledger.domain.money import HALF_EVEN, HALF_UP, Rounding
from loans.domain.day_count import has_29_february, year_fraction
from loans.domain.schedule import ScheduledInstalment, build_schedule
from loans.domain.terms import DayCount, Frequency, LoanTerms, RepaymentMethod
from loans.domain.validation import validate_terms
from tests.conformance.conventions import UnknownKind, UnsupportedCase

METHODS = {
    "equal_instalment": RepaymentMethod.EQUAL_INSTALMENT,
    "equal_instalment_totals": RepaymentMethod.EQUAL_INSTALMENT,
    "equal_instalment_level_only": RepaymentMethod.EQUAL_INSTALMENT,
    "equal_principal": RepaymentMethod.EQUAL_PRINCIPAL,
    "interest_only_then_bullet": RepaymentMethod.INTEREST_FIRST,
    "bullet": RepaymentMethod.BULLET,
    "bullet_simple_interest": RepaymentMethod.BULLET,
    "flat_interest": RepaymentMethod.FLAT,
}
GRACE = re.compile(r"grace_principal_(\d+)(?:_interest_deferred_(\d+))?(?:_then_(\w+))?")


def refuse_conventions(case: dict[str, Any]) -> None:
    """Raise for a convention of the table; a case that a textbook engine reproduces rests on none."""
    if case.get("plain_engine_ok"):
        return
    conventions, inputs = case.get("conventions") or {}, case["inputs"]
    text = str(conventions)
    day_count = str(inputs.get("day_count", ""))
    method = case["method"]
    if conventions.get("equalising_step_applied"):
        raise UnsupportedCase("equalising_step")
    if "year-split" in text or "31 Dec" in text:
        raise UnsupportedCase("year_split_31_december")
    if "364" in day_count:
        raise UnsupportedCase("year_of_364_days")
    if "NO per-period rounding" in text or "none (Excel double)" in text:
        raise UnsupportedCase("no_rounding")
    if "pushed into the LAST INTEREST" in text:
        raise UnsupportedCase("residue_in_last_interest")
    if "bisection" in text and case.get("level_payment_closed_form_half_up") != case["expected"].get(
        "level_payment"
    ):
        raise UnsupportedCase("level_by_search")
    if method == "irregular_first_period_interest" and inputs.get("treatment", "") != "added-to-first":
        raise UnsupportedCase("odd_days_spread")
    if method == "bullet_discount":
        raise UnsupportedCase("discount_instrument")


def read_day_count(inputs: dict[str, Any], dates: list[date]) -> DayCount:
    """Return the day count that a case names in words."""
    name = str(inputs.get("day_count", "R/12")).lower()
    if "feb_29" in name:
        if any(has_29_february(a, b) for a, b in zip(dates, dates[1:], strict=False)):
            raise UnsupportedCase("feb_29_period_only")
        return DayCount.ACT_365F
    if "nominal" in name or name.startswith("r/12"):
        return DayCount.THIRTY_360_NOMINAL
    if name.startswith("actual/actual"):
        return DayCount.ACT_ACT_ISDA
    if name.startswith(("actual/365", "actual days x daily")):
        return DayCount.ACT_365F
    if name.startswith("actual/360"):
        return DayCount.ACT_360
    if "us" in name or name.startswith("30/360 us"):
        return DayCount.THIRTY_US_360
    if name.startswith("30/360"):
        return DayCount.THIRTY_360_BOND
    raise UnknownKind


def read_terms(case: dict[str, Any]) -> LoanTerms:
    """Turn the inputs of a case into terms."""
    inputs, method = case["inputs"], case["method"]
    grace = GRACE.match(method)
    name = (grace.group(3) or "equal_instalment") if grace else method
    if name not in METHODS:
        raise UnknownKind
    start = date.fromisoformat(
        inputs.get("disbursement_date")
        or inputs.get("disbursement_date_example")
        or inputs.get("from")
        or "2024-01-01"
    )
    listed = inputs.get("due_dates") or inputs.get("due_dates_example") or []
    if "to" in inputs:
        listed = [inputs["to"]]
    dates = [date.fromisoformat(day) for day in listed]
    text = str(case.get("conventions") or "")
    multiple = re.search(r"multiple of ([\d.]+)", text)
    unit = inputs.get("currency_unit")
    currency = "JPY" if unit == "1" else "CNY"
    return LoanTerms(
        currency=currency,
        principal=Decimal(inputs["principal"]),
        annual_rate=read_rate(inputs),
        repayment_method=METHODS[name],
        instalment_count=int(inputs.get("n", 1)),
        start_date=start,
        frequency=Frequency.WEEKLY if inputs.get("unit") == "WEEKS" else Frequency.MONTHLY,
        every=int(inputs.get("every", 1)),
        day_count=read_day_count(inputs, [start, *dates]),
        rounding=read_rounding(text),
        instalment_rounding=HALF_UP if "payment:" in text else None,
        instalment_multiple=Decimal(multiple.group(1)) if multiple else None,
        custom_due_dates=tuple(dates),
        principal_grace_periods=int(grace.group(1)) if grace else 0,
        interest_grace_periods=int(grace.group(2) or 0) if grace else 0,
    )


def read_rounding(text: str) -> str:
    if "interest: rounded down" in text:
        return Rounding.DOWN
    return HALF_EVEN if "HALF_EVEN" in text and "HALF_UP or" not in text else HALF_UP


def read_rate(inputs: dict[str, Any]) -> Decimal:
    if inputs.get("annual_rate") is not None:
        return Decimal(inputs["annual_rate"])
    if inputs.get("annual_rate_percent") is not None:
        return Decimal(inputs["annual_rate_percent"]) / 100
    return Decimal(inputs["daily_rate_percent"]) * 365 / 100


def write_row(row: ScheduledInstalment) -> dict[str, Any]:
    return {
        "n": row.number,
        "due": row.due_date.isoformat(),
        "principal": row.principal,
        "interest": row.interest,
        "total": row.total,
        "balance": row.balance_after,
    }


def answer(case: dict[str, Any]) -> dict[str, Any]:
    """Answer one case with every figure that a case may ask for."""
    refuse_conventions(case)
    terms = read_terms(case)
    schedule = build_schedule(
        terms if terms.custom_due_dates[:1] == (terms.start_date,) else validate_terms(terms)
    )
    rows = [write_row(row) for row in schedule]
    wanted = {row["n"] for row in case["expected"].get("rows_partial") or ()}
    interest = sum((row.interest for row in schedule), Decimal(0))
    found: dict[str, Any] = {
        "rows": rows,
        "rows_partial": [row for row in rows if row["n"] in wanted],
        "level_payment": schedule[0].total,
        "last_payment": schedule[-1].total,
        "total_interest": interest,
        "totals": {
            "principal": terms.principal,
            "interest": interest,
            "total": terms.principal + interest,
        },
    }
    if case["method"] == "bullet_simple_interest":
        years = year_fraction(terms.day_count, terms.start_date, terms.custom_due_dates[0])
        exact = terms.principal * terms.annual_rate * years.numerator / years.denominator
        found |= {"interest_unrounded": exact, "interest_2dp": interest}
    return found

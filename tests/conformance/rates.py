"""Answer the annual-rate cases. Flows that are written in words are read by a small grammar."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from loans.domain import annual_rate as ar
from loans.domain.calendar import add_months
from loans.domain.day_count import days_30_360_bond
from tests.conformance.conventions import UnknownKind, UnsupportedCase

SIX = Decimal("0.000001")
CENT = Decimal("0.01")
NUMBER = r"-?\d+(?:\.\d+)?"


def answer(case: dict[str, Any]) -> dict[str, Any]:
    """Answer one case by its kind."""
    reader = READERS.get(case["kind"])
    if reader is None:
        raise UnknownKind
    return reader(case)


def percent(rate: Decimal) -> dict[str, Any]:
    return {"apr_percent": rate * 100}


def read_payments(text: str) -> list[Decimal]:
    """Read `250 then 23 x 230 monthly`, `250, 22 x 230, 280` and the like."""
    payments: list[Decimal] = []
    text = re.sub(r"(monthly|quarterly|weekly|daily|every \d+ weeks?)", "", text)
    for part in re.split(r"\bthen\b|,|;|\+(?=\s*\d)", text):
        part = part.strip()
        many = re.fullmatch(rf"(\d+)\s*x\s*({NUMBER})", part)
        if many:
            payments += [Decimal(many.group(2))] * int(many.group(1))
        elif re.fullmatch(NUMBER, part):
            payments.append(Decimal(part))
        elif part:
            raise UnsupportedCase("words_only")
    return payments


# -- United States -------------------------------------------------------------------------------------


def unit_of(per_year: Fraction) -> ar.UnitPeriod:
    if per_year in (365, 364, 366):
        return ar.UnitPeriod(days=1)
    if per_year == 52:
        return ar.UnitPeriod(days=7)
    if per_year == 26:
        return ar.UnitPeriod(days=14)
    if per_year == 13:
        return ar.UnitPeriod(days=28)
    if per_year == 24:
        raise UnsupportedCase("words_only")
    return ar.UnitPeriod(months=int(12 / per_year))


def appendix_j(case: dict[str, Any]) -> dict[str, Any]:
    inputs = case["inputs"]
    advance = Decimal(inputs["amount_advanced"])
    payments = read_payments(inputs["payments"])
    start, first = read_dates(case)
    if len(payments) == 1:
        return percent(ar.us_apr([(start, advance), (first, -payments[0])], ar.UnitPeriod(months=1)))
    unit = unit_of(Fraction(Decimal(inputs["unit_periods_per_year"])))
    days = [
        add_months(first, unit.months * i) if unit.months else first + timedelta(days=unit.days * i)
        for i in range(len(payments))
    ]
    flows = [(start, advance), *((d, -p) for d, p in zip(days, payments, strict=True))]
    return percent(ar.us_apr(flows, unit))


def read_dates(case: dict[str, Any]) -> tuple[date, date]:
    inputs = case["inputs"]
    first = inputs.get("first_payment") or inputs.get("payment_date")
    if "advance_date" in inputs and first:
        return date.fromisoformat(inputs["advance_date"]), date.fromisoformat(first)
    named = re.findall(r"\d{1,2} [A-Z][a-z]{2} \d{4}", case.get("title", ""))
    if len(named) != 2:
        raise UnsupportedCase("words_only")
    start, end = (datetime.strptime(text, "%d %b %Y").date() for text in named)
    return start, end


# -- European Union ------------------------------------------------------------------------------------


def eu_drawn(text: str) -> tuple[Decimal, str]:
    """Read what reaches the borrower, and return the rest of the text."""
    drawn = re.search(rf"({NUMBER}) drawn,?\s*(?:({NUMBER})\+)?({NUMBER}) (?:fee|retained)[^;]*;", text)
    if drawn is None:
        raise UnsupportedCase("words_only")
    received = Decimal(drawn.group(1)) - Decimal(drawn.group(2) or 0) - Decimal(drawn.group(3))
    return received, text[drawn.end() :].strip()


def eu(case: dict[str, Any]) -> dict[str, Any]:
    received, text = eu_drawn(case["inputs"]["flows"])
    signed = re.search(r";?\s*signed (\S+?),? first (\S+)", text)
    start, first = date(2012, 1, 1), None
    if signed:
        start = date.fromisoformat(signed.group(1))
        first = date.fromisoformat(signed.group(2))
        text = text[: signed.start()]
    months = eu_months(text)
    flows = [(start, received)]
    for month, payment in months:
        day = add_months(first, month - 1) if first else add_months(start, month)
        flows.append((day, -payment))
    return percent(ar.eu_aprc(flows))


def eu_months(text: str) -> list[tuple[int, Decimal]]:
    """Read the payments after the drawdown as (month, amount)."""
    step = re.fullmatch(rf"12 x ({NUMBER}),? then ([+-]\d+)% each year.*", text)
    if step:
        return stepped(Decimal(step.group(2)) / 100, years=20)
    if "as ex.14" in text:
        cleared = re.search(r"month (\d+)", text)
        return minimum_payments(cleared_in=int(cleared.group(1)) if cleared else None)
    at = re.search(rf"\+?\s*({NUMBER}) at month (\d+)", text)
    flows: list[tuple[int, Decimal]] = []
    if at:
        flows.append((int(at.group(2)), Decimal(at.group(1))))
        text = (text[: at.start()] + text[at.end() :]).strip()
    payments = read_payments(text)
    if len(payments) > 1 and re.search(r"6 x .*234 x .*, \d+$", text):
        # the principal comes with the last instalment, not a month later
        last = payments.pop()
        payments[-1] += last
    return sorted([*flows, *enumerate(payments, start=1)])


def stepped(step: Decimal, *, years: int) -> list[tuple[int, Decimal]]:
    """Repay 200000 at 6 % with instalments that change each year: the first exact, each then rounded."""
    sizes = [(1 + step) ** ((month - 1) // 12) for month in range(1, years * 12 + 1)]
    worth = sum(size / Decimal("1.005") ** month for month, size in enumerate(sizes, start=1))
    first = 200000 / worth
    return [
        (month, (first * size).quantize(CENT, ROUND_HALF_UP)) for month, size in enumerate(sizes, start=1)
    ]


def minimum_payments(*, cleared_in: int | None) -> list[tuple[int, Decimal]]:
    """Pay the interest and 2 % of the balance each month, at least 100, until it is cleared.

    The balance is carried unrounded and each payment is rounded for itself, as the source does.
    """
    balance, flows, month = Decimal(200000), [], 0
    while balance > CENT:
        month += 1
        owed = balance * Decimal("1.005")
        payment = max(owed - balance * Decimal("0.98"), Decimal(100))
        if month == cleared_in or payment > owed:
            payment = owed
        balance = owed - payment
        flows.append((month, payment.quantize(CENT, ROUND_HALF_UP)))
    return flows


def eu_calendar(case: dict[str, Any]) -> dict[str, Any]:
    received, paid = case["inputs"]["flows"].split("->")
    payments = read_payments(paid)
    years = re.search(r"after ([\d and,]+) years", case.get("title", ""))
    days = re.search(r"after ([\d and,]+) days", case.get("title", ""))
    words = years or days
    if words is None:
        raise UnsupportedCase("words_only")
    unit = 1 if years else 365
    times = [Fraction(int(n), unit) for n in re.findall(r"\d+", words.group(1))]
    if len(times) != len(payments):
        raise UnsupportedCase("words_only")
    flows = [(Fraction(0), Decimal(received.strip()))]
    flows += [(t, -p) for t, p in zip(times, payments, strict=True)]
    return percent(ar.effective_rate(flows))


# -- United Kingdom ------------------------------------------------------------------------------------

A_DAY = date(2024, 1, 1)


def uk(case: dict[str, Any], days_in_year: Decimal | int = 365) -> dict[str, Any]:
    inputs = case["inputs"]
    if isinstance(inputs.get("flows"), str):
        return eu_calendar(case)
    listed = inputs.get("flows") or [[inputs["payment"], inputs["days"]]]
    flows = [(A_DAY, Decimal(inputs["principal"]))]
    flows += [(A_DAY + timedelta(days=int(day)), -Decimal(amount)) for amount, day in listed]
    return percent(ar.xirr(flows, days_in_year=days_in_year))


def uk_monthly(case: dict[str, Any]) -> dict[str, Any]:
    inputs = case["inputs"]
    received, paid = Decimal(inputs["principal"]), Decimal(inputs["payment"])
    return percent(ar.effective_rate([(0, received), (Fraction(int(inputs["months"]), 12), -paid)]))


def effective_30_360(case: dict[str, Any]) -> dict[str, Any]:
    match = re.fullmatch(rf"({NUMBER})-({NUMBER}); (.*)", case["inputs"]["flows"])
    if match is None:
        raise UnsupportedCase("words_only")
    payments = read_payments(match.group(3))
    flows = [(Fraction(0), Decimal(match.group(1)) - Decimal(match.group(2)))]
    for index, payment in enumerate(payments, start=1):
        days = days_30_360_bond(A_DAY, add_months(A_DAY, index))
        flows.append((Fraction(days, 360), -payment))
    return percent(ar.effective_rate(flows))


# -- spreadsheets and conversions ------------------------------------------------------------------------


def irr(case: dict[str, Any]) -> dict[str, Any]:
    return {"rate": ar.internal_rate([Decimal(str(v)) for v in case["inputs"]["values"]])}


def dated(case: dict[str, Any]) -> dict[str, Any]:
    inputs = case["inputs"]
    days = [date.fromisoformat(day) for day in inputs["dates"]]
    amounts = [Decimal(str(value)) for value in inputs["values"]]
    return {"rate": ar.xirr(list(zip(days, amounts, strict=True)))}


def nominal(case: dict[str, Any]) -> dict[str, Any]:
    inputs = case["inputs"]
    return {"rate": ar.nominal_from_effective(Decimal(inputs["effective"]), int(inputs["npery"]))}


def effect(case: dict[str, Any]) -> dict[str, Any]:
    inputs = case["inputs"]
    return {"rate": ar.effective_from_nominal(Decimal(inputs["nominal"]), int(inputs["npery"]))}


def level(case: dict[str, Any]) -> dict[str, Any]:
    inputs = case["inputs"]
    found = ar.level_rate(
        periods=int(inputs["nper"]),
        payment=Decimal(str(inputs["pmt"])),
        present=Decimal(str(inputs["pv"])),
    )
    return {"rate": found}


def conversion(case: dict[str, Any]) -> dict[str, Any]:
    """Read what the title says: a day's part, the overdue multiple, or a float up or down."""
    annual, title = Decimal(case["inputs"]["annual"]), case["title"]
    per_day = re.search(r"/(36\d) per day", title)
    overdue = re.search(r"(\d+)% of contract", title)
    floated = re.search(r"floated ([+-]\d+)%", title)
    if per_day:
        value = annual / int(per_day.group(1))
    elif overdue:
        value = annual * int(overdue.group(1)) / 100
    elif floated:
        value = annual * (100 + int(floated.group(1))) / 100
    else:
        raise UnsupportedCase("words_only")
    return {"value": value.quantize(SIX, ROUND_HALF_UP)}


READERS = {
    "us_appendix_j": appendix_j,
    "eu_aprc": eu,
    "eu_apr_calendar": eu_calendar,
    "uk_conc_365": uk,
    "uk_365_25": lambda case: uk(case, Decimal("365.25")),
    "uk_monthly": uk_monthly,
    "effective_30360": effective_30_360,
    "irr": irr,
    "xirr": dated,
    "nominal": nominal,
    "effect": effect,
    "rate": level,
    "rate_conversion": conversion,
}

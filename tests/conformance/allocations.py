"""Answer the allocation cases by folding their payments."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from ledger.domain.money import HALF_EVEN, ZERO
from loans.domain.calendar import add_months
from loans.domain.engine import InstalmentState, LoanState, fold, payoff_quote
from loans.domain.events import EventKind, LoanEvent
from loans.domain.quotes import quote
from loans.domain.schedule import build_schedule
from loans.domain.terms import (
    Component,
    DayCount,
    EarlyInterest,
    Frequency,
    InterestRounding,
    LoanTerms,
    OverdueInterest,
    PrepaymentPolicy,
    RepaymentMethod,
    Rest,
)
from tests.conformance.conventions import UnknownKind, UnsupportedCase

RULES = {
    "NEXT": PrepaymentPolicy.PAY_AHEAD,
    "LAST": PrepaymentPolicy.FEWER_INSTALMENTS,
    "REAMORTIZATION": PrepaymentPolicy.SMALLER_INSTALMENTS,
}


class History:
    """Collect events in the order in which a case tells them."""

    def __init__(self) -> None:
        self.events: list[LoanEvent] = []

    def add(self, kind: EventKind, day: date, amount: Any = "0", **data: Any) -> str:
        number = len(self.events) + 1
        event = LoanEvent(kind, day, f"e{number}", number, day, Decimal(str(amount)), data)
        self.events.append(event)
        return event.ref


def answer(case: dict[str, Any]) -> dict[str, Any]:
    """Answer one case by its kind."""
    if case.get("verified") is False:
        raise UnsupportedCase("not_reproduced")
    kind = case["kind"]
    reader = READERS.get(kind)
    if reader is None:
        raise UnknownKind
    return reader(case)


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _order(names: list[str]) -> tuple[Component, ...]:
    return tuple(Component(name) for name in names)


# -- fixed instalments without interest ---------------------------------------------------------------------


def fixed_terms(inputs: dict[str, Any]) -> LoanTerms:
    rows = inputs["instalments"]
    if Decimal(inputs["annual_rate_percent"]) or any(Decimal(row.get("interest", "0")) for row in rows):
        raise UnsupportedCase("interest_beforehand")
    first = min(_day(row["due_date"]) for row in rows)
    listed = inputs.get("repayments") or inputs.get("payments") or []
    earliest = min([first, *(_day(p["date"]) for p in listed)])
    start = _day(inputs["disbursement_date"]) if "disbursement_date" in inputs else earliest
    due = inputs.get("order_due_items") or ["penalty", "fee", "interest", "principal"]
    ahead = inputs.get("order_in_advance_items") or ["principal", "penalty", "fee", "interest"]
    return LoanTerms(
        principal=Decimal(inputs["disbursed"]),
        annual_rate=ZERO,
        repayment_method=RepaymentMethod.CUSTOM,
        instalment_count=len(rows),
        start_date=start,
        custom_due_dates=tuple(_day(row["due_date"]) for row in rows),
        custom_principals=tuple(Decimal(row["principal"]) for row in rows),
        allocation_order=_order(due),
        advance_order=_order(ahead),
    )


def fixed_case(case: dict[str, Any]) -> dict[str, Any]:
    inputs = case["inputs"]
    terms = fixed_terms(inputs)
    history = History()
    history.add(EventKind.PAYOUT, terms.start_date, terms.principal)
    for charge in inputs.get("charges", ()):
        history.add(
            EventKind.FEE,
            terms.start_date,
            charge["amount"],
            component=charge["kind"],
            due_date=charge["due_date"],
        )
    payments = list(inputs.get("repayments") or inputs["payments"])
    if inputs.get("down_payment_auto_paid"):
        first = inputs["instalments"][0]
        payments.insert(0, {"date": first["due_date"], "amount": first["principal"]})
    for payment in payments:
        rule = payment.get("future_rule")
        data = {"prepayment": RULES[rule].value} if rule else {}
        history.add(EventKind.REPAYMENT, _day(payment["date"]), payment["amount"], **data)
    last = max(_day(p["date"]) for p in payments)
    state = fold(terms, history.events, value_date=last)
    rows = [write_row(state, row) for row in state.instalments]
    expected = case["expected"].get("repayments") or [{}]
    found = write_repayments(state, terms.principal)
    for index, row in enumerate(found):
        row["type"] = expected[min(index, len(expected) - 1)].get("type")
    return {"repayments": found, "instalments_after": rows}


def write_repayments(state: LoanState, principal: Decimal) -> list[dict[str, Any]]:
    """Write what each repayment paid, with the principal before and after."""
    written = []
    for allocation in state.allocations:
        if allocation.kind != EventKind.REPAYMENT:
            continue
        applied = allocation.applied
        written.append(
            {
                "date": allocation.value_date.isoformat(),
                "amount": allocation.amount,
                "principal_before": principal,
                "principal": applied.principal,
                "interest": applied.interest,
                "fee": applied.fee,
                "penalty": applied.penalty,
                "principal_after": principal - applied.principal,
            }
        )
        principal -= applied.principal
    return written


def write_row(state: LoanState, row: InstalmentState) -> dict[str, Any]:
    """Write one instalment with what was paid before and after its due date."""
    ahead = late = ZERO
    for allocation in state.allocations:
        for number, parts in allocation.parts:
            if number != row.number:
                continue
            if allocation.value_date < row.due_date:
                ahead += parts.total
            elif allocation.value_date > row.due_date:
                late += parts.total
    return {
        "n": row.number,
        "due_date": row.due_date.isoformat(),
        "principal": row.due.principal,
        "interest": row.due.interest,
        "total": row.due.total,
        "balance": row.balance_after,
        "due": row.due.total,
        "paid": row.paid.total,
        "in_advance": ahead,
        "late": late,
        "outstanding": row.outstanding.total,
    }


# -- interest recalculated by the day ------------------------------------------------------------------------


def recalculated(case: dict[str, Any]) -> dict[str, Any]:
    inputs = case["inputs"]
    order = [Component(name) for name in inputs["order"]]
    to_end = "end of the running period" in inputs.get("preclose_interest", "")
    # In the source a rest of a period shows only where early interest runs to the rest date as well.
    by_period = to_end and "period" in inputs.get("recalculation_rest", "daily")
    terms = LoanTerms(
        principal=Decimal(inputs["principal"]),
        annual_rate=Decimal(inputs["annual_rate_percent"]) / 100,
        repayment_method=RepaymentMethod.EQUAL_INSTALMENT,
        instalment_count=int(inputs["n"]),
        start_date=_day(inputs["disbursement_date"]),
        day_count=DayCount.THIRTY_360_NOMINAL,
        rounding=HALF_EVEN,
        overdue_interest=(
            OverdueInterest.CONTINUES
            if inputs.get("overdue_principal_accrues")
            else OverdueInterest.PENALTY_ONLY
        ),
        allocation_order=(Component.PENALTY, Component.FEE, *order),
        advance_order=tuple(order),
        prepayment_policy=RULES[inputs["future_rule"]],
        rest=Rest.PERIOD if by_period else Rest.DAILY,
        early_interest=EarlyInterest.TO_PERIOD_END if to_end else EarlyInterest.TO_DAY,
    )
    history = History()
    history.add(EventKind.PAYOUT, terms.start_date, terms.principal)
    for payment in inputs["payments"]:
        history.add(EventKind.REPAYMENT, _day(payment["date"]), payment["amount"])
    state = fold(terms, history.events, value_date=_day(inputs["as_of"]))
    return {
        "level_instalment_before": build_schedule(terms)[0].total,
        "repayments": write_repayments(state, terms.principal),
        "rows_as_of": [write_row(state, row) for row in state.instalments],
    }


def recalculated_365(case: dict[str, Any]) -> dict[str, Any]:
    inputs = case["inputs"]
    day, amount = _day(inputs["payment"]["date"]), Decimal(inputs["payment"]["amount"])
    due = [_day(text) for text in inputs["due_dates"]]
    terms = LoanTerms(
        principal=Decimal(inputs["principal"]),
        annual_rate=Decimal(inputs["annual_rate_percent"]) / 100,
        repayment_method=RepaymentMethod.EQUAL_INSTALMENT,
        instalment_count=int(inputs["n"]),
        start_date=_day(inputs["disbursement_date"]),
        custom_due_dates=tuple(due),
        day_count=DayCount.ACT_365F,
        rounding=HALF_EVEN,
        instalment_multiple=Decimal(inputs["instalment_rounding_multiple"]),
        overdue_interest=OverdueInterest.CONTINUES,
        interest_rounding=InterestRounding.EACH_SEGMENT,
        advance_order=(Component.PRINCIPAL, Component.INTEREST),
    )
    # the contract's instalment is the annuity of even periods of thirty days
    even = replace(
        terms,
        custom_due_dates=(),
        frequency=Frequency.DAILY,
        every=30,
        interest_rounding=InterestRounding.ONCE,
    )
    terms = replace(terms, agreed_instalment=build_schedule(even)[0].total)
    level = build_schedule(terms)[0]
    if day < due[0] and amount > level.principal:
        raise UnsupportedCase("early_principal_as_instalment")
    history = History()
    history.add(EventKind.PAYOUT, terms.start_date, terms.principal)
    history.add(EventKind.REPAYMENT, day, amount)
    state = fold(terms, history.events, value_date=day)
    rows = [
        write_row(state, row) | {"days": (row.due_date - row.from_date).days} for row in state.instalments
    ]
    before = {"level_instalment": level.total, "balance": terms.principal}
    return {"before": before, "rows_after_payment": rows}


# -- single figures --------------------------------------------------------------------------------------------


def plain_terms(principal: str, *, count: int, start: date, **more: Any) -> LoanTerms:
    return LoanTerms(
        principal=Decimal(principal),
        annual_rate=more.pop("annual_rate", ZERO),
        repayment_method=more.pop("repayment_method", RepaymentMethod.EQUAL_PRINCIPAL),
        instalment_count=count,
        start_date=start,
        **more,
    )


def re_age(case: dict[str, Any]) -> dict[str, Any]:
    inputs = case["inputs"]
    first = _day(inputs.get("start", "2024-03-01"))
    multiple = inputs.get("rounding_multiple")
    terms = plain_terms(
        inputs["outstanding"],
        count=1,
        start=first - timedelta(days=90),
        first_due_date=first - timedelta(days=60),
        instalment_multiple=Decimal(multiple) if multiple else None,
    )
    history = History()
    history.add(EventKind.PAYOUT, terms.start_date, terms.principal)
    day = first - timedelta(days=1)
    history.add(EventKind.RE_AGE, day, instalment_count=int(inputs["n"]), first_due_date=first.isoformat())
    rows = [row for row in fold(terms, history.events, value_date=day).instalments if row.due.total]
    return {
        "instalments": [row.due.total for row in rows],
        "due_dates": [row.due_date.isoformat() for row in rows],
    }


def extension(case: dict[str, Any]) -> dict[str, Any]:
    inputs = case["inputs"]
    count = int(inputs["remaining_n_before"])
    first = _day(case["expected"]["due_dates"][0])
    terms = plain_terms(
        inputs["outstanding_from_2nd"],
        count=count,
        start=add_months(first, -1),
        first_due_date=first,
    )
    history = History()
    history.add(EventKind.PAYOUT, terms.start_date, terms.principal)
    history.add(EventKind.EXTENSION, terms.start_date, extra_instalments=int(inputs["extra_terms"]))
    rows = fold(terms, history.events, value_date=terms.start_date).instalments
    return {
        "instalments_from_2nd": [row.due.total for row in rows],
        "due_dates": [row.due_date.isoformat() for row in rows],
    }


def write_off_case(case: dict[str, Any]) -> dict[str, Any]:
    inputs = case["inputs"]
    payoff, paid = Decimal(inputs["payoff"]), Decimal(inputs["paid"])
    interest = payoff - 1_000_000
    terms = plain_terms(
        "1000000.00",
        count=1,
        start=date(2019, 10, 1),
        annual_rate=Decimal("0.135"),
        repayment_method=RepaymentMethod.FLEXIBLE,
        first_due_date=date(2020, 10, 1),
    )
    history = History()
    history.add(EventKind.PAYOUT, terms.start_date, terms.principal)
    day = terms.start_date
    while payoff_quote(terms, history.events, value_date=day).interest < interest:
        day += timedelta(days=1)
    history.add(EventKind.REPAYMENT, day, paid)
    before = fold(terms, history.events, value_date=day)
    history.add(EventKind.WRITE_OFF, day)
    after = fold(terms, history.events, value_date=day)
    applied = before.allocations[-1].applied
    return {
        "interest_paid": applied.interest,
        "principal_paid": applied.principal,
        "principal_after_payment": before.principal_outstanding,
        "principal_after_write_off": after.principal_outstanding,
    }


def waiver_case(case: dict[str, Any]) -> dict[str, Any]:
    inputs = case["inputs"]
    paid, day = Decimal(inputs["paid"]), _day(inputs["payment_date"])
    terms = plain_terms(
        inputs["principal"],
        count=1,
        start=_day(inputs["drawdown"]),
        annual_rate=Decimal(inputs["annual_rate_percent"]) / 100,
        repayment_method=RepaymentMethod.FLEXIBLE,
        first_due_date=add_months(_day(inputs["drawdown"]), 12),
    )
    history = History()
    history.add(EventKind.PAYOUT, terms.start_date, terms.principal)
    owed = payoff_quote(terms, history.events, value_date=day)
    history.add(EventKind.WAIVER, day, owed.total - paid, component="interest")
    history.add(EventKind.REPAYMENT, day, paid)
    state = fold(terms, history.events, value_date=day)
    return {
        "interest_accrued": owed.interest,
        "payoff": owed.total,
        "excess_amount": paid - owed.total,
        "interest_waived": state.waived.interest if state.status == "CLOSED" else None,
    }


def penalty_rate(case: dict[str, Any]) -> dict[str, Any]:
    inputs = case["inputs"]
    rate = Decimal(inputs["annual_rate_percent"]) / 100
    return {"overdue_rate": rate * Decimal(inputs["overdue_percentage"]) / 100}


def penalty_on_interest(case: dict[str, Any]) -> dict[str, Any]:
    raise UnsupportedCase("penalty_on_interest")


def simple_interest(case: dict[str, Any]) -> dict[str, Any]:
    inputs = case["inputs"]
    months = int(inputs.get("months", 0)) + 12 * int(inputs.get("years", 0))
    days = int(inputs.get("days", 0))
    start = date(2024, 1, 1)
    if days:
        day_count = DayCount.ACT_360
        end = start + timedelta(days=days)
    else:
        day_count = DayCount.THIRTY_360_BOND
        end = add_months(start, months)
    terms = plain_terms(
        inputs["principal"],
        count=1,
        start=start,
        annual_rate=Decimal(inputs["annual_rate_percent"]) / 100,
        repayment_method=RepaymentMethod.BULLET,
        first_due_date=end,
        day_count=day_count,
    )
    return {"interest": build_schedule(terms)[0].interest}


def overpaid(case: dict[str, Any]) -> dict[str, Any]:
    inputs = case["inputs"]
    terms = plain_terms(inputs["disbursed"], count=1, start=date(2024, 1, 1))
    history = History()
    history.add(EventKind.PAYOUT, terms.start_date, terms.principal)
    day, last = terms.start_date, ""
    for text in inputs["payments"]:
        day += timedelta(days=1)
        if "undo" in text:
            history.add(EventKind.REVERSAL, day, reverses=last)
        else:
            last = history.add(EventKind.REPAYMENT, day, text)
    state = fold(terms, history.events, value_date=day)
    return {
        "outstanding": state.principal_outstanding,
        "overpaid": state.credit,
        "status": "OVERPAID" if state.status == "CLOSED" and state.credit else state.status.value,
    }


def lumps(case: dict[str, Any]) -> dict[str, Any]:
    inputs = case["inputs"]
    start = date(2020, 1, 1)
    terms = plain_terms(
        inputs["principal"],
        count=int(inputs["n"]),
        start=start,
        annual_rate=Decimal(inputs["annual_rate_percent"]) / 100,
        repayment_method=RepaymentMethod.EQUAL_INSTALMENT,
        day_count=DayCount.THIRTY_360_NOMINAL,
        rounding=HALF_EVEN,
        prepayment_policy=PrepaymentPolicy.FEWER_INSTALMENTS,
    )
    history = History()
    history.add(EventKind.PAYOUT, start, terms.principal)
    level = build_schedule(terms)[0].total
    lumps_at = {int(k): Decimal(v) for k, v in inputs["lumps_with_instalment"].items()}
    for number in range(1, max(lumps_at) + 1):
        lump = lumps_at.get(number, ZERO)
        history.add(EventKind.REPAYMENT, add_months(start, number), level + lump)
    rows = fold(terms, history.events, value_date=add_months(start, max(lumps_at))).instalments
    paying = [row for row in rows if row.due.interest]
    before = quote(replace(terms), as_of=start).totals.interest
    return {
        "level_payment": level,
        "n_after": paying[-1].number,
        "last_principal": paying[-1].due.principal,
        "total_interest": sum((row.due.interest for row in rows), ZERO),
        "total_interest_before": before,
    }


READERS = {
    "allocation_order": fixed_case,
    "future_instalment_rule": fixed_case,
    "recalculation_payoff": recalculated,
    "recalculation_late_or_overdue": recalculated,
    "recalculation_early": recalculated,
    "payment_with_daily_recalculation_365": recalculated_365,
    "reage": re_age,
    "term_extension": extension,
    "shortfall_write_off": write_off_case,
    "small_difference_waiver": waiver_case,
    "penalty_after_partial_payment": penalty_on_interest,
    "penalty_rate": penalty_rate,
    "simple_interest": simple_interest,
    "overpayment": overpaid,
    "prepay_shorten_term": lumps,
}

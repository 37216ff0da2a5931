"""Lay out the rows of a loan: periods, weights, grace, and the fees of the terms."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from ledger.domain.money import ZERO
from loans.domain.book import Book
from loans.domain.calendar import due_dates
from loans.domain.day_count import period_scale
from loans.domain.rows import Charge, F, Row
from loans.domain.terms import FeeTiming, Frequency, LoanTerms, RepaymentMethod


def first_rows(terms: LoanTerms, start: date) -> list[Row]:
    """Build the rows of the terms; the first period starts with the money."""
    dates = due_dates(terms)
    rows = chain_rows(terms, start, dates, first_number=1, frequency=terms.frequency)
    for index, row in enumerate(rows):
        row.weight = row_weight(terms, index, len(rows))
        row.amortises = index >= terms.principal_grace_periods or index == len(rows) - 1
        row.defers = index < terms.interest_grace_periods and index < len(rows) - 1
        for fee in terms.fees:
            if fee.timing is FeeTiming.EACH_INSTALMENT:
                amount = _fee(terms, fee.amount, fee.rate)
                if amount:
                    row.charges.append(Charge(F, row.due_date, amount, optional=True))
    return rows


def chain_rows(
    terms: LoanTerms, start: date, dates: list[date], *, first_number: int, frequency: Frequency
) -> list[Row]:
    """Chain periods from a start through the due dates given."""
    rows: list[Row] = []
    periods = terms.every
    if terms.repayment_method in (RepaymentMethod.BULLET, RepaymentMethod.FLEXIBLE):
        periods = terms.every * terms.instalment_count
    at = start
    for offset, due in enumerate(dates):
        row = Row(first_number + offset, at, due)
        row.scale = period_scale(
            terms.day_count, at, due, frequency=frequency, periods=periods, termination=dates[-1]
        )
        rows.append(row)
        at = due
    return rows


def row_weight(terms: LoanTerms, index: int, count: int) -> Decimal:
    """Return a row's part of the principal, where the way of repaying has parts."""
    method = terms.repayment_method
    if method in (RepaymentMethod.EQUAL_PRINCIPAL, RepaymentMethod.FLAT):
        return Decimal(1)
    if method is RepaymentMethod.STEP and index < len(terms.step_weights):
        return terms.step_weights[index]
    if method is RepaymentMethod.CUSTOM and index < len(terms.custom_principals):
        return terms.custom_principals[index]
    return Decimal(1) if index == count - 1 else ZERO


def _fee(terms: LoanTerms, amount: Decimal, rate: Decimal) -> Decimal:
    return Book(terms).round(amount + terms.principal * rate)


def kept_fees(terms: LoanTerms, amount: Decimal) -> Decimal:
    """Return the fees kept back from the first payout."""
    kept = [f for f in terms.fees if f.timing is FeeTiming.AT_PAYOUT]
    return sum((_fee(terms, fee.amount, fee.rate) for fee in kept), ZERO)


def new_weight(terms: LoanTerms, index: int, count: int) -> Decimal:
    """Steps and custom amounts do not survive a reschedule: the rest is spread evenly."""
    if terms.repayment_method in (RepaymentMethod.STEP, RepaymentMethod.CUSTOM):
        return Decimal(1)
    return row_weight(terms, index, count)

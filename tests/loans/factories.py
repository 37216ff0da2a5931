"""Loans for tests, opened and paid out by the operations themselves: nothing here writes a table."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from accounts.models import BankAccount
from ledger.operations import open_books
from loans import operations
from loans.domain.events import EventKind, LoanEvent
from loans.domain.terms import LoanTerms, RepaymentMethod
from loans.models import Loan, LoanEventRow
from tests.factories import BankAccountFactory

START = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def terms(**values: Any) -> LoanTerms:
    """Return the terms of a loan of 1,200.00 over twelve months unless told otherwise."""
    known: dict[str, Any] = {
        "principal": Decimal("1200.00"),
        "annual_rate": Decimal("0.18"),
        "repayment_method": RepaymentMethod.EQUAL_INSTALMENT,
        "instalment_count": 12,
        "start_date": START,
        "penalty_rate": Decimal("0.24"),
        **values,
    }
    return LoanTerms(**known)


def open_loan(*, account: BankAccount | None = None, as_of: date = START, **values: Any) -> Loan:
    """Open a loan whose payout waits to be sent."""
    open_books(first_date=START)
    account = account or BankAccountFactory()
    agreed = terms(start_date=as_of, **values)
    return operations.open_loan(
        borrower_id=account.borrower_id,
        terms=agreed,
        bank_account_id=account.pk,
        reference=uuid.uuid4(),
        as_of=as_of,
    )


def confirm(loan: Loan, *, as_of: date = START) -> Loan:
    """Say for the bank that the money arrived."""
    operations.confirm_payout(
        payout_id=loan.payout.pk,
        provider_reference=f"bank-{loan.payout.gateway_reference}",
        amount=loan.payout.amount,
        currency=loan.currency,
        as_of=as_of,
        now=NOW,
    )
    loan.refresh_from_db()
    return loan


def active_loan(**values: Any) -> Loan:
    """Open a loan and pay it out on its first day."""
    loan = open_loan(**values)
    return confirm(loan, as_of=values.get("as_of", START))


def repay(
    loan: Loan, amount: str | Decimal, *, on: date, as_of: date | None = None, choice: str | None = None
) -> LoanEventRow:
    """Record a repayment, valued on a day and learned on another."""
    row = operations.record_repayment(
        loan_id=loan.pk,
        amount=Decimal(amount),
        value_date=on,
        reference=uuid.uuid4().hex,
        choice=choice,
        as_of=as_of or on,
    )
    loan.refresh_from_db()
    return row


def event(kind: EventKind, *, on: date, amount: str | Decimal = "0", **data: Any) -> LoanEvent:
    """Return an event to be added; its number and its day of learning are assigned there."""
    return LoanEvent(
        kind=kind,
        value_date=on,
        ref=uuid.uuid4().hex,
        sequence=0,
        recorded_date=on,
        amount=Decimal(amount),
        data=data,
    )

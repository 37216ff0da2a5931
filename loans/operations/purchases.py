"""Loans that pay for goods: the money is owed to the shop, and what the shop takes back was never lent."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from accounts.models import User
from loans.domain.events import THROUGH_MERCHANT, EventKind, LoanEvent
from loans.domain.terms import LoanTerms
from loans.domain.validation import validate_terms
from loans.models import Loan, LoanEventRow, Payout
from loans.operations.contracts import write_contract
from loans.operations.events import UnableToRecord, lock_loan, write_event
from loans.operations.payouts import start_refund
from regimes.errors import N_

AT_MERCHANT = "merchant"  # the gateway of a payout for which no money leaves the bank


def open_loan_at_merchant(
    *,
    borrower_id: int,
    terms: LoanTerms,
    bank_account_id: int | None,
    reference: uuid.UUID,
    as_of: date,
    now: datetime,
    portfolio: str = "",
) -> Loan:
    """Write a loan that pays for goods: its principal is owed to the shop from now on, and no order goes to the bank.

    The bank account is the borrower's: instalments are taken from it, and credit goes back to it.
    """
    validate_terms(terms)
    with transaction.atomic():
        loan, is_new = write_contract(
            borrower_id=borrower_id,
            terms=terms,
            bank_account_id=bank_account_id,
            reference=reference,
            as_of=as_of,
            portfolio=portfolio,
        )
        if not is_new:
            return loan
        payout = Payout.objects.create(
            loan=loan,
            amount=terms.principal,
            currency=terms.currency,
            gateway=AT_MERCHANT,
            status=Payout.Status.CONFIRMED,
            requested_date=as_of,
            done_at=now,
        )
        event = LoanEvent(
            kind=EventKind.PAYOUT,
            value_date=as_of,
            ref=payout.event_reference,
            sequence=0,
            recorded_date=as_of,
            amount=terms.principal,
            data={"through": THROUGH_MERCHANT},
        )
        write_event(loan=loan, event=event, as_of=as_of)
    return loan


def take_back_purchase(
    *, loan_id: int, amount: Decimal, reference: str, as_of: date, actor: User | None = None
) -> Loan:
    """Unlend what a shop took back, dated as the payout: the loan is then one of the smaller amount from its first day.

    Interest of that part was never earned, later payments are allocated anew, and what the borrower paid beyond
    the smaller debt is credit. The caller returns it by `return_credit` while it holds the lock.
    """
    with transaction.atomic():
        loan = lock_loan(loan_id=loan_id)
        paid_out = LoanEventRow.objects.filter(loan_id=loan.pk, kind=EventKind.PAYOUT.value).first()
        if paid_out is None or paid_out.data.get("through") != THROUGH_MERCHANT:
            raise UnableToRecord("not_a_purchase", N_("This loan did not pay for goods."))
        event = LoanEvent(
            kind=EventKind.PURCHASE_RETURN,
            value_date=paid_out.value_date,
            ref=f"return:{reference}"[:64],
            sequence=0,
            recorded_date=as_of,
            amount=amount,
            data={"through": THROUGH_MERCHANT},
        )
        # the shop's refund is of today; only its effect reaches back, so a closed period does not forbid it
        write_event(loan=loan, event=event, as_of=as_of, actor=actor, allow_closed_period=True)
    return loan


def return_credit(*, loan: Loan, reference: str, as_of: date) -> Payout | None:
    """Order the credit of a settled loan back to its borrower; None while there is none to return.

    Credit of a loan that runs is used for what falls due, so it stays. The caller has locked the loan.
    """
    if loan.status != Loan.Status.CLOSED or loan.credit_balance <= 0 or loan.bank_account_id is None:
        return None
    return start_refund(
        loan_id=loan.pk, amount=loan.credit_balance, reference=f"return:{reference}"[:64], as_of=as_of
    )

"""Send the principal to the borrower, once."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from accounts.operations import queue_notice
from loans.domain.events import EventKind, LoanEvent
from loans.gateways import gateway
from loans.gateways.base import Outcome, Receipt
from loans.models import Loan, LoanEventRow, Payout
from loans.operations import movements
from loans.operations.contracts import cancel_loan
from loans.operations.events import lock_loan, write_event
from regimes.errors import N_, Refusal


def send_payout(*, payout_id: int, now: datetime, as_of: date) -> str | None:
    """Claim a payout, call the gateway outside any transaction, and write down what it said.

    Return the payout's status, or None if somebody else has it or nothing is due.
    """
    claimed = movements.claim(Payout, pk=payout_id, now=now)
    if claimed is None:
        return None
    payout, asks_first = claimed
    receipt = movements.call(
        Payout, payout, asks_first=asks_first, order=gateway(payout.gateway).pay_out, now=now
    )
    if receipt is not None:
        _apply(payout, receipt, now=now, as_of=as_of)
    return Payout.objects.values_list("status", flat=True).get(pk=payout_id)


def _apply(payout: Payout, receipt: Receipt, *, now: datetime, as_of: date) -> None:
    if receipt.outcome is Outcome.ACCEPTED:
        movements.note_accepted(Payout, pk=payout.pk, provider_reference=receipt.provider_reference, now=now)
        return
    try:
        if receipt.outcome is Outcome.SUCCEEDED:
            confirm_payout(
                payout_id=payout.pk,
                provider_reference=receipt.provider_reference,
                amount=receipt.amount,
                currency=receipt.currency,
                as_of=as_of,
                now=now,
            )
        else:
            refuse_payout(payout_id=payout.pk, reason=receipt.reason, as_of=as_of, now=now)
    except Refusal as refusal:
        movements.release(Payout, payout, now=now, status="PARKED", error=refusal.code)


def confirm_payout(
    *, payout_id: int, provider_reference: str, amount: Decimal, currency: str, as_of: date, now: datetime
) -> Payout:
    """Make the loan active and post its journal, in one transaction; a repeat changes nothing."""
    loan_id = Payout.objects.values_list("loan_id", flat=True).get(pk=payout_id)
    with transaction.atomic():
        loan = lock_loan(loan_id=loan_id)
        payout = movements.lock_movement(Payout, pk=payout_id)
        if movements.check_same(
            payout, provider_reference=provider_reference, amount=amount, currency=currency
        ):
            return payout
        if not _paid_out(loan):
            # the plan counts from the day of the money; a confirmation after the first due date keeps the day of the order
            first_due = loan.instalments.order_by("number").values_list("due_date", flat=True).first()
            late = first_due is not None and first_due < as_of
            event = LoanEvent(
                kind=EventKind.PAYOUT,
                value_date=payout.requested_date if late else as_of,
                ref=f"payout:{payout.gateway_reference}",
                sequence=0,
                recorded_date=as_of,
                amount=loan.principal,
            )
            write_event(loan=loan, event=event, as_of=as_of, allow_closed_period=True)
        movements.settle(payout, status="CONFIRMED", now=now, provider_reference=provider_reference)
        queue_notice(
            borrower_id=loan.borrower_id,
            kind="payout_arrived",
            dedup_key=f"payout:{payout.gateway_reference}",
            params={"amount": f"{payout.amount:.2f}", "loan_ref": str(loan.ref)},
        )
    return payout


def _paid_out(loan: Loan) -> bool:
    return LoanEventRow.objects.filter(loan_id=loan.pk, kind=EventKind.PAYOUT.value).exists()


def refuse_payout(*, payout_id: int, reason: str, as_of: date, now: datetime) -> Payout:
    """Cancel the loan of a payout that the bank refused for good; a repeat changes nothing."""
    loan_id = Payout.objects.values_list("loan_id", flat=True).get(pk=payout_id)
    with transaction.atomic():
        loan = lock_loan(loan_id=loan_id)
        payout = movements.lock_movement(Payout, pk=payout_id)
        if payout.status == "REFUSED":
            return payout
        if payout.status == "CONFIRMED":
            raise movements.UnableToSettle("outcome_contradicts", N_("The gateway had confirmed this order."))
        movements.settle(payout, status="REFUSED", now=now, provider_reference=None, reason=reason)
        cancel_loan(loan=loan, reason=reason or "refused_by_the_bank", as_of=as_of)
        queue_notice(
            borrower_id=loan.borrower_id,
            kind="payout_refused",
            dedup_key=f"payout_refused:{payout.gateway_reference}",
            params={"amount": f"{payout.amount:.2f}", "loan_ref": str(loan.ref), "reason": reason},
        )
    return payout


def return_payout(*, payout_id: int, reference: str, as_of: date) -> None:
    """Undo a payout whose money came back from the borrower's bank, as long as nothing was built on it."""
    loan_id = Payout.objects.values_list("loan_id", flat=True).get(pk=payout_id)
    with transaction.atomic():
        loan = lock_loan(loan_id=loan_id)
        payout = movements.lock_movement(Payout, pk=payout_id)
        if payout.status != "CONFIRMED":
            raise movements.UnableToSettle("return_before_payout", N_("The payout was not confirmed yet."))
        event = LoanEvent(
            kind=EventKind.REVERSAL,
            value_date=as_of,
            ref=f"return:{reference}"[:64],
            sequence=0,
            recorded_date=as_of,
            data={"reverses": f"payout:{payout.gateway_reference}"},
        )
        write_event(loan=loan, event=event, as_of=as_of)
        cancel_loan(loan=loan, reason="returned_by_the_bank", as_of=as_of)

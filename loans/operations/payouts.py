"""Send money to the borrower, once: the principal, whole or in tranches, and credit that is given back.

A row is the order; a worker sends it. Principal is booked when the bank has confirmed it. A refund is booked when it is
ordered, so that the next due date cannot spend credit that is on its way out; if the bank refuses, it is taken back.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Max, Sum

from accounts.models import BankAccount, User
from accounts.operations import queue_notice, write_audit
from ledger.domain.money import ZERO, is_money
from loans.domain.events import EventKind, LoanEvent
from loans.gateways import gateway, paying_gateway
from loans.gateways.base import Receipt
from loans.models import Loan, LoanEventRow, Payout
from loans.operations import movements
from loans.operations.contracts import UnableToOrder, cancel_loan, kept_from_payout
from loans.operations.events import UnableToRecord, lock_loan, write_event
from regimes.errors import N_


def pay_tranche(
    *,
    loan_id: int,
    amount: Decimal,
    reference: str,
    as_of: date,
    bank_account_id: int | None = None,
    actor: User | None = None,
) -> Payout:
    """Order a later part of the principal for a running loan; a worker sends it. The same reference orders once."""
    with transaction.atomic():
        loan = lock_loan(loan_id=loan_id)
        if (first := _ordered(loan, reference, amount, Payout.Purpose.PRINCIPAL)) is not None:
            return first
        if not loan.is_live:
            raise UnableToRecord(
                "loan_not_running", N_("The loan is not running, so nothing more is paid out on it.")
            )
        left = loan.principal - loan.disbursed - _under_way(loan, Payout.Purpose.PRINCIPAL)
        if not is_money(amount, currency=loan.currency) or not ZERO < amount <= left:
            raise UnableToOrder(
                "tranche_invalid",
                N_("At most %(left)s of the principal is still to be paid out."),
                field="amount",
                params={"left": f"{left:.2f}"},
            )
        if loan.maturity_date is not None and as_of >= loan.maturity_date:
            raise UnableToRecord(
                "payout_after_maturity", N_("The payout is later than the last due date."), field="amount"
            )
        return _order(loan, amount, Payout.Purpose.PRINCIPAL, reference, bank_account_id, as_of, actor)


def start_refund(
    *,
    loan_id: int,
    amount: Decimal,
    reference: str,
    as_of: date,
    bank_account_id: int | None = None,
    actor: User | None = None,
) -> Payout:
    """Give credit of the borrower back: book it and order the transfer. The same reference orders once."""
    with transaction.atomic():
        loan = lock_loan(loan_id=loan_id)
        if (first := _ordered(loan, reference, amount, Payout.Purpose.REFUND)) is not None:
            return first
        if not is_money(amount, currency=loan.currency) or amount <= ZERO:
            raise UnableToOrder("amount_invalid", N_("Enter an amount such as 1500.00."), field="amount")
        payout = _order(loan, amount, Payout.Purpose.REFUND, reference, bank_account_id, as_of, actor)
        event = LoanEvent(
            kind=EventKind.REFUND,
            value_date=as_of,
            ref=payout.event_reference,
            sequence=0,
            recorded_date=as_of,
            amount=amount,
        )
        write_event(loan=loan, event=event, as_of=as_of, actor=actor)
    return payout


def _ordered(loan: Loan, reference: str, amount: Decimal, purpose: str) -> Payout | None:
    if not reference or len(reference) > 64 or not reference.isprintable():
        raise UnableToOrder(
            "reference_invalid",
            N_("Give a text of 1 to %(most)s characters."),
            field="reference",
            params={"most": 64},
        )
    first = Payout.objects.filter(loan_id=loan.pk, request_key=reference).first()
    if first is not None and (first.amount, first.purpose) != (amount, purpose):
        raise UnableToRecord(
            "reference_reused", N_("The reference was used before with another content."), field="reference"
        )
    return first


def _under_way(loan: Loan, purpose: str) -> Decimal:
    found = Payout.objects.filter(loan_id=loan.pk, purpose=purpose, status__in=Payout.OPEN)
    return found.aggregate(sum=Sum("amount"))["sum"] or ZERO


def _order(
    loan: Loan,
    amount: Decimal,
    purpose: str,
    reference: str,
    bank_account_id: int | None,
    as_of: date,
    actor: User | None,
) -> Payout:
    last = Payout.objects.filter(loan_id=loan.pk).aggregate(number=Max("number"))["number"] or 0
    payout = Payout.objects.create(
        loan=loan,
        number=last + 1,
        purpose=purpose,
        request_key=reference,
        amount=amount,
        currency=loan.currency,
        gateway=paying_gateway(),
        bank_account_id=_account_of(loan, bank_account_id),
        requested_date=as_of,
    )
    if actor is not None:
        write_audit(
            actor=actor, action=f"loan.order_{purpose.lower()}", object_type="loans.Loan", object_ref=loan.ref,
            after={"payout": str(payout.ref), "amount": f"{amount:.2f}", "number": payout.number},
        )  # fmt: skip
    return payout


def _account_of(loan: Loan, bank_account_id: int | None) -> int | None:
    """Return the account to pay to: the one asked for, which must be the borrower's and confirmed, or the loan's own."""
    if bank_account_id is None:
        return loan.bank_account_id
    known = BankAccount.objects.filter(
        pk=bank_account_id, borrower_id=loan.borrower_id, removed_at__isnull=True, verified_at__isnull=False
    )
    if not known.exists():
        raise UnableToOrder(
            "bank_account_unverified",
            N_("Choose a confirmed bank account of the borrower."),
            field="bank_account",
        )
    return bank_account_id


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
    movements.apply_receipt(
        Payout,
        payout,
        receipt,
        now=now,
        confirm=lambda told: confirm_payout(
            payout_id=payout.pk,
            provider_reference=told.provider_reference,
            amount=told.amount,
            currency=told.currency,
            as_of=as_of,
            now=now,
        ),
        refuse=lambda reason: refuse_payout(payout_id=payout.pk, reason=reason, as_of=as_of, now=now),
    )


def confirm_payout(
    *, payout_id: int, provider_reference: str, amount: Decimal, currency: str, as_of: date, now: datetime
) -> Payout:
    """Book what the bank paid out, in one transaction: the first payout makes the loan active. A repeat changes nothing."""
    loan_id = Payout.objects.values_list("loan_id", flat=True).get(pk=payout_id)
    with transaction.atomic():
        loan = lock_loan(loan_id=loan_id)
        payout = movements.lock_movement(Payout, pk=payout_id)
        if movements.check_same(
            payout, provider_reference=provider_reference, amount=amount, currency=currency
        ):
            return payout
        is_refund = payout.purpose == Payout.Purpose.REFUND
        if not is_refund and not _is_booked(payout):
            _book_principal(loan, payout, as_of)
        movements.settle(payout, status="CONFIRMED", now=now, provider_reference=provider_reference)
        queue_notice(
            borrower_id=loan.borrower_id,
            kind="refund_arrived" if is_refund else "payout_arrived",
            dedup_key=payout.event_reference,
            params={"amount": f"{payout.amount:.2f}", "loan_ref": str(loan.ref)},
        )
    return payout


def _is_booked(payout: Payout) -> bool:
    return LoanEventRow.objects.filter(loan_id=payout.loan_id, reference=payout.event_reference).exists()


def _book_principal(loan: Loan, payout: Payout, as_of: date) -> None:
    """Write the payout's event. The plan counts from the day of the first money; a confirmation after the first due date
    keeps the day of the order."""
    is_first = not loan.disbursed
    first_due = loan.instalments.order_by("number").values_list("due_date", flat=True).first()
    late = is_first and first_due is not None and first_due < as_of
    event = LoanEvent(
        kind=EventKind.PAYOUT,
        value_date=payout.requested_date if late else as_of,
        ref=payout.event_reference,
        sequence=0,
        recorded_date=as_of,
        amount=payout.amount + (kept_from_payout(loan.agreed) if is_first else ZERO),
    )
    write_event(loan=loan, event=event, as_of=as_of, allow_closed_period=True)


def refuse_payout(*, payout_id: int, reason: str, as_of: date, now: datetime) -> Payout:
    """Note that the bank refused for good: a loan whose first money it was is cancelled, a refund is credit again."""
    loan_id = Payout.objects.values_list("loan_id", flat=True).get(pk=payout_id)
    with transaction.atomic():
        loan = lock_loan(loan_id=loan_id)
        payout = movements.lock_movement(Payout, pk=payout_id)
        if payout.status == "REFUSED":
            return payout
        if payout.status == "CONFIRMED":
            raise movements.UnableToSettle("outcome_contradicts", N_("The gateway had confirmed this order."))
        movements.settle(payout, status="REFUSED", now=now, provider_reference=None, reason=reason)
        kind = "tranche_refused"
        if payout.purpose == Payout.Purpose.REFUND:
            kind = "refund_refused"
            _take_back(loan, payout, ref=f"refused:{payout.gateway_reference}", as_of=as_of)
        elif loan.status == Loan.Status.PENDING:
            kind = "payout_refused"
            cancel_loan(loan=loan, reason=reason or "refused_by_the_bank", as_of=as_of)
        queue_notice(
            borrower_id=loan.borrower_id,
            kind=kind,
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
        if payout.number == 1 and loan.disbursed > payout.amount + kept_from_payout(loan.agreed):
            raise movements.UnableToSettle(
                "return_of_first_tranche",
                N_("Later parts of the principal were paid out: a person must look at it."),
            )
        _take_back(loan, payout, ref=f"return:{reference}"[:64], as_of=as_of)
        if payout.purpose == Payout.Purpose.PRINCIPAL and loan.status == Loan.Status.PENDING:
            cancel_loan(loan=loan, reason="returned_by_the_bank", as_of=as_of)


def _take_back(loan: Loan, payout: Payout, *, ref: str, as_of: date) -> None:
    event = LoanEvent(
        kind=EventKind.REVERSAL,
        value_date=as_of,
        ref=ref,
        sequence=0,
        recorded_date=as_of,
        data={"reverses": payout.event_reference},
    )
    write_event(loan=loan, event=event, as_of=as_of)

"""Pull an agreed amount from the borrower's bank account; once confirmed it is a repayment."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum

from accounts.models import BankAccount, User
from accounts.operations import queue_notice
from ledger.domain.money import ZERO, is_money
from loans.domain.engine import payoff_quote
from loans.domain.events import EventKind, LoanEvent
from loans.domain.terms import PrepaymentPolicy
from loans.gateways import gateway
from loans.gateways.base import Receipt
from loans.models import Collection, Loan
from loans.operations import movements
from loans.operations.events import UnableToRecord, lock_loan, read_events, refuse_settled, write_event
from regimes.errors import N_, InvalidInput, NotFound, Refusal


class UnableToCollect(Refusal):
    """Refuse to pull money."""


class UnableToRepeat(UnableToCollect):
    """Refuse the same key with another request."""

    http_status = 422


class UnableToAcceptRequest(InvalidInput):
    """Refuse a request that breaks the rule of a field."""


def start_collection(
    *,
    loan_id: int,
    amount: Decimal,
    choice: str | None,
    idempotency_key: str,
    bank_account_id: int,
    actor: User | None,
    as_of: date,
) -> Collection:
    """Write down that money is to be pulled; a worker sends it. The same key gives the first collection."""
    _check_request(amount=amount, choice=choice, key=idempotency_key)
    with transaction.atomic():
        loan = lock_loan(loan_id=loan_id)
        first = Collection.objects.filter(loan_id=loan.pk, idempotency_key=idempotency_key).first()
        if first is not None:
            if (first.amount, first.choice, first.bank_account_id) != (amount, choice or "", bank_account_id):
                raise UnableToRepeat(
                    "idempotency_mismatch", N_("This key was used for another request. Use a new key.")
                )
            return first
        account = _account(loan, bank_account_id)
        _check_owed(loan, amount, as_of)
        return Collection.objects.create(
            loan=loan,
            amount=amount,
            currency=loan.currency,
            choice=choice or "",
            bank_account=account,
            idempotency_key=idempotency_key,
            requested_date=as_of,
            actor_id=actor.pk if actor is not None else None,
        )


def _check_request(*, amount: Decimal, choice: str | None, key: str) -> None:
    if not is_money(amount) or not ZERO < amount < 10**12:
        raise UnableToAcceptRequest("amount_invalid", N_("Enter an amount such as 1500.00."), field="amount")
    if choice and choice not in set(PrepaymentPolicy):
        raise UnableToAcceptRequest(
            "choice_invalid",
            N_("Choose what the extra money does: pay ahead, fewer or smaller instalments."),
            field="choice",
        )
    if not key:
        raise UnableToAcceptRequest(
            "idempotency_key_required", N_("Send an Idempotency-Key, so that a repeat does not pay twice.")
        )
    if len(key) > 255 or not key.isprintable() or not key.isascii():
        raise UnableToAcceptRequest(
            "idempotency_key_invalid", N_("An Idempotency-Key has at most 255 printable ASCII characters.")
        )


def _account(loan: Loan, bank_account_id: int) -> BankAccount:
    account = BankAccount.objects.filter(
        pk=bank_account_id, borrower_id=loan.borrower_id, removed_at__isnull=True
    ).first()
    if account is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."), field="bank_account")
    if account.verified_at is None:  # it may be somebody else's: nothing is pulled from it
        raise UnableToCollect(
            "bank_account_unverified",
            N_("Confirm this bank account before you pay from it."),
            field="bank_account",
        )
    return account


def _check_owed(loan: Loan, amount: Decimal, as_of: date) -> None:
    """Pull no more than is owed, counting what is on its way."""
    refuse_settled(loan=loan, value_date=as_of)
    if loan.status == Loan.Status.WRITTEN_OFF:
        raise UnableToRecord("loan_written_off", N_("The loan is written off. Record a recovery instead."))
    under_way = (
        Collection.objects.filter(loan_id=loan.pk, status__in=Collection.OPEN).aggregate(sum=Sum("amount"))[
            "sum"
        ]
        or ZERO
    )
    owed = payoff_quote(loan.agreed, read_events(loan_id=loan.pk), value_date=as_of).total
    if amount + under_way > owed:
        raise UnableToCollect(
            "payment_exceeds_debt",
            N_("Today you owe %(owed)s, and %(under_way)s is on its way."),
            field="amount",
            params={"owed": f"{owed:.2f}", "under_way": f"{under_way:.2f}"},
        )


def send_collection(*, collection_id: int, now: datetime, as_of: date) -> str | None:
    """Claim a collection, call the gateway outside any transaction, and write down what it said."""
    claimed = movements.claim(Collection, pk=collection_id, now=now)
    if claimed is None:
        return None
    collection, asks_first = claimed
    receipt = movements.call(
        Collection, collection, asks_first=asks_first, order=gateway(collection.gateway).collect, now=now
    )
    if receipt is not None:
        _apply(collection, receipt, now=now, as_of=as_of)
    return Collection.objects.values_list("status", flat=True).get(pk=collection_id)


def _apply(collection: Collection, receipt: Receipt, *, now: datetime, as_of: date) -> None:
    movements.apply_receipt(
        Collection,
        collection,
        receipt,
        now=now,
        confirm=lambda told: confirm_collection(
            collection_id=collection.pk,
            provider_reference=told.provider_reference,
            amount=told.amount,
            currency=told.currency,
            as_of=as_of,
            now=now,
        ),
        refuse=lambda reason: refuse_collection(collection_id=collection.pk, reason=reason, now=now),
    )


def confirm_collection(
    *, collection_id: int, provider_reference: str, amount: Decimal, currency: str, as_of: date, now: datetime
) -> Collection:
    """Record the repayment, valued on the day on which it was asked for; a repeat changes nothing."""
    loan_id = Collection.objects.values_list("loan_id", flat=True).get(pk=collection_id)
    with transaction.atomic():
        loan = lock_loan(loan_id=loan_id)
        row = movements.lock_movement(Collection, pk=collection_id)
        if movements.check_same(row, provider_reference=provider_reference, amount=amount, currency=currency):
            return row
        written_off = loan.status == Loan.Status.WRITTEN_OFF
        event = LoanEvent(
            kind=EventKind.RECOVERY if written_off else EventKind.REPAYMENT,
            value_date=as_of if written_off else row.requested_date,
            ref=f"collection:{row.gateway_reference}",
            sequence=0,
            recorded_date=as_of,
            amount=row.amount,
            data={"prepayment": row.choice} if row.choice and not written_off else {},
        )
        # the money is here: what is more than the debt becomes the borrower's credit, and is shown
        write_event(loan=loan, event=event, as_of=as_of, allow_closed_period=True)
        movements.settle(row, status="CONFIRMED", now=now, provider_reference=provider_reference)
        queue_notice(
            borrower_id=loan.borrower_id,
            kind="payment_received",
            dedup_key=f"collection:{row.gateway_reference}",
            params={"amount": f"{row.amount:.2f}", "loan_ref": str(loan.ref)},
        )
    return row


def refuse_collection(*, collection_id: int, reason: str, now: datetime) -> Collection:
    """Note that the bank gave nothing; the debt stands as before."""
    loan_id = Collection.objects.values_list("loan_id", flat=True).get(pk=collection_id)
    with transaction.atomic():
        loan = lock_loan(loan_id=loan_id)
        row = movements.lock_movement(Collection, pk=collection_id)
        if row.status == "REFUSED":
            return row
        if row.status == "CONFIRMED":
            raise movements.UnableToSettle("outcome_contradicts", N_("The gateway had confirmed this order."))
        movements.settle(row, status="REFUSED", now=now, provider_reference=None, reason=reason)
        queue_notice(
            borrower_id=loan.borrower_id,
            kind="payment_refused",
            dedup_key=f"collection_refused:{row.gateway_reference}",
            params={"amount": f"{row.amount:.2f}", "loan_ref": str(loan.ref), "reason": reason},
        )
    return row


def return_collection(*, collection_id: int, reference: str, amount: Decimal, as_of: date) -> None:
    """Record that the payer's bank took a repayment back."""
    loan_id = Collection.objects.values_list("loan_id", flat=True).get(pk=collection_id)
    with transaction.atomic():
        loan = lock_loan(loan_id=loan_id)
        row = movements.lock_movement(Collection, pk=collection_id)
        if row.status != "CONFIRMED":
            raise movements.UnableToSettle("return_before_payment", N_("The payment was not confirmed yet."))
        event = LoanEvent(
            kind=EventKind.CHARGE_BACK,
            value_date=as_of,
            ref=f"return:{reference}"[:64],
            sequence=0,
            recorded_date=as_of,
            amount=amount,
            data={"repayment": f"collection:{row.gateway_reference}"},
        )
        write_event(loan=loan, event=event, as_of=as_of)

"""Send what is not about a loan, once: what shops are owed."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from accounts.models import BankAccount
from ledger.domain.chart import Role
from ledger.domain.journal import lines_from
from ledger.operations import post_journal
from loans.gateways import gateway, paying_gateway
from loans.gateways.base import Receipt
from loans.models import Transfer
from loans.operations import movements
from regimes.errors import N_

OWED_BY = {Transfer.Purpose.SETTLEMENT: Role.MERCHANT_PAYABLE}


def order_transfer(
    *,
    purpose: str,
    amount: Decimal,
    currency: str,
    bank_account: BankAccount,
    key: str,
    as_of: date,
) -> Transfer:
    """Write an order that waits to be sent, in the caller's transaction. The same key gives the first."""
    with transaction.atomic():
        row, is_new = Transfer.objects.get_or_create(
            key=key,
            defaults={
                "purpose": purpose,
                "amount": amount,
                "currency": currency,
                "bank_account": bank_account,
                "gateway": paying_gateway(),
                "requested_date": as_of,
            },
        )
        if not is_new and (row.amount, row.currency) != (amount, currency):
            raise movements.UnableToSettle(
                "reference_reused", N_("The reference was used before with another content.")
            )
    return row


def send_transfer(*, transfer_id: int, now: datetime, as_of: date) -> str | None:
    """Claim a transfer, call the gateway outside any transaction, and write down what it said."""
    claimed = movements.claim(Transfer, pk=transfer_id, now=now)
    if claimed is None:
        return None
    row, asks_first = claimed
    receipt = movements.call(
        Transfer, row, asks_first=asks_first, order=gateway(row.gateway).pay_out, now=now
    )
    if receipt is not None:
        _apply(row, receipt, now=now, as_of=as_of)
    return Transfer.objects.values_list("status", flat=True).get(pk=transfer_id)


def _apply(row: Transfer, receipt: Receipt, *, now: datetime, as_of: date) -> None:
    movements.apply_receipt(
        Transfer,
        row,
        receipt,
        now=now,
        confirm=lambda told: confirm_transfer(
            transfer_id=row.pk,
            provider_reference=told.provider_reference,
            amount=told.amount,
            currency=told.currency,
            as_of=as_of,
            now=now,
        ),
        refuse=lambda reason: refuse_transfer(transfer_id=row.pk, reason=reason, now=now),
    )


def confirm_transfer(
    *, transfer_id: int, provider_reference: str, amount: Decimal, currency: str, as_of: date, now: datetime
) -> Transfer:
    """Book money that arrived, in one transaction; a repeat changes nothing."""
    with transaction.atomic():
        row = movements.lock_movement(Transfer, pk=transfer_id)
        if movements.check_same(row, provider_reference=provider_reference, amount=amount, currency=currency):
            return row
        post_journal(
            source=f"transfer:{row.ref}",
            leg="PAID",
            kind=row.purpose,
            value_date=as_of,
            booked_date=as_of,
            currency=row.currency,
            postings=lines_from(
                {OWED_BY[Transfer.Purpose(row.purpose)]: row.amount, Role.CASH_AT_BANK: -row.amount}
            ),
        )
        movements.settle(row, status="CONFIRMED", now=now, provider_reference=provider_reference)
    return row


def refuse_transfer(*, transfer_id: int, reason: str, now: datetime) -> Transfer:
    """Note that the bank refused a transfer for good; what it was for is owed as before."""
    with transaction.atomic():
        row = movements.lock_movement(Transfer, pk=transfer_id)
        if row.status == "REFUSED":
            return row
        if row.status == "CONFIRMED":
            raise movements.UnableToSettle("outcome_contradicts", N_("The gateway had confirmed this order."))
        movements.settle(row, status="REFUSED", now=now, provider_reference=None, reason=reason)
    return row

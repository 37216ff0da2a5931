"""Capture, void, refund, expire: each under the lock of line, hold and order, with the books in the same transaction."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from accounts.operations import queue_notice, write_audit
from credit.operations import draw_hold, release_hold
from credit.operations.holds import lock_hold
from ledger.domain.chart import Role
from ledger.domain.journal import lines_from
from ledger.operations import post_journal
from loans.models import Loan, Payout
from loans.operations import lock_loan, return_credit, take_back_purchase
from merchants.domain.orders import (
    OrderStatus,
    UnableToMoveOrder,
    capture,
    refund,
    release,
    returned,
    share,
    spread,
)
from merchants.models import Capture, Checkout, Refund, RefundPart
from merchants.operations.checkouts import lock_checkout
from merchants.operations.events import record_event
from merchants.operations.settling import earn_subvention_of
from merchants.shapes import capture_shape, checkout_shape, refund_shape
from regimes.errors import N_, InvalidInput, Refusal

MOST_REFERENCE = 64


class UnableToUseReference(InvalidInput):
    """Refuse a write of money that does not say which one it is."""


class ReferenceReused(Refusal):
    """Refuse the same reference with another content."""

    http_status = 422


def _check_reference(reference: str) -> None:
    if not 1 <= len(reference) <= MOST_REFERENCE or not reference.isprintable() or not reference.isascii():
        raise UnableToUseReference(
            "idempotency_key_invalid", N_("An Idempotency-Key has 1 to 64 printable ASCII characters.")
        )


def _lock(checkout_id: int) -> Checkout:
    """Lock line, hold and order, in this order."""
    hold_id = Checkout.objects.values_list("hold_id", flat=True).get(pk=checkout_id)
    hold = lock_hold(hold_id=hold_id) if hold_id is not None else None
    row = lock_checkout(checkout_id=checkout_id)
    if row.hold_id != hold_id:
        raise UnableToMoveOrder("try_again", N_("The order changed at this moment. Try again."))
    if hold is not None:
        row.hold = hold
    return row


def capture_checkout(
    *, checkout_id: int, amount: Decimal | None, reference: str, as_of: date, now: datetime
) -> Capture:
    """Lend a part of what was agreed, or the rest: the goods are on their way. A repeat gives the first capture."""
    _check_reference(reference)
    with transaction.atomic():
        row = _lock(checkout_id)
        before = Capture.objects.select_related("checkout").filter(checkout=row, reference=reference).first()
        if before is not None:
            if amount is not None and before.amount != amount:
                raise ReferenceReused(
                    "idempotency_mismatch", N_("This key was used for another request. Use a new key.")
                )
            return before
        if row.capture_until is not None and as_of > row.capture_until and row.money.left:
            raise UnableToMoveOrder("authorisation_expired", N_("The authorisation has expired."))
        after = capture(row.money, amount)
        wanted = after.captured - row.captured
        assert row.hold is not None, "an order that can be captured has its hold"
        made = Capture(
            checkout=row,
            reference=reference,
            amount=wanted,
            fee=share(wanted, row.fee_rate),
            subvention=share(wanted, row.subvention_rate),
            captured_date=as_of,
        )
        made.drawdown = draw_hold(
            hold_id=row.hold.pk,
            amount=wanted,
            reference=uuid.uuid5(row.ref, f"capture:{reference}"),
            actor=None,
            as_of=as_of,
            now=now,
        )
        made.save(force_insert=True)
        row.save(update_fields=row.take(after))
        _book(made, leg="SALE", fee=made.fee, subvention=made.subvention, as_of=as_of)
        _tell(row, "capture.created", capture_shape(made), "purchase_captured", made.ref, wanted, now)
    return made


def _book(row: Capture, *, leg: str, fee: Decimal, subvention: Decimal, as_of: date) -> None:
    """Take fee and subvention from what the shop is owed; negative amounts give them back."""
    if fee or subvention:
        post_journal(
            source=f"capture:{row.ref}",
            leg=leg,
            kind="SHOP_FEE",
            value_date=as_of,
            booked_date=as_of,
            currency=row.checkout.currency,
            postings=lines_from(
                {
                    Role.MERCHANT_PAYABLE: fee + subvention,
                    Role.MERCHANT_FEE_INCOME: -fee,
                    Role.SUBVENTION_DEFERRED: -subvention,
                }
            ),
        )


def _tell(
    row: Checkout,
    kind: str,
    payload: dict[str, object],
    notice: str,
    ref: object,
    amount: Decimal,
    now: datetime,
) -> None:
    """Tell the shop by an event of the order, and the buyer by a notice."""
    record_event(
        merchant=row.merchant,
        kind=kind,
        object_ref=row.ref,
        payload={**payload, "order": checkout_shape(row)},
        now=now,
    )
    if row.borrower_id is not None:
        queue_notice(
            borrower_id=row.borrower_id,
            kind=notice,
            dedup_key=f"{kind}:{ref}",
            params={"amount": f"{amount:.2f}", "shop": row.merchant.name},
        )


def void_checkout(*, checkout_id: int, as_of: date, now: datetime) -> Checkout:
    """Let go of what was not captured; the buyer's line has the room back at once. A repeat changes nothing."""
    with transaction.atomic():
        row = _lock(checkout_id)
        if row.status == OrderStatus.VOIDED or (row.released and not row.money.left):
            return row  # let go before, after a part was captured or none
        _release(row, OrderStatus.VOIDED, "checkout.voided", "voided", now)
    return row


def _release(row: Checkout, status: OrderStatus, kind: str, reason: str, now: datetime) -> None:
    left = row.money.left
    after = release(row.money, status=status)
    assert row.hold is not None, "what can be let go was held"
    release_hold(hold_id=row.hold.pk, actor=None, reason=reason)
    row.save(update_fields=row.take(after))
    _tell(row, kind, {}, "purchase_released", row.ref, left, now)


def due_expiries(*, as_of: date, now: datetime, limit: int) -> list[int]:
    """Return the orders whose page or authorisation has run out."""
    pages = Checkout.objects.filter(status="OPEN", expires_at__lte=now).order_by("expires_at", "pk")
    promises = Checkout.objects.filter(status="AUTHORISED", capture_until__lt=as_of).order_by(
        "capture_until", "pk"
    )
    return [*pages.values_list("pk", flat=True)[:limit], *promises.values_list("pk", flat=True)[:limit]]


def expire_checkout(*, checkout_id: int, as_of: date, now: datetime) -> Checkout:
    """End an order whose time is over; what was captured stays."""
    with transaction.atomic():
        row = _lock(checkout_id)
        if row.status == OrderStatus.OPEN and now >= row.expires_at:
            row.status = OrderStatus.EXPIRED
            row.save(update_fields=["status"])
            record_event(
                merchant=row.merchant,
                kind="checkout.expired",
                object_ref=row.ref,
                payload=checkout_shape(row),
                now=now,
            )
        elif row.status == OrderStatus.AUTHORISED and row.capture_until and as_of > row.capture_until:
            _release(row, OrderStatus.EXPIRED, "checkout.expired", "expired", now)
    return row


def refund_checkout(
    *,
    checkout_id: int,
    amount: Decimal | None,
    reference: str,
    reason: str,
    as_of: date,
    now: datetime,
    capture_ref: uuid.UUID | None = None,
) -> Refund:
    """Take goods back: the loan unwinds as if that part had never been lent, and what the buyer paid too much returns.

    A repeat gives the first refund. Without a capture named, the newest one is refunded first.
    """
    _check_reference(reference)
    with transaction.atomic():
        row = _lock(checkout_id)
        before = Refund.objects.select_related("checkout").filter(checkout=row, reference=reference).first()
        if before is not None:
            if amount is not None and before.amount != amount:
                raise ReferenceReused(
                    "idempotency_mismatch", N_("This key was used for another request. Use a new key.")
                )
            return before
        captures = _captures(row, capture_ref)
        rooms = [item.amount - item.refunded for item in captures]
        wanted = sum(rooms, Decimal(0)) if amount is None else amount
        after = refund(row.money, wanted)
        if wanted > sum(rooms):
            raise UnableToMoveOrder(
                "refund_exceeds_capture",
                N_("Only %(left)s of what was captured can be refunded."),
                field="amount",
                params={"left": f"{sum(rooms):.2f}"},
            )
        made = Refund(
            checkout=row,
            reference=reference,
            amount=wanted,
            fee_returned=Decimal(0),
            reason=reason[:200],
            refunded_date=as_of,
        )
        made.save(force_insert=True)
        for item, part in zip(captures, spread(wanted, rooms), strict=True):
            if part:
                _refund_part(made, item, part, as_of=as_of)
        made.save(update_fields=["fee_returned", "subvention_returned"])
        row.save(update_fields=row.take(after))
        write_audit(
            actor=None,
            action="merchant.refund",
            object_type="merchants.Refund",
            object_ref=made.ref,
            after={"amount": f"{wanted:.2f}", "checkout": str(row.ref)},
        )
        _tell(row, "refund.created", refund_shape(made), "purchase_refunded", made.ref, wanted, now)
    return made


def due_credits(*, limit: int) -> list[int]:
    """Return the loans of refunded goods that are settled and hold credit: money that came after the refund."""
    rows = Capture.objects.filter(
        refunded__gt=0,
        drawdown__loan__status=Loan.Status.CLOSED,
        drawdown__loan__credit_balance__gt=0,
        drawdown__loan__bank_account__isnull=False,
    ).order_by("pk")
    return list(rows.values_list("drawdown__loan_id", flat=True)[:limit])


def return_credit_of(*, loan_id: int, as_of: date) -> Payout | None:
    """Return credit that came after the refund, such as a debit that was on its way."""
    with transaction.atomic():
        loan = lock_loan(loan_id=loan_id)
        return return_credit(loan=loan, reference=f"late:{loan.last_sequence}", as_of=as_of)


def _captures(row: Checkout, capture_ref: uuid.UUID | None) -> Sequence[Capture]:
    found = Capture.objects.select_for_update(of=("self",)).select_related("drawdown").filter(checkout=row)
    if capture_ref is not None:
        found = found.filter(ref=capture_ref)
    captures = list(found.order_by("pk"))
    if not captures:
        raise UnableToMoveOrder("nothing_captured", N_("Nothing of this order was captured."))
    for item in captures:
        item.checkout = row
    return captures


def _refund_part(made: Refund, item: Capture, part: Decimal, *, as_of: date) -> None:
    """Unwind one loan, and give back fee and subvention in proportion, exact when all is refunded."""
    item.refunded += part
    fee = returned(item.fee, item.amount, item.refunded) - item.fee_returned
    subvention = returned(item.subvention, item.amount, item.refunded) - item.subvention_returned
    item.fee_returned += fee
    item.subvention_returned += subvention
    item.save(update_fields=["refunded", "fee_returned", "subvention_returned"])
    made.fee_returned += fee
    made.subvention_returned += subvention
    RefundPart.objects.create(
        refund=made, capture=item, amount=part, fee_returned=fee, subvention_returned=subvention
    )
    loan = take_back_purchase(
        loan_id=item.drawdown.loan_id, amount=part, reference=str(made.ref), as_of=as_of
    )
    return_credit(loan=loan, reference=str(made.ref), as_of=as_of)
    _book(item, leg=f"REFUND:{made.pk}", fee=-fee, subvention=-subvention, as_of=as_of)
    earn_subvention_of(captures=[item], as_of=as_of)


__all__ = [
    "capture_checkout",
    "due_credits",
    "return_credit_of",
    "due_expiries",
    "expire_checkout",
    "refund_checkout",
    "void_checkout",
]

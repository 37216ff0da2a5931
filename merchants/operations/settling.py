"""Pay shops what they are owed, and book interest that they paid for buyers as it is earned."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Q

from accounts.models import User
from accounts.operations import write_audit
from ledger.domain.chart import Role
from ledger.domain.journal import lines_from
from ledger.operations import post_journal
from loans.domain.schedule import build_schedule
from loans.models import Loan, Transfer
from loans.operations import order_transfer
from merchants.domain.subvention import Due, earned
from merchants.models import Capture, Merchant, Refund, Settlement, SubventionBooking
from merchants.operations.events import record_event
from merchants.shapes import settlement_shape
from regimes.errors import N_, Refusal

ZERO = Decimal(0)
OVER = (Loan.Status.CLOSED, Loan.Status.WRITTEN_OFF, Loan.Status.CANCELLED)


class UnableToSettleShop(Refusal):
    """Refuse what the state of a settlement does not allow."""


def settle_merchants(*, as_of: date, now: datetime) -> list[Settlement]:
    """Settle every shop that is owed something, each in a transaction of its own."""
    owed = (
        Capture.objects.filter(settlement=None, captured_date__lte=as_of)
        .order_by()
        .values_list("checkout__merchant_id", flat=True)
        .distinct()
    )
    made = [settle_merchant(merchant_id=pk, as_of=as_of, now=now) for pk in sorted(set(owed))]
    return [row for row in made if row is not None]


def settle_merchant(*, merchant_id: int, as_of: date, now: datetime) -> Settlement | None:
    """Order one payment for what is ripe; None while refunds and fees outweigh sales: they wait for the next ones."""
    with transaction.atomic():
        merchant = (
            Merchant.objects.select_for_update(of=("self",))
            .select_related("settlement_account")
            .get(pk=merchant_id)
        )
        ripe = as_of - timedelta(days=merchant.settlement_days)
        captures = list(
            Capture.objects.select_for_update(of=("self",))
            .filter(checkout__merchant=merchant, settlement=None, captured_date__lte=ripe)
            .order_by("pk")
        )
        refunds = list(
            Refund.objects.select_for_update(of=("self",))
            .filter(checkout__merchant=merchant, settlement=None, refunded_date__lte=as_of)
            .order_by("pk")
        )
        sold = sum((row.amount for row in captures), ZERO)
        back = sum((row.amount for row in refunds), ZERO)
        fees = sum((row.fee for row in captures), ZERO) - sum((row.fee_returned for row in refunds), ZERO)
        paid = sum((row.subvention for row in captures), ZERO) - sum(
            (row.subvention_returned for row in refunds), ZERO
        )
        net = sold - back - fees - paid
        if net <= 0:
            return None
        ref = uuid.uuid4()
        row = Settlement(
            ref=ref,
            merchant=merchant,
            settled_date=as_of,
            captured=sold,
            refunded=back,
            fees=fees,
            subventions=paid,
            net=net,
            transfer=order_transfer(
                purpose=Transfer.Purpose.SETTLEMENT,
                amount=net,
                currency="CNY",
                bank_account=merchant.settlement_account,
                key=f"settlement:{ref}:1",
                as_of=as_of,
            ),
        )
        row.save(force_insert=True)
        Capture.objects.filter(pk__in=[item.pk for item in captures]).update(settlement=row)
        Refund.objects.filter(pk__in=[item.pk for item in refunds]).update(settlement=row)
        record_event(
            merchant=merchant,
            kind="settlement.created",
            object_ref=row.ref,
            payload=settlement_shape(row),
            now=now,
        )
    return row


def note_settlements(*, now: datetime, limit: int = 200) -> int:
    """Tell shops of settlements whose money arrived or was refused; return how many were told."""
    rows = (
        Settlement.objects.filter(transfer__status__in=Transfer.FINAL)
        .exclude(told_status=F("transfer__status"))
        .order_by("pk")
    )
    told = 0
    for pk in list(rows.values_list("pk", flat=True)[:limit]):
        with transaction.atomic():
            row = (
                Settlement.objects.select_for_update(of=("self",))
                .select_related("merchant", "transfer")
                .get(pk=pk)
            )
            status = row.transfer.status
            if status == row.told_status or status not in Transfer.FINAL:
                continue
            row.told_status = status
            row.save(update_fields=["told_status"])
            kind = "settlement.paid" if status == Transfer.Status.CONFIRMED else "settlement.failed"
            record_event(
                merchant=row.merchant,
                kind=kind,
                object_ref=row.ref,
                payload=settlement_shape(row),
                now=now,
            )
            told += 1
    return told


def retry_settlement(*, settlement_id: int, actor: User, as_of: date) -> Settlement:
    """Order a payment again that the bank refused, to the shop's account of today."""
    with transaction.atomic():
        row = (
            Settlement.objects.select_for_update(of=("self",))
            .select_related("merchant__settlement_account", "transfer")
            .get(pk=settlement_id)
        )
        if row.transfer.status != Transfer.Status.REFUSED:
            raise UnableToSettleShop("settlement_not_refused", N_("The bank has not refused this payment."))
        row.attempt += 1
        row.transfer = order_transfer(
            purpose=Transfer.Purpose.SETTLEMENT,
            amount=row.net,
            currency=row.transfer.currency,
            bank_account=row.merchant.settlement_account,
            key=f"settlement:{row.ref}:{row.attempt}",
            as_of=as_of,
        )
        row.told_status = ""
        row.save(update_fields=["attempt", "transfer", "told_status"])
        write_audit(
            actor=actor,
            action="merchant.settlement.retry",
            object_type="merchants.Settlement",
            object_ref=row.ref,
            after={"attempt": row.attempt},
        )
    return row


def earn_subventions(*, as_of: date, limit: int = 5000) -> Decimal:
    """Book what shops' interest earned since the last run: one journal a run. Return its amount."""
    with transaction.atomic():
        open_rows = Q(subvention__gt=F("subvention_earned") + F("subvention_returned"))
        rows = (
            Capture.objects.select_for_update(of=("self",))
            .select_related("drawdown__loan")
            .filter(open_rows)
            .order_by("pk")[:limit]
        )
        return earn_subvention_of(captures=list(rows), as_of=as_of)


def earn_subvention_of(*, captures: Sequence[Capture], as_of: date) -> Decimal:
    """Bring what is earned of locked captures up to a day; a refund may take some of it back."""
    run, bookings = uuid.uuid4(), []
    for row in captures:
        change = _earned(row, as_of) - row.subvention_earned
        if change:
            row.subvention_earned += change
            row.save(update_fields=["subvention_earned"])
            bookings.append(SubventionBooking(run=run, capture=row, as_of=as_of, amount=change))
    SubventionBooking.objects.bulk_create(bookings)
    total = sum((booking.amount for booking in bookings), ZERO)
    if total:
        post_journal(
            source=f"subvention:{run}",
            leg="EARNED",
            kind="SUBVENTION",
            value_date=as_of,
            booked_date=as_of,
            postings=lines_from({Role.SUBVENTION_DEFERRED: total, Role.SUBVENTION_INCOME: -total}),
        )
    return total


def _earned(row: Capture, as_of: date) -> Decimal:
    whole = row.subvention - row.subvention_returned
    if not whole:
        return ZERO
    loan = Loan.objects.get(pk=row.drawdown.loan_id)
    plan = [Due(item.due_date, item.principal) for item in build_schedule(loan.agreed)]
    return earned(whole, plan, start=row.captured_date, through=as_of, is_over=loan.status in OVER)

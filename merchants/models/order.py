"""An order from the shop's request to the last refund."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import Borrower
from credit.models import Drawdown, Hold
from merchants.domain.orders import Order, OrderStatus
from merchants.models.merchant import ApiKey, Merchant


def money(name: Any, **options: Any) -> Any:
    """Return a column of money."""
    return models.DecimalField(name, max_digits=16, decimal_places=2, **options)


class Checkout(models.Model):
    """What a shop asks a buyer to agree to, what the buyer agreed to, and what became of it."""

    class Status(models.TextChoices):
        OPEN = "OPEN", _("Waits for the buyer")
        AUTHORISED = "AUTHORISED", _("Agreed")
        CAPTURED = "CAPTURED", _("Captured")
        VOIDED = "VOIDED", _("Let go")
        EXPIRED = "EXPIRED", _("Expired")
        CANCELLED = "CANCELLED", _("Cancelled")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="checkouts", verbose_name=_("shop")
    )
    key = models.ForeignKey(
        ApiKey, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("key")
    )
    order_id = models.CharField(_("order of the shop"), max_length=64)
    request_hash = models.CharField(max_length=64, editable=False)
    amount = money(_("amount"))
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    category = models.CharField(_("category"), max_length=16)
    description = models.CharField(_("description"), max_length=200)
    items = models.JSONField(_("goods"), default=list)
    return_url = models.CharField(_("address to return to"), max_length=500)
    cancel_url = models.CharField(_("address when cancelled"), max_length=500, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    expires_at = models.DateTimeField(_("page open until"))
    # agreed by the buyer
    borrower = models.ForeignKey(
        Borrower,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="purchases",
        verbose_name=_("buyer"),
    )
    hold = models.OneToOneField(
        Hold, on_delete=models.PROTECT, null=True, blank=True, related_name="checkout", verbose_name=_("hold")
    )
    instalment_count = models.PositiveSmallIntegerField(_("instalments"), null=True, blank=True)
    subvention_rate = models.DecimalField(
        _("interest paid by the shop"), max_digits=6, decimal_places=4, default=0
    )
    fee_rate = models.DecimalField(_("fee"), max_digits=6, decimal_places=4, default=0)
    authorised_at = models.DateTimeField(_("agreed at"), null=True, blank=True)
    capture_until = models.DateField(_("capture until"), null=True, blank=True)
    captured = money(_("captured"), default=0)
    released = money(_("let go"), default=0)
    refunded = money(_("refunded"), default=0)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [
            models.UniqueConstraint(fields=["merchant", "order_id"], name="checkout_order_once_a_shop"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="checkout_amount_positive"),
            models.CheckConstraint(
                condition=Q(captured__gte=0, released__gte=0, refunded__gte=0)
                & Q(amount__gte=F("captured") + F("released"))
                & Q(captured__gte=F("refunded")),
                name="checkout_parts_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["OPEN", "CANCELLED"], hold__isnull=True)
                | Q(status__in=["AUTHORISED", "CAPTURED", "VOIDED"], hold__isnull=False)
                | Q(status="EXPIRED"),
                name="checkout_agreed_has_its_hold",
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="checkout_of_merchant"),
            models.Index(fields=["expires_at", "id"], condition=Q(status="OPEN"), name="checkout_open"),
            models.Index(
                fields=["capture_until", "id"], condition=Q(status="AUTHORISED"), name="checkout_to_capture"
            ),
        ]

    def __str__(self) -> str:
        return self.order_id

    @property
    def money(self) -> Order:
        """Return the order as the value that the rules take."""
        return Order(OrderStatus(self.status), self.amount, self.captured, self.released, self.refunded)

    def take(self, order: Order) -> list[str]:
        """Take over what the rules gave; return the names of the fields."""
        self.status = order.status.value
        self.captured, self.released, self.refunded = order.captured, order.released, order.refunded
        return ["status", "captured", "released", "refunded"]


class Capture(models.Model):
    """Goods that were sent: a loan of the buyer, and money that the shop is owed."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    checkout = models.ForeignKey(
        Checkout, on_delete=models.PROTECT, related_name="captures", verbose_name=_("order")
    )
    drawdown = models.OneToOneField(
        Drawdown, on_delete=models.PROTECT, related_name="capture", verbose_name=_("drawdown")
    )
    reference = models.CharField(_("reference of the shop"), max_length=64)
    amount = money(_("amount"))
    fee = money(_("fee"))
    subvention = money(_("interest paid by the shop"), default=0)
    refunded = money(_("refunded"), default=0)
    fee_returned = money(_("fee given back"), default=0)
    subvention_returned = money(_("interest given back"), default=0)
    subvention_earned = money(_("interest earned"), default=0)
    captured_date = models.DateField(_("captured on"))
    settlement = models.ForeignKey(
        "merchants.Settlement",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="captures",
        verbose_name=_("settlement"),
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("capture")
        verbose_name_plural = _("captures")
        constraints = [
            models.UniqueConstraint(fields=["checkout", "reference"], name="capture_reference_once"),
            models.CheckConstraint(
                condition=Q(amount__gt=0, fee__gte=0, subvention__gte=0, refunded__gte=0)
                & Q(amount__gte=F("refunded"))
                & Q(fee__gte=F("fee_returned"))
                & Q(subvention__gte=F("subvention_returned")),
                name="capture_parts_within_amount",
            ),
        ]
        indexes = [
            models.Index(
                fields=["captured_date", "id"],
                condition=Q(settlement__isnull=True),
                name="capture_to_settle",
            ),
            models.Index(
                fields=["id"],
                condition=Q(subvention__gt=F("subvention_earned") + F("subvention_returned")),
                name="capture_to_earn",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount}"


class Refund(models.Model):
    """Goods that came back."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    checkout = models.ForeignKey(
        Checkout, on_delete=models.PROTECT, related_name="refunds", verbose_name=_("order")
    )
    reference = models.CharField(_("reference of the shop"), max_length=64)
    amount = money(_("amount"))
    fee_returned = money(_("fee given back"))
    subvention_returned = money(_("interest given back"), default=0)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    refunded_date = models.DateField(_("refunded on"))
    settlement = models.ForeignKey(
        "merchants.Settlement",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="refunds",
        verbose_name=_("settlement"),
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        constraints = [
            models.UniqueConstraint(fields=["checkout", "reference"], name="refund_reference_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_amount_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.amount}"


class RefundPart(models.Model):
    """What a refund took off one capture."""

    refund = models.ForeignKey(
        Refund, on_delete=models.PROTECT, related_name="parts", verbose_name=_("refund")
    )
    capture = models.ForeignKey(
        Capture, on_delete=models.PROTECT, related_name="refund_parts", verbose_name=_("capture")
    )
    amount = money(_("amount"))
    fee_returned = money(_("fee given back"))
    subvention_returned = money(_("interest given back"))

    class Meta:
        verbose_name = _("part of a refund")
        verbose_name_plural = _("parts of refunds")
        constraints = [
            models.UniqueConstraint(fields=["refund", "capture"], name="refund_part_once_a_capture"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_part_amount_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.amount}"

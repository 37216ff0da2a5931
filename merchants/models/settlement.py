"""What a shop is paid, and the interest that it paid for its buyers as it is earned."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loans.models import Transfer
from merchants.models.merchant import Merchant


class Settlement(models.Model):
    """One payment to a shop: what was captured less refunds, fees and interest paid for buyers."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="settlements", verbose_name=_("shop")
    )
    settled_date = models.DateField(_("settled on"))
    captured = models.DecimalField(_("captured"), max_digits=16, decimal_places=2)
    refunded = models.DecimalField(_("refunded"), max_digits=16, decimal_places=2)
    fees = models.DecimalField(_("fees"), max_digits=16, decimal_places=2)
    subventions = models.DecimalField(_("interest paid by the shop"), max_digits=16, decimal_places=2)
    net = models.DecimalField(_("paid out"), max_digits=16, decimal_places=2)
    # the newest order to the bank: one that it refused is followed by another
    transfer = models.OneToOneField(
        Transfer, on_delete=models.PROTECT, related_name="settlement", verbose_name=_("transfer")
    )
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=1)
    told_status = models.CharField(max_length=10, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("settlement")
        verbose_name_plural = _("settlements")
        constraints = [
            models.CheckConstraint(
                condition=Q(net__gt=0, net=F("captured") - F("refunded") - F("fees") - F("subventions")),
                name="settlement_adds_up",
            ),
        ]
        indexes = [models.Index(fields=["merchant", "-id"], name="settlement_of_merchant")]

    def __str__(self) -> str:
        return f"{self.settled_date} {self.net}"


class SubventionBooking(models.Model):
    """Interest of one capture that a run found earned; the run's journal is their sum."""

    run = models.UUIDField(_("run"))
    capture = models.ForeignKey(
        "merchants.Capture", on_delete=models.PROTECT, related_name="bookings", verbose_name=_("capture")
    )
    as_of = models.DateField(_("earned through"))
    amount = models.DecimalField(_("amount"), max_digits=16, decimal_places=2)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("interest of shops earned")
        verbose_name_plural = _("interest of shops earned")
        constraints = [
            models.UniqueConstraint(fields=["run", "capture"], name="subvention_booking_once_a_run"),
        ]

    def __str__(self) -> str:
        return f"{self.as_of} {self.amount}"

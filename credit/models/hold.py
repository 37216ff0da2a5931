"""Room that is kept free on a line for a purchase that a shop may still capture."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from credit.models.line import CreditLine, LimitChange
from credit.models.product import Product


class Hold(models.Model):
    """A promise to a shop, with the terms that the borrower agreed to. What is left of it is not available."""

    class Status(models.TextChoices):
        OPEN = "OPEN", _("Kept free")
        USED = "USED", _("Used")
        RELEASED = "RELEASED", _("Released")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # made by whoever asks for the hold: the same reference holds once
    reference = models.UUIDField(_("reference of the caller"), unique=True, editable=False)
    line = models.ForeignKey(
        CreditLine, on_delete=models.PROTECT, related_name="holds", verbose_name=_("line")
    )
    product = models.ForeignKey(
        Product, on_delete=models.PROTECT, related_name="+", verbose_name=_("product")
    )
    amount = models.DecimalField(_("amount"), max_digits=16, decimal_places=2)
    taken = models.DecimalField(_("captured"), max_digits=16, decimal_places=2, default=0)
    released = models.DecimalField(_("released"), max_digits=16, decimal_places=2, default=0)
    annual_rate = models.DecimalField(_("annual rate"), max_digits=9, decimal_places=6)
    penalty_rate = models.DecimalField(_("annual rate when overdue"), max_digits=9, decimal_places=6)
    instalment_count = models.PositiveSmallIntegerField(_("instalments"))
    repayment_method = models.CharField(_("way of repaying"), max_length=20)
    purpose = models.CharField(_("purpose"), max_length=32)
    bank_account_id = models.BigIntegerField(_("bank account"))
    limit_change = models.ForeignKey(
        LimitChange, on_delete=models.PROTECT, related_name="+", verbose_name=_("limit in force")
    )
    limit_at_hold = models.DecimalField(_("limit in force"), max_digits=16, decimal_places=2)
    exposure_before = models.DecimalField(_("owed before"), max_digits=16, decimal_places=2)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.OPEN)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    held_date = models.DateField(_("kept free since"))
    expires_date = models.DateField(_("kept free through"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0, taken__gte=0, released__gte=0)
                & Q(amount__gte=F("taken") + F("released")),
                name="hold_parts_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(limit_at_hold__gte=F("exposure_before") + F("amount"), exposure_before__gte=0),
                name="hold_within_limit",
            ),
            models.CheckConstraint(
                condition=Q(status="OPEN", amount__gt=F("taken") + F("released"))
                | Q(status__in=["USED", "RELEASED"], amount=F("taken") + F("released")),
                name="hold_open_while_something_is_left",
            ),
        ]
        indexes = [
            models.Index(fields=["line"], condition=Q(status="OPEN"), name="hold_open_of_line"),
            models.Index(fields=["expires_date", "id"], condition=Q(status="OPEN"), name="hold_open_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.get_status_display()}"

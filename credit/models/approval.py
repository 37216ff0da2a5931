"""Draws that wait for the yes of a second member."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from credit.models.line import CreditLine, Drawdown


class DrawRequest(models.Model):
    """What one member asked to draw. Nothing is borrowed until another says yes."""

    class Status(models.TextChoices):
        WAITING = "WAITING", _("Waiting for a second member")
        APPROVED = "APPROVED", _("Approved")
        REFUSED = "REFUSED", _("Refused")
        WITHDRAWN = "WITHDRAWN", _("Withdrawn")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    line = models.ForeignKey(
        CreditLine, on_delete=models.PROTECT, related_name="draw_requests", verbose_name=_("line")
    )
    amount = models.DecimalField(_("amount"), max_digits=16, decimal_places=2)
    instalment_count = models.PositiveSmallIntegerField(_("instalments"))
    repayment_method = models.CharField(_("way of repaying"), max_length=20)
    purpose = models.CharField(_("purpose"), max_length=32)
    scenario = models.CharField(_("scenario"), max_length=16)
    terms_version = models.CharField(_("terms"), max_length=48)
    bank_account_id = models.BigIntegerField(_("bank account"))
    evidence = models.UUIDField(_("paper that shows the purpose"), null=True, blank=True)
    payee = models.UUIDField(_("payee"), null=True, blank=True)
    invoice = models.UUIDField(_("invoice"), null=True, blank=True)
    idempotency_key = models.CharField(_("key"), max_length=255)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("asked by")
    )
    asked_at = models.DateTimeField(_("asked at"))
    expires_at = models.DateTimeField(_("expires at"))
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.WAITING)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    drawdown = models.OneToOneField(
        Drawdown,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="request",
        verbose_name=_("drawdown"),
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("draw to approve")
        verbose_name_plural = _("draws to approve")
        constraints = [
            models.UniqueConstraint(fields=["line", "idempotency_key"], name="draw_request_key_once_a_line"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="draw_request_amount_positive"),
            models.CheckConstraint(
                condition=Q(status__in=["WAITING", "WITHDRAWN"]) | ~Q(decided_by=F("asked_by")),
                name="draw_request_second_is_another",
            ),
            models.CheckConstraint(
                condition=Q(status="WAITING", decided_at__isnull=True)
                | (~Q(status="WAITING") & Q(decided_at__isnull=False, decided_by__isnull=False)),
                name="draw_request_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(status="APPROVED", drawdown__isnull=False)
                | (~Q(status="APPROVED") & Q(drawdown__isnull=True)),
                name="draw_request_approved_is_drawn",
            ),
        ]
        indexes = [models.Index(fields=["line", "-id"], name="draw_request_of_line")]

    def __str__(self) -> str:
        return f"{self.amount} {self.get_status_display()}"

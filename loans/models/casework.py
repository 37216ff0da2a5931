"""What collectors and borrowers agreed on: promises to pay, and the strategy by which cases are worked."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loans.models.loan import Loan


class Promise(models.Model):
    """A borrower promised to pay an amount by a day. Whether it was kept is read from the money that came."""

    class Status(models.TextChoices):
        OPEN = "OPEN", _("Runs")
        KEPT = "KEPT", _("Kept")
        BROKEN = "BROKEN", _("Broken")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    loan = models.ForeignKey(Loan, verbose_name=_("loan"), on_delete=models.PROTECT, related_name="promises")
    amount = models.DecimalField(_("amount"), max_digits=16, decimal_places=2)
    made_date = models.DateField(_("made on"))
    pay_by_date = models.DateField(_("pays by"))
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("taken by"), on_delete=models.PROTECT, related_name="+"
    )
    note = models.CharField(_("note"), max_length=200, blank=True)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.OPEN)
    settled_date = models.DateField(_("settled on"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("promise to pay")
        verbose_name_plural = _("promises to pay")
        constraints = [
            models.UniqueConstraint(
                fields=["loan"], condition=models.Q(status="OPEN"), name="promise_one_runs_a_loan"
            ),
            models.CheckConstraint(
                condition=models.Q(amount__gt=0, pay_by_date__gte=models.F("made_date")),
                name="promise_is_of_money_and_of_a_day_to_come",
            ),
        ]
        indexes = [models.Index(fields=["status", "pay_by_date"], name="promise_by_day")]

    def __str__(self) -> str:
        return f"{self.amount} {self.pay_by_date}"


class CollectionStrategy(models.Model):
    """How cases of each bucket are worked: a version is data, and never changes."""

    version = models.PositiveIntegerField(_("version"), unique=True)
    document = models.JSONField(_("steps"))
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("put in force by"),
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("collection strategy")
        verbose_name_plural = _("collection strategies")

    def __str__(self) -> str:
        return f"v{self.version}"

"""What a borrower agreed to, in which words, and until when."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models.borrower import Borrower


class Consent(models.Model):
    """One agreement to one use of data. The row is never changed but to say when it ended."""

    class Purpose(models.TextChoices):
        PAYMENTS = "PAYMENTS", _("Payment history")
        SPENDING = "SPENDING", _("Spending habits")
        BILLS = "BILLS", _("Bills and utilities")
        BANK = "BANK", _("Bank statements")
        BUSINESS = "BUSINESS", _("Business turnover and invoices")
        SOCIAL = "SOCIAL", _("Social data")
        CREDIT_DECISION = "CREDIT_DECISION", _("Automated credit decision")
        MARKETING = "MARKETING", _("Offers and news")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    borrower = models.ForeignKey(
        Borrower, verbose_name=_("borrower"), on_delete=models.PROTECT, related_name="consents"
    )
    purpose = models.CharField(_("purpose"), max_length=16, choices=Purpose)
    text_version = models.CharField(_("version of the text"), max_length=32)
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("given by"),
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
    )
    given_at = models.DateTimeField(_("given at"))
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [
            models.UniqueConstraint(
                fields=["borrower", "purpose"],
                condition=models.Q(withdrawn_at__isnull=True),
                name="consent_one_active_a_purpose",
            ),
            models.CheckConstraint(
                condition=models.Q(withdrawn_at__isnull=True)
                | models.Q(withdrawn_at__gte=models.F("given_at")),
                name="consent_withdrawn_after_given",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.text_version}"

"""For what the money is: a paper that shows it, and payees to whom it goes straight."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.crypto import EncryptedTextField, holder_of
from accounts.crypto.person import BOOKS
from accounts.models import BankAccount
from credit.models.line import CreditLine, Drawdown
from credit.models.product import Product


class PurposeEvidence(models.Model):
    """An invoice, quote or admission letter that a borrower uploaded for one draw; the file is encrypted."""

    key_path = "line__borrower"  # whose key seals
    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    line = models.ForeignKey(CreditLine, on_delete=models.PROTECT, related_name="+", verbose_name=_("line"))
    scenario = models.CharField(_("scenario"), max_length=16, choices=Product.Scenario)
    file_name = models.CharField(_("file"), max_length=120)
    content_type = models.CharField(_("kind of file"), max_length=20)
    sha256 = models.CharField(_("digest"), max_length=64)
    content = EncryptedTextField(_("content"))  # base64
    drawdown = models.OneToOneField(
        Drawdown,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="purpose_evidence",
        verbose_name=_("drawdown"),
    )
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("by")
    )
    uploaded_date = models.DateField(_("uploaded on"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("evidence of purpose")
        verbose_name_plural = _("evidence of purpose")
        constraints = [
            models.UniqueConstraint(fields=["line", "sha256"], name="purpose_evidence_once_a_line"),
            models.CheckConstraint(
                condition=Q(content_type__in=["application/pdf", "image/png", "image/jpeg"]),
                name="purpose_evidence_kind",
            ),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def key_holder(self) -> str:
        return holder_of(ref=self.line.borrower.ref, shelf=BOOKS)


class Payee(models.Model):
    """A hospital, school or shop that a draw may be paid to instead of the borrower; registered by an officer."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=120)
    scenario = models.CharField(_("scenario"), max_length=16, choices=Product.Scenario)
    account = models.ForeignKey(
        BankAccount, on_delete=models.PROTECT, related_name="+", verbose_name=_("bank account")
    )
    is_active = models.BooleanField(_("may be paid"), default=True)
    registered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("registered by")
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("payee")
        verbose_name_plural = _("payees")
        constraints = [
            models.UniqueConstraint(fields=["account", "scenario"], name="payee_once_a_scenario"),
        ]

    def __str__(self) -> str:
        return self.name

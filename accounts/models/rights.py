"""What must be kept whatever is asked, and the scans that a business gives."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.crypto import EncryptedTextField, holder_of
from accounts.crypto.person import WISH
from accounts.models.borrower import Borrower


class LegalHold(models.Model):
    """A duty to keep a borrower's data, whatever the borrower asks: a lawsuit, an order of an authority."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    borrower = models.ForeignKey(
        Borrower, verbose_name=_("borrower"), on_delete=models.PROTECT, related_name="legal_holds"
    )
    reason = models.CharField(_("reason"), max_length=200)
    placed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("placed by"), on_delete=models.PROTECT, related_name="+"
    )
    placed_at = models.DateTimeField(_("placed at"))
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("lifted by"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    lifted_at = models.DateTimeField(_("lifted at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("legal hold")
        verbose_name_plural = _("legal holds")
        constraints = [
            models.UniqueConstraint(
                fields=["borrower"],
                condition=models.Q(lifted_at__isnull=True),
                name="legal_hold_one_active",
            )
        ]

    def __str__(self) -> str:
        return f"{self.borrower_id} {self.reason[:40]}"


class BusinessLicence(models.Model):
    """The scan of a business licence, sealed like every other document of a person."""

    class Status(models.TextChoices):
        RECEIVED = "RECEIVED", _("Received")
        ACCEPTED = "ACCEPTED", _("Accepted")
        REFUSED = "REFUSED", _("Not accepted")

    key_path = "business"  # whose key seals
    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    business = models.ForeignKey(
        Borrower, verbose_name=_("business"), on_delete=models.PROTECT, related_name="licences"
    )
    media_type = models.CharField(_("kind"), max_length=32)
    size = models.PositiveIntegerField(_("bytes"))
    sha256 = models.CharField(max_length=64, editable=False)
    content = EncryptedTextField(_("content"))
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.RECEIVED)
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("given by"), on_delete=models.PROTECT, related_name="+"
    )
    given_at = models.DateTimeField(_("given at"))
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("checked by"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    checked_at = models.DateTimeField(_("checked at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("business licence")
        verbose_name_plural = _("business licences")
        constraints = [
            models.UniqueConstraint(fields=["business", "sha256"], name="business_licence_file_once"),
        ]

    def __str__(self) -> str:
        return f"{self.media_type} {self.size}"

    @property
    def key_holder(self) -> str:
        return holder_of(ref=self.business.ref, shelf=WISH)

"""Who a borrower is, by a document that was checked."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.crypto import EncryptedTextField, blind_index, holder_of
from accounts.crypto.person import IDENTITY
from accounts.models.borrower import Borrower


class Identity(models.Model):
    """A document of identity; its number and name are encrypted, found by a blind index."""

    class Document(models.TextChoices):
        PRC_ID = "PRC_ID", _("Resident identity card")
        PASSPORT = "PASSPORT", _("Passport")

    class Status(models.TextChoices):
        PENDING = "PENDING", _("Being checked")
        VERIFIED = "VERIFIED", _("Verified")
        REJECTED = "REJECTED", _("Not accepted")

    key_path = "borrower"  # whose key seals
    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    borrower = models.OneToOneField(
        Borrower, verbose_name=_("borrower"), on_delete=models.PROTECT, related_name="identity"
    )
    document = models.CharField(pgettext_lazy("identity", "document"), max_length=8, choices=Document)
    full_name = EncryptedTextField(_("full name"))
    number = EncryptedTextField(pgettext_lazy("identity", "number"))
    number_index = models.CharField(max_length=64, editable=False)
    number_last4 = models.CharField(_("last four"), max_length=4)
    birth_date = models.DateField(_("date of birth"))
    region_code = models.CharField(_("region"), max_length=6, blank=True)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.PENDING)
    provider = models.CharField(_("checked by"), max_length=32)
    provider_reference = models.CharField(max_length=64, blank=True)
    reason = models.CharField(_("reason"), max_length=64, blank=True)
    submitted_at = models.DateTimeField(_("submitted at"))
    checked_at = models.DateTimeField(_("checked at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        constraints = [
            # A number that was refused stays free: a mistyped or stolen number must not lock its owner out.
            models.UniqueConstraint(
                fields=["number_index"], condition=~models.Q(status="REJECTED"), name="identity_number_once"
            ),
            models.CheckConstraint(
                condition=models.Q(status="PENDING", checked_at__isnull=True)
                | models.Q(status__in=["VERIFIED", "REJECTED"], checked_at__isnull=False),
                name="identity_checked_when_decided",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document} …{self.number_last4}"

    @property
    def key_holder(self) -> str:
        return holder_of(ref=self.borrower.ref, shelf=IDENTITY)

    @staticmethod
    def index_of(*, document: str, number: str) -> str:
        return blind_index(purpose=f"identity.{document}", value=number)

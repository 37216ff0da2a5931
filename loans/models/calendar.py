"""A private link under which a borrower's calendar finds the due dates."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.crypto import EncryptedTextField, holder_of
from accounts.crypto.person import WISH
from accounts.models import Borrower


class CalendarFeed(models.Model):
    """One link. Whoever has it sees due dates and amounts, and nothing else; revoking it ends it for good."""

    key_path = "borrower"  # whose key seals
    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    borrower = models.ForeignKey(
        Borrower, verbose_name=_("borrower"), on_delete=models.PROTECT, related_name="calendar_feeds"
    )
    token = EncryptedTextField(_("token"))
    token_digest = models.CharField(_("SHA-256 of the token"), max_length=64, unique=True)
    language = models.CharField(_("language"), max_length=10)
    created_date = models.DateField(_("made on"))
    revoked_date = models.DateField(_("revoked on"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("calendar link")
        verbose_name_plural = _("calendar links")
        constraints = [
            models.UniqueConstraint(
                fields=["borrower"],
                condition=models.Q(revoked_date__isnull=True),
                name="calendar_one_link_a_borrower",
            )
        ]

    def __str__(self) -> str:
        return f"{self.ref}"

    @property
    def key_holder(self) -> str:
        return holder_of(ref=self.borrower.ref, shelf=WISH)

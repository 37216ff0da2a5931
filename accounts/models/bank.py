"""Where money goes to and comes from."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.crypto import EncryptedTextField, blind_index, holder_of
from accounts.crypto.person import IDENTITY
from accounts.models.borrower import Borrower


class BankAccount(models.Model):
    """A borrower's bank account; holder and number are encrypted."""

    key_path = "borrower"  # whose key seals
    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    borrower = models.ForeignKey(
        Borrower, verbose_name=_("borrower"), on_delete=models.PROTECT, related_name="bank_accounts"
    )
    bank_name = models.CharField(_("bank"), max_length=80)
    holder_name = EncryptedTextField(_("account holder"))
    number = EncryptedTextField(_("account number"))
    number_last4 = models.CharField(_("last four"), max_length=4)
    number_index = models.CharField(max_length=64, editable=False, db_index=True)
    is_default = models.BooleanField(_("default"), default=False)
    added_at = models.DateTimeField(_("added at"))
    usable_from = models.DateTimeField(_("usable from"))
    verified_at = models.DateTimeField(_("verified at"), null=True, blank=True)
    removed_at = models.DateTimeField(_("removed at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("bank account")
        verbose_name_plural = _("bank accounts")
        constraints = [
            models.UniqueConstraint(
                fields=["borrower", "number_index"],
                condition=models.Q(removed_at__isnull=True),
                name="bank_account_once_a_borrower",
            ),
            models.UniqueConstraint(
                fields=["borrower"],
                condition=models.Q(is_default=True, removed_at__isnull=True),
                name="bank_account_one_default",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bank_name} …{self.number_last4}"

    @property
    def key_holder(self) -> str:
        return holder_of(ref=self.borrower.ref, shelf=IDENTITY)

    @property
    def masked(self) -> str:
        """Name the account as its owner knows it, without its number."""
        return f"{self.bank_name} •••• {self.number_last4}"

    @staticmethod
    def index_of(number: str) -> str:
        return blind_index(purpose="bank_account.number", value=number)

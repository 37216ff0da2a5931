"""Sales invoices that a business puts forward, and the advances on them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.crypto import EncryptedTextField, holder_of
from accounts.crypto.person import BOOKS
from accounts.models import Borrower
from credit.models.line import Drawdown


class Invoice(models.Model):
    """An invoice of the records whose number and customer its owner named; the records keep neither.

    `identity` and `customer` are what the records know it by. Number and name are sealed: a contract names them.
    """

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    business = models.ForeignKey(
        Borrower, on_delete=models.PROTECT, related_name="+", verbose_name=_("business")
    )
    identity = models.BinaryField(max_length=16)
    number_index = models.CharField(max_length=64, editable=False)
    number = EncryptedTextField(_("number"))
    customer_name = EncryptedTextField(_("customer"))
    customer = models.BigIntegerField(editable=False)
    issue_date = models.DateField(_("written on"))
    due_date = models.DateField(_("due on"))
    amount = models.DecimalField(_("amount"), max_digits=16, decimal_places=2)
    registered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("registered by"),
    )
    registered_date = models.DateField(_("registered on"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        constraints = [
            models.UniqueConstraint(fields=["business", "identity"], name="invoice_once_a_business"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="invoice_amount_positive"),
            models.CheckConstraint(
                condition=Q(due_date__gte=F("issue_date")), name="invoice_due_after_issue"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.issue_date}"

    @property
    def key_holder(self) -> str:
        return holder_of(ref=self.business.ref, shelf=BOOKS)


class InvoiceAdvance(models.Model):
    """An invoice that a draw was advanced on. It serves that draw for good, unless no money was ever paid out."""

    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, related_name="advances", verbose_name=_("invoice")
    )
    drawdown = models.OneToOneField(
        Drawdown, on_delete=models.PROTECT, related_name="advance", verbose_name=_("drawdown")
    )
    number_index = models.CharField(max_length=64, editable=False)
    customer = models.BigIntegerField(editable=False)
    amount = models.DecimalField(_("advanced"), max_digits=16, decimal_places=2)
    invoice_amount = models.DecimalField(_("amount of the invoice"), max_digits=16, decimal_places=2)
    advance_rate = models.DecimalField(_("part advanced at most"), max_digits=7, decimal_places=6)
    paid_seen_date = models.DateField(_("customer's payment seen on"), null=True, blank=True)
    released_date = models.DateField(_("released on"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("invoice advance")
        verbose_name_plural = _("invoice advances")
        constraints = [
            models.UniqueConstraint(
                fields=["invoice"], condition=Q(released_date__isnull=True), name="invoice_advanced_once"
            ),
            # the same paper put forward by another business
            models.UniqueConstraint(
                fields=["number_index"],
                condition=Q(released_date__isnull=True),
                name="invoice_number_advanced_once",
            ),
            models.CheckConstraint(
                condition=Q(
                    amount__gt=0,
                    advance_rate__gt=0,
                    advance_rate__lte=1,
                    amount__lte=F("invoice_amount") * F("advance_rate"),
                ),
                name="invoice_advance_within_rate",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} / {self.invoice_amount}"

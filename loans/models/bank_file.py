"""The bank's own statement of our account, as a file that finance imports: kept line by line, matched by reference."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class BankFile(models.Model):
    """One imported file. The same bytes are taken in once."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("file"), max_length=120)
    sha256 = models.CharField(max_length=64, unique=True, editable=False)
    from_date = models.DateField(_("from"))
    to_date = models.DateField(_("to"))
    rows = models.PositiveIntegerField(_("rows"))
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("imported by"), on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("bank file")
        verbose_name_plural = _("bank files")

    def __str__(self) -> str:
        return self.name


class BankFileLine(models.Model):
    """One movement as the bank tells it: positive into our account, negative out of it."""

    file = models.ForeignKey(
        BankFile, verbose_name=_("bank file"), on_delete=models.PROTECT, related_name="lines"
    )
    number = models.PositiveIntegerField(_("line"))
    booked_date = models.DateField(_("date"))
    reference = models.CharField(_("reference"), max_length=64)
    amount = models.DecimalField(_("amount"), max_digits=16, decimal_places=2)
    text = models.CharField(_("text"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("line of a bank file")
        verbose_name_plural = _("lines of bank files")
        constraints = [models.UniqueConstraint(fields=["file", "number"], name="bank_file_line_once")]
        indexes = [models.Index(fields=["reference"], name="bank_file_line_reference")]

    def __str__(self) -> str:
        return f"{self.reference} {self.amount}"

"""Money at the bank that nobody has claimed yet, and where each part of it went."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loans.models.bank_file import BankFileLine
from loans.models.loan import Loan, LoanEventRow, money


class SuspenseItem(models.Model):
    """One movement into our account that belongs to no order of ours. What is left of it is its amount less its matches that stand."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    line = models.OneToOneField(
        BankFileLine,
        verbose_name=_("line of a bank file"),
        on_delete=models.PROTECT,
        related_name="suspense_item",
    )
    received_date = models.DateField(_("received on"))
    booked_date = models.DateField(_("booked on"))
    reference = models.CharField(_("reference"), max_length=64)
    amount = money(_("amount"))
    text = models.CharField(_("text"), max_length=200, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("taken by"), on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("money in suspense")
        verbose_name_plural = _("money in suspense")
        constraints = [
            # files of a bank may overlap: the same movement is held once
            models.UniqueConstraint(
                fields=["reference", "amount", "received_date"], name="suspense_movement_once"
            ),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="suspense_amount_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.amount}"


class SuspenseMatch(models.Model):
    """A part of such money that found its loan, or went back to its sender."""

    class Kind(models.TextChoices):
        LOAN = "LOAN", _("Paid on a loan")
        RETURN = "RETURN", _("Sent back")

    ref = models.UUIDField(unique=True, editable=False)
    item = models.ForeignKey(
        SuspenseItem, verbose_name=_("money in suspense"), on_delete=models.PROTECT, related_name="matches"
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    amount = money(_("amount"))
    loan = models.ForeignKey(
        Loan, verbose_name=_("loan"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    event = models.OneToOneField(
        LoanEventRow, verbose_name=_("event"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )  # fmt: skip
    bank_reference = models.CharField(_("bank's reference"), max_length=64, blank=True)
    booked_date = models.DateField(_("booked on"))
    maker = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("proposed by"), on_delete=models.PROTECT, related_name="+"
    )
    checker = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("approved by"), on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("part of money in suspense")
        verbose_name_plural = _("parts of money in suspense")
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gt=Decimal(0)), name="suspense_match_positive"),
            models.CheckConstraint(
                condition=models.Q(kind="LOAN", loan__isnull=False, event__isnull=False)
                | models.Q(kind="RETURN", loan__isnull=True, event__isnull=True),
                name="suspense_match_has_its_loan",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"

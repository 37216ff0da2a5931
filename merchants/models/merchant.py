"""A shop: a business that was vetted and may sell on credit, its plans, and the keys of its computers."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import BankAccount, Borrower


class Merchant(models.Model):
    """One shop. Its people are the members of the business, its money goes to a verified account of it."""

    class Status(models.TextChoices):
        APPLIED = "APPLIED", _("Applied")
        ACTIVE = "ACTIVE", _("Approved")
        SUSPENDED = "SUSPENDED", _("Suspended")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    business = models.OneToOneField(
        Borrower, on_delete=models.PROTECT, related_name="merchant", verbose_name=_("business")
    )
    name = models.CharField(_("name for buyers"), max_length=60)
    website = models.CharField(_("website"), max_length=500)
    categories = models.JSONField(_("categories"), default=list)
    # scheme, host and port that buyers may be sent back to
    return_origins = models.JSONField(_("addresses to return to"), default=list)
    settlement_account = models.ForeignKey(
        BankAccount,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("settlement account"),
    )
    fee_rate = models.DecimalField(_("fee"), max_digits=6, decimal_places=4, default=0)
    settlement_days = models.PositiveSmallIntegerField(_("settled after days"), default=1)
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.APPLIED)
    applied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("applied by"),
    )
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("proposed by"),
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("approved by"),
    )
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("shop")
        verbose_name_plural = _("shops")
        constraints = [
            models.CheckConstraint(
                condition=Q(fee_rate__gte=0, fee_rate__lte="0.1"), name="merchant_fee_in_range"
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("proposed_by")),
                name="merchant_maker_is_not_checker",
            ),
            models.CheckConstraint(
                condition=Q(status="APPLIED")
                | Q(approved_at__isnull=False, proposed_by__isnull=False, approved_by__isnull=False),
                name="merchant_approved_by_two",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class MerchantPlan(models.Model):
    """A plan that a shop offers beside the ordinary ones: 0 % for the buyer, paid for by the shop."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="plans", verbose_name=_("shop")
    )
    instalment_count = models.PositiveSmallIntegerField(_("instalments"))
    subvention_rate = models.DecimalField(_("interest paid by the shop"), max_digits=6, decimal_places=4)
    is_active = models.BooleanField(_("offered"), default=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("plan of a shop")
        verbose_name_plural = _("plans of shops")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "instalment_count"],
                condition=Q(is_active=True),
                name="merchant_plan_once_a_term",
            ),
            models.CheckConstraint(
                condition=Q(subvention_rate__gt=0, subvention_rate__lte="0.3", instalment_count__gte=1),
                name="merchant_plan_is_paid_for",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instalment_count} x 0%"


class ApiKey(models.Model):
    """A key of a shop's computer. The key itself is shown once; what is stored is its hash."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="keys", verbose_name=_("shop")
    )
    name = models.CharField(_("what it is for"), max_length=60)
    prefix = models.CharField(_("prefix"), max_length=12, unique=True)
    digest = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(_("may"))
    needs_signature = models.BooleanField(_("money needs a signature"), default=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("made by"),
    )
    replaces = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="replaced_by"
    )
    expires_at = models.DateTimeField(_("good until"))
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    created_at = models.DateTimeField(_("made at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("key of a shop")
        verbose_name_plural = _("keys of shops")
        indexes = [models.Index(fields=["merchant", "-id"], name="api_key_of_merchant")]

    def __str__(self) -> str:
        return f"{self.name} {self.prefix}…"

"""What we offer and by which rules: versions that never change."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from credit.domain.products import Family as DomainFamily
from credit.domain.products import PayeeRule as DomainPayeeRule
from credit.domain.products import ProductTerms
from credit.domain.products import Scenario as DomainScenario
from credit.domain.working import read_rules


class Product(models.Model):
    """One version of a product. Contracts point at the version that they were signed under."""

    class Scenario(models.TextChoices):
        EVERYDAY = "EVERYDAY", _("Everyday spending")
        MEDICAL = "MEDICAL", _("Medical care")
        EDUCATION = "EDUCATION", _("Education and training")
        ELECTRONICS = "ELECTRONICS", _("Phones, computers and appliances")
        TRAVEL = "TRAVEL", _("Travel")
        WORKING_CAPITAL = "WORKING_CAPITAL", _("Working capital")
        SALES_SHARE = "SALES_SHARE", _("Working capital by a share of sales")
        INVOICE_ADVANCE = "INVOICE_ADVANCE", _("Advance on an invoice")

    class PayeeRule(models.TextChoices):
        NONE = "NONE", _("The borrower")
        ALLOWED = "ALLOWED", _("The borrower or a payee")
        REQUIRED = "REQUIRED", _("A payee")

    class Family(models.TextChoices):
        PERSONAL = "PERSONAL", _("Personal line")
        BUSINESS = "BUSINESS", _("Business line")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    code = models.SlugField(_("code"), max_length=32)
    version = models.PositiveSmallIntegerField(_("version"))
    name = models.CharField(
        _("name"),
        max_length=80,
        help_text=_("An English message id; pages translate it."),
    )
    scenario = models.CharField(_("scenario"), max_length=16, choices=Scenario)
    family = models.CharField(_("line"), max_length=8, choices=Family)
    repayment_methods = models.JSONField(_("ways of repaying"))
    instalment_counts = models.JSONField(_("terms in months"))
    minimum_amount = models.DecimalField(_("least amount"), max_digits=16, decimal_places=2)
    maximum_amount = models.DecimalField(_("most"), max_digits=16, decimal_places=2)
    purposes = models.JSONField(_("allowed purposes"))
    forbidden_purposes = models.JSONField(_("forbidden purposes"))
    evidence_above = models.DecimalField(
        _("paper needed above"), max_digits=16, decimal_places=2, null=True, blank=True
    )
    sub_limit = models.DecimalField(
        _("most under one line"), max_digits=16, decimal_places=2, null=True, blank=True
    )
    payee_rule = models.CharField(
        _("who is paid"), max_length=8, choices=PayeeRule, default="NONE", db_default="NONE"
    )
    working_rules = models.JSONField(_("share of sales, or advance on an invoice"), null=True, blank=True)
    is_active = models.BooleanField(_("offered"), default=True)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("proposed by"),
    )
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("activated by"),
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="product_version_once"),
            models.UniqueConstraint(
                fields=["code"],
                condition=Q(is_active=True),
                name="product_one_active_version",
            ),
            models.UniqueConstraint(
                fields=["scenario", "family"],
                condition=Q(is_active=True),
                name="product_one_per_scenario",
            ),
            models.CheckConstraint(
                condition=Q(minimum_amount__gt=0, maximum_amount__gte=F("minimum_amount")),
                name="product_amounts_are_a_range",
            ),
            models.CheckConstraint(
                condition=Q(activated_by__isnull=True) | ~Q(activated_by=F("proposed_by")),
                name="product_maker_is_not_checker",
            ),
        ]

    def __str__(self) -> str:
        return gettext(self.name)

    @property
    def borrower_kind(self) -> str:
        return "BUSINESS" if self.family == self.Family.BUSINESS else "PERSON"

    def terms(self) -> ProductTerms:
        """Give the product as the value that the rules take."""
        return ProductTerms(
            code=self.code,
            version=self.version,
            scenario=DomainScenario(self.scenario),
            family=DomainFamily(self.family),
            methods=tuple(self.repayment_methods),
            instalment_counts=tuple(self.instalment_counts),
            minimum=self.minimum_amount,
            maximum=self.maximum_amount,
            purposes=tuple(self.purposes),
            forbidden=tuple(self.forbidden_purposes),
            evidence_above=self.evidence_above,
            sub_limit=self.sub_limit,
            payee_rule=DomainPayeeRule(self.payee_rule),
            working=read_rules(self.working_rules),
        )


class Policy(models.Model):
    """One version of the policy document; a trigger refuses a change of a document that left draft."""

    class State(models.TextChoices):
        DRAFT = "DRAFT", _("Draft")
        PROPOSED = "PROPOSED", _("Waiting for a second person")
        ACTIVE = "ACTIVE", _("Active")
        RETIRED = "RETIRED", _("Retired")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    version = models.PositiveIntegerField(_("version"), unique=True)
    document = models.JSONField(_("document"))
    document_sha256 = models.CharField(_("digest"), max_length=64)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.DRAFT)
    note = models.TextField(_("note"), blank=True)
    is_installation = models.BooleanField(_("came with the installation"), default=False)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("proposed by"),
    )
    proposed_at = models.DateTimeField(_("proposed at"), null=True, blank=True)
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("activated by"),
    )
    activated_at = models.DateTimeField(_("activated at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("policy")
        verbose_name_plural = _("policies")
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=Q(state="ACTIVE"), name="policy_one_active"),
            models.CheckConstraint(
                condition=Q(activated_by__isnull=True) | ~Q(activated_by=F("proposed_by")),
                name="policy_maker_is_not_checker",
            ),
            models.CheckConstraint(
                condition=Q(is_installation=True)
                | Q(state__in=["DRAFT"])
                | (Q(proposed_by__isnull=False) & (Q(state="PROPOSED") | Q(activated_by__isnull=False))),
                name="policy_has_two_people",
            ),
        ]

    def __str__(self) -> str:
        return f"{_('policy')} {self.version}"

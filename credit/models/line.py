"""The line, each change of its limit, and each draw on it."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from credit.domain.limit_in_force import LimitParts
from credit.models.application import Application
from credit.models.product import Policy, Product


class CreditLine(models.Model):
    """The revolving promise. What is available is computed under the row's lock, never stored."""

    class Status(models.TextChoices):
        OFFERED = "OFFERED", _("Offered")
        ACTIVE = "ACTIVE", _("Active")
        FROZEN = "FROZEN", _("Frozen")
        SUSPENDED = "SUSPENDED", _("Suspended")
        CLOSED = "CLOSED", _("Closed")

    class FreezeReason(models.TextChoices):
        NONE = "", _("Not frozen")
        BORROWER = "BORROWER", _("Asked for by the borrower")
        OVERDUE = "OVERDUE", _("A payment is overdue")
        RISK = "RISK", _("Risk too high")
        OFFICER = "OFFICER", _("By an officer")
        EXCLUDED = "EXCLUDED", _("Asked not to be lent to")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    borrower = models.ForeignKey(
        "accounts.Borrower",
        on_delete=models.PROTECT,
        related_name="lines",
        verbose_name=_("borrower"),
    )
    family = models.CharField(_("line"), max_length=8, choices=Product.Family)
    limit = models.DecimalField(_("limit"), max_digits=16, decimal_places=2)
    annual_rate = models.DecimalField(_("annual rate"), max_digits=9, decimal_places=6)
    penalty_rate = models.DecimalField(
        _("annual rate when overdue"), max_digits=9, decimal_places=6, default=0
    )
    grade = models.CharField(_("grade"), max_length=8, blank=True)
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.ACTIVE)
    freeze_reason = models.CharField(
        _("why frozen"), max_length=8, choices=FreezeReason, blank=True, default=""
    )
    opened_date = models.DateField(_("opened on"), null=True, blank=True)
    offer_until = models.DateField(_("offer open until"), null=True, blank=True)
    valid_until = models.DateField(_("valid until"))
    application = models.ForeignKey(
        Application,
        on_delete=models.PROTECT,
        related_name="lines",
        verbose_name=_("application"),
    )
    # the limit above is the one in force; the grant is limit + held_back - temporary_extra (domain.limit_in_force)
    own_cap = models.DecimalField(
        _("the borrower's own cap"), max_digits=16, decimal_places=2, null=True, blank=True
    )
    held_back = models.DecimalField(
        _("held back by the own cap"), max_digits=16, decimal_places=2, default=0, db_default=0
    )
    temporary_extra = models.DecimalField(
        _("temporary increase"), max_digits=16, decimal_places=2, default=0, db_default=0
    )
    temporary_until = models.DateField(_("temporary increase until"), null=True, blank=True)
    # a cut that the borrower was told of: the limit above stands until the day before
    announced_limit = models.DecimalField(
        _("announced lower limit"), max_digits=16, decimal_places=2, null=True, blank=True
    )
    announced_date = models.DateField(_("in force from"), null=True, blank=True)
    suspended_until = models.DateField(_("suspended until at least"), null=True, blank=True)
    auto_debit = models.BooleanField(_("pay instalments automatically"), default=False)
    next_review_date = models.DateField(_("next look"))
    last_raised_date = models.DateField(_("last raised on"), null=True, blank=True)
    last_cut_date = models.DateField(_("last cut on"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("credit line")
        verbose_name_plural = _("credit lines")
        constraints = [
            models.UniqueConstraint(
                fields=["borrower", "family"],
                condition=~Q(status="CLOSED"),
                name="line_one_open_a_family",
            ),
            models.CheckConstraint(
                condition=Q(limit__gte=50, limit__lte=300000),
                name="line_limit_in_range",
            ),
            models.CheckConstraint(
                condition=Q(annual_rate__gte=0, annual_rate__lt=1),
                name="line_rate_in_range",
            ),
            models.CheckConstraint(
                condition=(Q(status__in=["FROZEN", "SUSPENDED"]) & ~Q(freeze_reason=""))
                | (~Q(status__in=["FROZEN", "SUSPENDED"]) & Q(freeze_reason="")),
                name="line_frozen_has_reason",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["OFFERED", "CLOSED"]) | Q(opened_date__isnull=False),
                name="line_open_has_opened_date",
            ),
            models.CheckConstraint(
                condition=(Q(own_cap__isnull=True) & Q(held_back=0))
                | Q(own_cap__gte=50, held_back__gte=0, limit__lte=F("own_cap")),
                name="line_own_cap_holds_back",
            ),
            models.CheckConstraint(
                condition=Q(temporary_until__isnull=True, temporary_extra=0)
                | Q(temporary_until__isnull=False, temporary_extra__gt=0),
                name="line_temporary_extra_has_end",
            ),
            models.CheckConstraint(
                condition=Q(announced_limit__isnull=True, announced_date__isnull=True)
                | Q(announced_limit__gte=50, announced_date__isnull=False),
                name="line_announced_limit_has_day",
            ),
        ]
        indexes = [
            models.Index(
                fields=["announced_date", "id"],
                condition=Q(announced_date__isnull=False),
                name="line_announced_due",
            ),
            models.Index(fields=["valid_until", "id"], condition=~Q(status="CLOSED"), name="line_ends"),
            models.Index(
                fields=["next_review_date", "id"],
                condition=Q(status__in=["ACTIVE", "FROZEN"]),
                name="line_review_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_family_display()} {self.limit}"

    @property
    def parts(self) -> LimitParts:
        """Give what the limit in force is made of."""
        return LimitParts.of(
            limit=self.limit, held_back=self.held_back, extra=self.temporary_extra, own_cap=self.own_cap
        )

    def in_force_with(self, granted: Decimal) -> Decimal:
        """Give what would be in force if so much were granted: with the temporary extra, under the own cap."""
        return LimitParts(granted, extra=self.parts.extra, own_cap=self.own_cap).in_force


class LimitChange(models.Model):
    """One event in a line's life, with the reasons that the borrower reads; append-only.

    Rows of a line are written under its lock, so their ids are the order in which limits were in force.
    `period` is the month of an engine's change of the limit: unique, so a limit moves once a month at most.
    """

    class Direction(models.TextChoices):
        OPEN = "OPEN", _("Opened")
        UP = "UP", _("Raised")
        KEEP = "KEEP", _("Kept")
        DOWN = "DOWN", _("Lowered")
        FREEZE = "FREEZE", _("Frozen")
        UNFREEZE = "UNFREEZE", _("Unfrozen")
        SUSPEND = "SUSPEND", _("Suspended")
        RESUME = "RESUME", _("Resumed")
        RENEW = "RENEW", _("Renewed")
        ANNOUNCE = "ANNOUNCE", _("Cut announced")
        WITHDRAW = "WITHDRAW", _("Announced cut withdrawn")
        CLOSE = "CLOSE", _("Closed")

    class Trigger(models.TextChoices):
        APPLICATION = "APPLICATION", _("Application")
        BORROWER = "BORROWER", _("The borrower asked")
        OFFICER = "OFFICER", _("An officer acted")
        MONTHLY = "MONTHLY", _("Monthly look")
        MISSED_INSTALMENT = "MISSED_INSTALMENT", _("Missed instalment")
        PAID_UP = "PAID_UP", _("Overdue amount paid")
        PAID_OFF = "PAID_OFF", _("Loan paid off")
        FRESH_EVIDENCE = "FRESH_EVIDENCE", _("Newer records")
        STALE_FEED = "STALE_FEED", _("Records grew old")
        CONSENT_WITHDRAWN = "CONSENT_WITHDRAWN", _("Consent withdrawn")
        TEMPORARY_END = "TEMPORARY_END", _("Temporary increase ended")
        NOTICE_END = "NOTICE_END", _("Announced before")
        RENEWAL = "RENEWAL", _("The line's term was near its end")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    line = models.ForeignKey(
        CreditLine,
        on_delete=models.PROTECT,
        related_name="changes",
        verbose_name=_("line"),
    )
    direction = models.CharField(_("direction"), max_length=8, choices=Direction)
    trigger = models.CharField(_("trigger"), max_length=17, choices=Trigger)
    old_limit = models.DecimalField(_("old limit"), max_digits=16, decimal_places=2)
    new_limit = models.DecimalField(_("new limit"), max_digits=16, decimal_places=2)
    old_annual_rate = models.DecimalField(_("old annual rate"), max_digits=9, decimal_places=6, default=0)
    new_annual_rate = models.DecimalField(_("new annual rate"), max_digits=9, decimal_places=6, default=0)
    reasons = models.JSONField(_("reasons"))
    recourse = models.JSONField(_("what restores or raises it"))
    inputs = models.JSONField(_("inputs"), default=dict)
    assessment = models.ForeignKey(
        "risk.Assessment",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("assessment"),
    )
    policy = models.ForeignKey(
        Policy,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("policy"),
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    note = models.TextField(_("note"), blank=True)
    period = models.CharField(_("month"), max_length=7)
    effective_date = models.DateField(_("in force from"))
    next_review_date = models.DateField(_("next look"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("change of the limit")
        verbose_name_plural = _("changes of limits")
        constraints = [
            models.UniqueConstraint(
                fields=["line", "period"],
                condition=Q(trigger="MONTHLY"),
                name="limit_change_one_look_a_month",
            ),
            models.UniqueConstraint(
                fields=["line", "period"],
                condition=Q(direction__in=["UP", "DOWN"])
                & ~Q(trigger__in=["APPLICATION", "BORROWER", "OFFICER", "TEMPORARY_END"]),
                name="limit_change_one_move_a_month",
            ),
            models.UniqueConstraint(
                fields=["line", "trigger", "effective_date"],
                condition=~Q(trigger__in=["APPLICATION", "BORROWER", "OFFICER", "MONTHLY"]),
                name="limit_change_one_event_look_a_day",
            ),
            models.CheckConstraint(
                condition=Q(direction="UP", new_limit__gt=F("old_limit"))
                | Q(direction="DOWN", new_limit__lt=F("old_limit"))
                | Q(direction="OPEN", old_limit=0)
                | Q(
                    direction__in=[
                        "KEEP",
                        "FREEZE",
                        "UNFREEZE",
                        "SUSPEND",
                        "RESUME",
                        "RENEW",
                        "ANNOUNCE",
                        "WITHDRAW",
                        "CLOSE",
                    ],
                    new_limit=F("old_limit"),
                ),
                name="limit_change_direction_agrees",
            ),
            models.CheckConstraint(condition=~Q(reasons=[]), name="limit_change_has_reason"),
        ]
        indexes = [models.Index(fields=["line", "-id"], name="limit_change_of_line")]

    def __str__(self) -> str:
        return f"{self.get_direction_display()} {self.old_limit} → {self.new_limit}"


class Drawdown(models.Model):
    """One draw: the link between a line and its loan, with the limit and exposure that it was checked against."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    line = models.ForeignKey(
        CreditLine,
        on_delete=models.PROTECT,
        related_name="drawdowns",
        verbose_name=_("line"),
    )
    loan = models.OneToOneField(
        "loans.Loan",
        on_delete=models.PROTECT,
        related_name="drawdown",
        verbose_name=_("loan"),
    )
    product = models.ForeignKey(
        Product, on_delete=models.PROTECT, related_name="+", verbose_name=_("product")
    )
    amount = models.DecimalField(_("amount"), max_digits=16, decimal_places=2)
    purpose = models.CharField(_("purpose"), max_length=32)
    scenario = models.CharField(_("scenario"), max_length=16, choices=Product.Scenario)
    bank_account_id = models.BigIntegerField(_("bank account"))
    payee = models.ForeignKey(
        "credit.Payee",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("payee"),
    )
    limit_change = models.ForeignKey(
        LimitChange,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("limit in force"),
    )
    # a purchase: the room was kept free before, under the limit of that day
    hold = models.ForeignKey(
        "credit.Hold",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="drawdowns",
        verbose_name=_("hold"),
    )
    limit_at_draw = models.DecimalField(_("limit in force"), max_digits=16, decimal_places=2)
    exposure_before = models.DecimalField(_("owed before"), max_digits=16, decimal_places=2)
    affordability = models.JSONField(
        _("heaviest month before and after, and the income"), null=True, blank=True
    )
    idempotency_key = models.CharField(_("key"), max_length=255)
    request_hash = models.CharField(max_length=64, editable=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    drawn_date = models.DateField(_("drawn on"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("drawdown")
        verbose_name_plural = _("drawdowns")
        constraints = [
            models.UniqueConstraint(fields=["line", "idempotency_key"], name="drawdown_key_once_a_line"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="drawdown_amount_positive"),
            models.CheckConstraint(
                condition=Q(exposure_before__gte=0)
                & (Q(limit_at_draw__gte=F("exposure_before") + F("amount")) | Q(hold__isnull=False)),
                name="drawdown_within_limit",
            ),
        ]
        indexes = [
            models.Index(fields=["line", "-id"], name="drawdown_of_line"),
            # what the night reads sales for: few among many
            models.Index(
                fields=["loan"], condition=Q(scenario="SALES_SHARE"), name="drawdown_repaid_by_sales"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.get_scenario_display()}"

"""Who may owe: a person, or a business with its members."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models.user import Language


class Borrower(models.Model):
    """A person or a business that can borrow."""

    class Kind(models.TextChoices):
        PERSON = "PERSON", _("Person")
        BUSINESS = "BUSINESS", _("Business")

    class Status(models.TextChoices):
        ACTIVE = "ACTIVE", _("Active")
        BLOCKED = "BLOCKED", _("Blocked")
        ERASED = "ERASED", _("Erased")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="borrower",
    )
    display_name = models.CharField(_("name shown"), max_length=120)
    language = models.CharField(_("language"), max_length=8, choices=Language, default=Language.CHINESE)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.ACTIVE)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("borrower")
        verbose_name_plural = _("borrowers")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="PERSON") | models.Q(kind="BUSINESS", user__isnull=True),
                name="borrower_business_has_members_not_a_user",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=["PERSON", "BUSINESS"]), name="borrower_kind_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["ACTIVE", "BLOCKED", "ERASED"]),
                name="borrower_status_is_known",
            ),
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def is_business(self) -> bool:
        return self.kind == self.Kind.BUSINESS


class BusinessProfile(models.Model):
    """What the register says of a business."""

    borrower = models.OneToOneField(
        Borrower, verbose_name=_("business"), on_delete=models.PROTECT, related_name="business_profile"
    )
    legal_name = models.CharField(_("registered name"), max_length=120)
    uscc = models.CharField(_("unified social credit code"), max_length=18, unique=True)
    industry = models.CharField(_("industry"), max_length=32)
    founded_date = models.DateField(_("founded on"))
    # a draw above this needs the yes of a second member; empty: one member is enough
    second_approval_above = models.DecimalField(
        _("second approval above"), max_digits=16, decimal_places=2, null=True, blank=True
    )
    # a looser rule counts from this day on
    second_approval_then = models.DecimalField(
        _("second approval then above"), max_digits=16, decimal_places=2, null=True, blank=True
    )
    second_approval_date = models.DateField(_("second approval changes on"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("business profile")
        verbose_name_plural = _("business profiles")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(second_approval_above__isnull=True)
                | models.Q(second_approval_above__gte=0),
                name="business_second_approval_not_negative",
            )
        ]

    def __str__(self) -> str:
        return self.legal_name


class BusinessMember(models.Model):
    """Who may act for a business, and how far."""

    class Role(models.TextChoices):
        OWNER = "OWNER", _("Owner")
        FINANCE = "FINANCE", _("Finance")
        VIEWER = "VIEWER", _("Viewer")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    business = models.ForeignKey(
        Borrower, verbose_name=_("business"), on_delete=models.PROTECT, related_name="members"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("user"), on_delete=models.PROTECT, related_name="memberships"
    )
    role = models.CharField(_("role"), max_length=8, choices=Role)
    is_active = models.BooleanField(_("active"), default=True)
    # how much of the business belongs to this owner, in per cent
    share = models.DecimalField(_("share in %"), max_digits=5, decimal_places=2, null=True, blank=True)
    # the most that this member may draw at once alone; empty: as much as the line has
    draw_limit = models.DecimalField(
        _("most in one draw"), max_digits=16, decimal_places=2, null=True, blank=True
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("member of a business")
        verbose_name_plural = _("members of businesses")
        constraints = [
            models.UniqueConstraint(fields=["business", "user"], name="business_member_once"),
            models.CheckConstraint(
                condition=models.Q(role__in=["OWNER", "FINANCE", "VIEWER"]),
                name="business_member_role_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(share__isnull=True) | models.Q(role="OWNER", share__gt=0, share__lte=100),
                name="business_member_share_is_an_owners",
            ),
            models.CheckConstraint(
                condition=models.Q(draw_limit__isnull=True) | models.Q(draw_limit__gte=0),
                name="business_member_draw_limit_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.business_id}/{self.user_id} {self.role}"

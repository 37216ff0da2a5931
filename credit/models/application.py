"""A request for a line, what was decided, and the request for a person to look again."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from credit.models.product import Policy, Product


class Occupation(models.TextChoices):
    """What a person says of the work; students may not be lent to."""

    EMPLOYED = "EMPLOYED", _("Employed")
    SELF_EMPLOYED = "SELF_EMPLOYED", _("Self-employed")
    NOT_WORKING = "NOT_WORKING", _("Not working")
    RETIRED = "RETIRED", _("Retired")
    STUDENT = "STUDENT", _("Student")


class Application(models.Model):
    """One request. It keeps the policy version that it began with, whatever is activated meanwhile."""

    class Status(models.TextChoices):
        DRAFT = "DRAFT", _("Draft")
        SUBMITTED = "SUBMITTED", _("Submitted")
        REFERRED = "REFERRED", _("A person decides")
        APPROVED = "APPROVED", _("Approved")
        DECLINED = "DECLINED", _("Declined")
        WITHDRAWN = "WITHDRAWN", _("Withdrawn")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    borrower = models.ForeignKey(
        "accounts.Borrower",
        on_delete=models.PROTECT,
        related_name="applications",
        verbose_name=_("borrower"),
    )
    product = models.ForeignKey(
        Product, on_delete=models.PROTECT, related_name="+", verbose_name=_("product")
    )
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+", verbose_name=_("policy"))
    requested_amount = models.DecimalField(_("amount asked for"), max_digits=16, decimal_places=2)
    purpose = models.CharField(_("purpose"), max_length=32)
    occupation = models.CharField(_("occupation"), max_length=16, choices=Occupation, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.SUBMITTED)
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("submitted by"),
    )
    submitted_date = models.DateField(_("submitted on"))
    submitted_at = models.DateTimeField(_("submitted at"))
    decided_date = models.DateField(_("decided on"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        constraints = [
            models.UniqueConstraint(
                fields=["borrower"],
                condition=Q(status__in=["DRAFT", "SUBMITTED", "REFERRED"]),
                name="application_one_open",
            ),
            models.CheckConstraint(condition=Q(requested_amount__gt=0), name="application_amount_positive"),
            models.CheckConstraint(
                condition=Q(status__in=["APPROVED", "DECLINED"], decided_date__isnull=False)
                | (~Q(status__in=["APPROVED", "DECLINED"]) & Q(decided_date__isnull=True)),
                name="application_decided_date_when_decided",
            ),
        ]
        indexes = [
            models.Index(
                fields=["submitted_at", "id"],
                condition=Q(status="REFERRED"),
                name="application_queue",
            ),
            models.Index(fields=["borrower", "-id"], name="application_of_borrower"),
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()} {self.requested_amount}"


class Decision(models.Model):
    """What was decided on an application, by the engine or by an officer; never changed.

    `inputs` holds the policy's view of the applicant, so that the decision replays without the living rows.
    """

    class Outcome(models.TextChoices):
        APPROVE = "APPROVE", _("Approved")
        REFER = "REFER", _("A person decides")
        DECLINE = "DECLINE", _("Declined")
        COUNTER_OFFER = "COUNTER_OFFER", _("Another offer")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    application = models.ForeignKey(
        Application,
        on_delete=models.PROTECT,
        related_name="decisions",
        verbose_name=_("application"),
    )
    number = models.PositiveSmallIntegerField(_("number"))
    is_final = models.BooleanField(_("final"))
    outcome = models.CharField(_("outcome"), max_length=13, choices=Outcome)
    limit = models.DecimalField(_("limit"), max_digits=16, decimal_places=2, default=0)
    annual_rate = models.DecimalField(_("annual rate"), max_digits=9, decimal_places=6, default=0)
    grade = models.CharField(_("grade"), max_length=8, blank=True)
    pd = models.DecimalField(
        _("probability of default"),
        max_digits=9,
        decimal_places=8,
        null=True,
        blank=True,
    )
    reasons = models.JSONField(_("reasons"))
    inputs = models.JSONField(_("inputs"))
    is_exploration = models.BooleanField(_("random approval"), default=False)
    assessment = models.ForeignKey(
        "risk.Assessment",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("assessment"),
    )
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+", verbose_name=_("policy"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    note = models.TextField(_("note"), blank=True)
    decided_date = models.DateField(_("decided on"))
    decided_at = models.DateTimeField(_("decided at"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        constraints = [
            models.UniqueConstraint(fields=["application", "number"], name="decision_number_once"),
            models.UniqueConstraint(
                fields=["application"],
                condition=Q(is_final=True),
                name="decision_one_final",
            ),
            models.CheckConstraint(
                condition=Q(
                    outcome__in=["APPROVE", "COUNTER_OFFER"],
                    limit__gt=0,
                    annual_rate__gte=0,
                )
                | Q(outcome__in=["REFER", "DECLINE"], limit=0),
                name="decision_offer_has_limit",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(note=""),
                name="decision_of_a_person_has_note",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()}"


class ReviewRequest(models.Model):
    """A borrower asks for a person to look at a decision or a change of the limit; tracked to its answer."""

    class Status(models.TextChoices):
        OPEN = "OPEN", _("Waiting for a person")
        UPHELD = "UPHELD", _("Confirmed")
        CHANGED = "CHANGED", _("Changed")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    borrower = models.ForeignKey(
        "accounts.Borrower",
        on_delete=models.PROTECT,
        related_name="review_requests",
        verbose_name=_("borrower"),
    )
    decision = models.ForeignKey(
        Decision,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="review_requests",
        verbose_name=_("decision"),
    )
    limit_change = models.ForeignKey(
        "credit.LimitChange",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="review_requests",
        verbose_name=_("change of the limit"),
    )
    text = models.TextField(_("in the borrower's words"), blank=True)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.OPEN)
    requested_date = models.DateField(_("asked on"))
    answer_by_date = models.DateField(_("answer due on"))
    answer = models.TextField(_("answer"), blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("answered by"),
    )
    answered_date = models.DateField(_("answered on"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("request for a person")
        verbose_name_plural = _("requests for a person")
        constraints = [
            models.CheckConstraint(
                condition=Q(decision__isnull=False, limit_change__isnull=True)
                | Q(decision__isnull=True, limit_change__isnull=False),
                name="review_request_about_one_thing",
            ),
            models.UniqueConstraint(
                fields=["decision"],
                condition=Q(status="OPEN"),
                name="review_request_one_open_a_decision",
            ),
            models.UniqueConstraint(
                fields=["limit_change"],
                condition=Q(status="OPEN"),
                name="review_request_one_open_a_change",
            ),
        ]

    def __str__(self) -> str:
        return self.get_status_display()

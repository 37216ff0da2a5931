"""Experiments of the policy laboratory, and trials of a policy beside the one in force."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from credit.models.product import Policy


class Experiment(models.Model):
    """One question to the laboratory and its answer: a period decided again under a changed policy, price or model."""

    class Status(models.TextChoices):
        WAITING = "WAITING", _("Waiting")
        RUNNING = "RUNNING", _("Running")
        DONE = "DONE", _("Done")
        FAILED = "FAILED", _("Failed")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=80)
    note = models.TextField(_("note"), blank=True)
    first_date = models.DateField(_("first day"))
    last_date = models.DateField(_("last day"))
    base = models.ForeignKey(
        Policy, on_delete=models.PROTECT, related_name="+", verbose_name=_("policy it began from")
    )
    document = models.JSONField(_("document"))
    model = models.ForeignKey(
        "risk.ModelVersion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("another model"),
    )
    answers_prices = models.BooleanField(_("customers answer prices"), default=False)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.WAITING)
    result = models.JSONField(_("result"), default=dict)
    problem = models.TextField(_("problem"), blank=True)
    is_shared = models.BooleanField(_("shared"), default=False)
    submitted = models.ForeignKey(
        Policy,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="experiments",
        verbose_name=_("submitted as"),
    )
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("made by")
    )
    made_at = models.DateTimeField(_("made at"))
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("experiment")
        verbose_name_plural = _("experiments")
        constraints = [
            models.CheckConstraint(
                condition=Q(last_date__gte=F("first_date")), name="experiment_period_is_a_range"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["DONE", "FAILED"], finished_at__isnull=False)
                | Q(status__in=["WAITING", "RUNNING"], finished_at__isnull=True),
                name="experiment_done_has_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"], condition=Q(status__in=["WAITING", "RUNNING"]), name="experiment_to_do"
            )
        ]

    def __str__(self) -> str:
        return self.name


class PolicyTrial(models.Model):
    """A policy beside the one in force: first in the shadow, then deciding for a share of borrowers, then over.

    A borrower's side follows from the trial's reference and the borrower's, so it stays the same.
    """

    class Stage(models.TextChoices):
        SHADOW = "SHADOW", _("Shadow: decides nothing")
        LIVE = "LIVE", _("Decides for its share")
        OVER = "OVER", _("Over")

    class Verdict(models.TextChoices):
        NONE = "", _("Not decided")
        BETTER = "BETTER", _("The challenger is better")
        WORSE = "WORSE", _("The challenger is worse")
        NO_DIFFERENCE = "NO_DIFFERENCE", _("No difference was found")
        STOPPED = "STOPPED", _("Stopped by a person")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    policy = models.ForeignKey(
        Policy, on_delete=models.PROTECT, related_name="trials", verbose_name=_("challenger")
    )
    against = models.ForeignKey(
        Policy, on_delete=models.PROTECT, related_name="+", verbose_name=_("policy in force")
    )
    stage = models.CharField(_("stage"), max_length=6, choices=Stage, default=Stage.SHADOW)
    share_percent = models.PositiveSmallIntegerField(_("share of borrowers, per cent"), default=10)
    plan = models.JSONField(_("stopping rule"), default=dict)
    verdict = models.CharField(_("verdict"), max_length=13, choices=Verdict, blank=True, default=Verdict.NONE)
    started_date = models.DateField(_("in the shadow since"))
    live_date = models.DateField(_("deciding since"), null=True, blank=True)
    over_date = models.DateField(_("over since"), null=True, blank=True)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("proposed by")
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("approved by"),
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("trial of a policy")
        verbose_name_plural = _("trials of policies")
        constraints = [
            models.UniqueConstraint(
                fields=["stage"], condition=Q(stage="LIVE"), name="policy_trial_one_live"
            ),
            models.CheckConstraint(
                condition=Q(share_percent__gte=1, share_percent__lte=50),
                name="policy_trial_share_at_most_half",
            ),
            models.CheckConstraint(
                condition=Q(live_date__isnull=True)
                | (Q(approved_by__isnull=False) & ~Q(approved_by=F("proposed_by"))),
                name="policy_trial_live_has_two_people",
            ),
            models.CheckConstraint(
                condition=Q(stage="OVER", over_date__isnull=False) | ~Q(stage="OVER"),
                name="policy_trial_over_has_date",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy} / {self.get_stage_display()}"

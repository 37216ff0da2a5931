"""Model versions, their changes of state, and every assessment ever made."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class ModelKind(models.TextChoices):
    LIGHTGBM = "LIGHTGBM", _("Boosted trees")
    SCORECARD = "SCORECARD", _("Points scorecard")


class ModelState(models.TextChoices):
    CANDIDATE = "CANDIDATE", _("Candidate")
    SHADOW = "SHADOW", _("Shadow: scored, never used")
    CHALLENGER = "CHALLENGER", _("Challenger")
    CHAMPION = "CHAMPION", _("Champion")
    RETIRED = "RETIRED", _("Retired")
    REJECTED = "REJECTED", _("Rejected")


class ModelVersion(models.Model):
    """One trained model: exact bytes of text model, manifest and signature; nothing is parsed unverified.

    The bytes live in the database so that every machine, and a roll-back, has them at once.
    """

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind of model"), max_length=12, choices=ModelKind.choices)
    state = models.CharField(
        _("state"), max_length=12, choices=ModelState.choices, default=ModelState.CANDIDATE
    )
    model_text = models.BinaryField(_("text of the model"))
    manifest = models.BinaryField(_("manifest"))
    signature = models.BinaryField(_("signature"))
    model_sha256 = models.CharField(_("hash of the model"), max_length=64)
    manifest_sha256 = models.CharField(_("hash of the manifest"), max_length=64)
    registry_digest = models.CharField(_("hash of the features' list"), max_length=64)
    report = models.JSONField(_("report"), default=dict)
    card_html = models.TextField(_("model card"), blank=True)
    traffic_percent = models.PositiveSmallIntegerField(_("share of applicants, percent"), default=0)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("made by"),
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("model version")
        verbose_name_plural = _("model versions")
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="CHAMPION"), name="risk_model_version_one_champion"
            ),
            models.UniqueConstraint(fields=["manifest_sha256"], name="risk_model_version_manifest_once"),
            models.CheckConstraint(
                condition=Q(traffic_percent__lte=50), name="risk_model_version_traffic_at_most_half"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.kind}, {self.state})"


class ChangeDecision(models.TextChoices):
    PENDING = "PENDING", _("Waiting for a second person")
    APPROVED = "APPROVED", _("Approved")
    REFUSED = "REFUSED", _("Refused")


class ModelStateChange(models.Model):
    """A change of state that one person proposes and another decides; `manifest_sha256` is what was signed."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="changes", verbose_name=_("model version")
    )
    from_state = models.CharField(_("from"), max_length=12, choices=ModelState.choices)
    to_state = models.CharField(_("to"), max_length=12, choices=ModelState.choices)
    manifest_sha256 = models.CharField(_("hash of the manifest"), max_length=64)
    decision = models.CharField(
        _("decision"), max_length=8, choices=ChangeDecision.choices, default=ChangeDecision.PENDING
    )
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("proposed by"),
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    is_installation = models.BooleanField(_("by the installation"), default=False)
    note = models.TextField(_("note"), blank=True)
    traffic_percent = models.PositiveSmallIntegerField(
        _("share of applicants, percent"), null=True, blank=True
    )
    proposed_at = models.DateTimeField(_("proposed at"))
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("change of a model's state")
        verbose_name_plural = _("changes of models' states")
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")),
                name="risk_model_change_maker_is_not_checker",
            ),
            models.CheckConstraint(
                condition=Q(is_installation=True)
                | (Q(proposed_by__isnull=False) & (Q(decision="PENDING") | Q(decided_by__isnull=False))),
                name="risk_model_change_has_two_people",
            ),
            models.UniqueConstraint(
                fields=["version"], condition=Q(decision="PENDING"), name="risk_model_change_one_pending"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version_id}: {self.from_state} -> {self.to_state} ({self.decision})"


class AssessmentPurpose(models.TextChoices):
    APPLICATION = "APPLICATION", _("Application")
    REEVALUATION = "REEVALUATION", _("Re-evaluation")
    SHADOW = "SHADOW", _("Shadow scoring")


class AssessmentOutcome(models.TextChoices):
    SCORED = "SCORED", _("Scored")
    UNSCORED = "UNSCORED", _("Not scored: a person decides")


class Assessment(models.Model):
    """What the engine said of one borrower as of a date, with the facts and the model that it said it from.

    `facts` is the vector as little-endian float64 in the order of the registry whose digest the row holds.
    """

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    subject_id = models.BigIntegerField(_("borrower"))
    as_of = models.DateField(_("as of"))
    purpose = models.CharField(_("purpose"), max_length=12, choices=AssessmentPurpose.choices)
    segment = models.PositiveSmallIntegerField(_("segment"))
    outcome = models.CharField(_("outcome"), max_length=8, choices=AssessmentOutcome.choices)
    unscored_code = models.CharField(_("why there is no score"), max_length=24, blank=True)
    model = models.ForeignKey(
        ModelVersion,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("model version"),
    )
    is_fallback = models.BooleanField(_("by the fallback"), default=False)
    facts = models.BinaryField(_("facts"))
    registry_digest = models.CharField(_("hash of the features' list"), max_length=64)
    evidence_age_months = models.FloatField(_("months of records"), null=True, blank=True)
    pd = models.FloatField(_("probability of default"), null=True, blank=True)
    score = models.PositiveSmallIntegerField(_("score"), null=True, blank=True)
    lgd = models.FloatField(_("loss given default"), null=True, blank=True)
    reasons = models.JSONField(_("reasons"), default=list)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("assessment")
        verbose_name_plural = _("assessments")
        indexes = [
            models.Index(fields=["subject_id", "-as_of", "-id"], name="risk_assessment_subject"),
            models.Index(fields=["as_of", "id"], name="risk_assessment_as_of"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(outcome="SCORED", model__isnull=False, score__isnull=False, pd__gt=0.0, pd__lt=1.0)
                    | (Q(outcome="UNSCORED", pd__isnull=True, score__isnull=True) & ~Q(unscored_code=""))
                ),
                name="risk_assessment_scored_has_model_and_pd",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject_id} as of {self.as_of}: {self.outcome}"


class MonitoringRun(models.Model):
    """A day's comparison of what is scored now with what the model was trained on, and of forecast with truth."""

    as_of = models.DateField()
    model = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="monitoring")
    report = models.JSONField(default=dict)
    alarms = models.JSONField(default=list)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("monitoring run")
        verbose_name_plural = _("monitoring runs")
        constraints = [
            models.UniqueConstraint(fields=["as_of", "model"], name="risk_monitoring_run_once_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.model_id} as of {self.as_of}: {len(self.alarms)} alarms"

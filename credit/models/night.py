"""The night's books: one row a business date, one row a shard of a step. Rows are the truth."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class NightStep(models.TextChoices):
    AGE = "AGE", _("Count days past due")
    ACCRUE = "ACCRUE", _("Book interest")
    PROVIDE = "PROVIDE", _("Set aside for losses")
    COLLECT = "COLLECT", _("Start automatic payments")
    PROVE = "PROVE", _("Prove the books")
    REEVALUATE = "REEVALUATE", _("Look at limits")
    ROLL = "ROLL", _("Open the next day")
    NOTIFY = "NOTIFY", _("Write notices")


class NightRun(models.Model):
    """The closing of one business date."""

    class Status(models.TextChoices):
        RUNNING = "RUNNING", _("Running")
        STOPPED = "STOPPED", _("Stopped: the books are wrong")
        DONE = "DONE", _("Done")

    business_date = models.DateField(_("business date"), unique=True)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.RUNNING)
    step = models.CharField(_("step"), max_length=10, choices=NightStep, default=NightStep.AGE)
    figures = models.JSONField(_("figures"), default=dict)
    problem = models.TextField(_("problem"), blank=True)
    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("end of day")
        verbose_name_plural = _("ends of day")
        constraints = [
            models.CheckConstraint(
                condition=Q(status="DONE", finished_at__isnull=False)
                | (~Q(status="DONE") & Q(finished_at__isnull=True)),
                name="night_run_done_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.business_date} {self.get_status_display()}"


class NightShard(models.Model):
    """A range of ids of one step, claimed by conditional UPDATE with a lease."""

    class Status(models.TextChoices):
        PENDING = "PENDING", _("Waiting")
        CLAIMED = "CLAIMED", _("Being done")
        DONE = "DONE", _("Done")
        PARKED = "PARKED", _("Parked")

    run = models.ForeignKey(
        NightRun,
        on_delete=models.PROTECT,
        related_name="shards",
        verbose_name=_("end of day"),
    )
    step = models.CharField(_("step"), max_length=10, choices=NightStep)
    first_id = models.BigIntegerField(_("first"))
    last_id = models.BigIntegerField(_("last"))
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.PENDING)
    claimed_by = models.CharField(_("claimed by"), max_length=80, blank=True)
    claimed_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    figures = models.JSONField(_("figures"), default=dict)
    problem = models.TextField(_("problem"), blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("part of an end of day")
        verbose_name_plural = _("parts of ends of day")
        constraints = [
            models.UniqueConstraint(fields=["run", "step", "first_id"], name="night_shard_once"),
            models.CheckConstraint(
                condition=Q(status="CLAIMED", claimed_until__isnull=False) | ~Q(status="CLAIMED"),
                name="night_shard_claimed_until",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.step} {self.first_id}-{self.last_id}"

"""The close of a month, asked for at the desk and done by a worker: it proves the whole ledger, which no page can wait for."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class MonthClose(models.Model):
    """One look at what a month's close waits for, or the close itself, with how far it is and what was found."""

    class Status(models.TextChoices):
        WAITING = "WAITING", _("Waits for a worker")
        RUNNING = "RUNNING", _("The books are being proved")
        DONE = "DONE", _("Done")
        REFUSED = "REFUSED", _("Something does not hold")
        FAILED = "FAILED", _("Broke off")

    UNDER_WAY = (Status.WAITING, Status.RUNNING)

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    month_end = models.DateField(_("last day of the month"))
    is_close = models.BooleanField(_("closes"), default=False)  # or only looks
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.WAITING)
    steps = models.PositiveSmallIntegerField(_("steps"), default=0)
    steps_done = models.PositiveSmallIntegerField(_("steps done"), default=0)
    checks = models.JSONField(_("checks"), default=list)  # code, title (a message id), holds, found
    problem = models.CharField(_("problem"), max_length=300, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("asked by"), on_delete=models.PROTECT, related_name="+"
    )
    claimed_at = models.DateTimeField(null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("close of a month")
        verbose_name_plural = _("closes of months")
        constraints = [
            models.UniqueConstraint(
                fields=["month_end"],
                condition=models.Q(status__in=["WAITING", "RUNNING"]),
                name="month_close_one_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.month_end} {self.status}"

    @property
    def is_under_way(self) -> bool:
        return self.status in self.UNDER_WAY

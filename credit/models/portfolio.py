"""Reports that were computed: kept by the day they speak of and the business date on which they were asked."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class PortfolioReport(models.Model):
    """One result. It is thrown away and computed anew at will: rows of the book are the truth."""

    class Status(models.TextChoices):
        RUNNING = "RUNNING", _("Running")
        DONE = "DONE", _("Done")
        FAILED = "FAILED", _("Failed")

    name = models.CharField(_("report"), max_length=16)
    as_of = models.DateField(_("as of"))
    business_date = models.DateField(_("business date"))
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.RUNNING)
    tables = models.JSONField(_("tables"), default=list)
    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    seconds = models.FloatField(_("seconds"), default=0)

    class Meta:
        verbose_name = _("portfolio report")
        verbose_name_plural = _("portfolio reports")
        constraints = [
            models.UniqueConstraint(fields=["name", "as_of", "business_date"], name="portfolio_report_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.as_of}"

"""A borrower's own wish not to be lent to for a time."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class SelfExclusion(models.Model):
    """No new line, no draw, no raise until the day given, and after it only when the borrower says so."""

    borrower = models.ForeignKey(
        "accounts.Borrower", on_delete=models.PROTECT, related_name="exclusions", verbose_name=_("borrower")
    )
    asked_date = models.DateField(_("asked on"))
    until_date = models.DateField(_("until at least"))
    ended_date = models.DateField(_("ended on"), null=True, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("self-exclusion")
        verbose_name_plural = _("self-exclusions")
        constraints = [
            models.UniqueConstraint(
                fields=["borrower"], condition=Q(ended_date__isnull=True), name="self_exclusion_one_open"
            ),
            models.CheckConstraint(
                condition=Q(until_date__gt=F("asked_date"))
                & (Q(ended_date__isnull=True) | Q(ended_date__gte=F("until_date"))),
                name="self_exclusion_is_kept_to_its_end",
            ),
        ]

    def __str__(self) -> str:
        return self.until_date.isoformat()

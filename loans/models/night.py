"""What the nights have booked: ranges of loans, each through a date."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class AccrualSlice(models.Model):
    """Say that the earnings of a range of loans are in the ledger through a date."""

    as_of = models.DateField(_("through"))
    first_id = models.BigIntegerField(_("first loan"))
    last_id = models.BigIntegerField(_("last loan"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("accrual of a range")
        verbose_name_plural = _("accruals of ranges")
        constraints = [
            models.UniqueConstraint(fields=["as_of", "first_id", "last_id"], name="accrual_slice_once"),
            models.CheckConstraint(
                condition=models.Q(first_id__lte=models.F("last_id")), name="accrual_slice_range_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.as_of} {self.first_id}-{self.last_id}"

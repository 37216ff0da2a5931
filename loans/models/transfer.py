"""Money that we send and that is about no loan: what a shop is owed."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from loans.models.payment import OPEN, Movement, movement_rules


class Transfer(Movement):
    """An order to the bank; once confirmed, the account that it was owed by is debited."""

    class Purpose(models.TextChoices):
        SETTLEMENT = "SETTLEMENT", _("What a shop is owed")

    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose)
    # made by whoever orders the transfer: the same key orders one
    key = models.CharField(_("key of the order"), max_length=80, unique=True)

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        constraints = [
            *movement_rules("transfer"),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at", "id"], condition=models.Q(status__in=OPEN), name="transfer_open"
            ),
        ]

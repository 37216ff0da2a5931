"""What made a line be looked at out of turn."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from credit.models.line import CreditLine, LimitChange


class LookCause(models.Model):
    """One happening that was answered with a look at one line: a withdrawn consent, newer records, a loan paid off.

    `source_id` is the key of the consent, the source of evidence or the loan. The row is written in the transaction
    of the look, and once: whoever finds it knows that the happening was answered.
    """

    line = models.ForeignKey(
        CreditLine, on_delete=models.PROTECT, related_name="causes", verbose_name=_("line")
    )
    trigger = models.CharField(_("trigger"), max_length=17, choices=LimitChange.Trigger)
    source_id = models.BigIntegerField(_("what happened"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("cause of a look")
        verbose_name_plural = _("causes of looks")
        constraints = [
            models.UniqueConstraint(fields=["line", "trigger", "source_id"], name="look_cause_answered_once"),
            models.CheckConstraint(
                condition=Q(trigger__in=["CONSENT_WITHDRAWN", "FRESH_EVIDENCE", "PAID_OFF", "STALE_FEED"]),
                name="look_cause_is_a_happening",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_trigger_display()} {self.source_id}"

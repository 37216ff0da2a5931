"""What was tried to help a borrower to pay in time, and whether it helped."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class ReminderTrial(models.Model):
    """How one instalment was reminded of on one rung. The row is the truth: a second sweep finds the first choice."""

    class Group(models.TextChoices):
        LEARNED = "LEARNED", _("Chosen by what worked")
        HOLD_OUT = "HOLD_OUT", _("Standard ladder, for comparison")
        WISHED = "WISHED", _("As the borrower wishes")

    class Outcome(models.TextChoices):
        OPEN = "", _("Not known yet")
        CURED = "CURED", _("Paid in the window")
        MISSED = "MISSED", _("Not paid in the window")
        VOID = "VOID", _("The instalment was changed")

    borrower = models.ForeignKey(
        "accounts.Borrower", on_delete=models.PROTECT, related_name="+", verbose_name=_("borrower")
    )
    instalment_id = models.BigIntegerField(_("instalment"))
    due_date = models.DateField(_("due date"))
    rung = models.CharField(_("rung"), max_length=6)
    stage = models.CharField(_("stage"), max_length=6)
    group = models.CharField(_("group"), max_length=8, choices=Group)
    arm = models.CharField(_("way"), max_length=16)
    assigned_date = models.DateField(_("from"))
    window_end_date = models.DateField(_("until"))
    outcome = models.CharField(_("outcome"), max_length=6, choices=Outcome, blank=True, default="")
    settled_date = models.DateField(_("known on"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("trial of a reminder")
        verbose_name_plural = _("trials of reminders")
        constraints = [
            models.UniqueConstraint(fields=["instalment_id", "due_date", "rung"], name="reminder_trial_once"),
            models.CheckConstraint(
                condition=Q(outcome="", settled_date__isnull=True)
                | (~Q(outcome="") & Q(settled_date__isnull=False)),
                name="reminder_trial_settled_has_day",
            ),
        ]
        indexes = [
            models.Index(
                fields=["window_end_date", "id"], condition=Q(outcome=""), name="reminder_trial_open"
            ),
            models.Index(fields=["settled_date"], name="reminder_trial_settled"),
        ]

    def __str__(self) -> str:
        return f"{self.rung} {self.arm} {self.outcome}"

"""What was set aside for losses: a run says by which rules, a line says for which loan, and stands until the next."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loans.models.loan import Loan, money


class ProvisionRun(models.Model):
    """One posting of provisions, with the rules that it used."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    as_of = models.DateField(_("as of"))
    number = models.PositiveSmallIntegerField(_("number of the day"))
    rules = models.JSONField(_("rules"))
    actor_id = models.BigIntegerField(_("by"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("provision run")
        verbose_name_plural = _("provision runs")
        constraints = [
            models.UniqueConstraint(fields=["as_of", "number"], name="provision_run_number_once_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.as_of}/{self.number}"


class ProvisionLine(models.Model):
    """What is set aside for one loan from a day on. Only loans whose line changed get a new one."""

    class Reason(models.TextChoices):
        HELD = "HELD", _("Outstanding")
        PAID = "PAID", _("Nothing is owed any more")
        WRITTEN_OFF = "WRITTEN_OFF", _("Written off")

    run = models.ForeignKey(
        ProvisionRun, verbose_name=_("run"), on_delete=models.PROTECT, related_name="lines"
    )
    loan = models.ForeignKey(
        Loan, verbose_name=_("loan"), on_delete=models.PROTECT, related_name="provisions", db_index=False
    )
    as_of = models.DateField(_("as of"))
    reason = models.CharField(_("reason"), max_length=12, choices=Reason)
    days_past_due = models.PositiveIntegerField(_("days past due"))
    band = models.CharField(_("band"), max_length=20)
    stage = models.PositiveSmallIntegerField(_("stage"))
    exposure = money(_("exposure"))
    default_rate = models.DecimalField(_("probability of default"), max_digits=7, decimal_places=6)
    loss_rate = models.DecimalField(_("loss given default"), max_digits=7, decimal_places=6)
    by_days = money(_("provision by days"))
    expected = money(_("expected loss"))
    amount = money(_("provision"))

    class Meta:
        verbose_name = _("provision of a loan")
        verbose_name_plural = _("provisions of loans")
        constraints = [
            models.UniqueConstraint(fields=["run", "loan"], name="provision_line_once_a_run"),
            models.CheckConstraint(
                condition=models.Q(
                    amount__gte=0, exposure__gte=0, by_days__gte=0, expected__gte=0, amount__lt=10**14
                ),
                name="provision_amounts_not_negative",
            ),
            models.CheckConstraint(condition=models.Q(stage__in=[1, 2, 3]), name="provision_stage_is_known"),
            models.CheckConstraint(
                condition=models.Q(reason="HELD") | models.Q(amount=0, exposure=0),
                name="provision_of_nothing_is_zero",
            ),
        ]
        indexes = [models.Index(fields=["loan", "-id"], name="provision_latest_of_loan")]

    def __str__(self) -> str:
        return f"{self.loan_id} {self.as_of} {self.amount}"

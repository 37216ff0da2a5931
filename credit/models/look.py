"""What a monthly look needs and leaves: facts of fixed width, and one narrow row a line and month."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from credit.models.line import CreditLine


class LineFacts(models.Model):
    """The newest facts of one line, laid out for binary COPY: every column has one width, NaN is unknown.

    Written by `credit.operations.line_facts` from the one path of facts; `vector` is risk's feature vector, doubles of
    little endian, as assessments store it.
    """

    line = models.OneToOneField(
        CreditLine, on_delete=models.PROTECT, primary_key=True, related_name="facts", verbose_name=_("line")
    )
    as_of = models.DateField(_("facts of"))
    segment = models.SmallIntegerField(_("segment"))
    consent_given = models.BooleanField(_("agreed to decisions"))
    days_past_due = models.IntegerField(_("days past due"))
    on_time_streak = models.FloatField(_("instalments on time in a row"))
    evidence_age_months = models.FloatField(_("age of the evidence in months"))
    monthly_income = models.FloatField(_("income a month"))
    monthly_instalments = models.FloatField(_("instalments to others a month"))
    other_limits = models.FloatField(_("other limits of the group"))
    exposure = models.FloatField(_("owed"))
    vector = models.BinaryField(_("features"))

    class Meta:
        verbose_name = _("facts of a line")
        verbose_name_plural = _("facts of lines")

    def __str__(self) -> str:
        return self.as_of.isoformat()


class LineLook(models.Model):
    """One line was looked at in one month, and why it was kept; a move has its LimitChange besides.

    Only added to, by binary COPY in the order of (month, line), so a million rows cost a second. The line has no foreign
    key's check for the same reason: the invariants look for looks without a line instead.
    """

    pk = models.CompositePrimaryKey("period", "line_id")
    period = models.DateField(_("month"), help_text=_("Its first day."))
    line_id = models.BigIntegerField(_("line"))
    as_of = models.DateField(_("looked at on"))
    code = models.SmallIntegerField(_("why"))
    pd = models.FloatField(_("probability of default"))
    target = models.FloatField(_("target"))
    policy_id = models.BigIntegerField(_("policy"))
    model_id = models.BigIntegerField(_("model"))

    class Meta:
        verbose_name = _("monthly look")
        verbose_name_plural = _("monthly looks")
        constraints = [
            models.CheckConstraint(condition=Q(code__gte=1), name="line_look_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.as_of} {self.code}"

"""Days on which no money moves, and days on which it does although they are a weekend: a table that officers keep."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from loans.domain.terms import HolidayRoll


class CalendarDay(models.Model):
    """Say what one day is. A day that is not in the table is a business day, or a weekend."""

    class Kind(models.TextChoices):
        HOLIDAY = "HOLIDAY", _("Holiday")
        WORKDAY = "WORKDAY", _("Working day")

    day = models.DateField(_("day"), unique=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    name = models.CharField(_("name"), max_length=80, blank=True)
    is_seeded = models.BooleanField(_("came with the calendar"), default=False)
    actor_id = models.BigIntegerField(_("by"), null=True, blank=True)
    changed_at = models.DateTimeField(_("changed at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("day of the calendar")
        verbose_name_plural = _("days of the calendar")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["HOLIDAY", "WORKDAY"]), name="calendar_day_kind_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.name}"


class CalendarRule(models.Model):
    """The one row that says what new contracts do with a due date that is no business day."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    roll = models.CharField(
        _("a due date on a holiday"),
        max_length=20,
        choices=[
            (HolidayRoll.SAME.value, _("stays")),
            (HolidayRoll.NEXT.value, _("moves to the next business day")),
            (HolidayRoll.MODIFIED_FOLLOWING.value, _("moves to the next, but not into the next month")),
            (HolidayRoll.PREVIOUS.value, _("moves to the business day before")),
        ],
        default=HolidayRoll.SAME.value,
    )
    weekends = models.BooleanField(_("weekends are holidays"), default=True)

    class Meta:
        verbose_name = _("rule of the calendar")
        verbose_name_plural = _("rule of the calendar")
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="calendar_rule_is_one_row")]

    def __str__(self) -> str:
        return self.roll

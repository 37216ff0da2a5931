"""How and when a borrower wants to be reached, and the calls that were made."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models.borrower import Borrower


class ContactPreference(models.Model):
    """What a borrower asked for. An empty field leaves the choice to what worked for others."""

    class Channel(models.TextChoices):
        ANY = "", _("Whichever works best")
        SMS = "SMS", _("Text message")
        EMAIL = "EMAIL", _("E-mail")

    borrower = models.OneToOneField(
        Borrower, verbose_name=_("borrower"), on_delete=models.PROTECT, related_name="contact_preference"
    )
    channel = models.CharField(_("channel"), max_length=8, choices=Channel, blank=True, default="")
    hour = models.PositiveSmallIntegerField(_("hour"), null=True, blank=True)
    # days of the month: when money comes in, and on which new loans shall fall due
    pay_day = models.PositiveSmallIntegerField(_("pay day"), null=True, blank=True)
    due_day = models.PositiveSmallIntegerField(_("due day"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("wish for contact")
        verbose_name_plural = _("wishes for contact")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(hour__isnull=True) | models.Q(hour__lte=23), name="contact_hour_of_a_day"
            ),
            models.CheckConstraint(
                condition=models.Q(pay_day__isnull=True) | models.Q(pay_day__gte=1, pay_day__lte=31),
                name="contact_pay_day_of_a_month",
            ),
            models.CheckConstraint(
                condition=models.Q(due_day__isnull=True) | models.Q(due_day__gte=1, due_day__lte=28),
                name="contact_due_day_of_every_month",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.borrower_id} {self.channel} {self.hour}"


class Call(models.Model):
    """A call about a debt. It is written down before the number is shown, so that the fourth is refused in time."""

    borrower = models.ForeignKey(
        Borrower, verbose_name=_("borrower"), on_delete=models.PROTECT, related_name="calls"
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("by"), on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField(_("at"))
    is_effective = models.BooleanField(_("reached"), default=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        indexes = [models.Index(fields=["borrower", "-at"], name="call_of_borrower")]

    def __str__(self) -> str:
        return f"{self.borrower_id} {self.at:%Y-%m-%d %H:%M}"

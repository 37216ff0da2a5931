"""What a borrower is told: one row a message and channel."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models.borrower import Borrower
from accounts.models.user import Language


class Notice(models.Model):
    """A message on one channel. The row is the truth: it is claimed, sent once, or parked."""

    class Channel(models.TextChoices):
        IN_APP = "IN_APP", _("In the portal")
        EMAIL = "EMAIL", _("E-mail")
        SMS = "SMS", _("Text message")

    class Status(models.TextChoices):
        PENDING = "PENDING", _("Waiting")
        CLAIMED = "CLAIMED", _("Being sent")
        SENT = "SENT", _("Sent")
        FAILED = "FAILED", _("Cannot be sent")
        PARKED = "PARKED", _("Parked")
        DROPPED = "DROPPED", _("No longer needed")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    borrower = models.ForeignKey(
        Borrower, verbose_name=_("borrower"), on_delete=models.PROTECT, related_name="notices"
    )
    channel = models.CharField(_("channel"), max_length=8, choices=Channel)
    kind = models.CharField(_("kind"), max_length=48)
    params = models.JSONField(_("parameters"), default=dict)
    language = models.CharField(_("language"), max_length=8, choices=Language)
    dedup_key = models.CharField(_("key"), max_length=160)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.PENDING)
    send_after = models.DateTimeField(_("not before"), null=True, blank=True)
    # a reminder of today's instalment is wrong tomorrow: what could not go out in time is dropped
    send_before = models.DateTimeField(_("not after"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    claim = models.UUIDField(null=True, editable=False)
    claimed_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=200, blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    read_at = models.DateTimeField(_("read at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        constraints = [
            models.UniqueConstraint(fields=["dedup_key", "channel"], name="notice_once_a_channel"),
            models.CheckConstraint(
                condition=models.Q(status="SENT", sent_at__isnull=False)
                | (~models.Q(status="SENT") & models.Q(sent_at__isnull=True)),
                name="notice_sent_at_when_sent",
            ),
            models.CheckConstraint(
                condition=models.Q(status="CLAIMED", claim__isnull=False, claimed_until__isnull=False)
                | ~models.Q(status="CLAIMED"),
                name="notice_claimed_by_someone_until",
            ),
        ]
        indexes = [
            models.Index(
                fields=["send_after", "id"],
                condition=models.Q(status__in=["PENDING", "CLAIMED"]),
                name="notice_due",
            ),
            models.Index(fields=["borrower", "-id"], name="notice_of_borrower"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.channel}"

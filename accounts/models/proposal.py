"""What one person proposes and another must approve: nothing happens until then."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Proposal(models.Model):
    """One act that waits for a second person. What is executed is `payload`, byte for byte; its hash is what was signed."""

    class Status(models.TextChoices):
        OPEN = "OPEN", _("Waits for a second person")
        EXECUTED = "EXECUTED", _("Approved and done")
        DECLINED = "DECLINED", _("Declined")
        WITHDRAWN = "WITHDRAWN", _("Withdrawn")
        EXPIRED = "EXPIRED", _("Expired")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=48)
    # text, not jsonb: the database would write numbers and keys its own way, and the hash is over these bytes
    payload = models.TextField(_("what is executed"))
    payload_sha256 = models.CharField(_("hash of what is executed"), max_length=64)
    object_type = models.CharField(_("object"), max_length=64)
    object_ref = models.CharField(_("reference"), max_length=64)
    label = models.CharField(_("about"), max_length=200)
    reason = models.TextField(_("reason"))
    maker = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("proposed by"), on_delete=models.PROTECT, related_name="+"
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN)
    checker = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("decided by"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    note = models.TextField(_("note"), blank=True)
    # what the checker saw: the differences, as they stood when they were approved
    changes = models.JSONField(_("differences"), default=list)
    executed_sha256 = models.CharField(_("hash of what was executed"), max_length=64, blank=True)
    result = models.JSONField(_("result"), default=dict)
    created_at = models.DateTimeField(_("proposed at"), db_default=Now(), editable=False)
    expires_at = models.DateTimeField(_("expires at"))
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)

    class Meta:
        verbose_name = _("proposal")
        verbose_name_plural = _("proposals")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "payload_sha256"],
                condition=models.Q(status="OPEN"),
                name="proposal_open_once",
            ),
            models.CheckConstraint(
                condition=models.Q(checker__isnull=True) | ~models.Q(checker=models.F("maker")),
                name="proposal_checked_by_another",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="EXECUTED")
                | models.Q(
                    checker__isnull=False,
                    decided_at__isnull=False,
                    executed_sha256=models.F("payload_sha256"),
                    decided_at__lte=models.F("expires_at"),
                ),
                name="proposal_executed_as_signed",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "expires_at", "id"], name="proposal_queue"),
            models.Index(fields=["object_type", "object_ref", "id"], name="proposal_of_object"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.label}"

    @property
    def is_open(self) -> bool:
        return self.status == self.Status.OPEN

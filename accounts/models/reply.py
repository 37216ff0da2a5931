"""Answers of the API that are given again when the same request comes again."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.crypto import EncryptedTextField


class StoredReply(models.Model):
    """One write under one key of one caller: running, or answered. The answer may hold what is shown once, so it is sealed."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    caller = models.CharField(_("caller"), max_length=40)
    key = models.CharField(_("key"), max_length=255)
    request_hash = models.CharField(max_length=64, editable=False)
    http_status = models.PositiveSmallIntegerField(_("status"), null=True, blank=True)
    answer = EncryptedTextField(_("answer"), null=True, blank=True)
    claimed_until = models.DateTimeField(_("claimed until"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("stored reply")
        verbose_name_plural = _("stored replies")
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="stored_reply_once_a_key")]
        indexes = [models.Index(fields=["created_at"], name="stored_reply_by_age")]

    def __str__(self) -> str:
        return f"{self.caller} {self.http_status or '…'}"

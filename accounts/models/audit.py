"""Who did what, when and why: append-only, chained by hash."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class AuditEntry(models.Model):
    """One act. The database fills shard, sequence and hashes, and refuses every later change."""

    shard = models.PositiveSmallIntegerField(editable=False)
    sequence = models.BigIntegerField(editable=False)
    at = models.DateTimeField(_("at"), editable=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("actor"),
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
    )
    actor_role = models.CharField(_("role"), max_length=32)
    action = models.CharField(_("action"), max_length=64)
    object_type = models.CharField(_("object"), max_length=64)
    object_ref = models.CharField(_("reference"), max_length=64)
    before = models.JSONField(_("before"), null=True)
    after = models.JSONField(_("after"), null=True)
    reason = models.TextField(_("reason"), blank=True)
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    prev_hash = models.CharField(max_length=64, editable=False)
    hash = models.CharField(_("hash"), max_length=64, editable=False)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        constraints = [models.UniqueConstraint(fields=["shard", "sequence"], name="audit_sequence_once")]
        indexes = [models.Index(fields=["object_type", "object_ref", "id"], name="audit_of_object")]

    def __str__(self) -> str:
        return f"{self.action} {self.object_type} {self.object_ref}"

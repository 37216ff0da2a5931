"""Files of a book that somebody brought, until another person lets them in. The files go as soon as they are of no use."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.crypto import EncryptedTextField


class ImportBatch(models.Model):
    """One book as it was uploaded: tried by a worker, proposed, approved by another person, imported by a worker."""

    class Status(models.TextChoices):
        WAITING = "WAITING", _("Waits to be tried")
        TRYING = "TRYING", _("Is being tried")
        PROBLEMS = "PROBLEMS", _("Rows have problems")
        READY = "READY", _("Ready for a second person")
        APPROVED = "APPROVED", _("Approved, waits for a worker")
        IMPORTING = "IMPORTING", _("Is being imported")
        DONE = "DONE", _("Imported")
        FAILED = "FAILED", _("Was not imported")
        EXPIRED = "EXPIRED", _("Too old")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=80)
    sha256 = models.CharField(_("hash of the files"), max_length=64, editable=False)
    files = EncryptedTextField(_("files"), blank=True)  # JSON: name -> base64; empty once it is of no use
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.WAITING)
    figures = models.JSONField(_("figures"), default=dict)
    problems = models.JSONField(
        _("problems"), default=list
    )  # the first thousand: file, line, code, message, params
    problem_count = models.PositiveIntegerField(_("rows with problems"), default=0)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("brought by"), on_delete=models.PROTECT, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("approved by"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )  # fmt: skip
    claimed_at = models.DateTimeField(null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("book that is brought over")
        verbose_name_plural = _("books that are brought over")

    def __str__(self) -> str:
        return self.name

"""Credit passports: what was signed, who may see it until when, and whether it still holds."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Passport(models.Model):
    """One signed report. It never changes; it can be revoked, once."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    borrower = models.ForeignKey(
        "accounts.Borrower", on_delete=models.PROTECT, related_name="passports", verbose_name=_("borrower")
    )
    code = models.CharField(_("code"), max_length=12, unique=True)
    document = models.JSONField(_("document"))
    fingerprint = models.CharField(_("fingerprint"), max_length=64)
    sections = models.JSONField(_("released"))
    level = models.PositiveSmallIntegerField(_("level"))
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("released by")
    )
    issued_at = models.DateTimeField(_("issued at"))
    issued_date = models.DateField(_("as of"))
    valid_until = models.DateField(_("valid until"))
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("credit passport")
        verbose_name_plural = _("credit passports")
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_until__gt=F("issued_date")), name="passport_valid_after_issue"
            ),
            models.CheckConstraint(condition=Q(level__gte=1, level__lte=4), name="passport_level_is_known"),
        ]
        indexes = [models.Index(fields=["borrower", "-id"], name="passport_of_borrower")]

    def __str__(self) -> str:
        return f"{self.code[:4]}… {self.issued_date}"


class PassportLink(models.Model):
    """A link that opens one passport until a moment. Only its mark is kept: the link itself is shown once."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    passport = models.ForeignKey(
        Passport, on_delete=models.PROTECT, related_name="links", verbose_name=_("credit passport")
    )
    label = models.CharField(_("for whom"), max_length=80, blank=True)
    mark = models.CharField(max_length=64, unique=True, editable=False)
    expires_at = models.DateTimeField(_("expires at"))
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    opened_count = models.PositiveIntegerField(_("opened"), default=0)
    last_opened_at = models.DateTimeField(_("last opened at"), null=True, blank=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("made by")
    )
    made_at = models.DateTimeField(_("made at"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("link to a passport")
        verbose_name_plural = _("links to passports")
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("made_at")), name="passport_link_expires_later"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label or self.ref} {self.expires_at:%Y-%m-%d}"


class PassportFile(models.Model):
    """The hash of a PDF that was handed out: a file changed by one letter is not among them."""

    passport = models.ForeignKey(
        Passport, on_delete=models.PROTECT, related_name="files", verbose_name=_("credit passport")
    )
    sha256 = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("file of a passport")
        verbose_name_plural = _("files of passports")
        constraints = [models.UniqueConstraint(fields=["passport", "sha256"], name="passport_file_once")]

    def __str__(self) -> str:
        return self.sha256[:12]

"""Tables of evidence: imports, raw events, remembered columns and monthly roll-ups."""

from __future__ import annotations

import math
import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from risk.domain.events import Category, EventKind, Source
from risk.domain.rollup import ROLLUP_NAMES

__all__ = [
    "EvidenceKind",
    "EvidenceMapping",
    "EvidenceRow",
    "EvidenceSource",
    "EvidenceStatus",
    "MonthlyRollup",
]


def unknown() -> float:
    """Give NaN; a function, because NaN is never equal to itself and migrations would never come to rest."""
    return math.nan


class EvidenceKind(models.TextChoices):
    ALIPAY = "ALIPAY", _("Alipay bill")
    WECHAT = "WECHAT", _("WeChat Pay bill")
    BANK_CSV = "BANK_CSV", _("Bank statement (CSV)")
    OFX = "OFX", _("Bank statement (OFX)")
    CAMT053 = "CAMT053", _("Bank statement (ISO 20022 camt.053)")
    INVOICES_SALES = "INVOICES_SALES", _("Sales invoices")
    INVOICES_PURCHASE = "INVOICES_PURCHASE", _("Purchase invoices")
    PLATFORM = "PLATFORM", _("Events of the platform")
    SANDBOX = "SANDBOX", _("Ready-made person of the sandbox")


class EvidenceStatus(models.TextChoices):
    READY = "READY", _("Used for decisions")
    FLAGGED = "FLAGGED", _("Used for decisions, an officer looks at it")
    IGNORED = "IGNORED", _("Not used: the consent was withdrawn")


class EvidenceSource(models.Model):
    """One file or feed that was taken for a borrower, with what it covers and what was odd about it."""

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    borrower = models.ForeignKey(
        "accounts.Borrower", on_delete=models.PROTECT, related_name="+", verbose_name=_("borrower")
    )
    kind = models.CharField(_("kind"), max_length=20, choices=EvidenceKind.choices)
    status = models.CharField(
        _("status"), max_length=8, choices=EvidenceStatus.choices, default=EvidenceStatus.READY
    )
    file_name = models.CharField(_("file"), max_length=120, blank=True)
    file_sha256 = models.CharField(_("hash of the file"), max_length=64)
    account_index = models.CharField(_("index of the account"), max_length=64, blank=True)
    account_last4 = models.CharField(_("last digits of the account"), max_length=4, blank=True)
    period_from = models.DateField(_("covers from"), null=True)
    period_to = models.DateField(_("covers until"), null=True)
    rows = models.PositiveIntegerField(_("rows"), default=0)
    new_rows = models.PositiveIntegerField(_("new rows"), default=0)
    repeated_rows = models.PositiveIntegerField(_("repeated rows"), default=0)
    corrected_rows = models.PositiveIntegerField(_("corrected rows"), default=0)
    skipped_rows = models.PositiveIntegerField(_("skipped rows"), default=0)
    redacted_rows = models.PositiveIntegerField(_("redacted rows"), default=0)
    flags = models.JSONField(_("flags"), default=list, blank=True)
    as_of = models.DateField(_("as of"))
    known_at = models.DateTimeField(_("known at"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("source of evidence")
        verbose_name_plural = _("sources of evidence")
        constraints = [
            models.UniqueConstraint(
                fields=["borrower", "kind", "file_sha256"], name="risk_evidence_source_file_once"
            ),
            models.CheckConstraint(
                condition=Q(period_from__isnull=True) | Q(period_from__lte=F("period_to")),
                name="risk_evidence_source_period_in_order",
            ),
        ]
        indexes = [
            models.Index(fields=["account_index"], name="risk_evidence_source_account"),
            models.Index(fields=["file_sha256"], name="risk_evidence_source_file"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.period_from} - {self.period_to}"


class EvidenceRow(models.Model):
    """One event as a source told it, never edited: a correction is a new row and an end to the old one.

    `identity` makes it the same event in every file of the borrower, `content` tells whether it says the
    same. A row counts from `known_at` until `superseded_at`. Names are not kept, only their number.
    """

    subject_id = models.BigIntegerField()
    source = models.ForeignKey(EvidenceSource, on_delete=models.PROTECT, related_name="evidence_rows")
    origin = models.SmallIntegerField(choices=[(int(s), s.name) for s in Source])
    kind = models.SmallIntegerField(choices=[(int(k), k.name) for k in EventKind])
    category = models.SmallIntegerField(choices=[(int(c), c.name) for c in Category])
    wallet = models.SmallIntegerField(default=0)
    occurred_at = models.DateTimeField()
    known_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True)
    line = models.IntegerField()
    rank = models.IntegerField()
    amount = models.DecimalField(max_digits=16, decimal_places=2)
    balance = models.DecimalField(max_digits=16, decimal_places=2, null=True)
    counterparty = models.BigIntegerField(default=0)
    memo = models.CharField(max_length=60, blank=True)
    identity = models.BinaryField(max_length=16)
    content = models.BinaryField(max_length=16)

    class Meta:
        verbose_name = _("row of evidence")
        verbose_name_plural = _("rows of evidence")
        constraints = [
            models.UniqueConstraint(
                fields=["subject_id", "identity"],
                condition=Q(superseded_at__isnull=True),
                name="risk_evidence_row_once",
            ),
        ]
        indexes = [
            models.Index(fields=["subject_id", "occurred_at"], name="risk_evidence_row_when"),
            models.Index(
                fields=["counterparty"],
                condition=Q(category=Category.TRANSFER.value) & ~Q(counterparty=0),
                name="risk_evidence_row_partner",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject_id} {self.occurred_at:%Y-%m-%d} {self.amount}"


class EvidenceMapping(models.Model):
    """The columns that a borrower chose for one bank's header, so that they choose them once."""

    borrower = models.ForeignKey("accounts.Borrower", on_delete=models.CASCADE, related_name="+")
    fingerprint = models.CharField(max_length=64)
    mapping = models.JSONField()
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name = _("column mapping")
        verbose_name_plural = _("column mappings")
        constraints = [
            models.UniqueConstraint(
                fields=["borrower", "fingerprint"], name="risk_evidence_mapping_once_a_header"
            )
        ]

    def __str__(self) -> str:
        return self.fingerprint[:12]


class MonthlyRollup(models.Model):
    """What a month of evidence says of one subject; made again from all rows whenever one is added.

    The columns are those of `risk.domain.rollup.ROLLUP_NAMES`, added below; NaN where unknown.
    """

    subject_id = models.BigIntegerField()
    month = models.DateField()

    class Meta:
        verbose_name = _("monthly roll-up")
        verbose_name_plural = _("monthly roll-ups")
        constraints = [
            models.UniqueConstraint(fields=["subject_id", "month"], name="risk_rollup_once_a_month"),
            models.CheckConstraint(condition=Q(month__day=1), name="risk_rollup_month_starts_on_the_1st"),
        ]

    def __str__(self) -> str:
        return f"{self.subject_id} {self.month:%Y-%m}"


for _name in ROLLUP_NAMES:
    MonthlyRollup.add_to_class(_name, models.FloatField(default=unknown))

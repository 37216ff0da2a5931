"""Everything that the portal holds about a borrower, for the borrower: one ZIP of JSON files, sealed fields opened."""

from __future__ import annotations

import io
import json
import zipfile
from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Q, QuerySet

from accounts.models import (
    AuditEntry,
    BankAccount,
    Borrower,
    BusinessLicence,
    BusinessMember,
    BusinessProfile,
    Call,
    Consent,
    ContactPreference,
    Identity,
    Notice,
    User,
)
from accounts.notifications.kinds import render
from accounts.operations.business_rules import licence_content
from credit.models import (
    Application,
    CreditLine,
    Decision,
    Drawdown,
    DrawRequest,
    Invoice,
    InvoiceAdvance,
    LimitChange,
    LineFacts,
    LineLook,
    Passport,
    PassportLink,
    PurposeEvidence,
    ReminderTrial,
    ReviewRequest,
    SelfExclusion,
)
from loans.models import Collection, Instalment, Loan, LoanEventRow, Payout
from risk.models import EvidenceRow, EvidenceSource, MonthlyRollup
from risk.models.registry import Assessment

# keys of ours that say nothing of a person, and marks that would help a thief
LEFT_OUT = frozenset(
    {
        "number_index",
        "phone_index",
        "password",
        "mark",
        "request_hash",
        "claim",
        "prev_hash",
        "hash",
        "content",
    }
)


Rows = Callable[[Borrower], QuerySet[Any]]
_FROM_ABOVE: dict[str, Rows] = {}


def add_rows(name: str, rows: Rows) -> None:
    """Let a floor above put its rows of a borrower into the copy; called when the applications are ready."""
    _FROM_ABOVE[name] = rows


def export_of(*, borrower: Borrower, user: User, now: datetime) -> bytes:
    """Write a borrower's whole data, and for a person the login's too, as the bytes of a ZIP."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        counts: dict[str, int] = {}
        for name, rows in tables_of(borrower=borrower, user=user):
            written = [_row(row) for row in rows.iterator(chunk_size=2000)]
            counts[name] = len(written)
            _put(archive, f"{name}.json", written)
        notices = Notice.objects.filter(borrower=borrower).order_by("pk")
        told = [_notice(notice) for notice in notices.iterator(chunk_size=2000)]
        counts["notices"] = len(told)
        _put(archive, "notices.json", told)
        for licence in BusinessLicence.objects.filter(business=borrower).order_by("pk"):
            ending = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}[licence.media_type]
            archive.writestr(f"licence-{licence.pk}.{ending}", licence_content(licence))
        for paper in PurposeEvidence.objects.filter(line__borrower=borrower).order_by("pk"):
            ending = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}[paper.content_type]
            archive.writestr(f"purpose-{paper.pk}.{ending}", b64decode(paper.content))
        about = {
            "made_at": now.isoformat(),
            "borrower": str(borrower.ref),
            "rows": counts,
            "left_out": "internal keys, password hashes and marks of links",
        }
        _put(archive, "about.json", about)
    return out.getvalue()


def tables_of(*, borrower: Borrower, user: User) -> Iterator[tuple[str, QuerySet[Any]]]:
    """Name every table that holds data of a borrower, with the borrower's rows."""
    pk = borrower.pk
    if borrower.kind == Borrower.Kind.PERSON:
        yield "login", User.objects.filter(pk=user.pk)
        yield "own_acts", AuditEntry.objects.filter(actor=user).order_by("pk")
    yield "borrower", Borrower.objects.filter(pk=pk)
    yield "identity", Identity.objects.filter(borrower=pk)
    yield "business", BusinessProfile.objects.filter(borrower=pk)
    yield "members", BusinessMember.objects.filter(Q(business=pk) | Q(user=user, business=pk)).order_by("pk")
    yield "licences", BusinessLicence.objects.filter(business=pk).order_by("pk")
    yield "bank_accounts", BankAccount.objects.filter(borrower=pk).order_by("pk")
    yield "consents", Consent.objects.filter(borrower=pk).order_by("pk")
    yield "contact_wishes", ContactPreference.objects.filter(borrower=pk)
    yield "calls", Call.objects.filter(borrower=pk).order_by("pk")
    yield "papers", EvidenceSource.objects.filter(borrower=pk).order_by("pk")
    yield "paper_rows", EvidenceRow.objects.filter(subject_id=pk).order_by("pk")
    yield "months", MonthlyRollup.objects.filter(subject_id=pk).order_by("month")
    yield "assessments", Assessment.objects.filter(subject_id=pk).order_by("pk")
    yield "applications", Application.objects.filter(borrower=pk).order_by("pk")
    yield "decisions", Decision.objects.filter(application__borrower=pk).order_by("pk")
    yield "own_exclusions", SelfExclusion.objects.filter(borrower=pk).order_by("pk")
    yield "reviews", ReviewRequest.objects.filter(borrower=pk).order_by("pk")
    yield "lines", CreditLine.objects.filter(borrower=pk).order_by("pk")
    yield "limit_changes", LimitChange.objects.filter(line__borrower=pk).order_by("pk")
    yield "draws", Drawdown.objects.filter(line__borrower=pk).order_by("pk")
    yield "purpose_papers", PurposeEvidence.objects.filter(line__borrower=pk).order_by("pk")
    yield "invoices_put_forward", Invoice.objects.filter(business=pk).order_by("pk")
    yield "invoice_advances", InvoiceAdvance.objects.filter(drawdown__line__borrower=pk).order_by("pk")
    yield "line_facts", LineFacts.objects.filter(line__borrower=pk).order_by("pk")
    lines = CreditLine.objects.filter(borrower=pk).values("pk")
    yield "line_looks", LineLook.objects.filter(line_id__in=lines).order_by("period", "line_id")
    yield "draws_for_two", DrawRequest.objects.filter(line__borrower=pk).order_by("pk")
    yield "loans", Loan.objects.filter(borrower=pk).order_by("pk")
    yield "instalments", Instalment.objects.filter(loan__borrower=pk).order_by("pk")
    yield "loan_events", LoanEventRow.objects.filter(loan__borrower=pk).order_by("pk")
    yield "payouts", Payout.objects.filter(loan__borrower=pk).order_by("pk")
    yield "collections", Collection.objects.filter(loan__borrower=pk).order_by("pk")
    yield "reminders_tried", ReminderTrial.objects.filter(borrower=pk).order_by("pk")
    yield "passports", Passport.objects.filter(borrower=pk).order_by("pk")
    yield "passport_links", PassportLink.objects.filter(passport__borrower=pk).order_by("pk")
    for name, rows in sorted(_FROM_ABOVE.items()):
        yield name, rows(borrower)


def _row(row: models.Model) -> dict[str, Any]:
    return {
        field.name: _plain(getattr(row, field.attname))
        for field in row._meta.concrete_fields
        if field.name not in LEFT_OUT
    }


def _plain(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    if isinstance(value, float) and value != value:
        return None
    if value is None or isinstance(value, (str, int, float, bool, list, dict)):
        return value
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _notice(notice: Notice) -> dict[str, Any]:
    message = render(kind=notice.kind, params=notice.params, language=notice.language)
    said = message.sms if notice.channel == Notice.Channel.SMS else message.body
    return {
        "channel": notice.channel,
        "status": notice.status,
        "subject": message.subject,
        "text": said,
        "sent_at": _plain(notice.sent_at),
        "read_at": _plain(notice.read_at),
    }


def _put(archive: zipfile.ZipFile, name: str, value: Any) -> None:
    archive.writestr(name, json.dumps(value, ensure_ascii=False, indent=1, default=str))

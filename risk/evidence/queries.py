"""Ask about evidence: what was given, what it covers, what it says; never write."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Max, Min, Q, Sum

from risk.domain.events import SHANGHAI, Category, EventKind
from risk.models import EvidenceKind, EvidenceMapping, EvidenceRow, EvidenceSource, EvidenceStatus

STALE_DAYS: Final = 60


@dataclass(frozen=True, slots=True)
class SourceView:
    """Show one source to the borrower or an officer."""

    id: int
    ref: UUID
    kind: str
    kind_label: str
    status: str
    status_label: str
    file_name: str
    account_last4: str
    period_from: date | None
    period_to: date | None
    rows: int
    new_rows: int
    repeated_rows: int
    corrected_rows: int
    skipped_rows: int
    redacted_rows: int
    flags: tuple[str, ...]
    uploaded_at: datetime


@dataclass(frozen=True, slots=True)
class Coverage:
    """Say which days the evidence in use speaks of, by what, and how old its newest day is."""

    begin: date | None
    end: date | None
    months: int
    kinds: tuple[str, ...]
    flagged: bool
    age_days: int | None

    @property
    def is_stale(self) -> bool:
        """Tell whether the newest evidence is too old to decide upon."""
        return self.age_days is None or self.age_days > STALE_DAYS


@dataclass(frozen=True, slots=True)
class RowView:
    """Show one event as it was understood."""

    occurred_at: datetime
    line: int
    kind: str
    category: str
    amount: Decimal
    balance: Decimal | None
    memo: str
    counts: bool


def evidence_of(*, borrower_id: int) -> list[SourceView]:
    """List the sources of a borrower, newest first."""
    sources = EvidenceSource.objects.filter(borrower_id=borrower_id).order_by("-known_at", "-pk")
    return [_view(source) for source in sources]


def evidence_source(*, borrower_id: int, ref: UUID) -> SourceView | None:
    """Give one source of a borrower, or nothing."""
    source = EvidenceSource.objects.filter(borrower_id=borrower_id, ref=ref).first()
    return _view(source) if source is not None else None


def _view(source: EvidenceSource) -> SourceView:
    return SourceView(
        id=source.pk,
        ref=source.ref,
        kind=source.kind,
        kind_label=str(EvidenceKind(source.kind).label),
        status=source.status,
        status_label=str(EvidenceStatus(source.status).label),
        file_name=source.file_name,
        account_last4=source.account_last4,
        period_from=source.period_from,
        period_to=source.period_to,
        rows=source.rows,
        new_rows=source.new_rows,
        repeated_rows=source.repeated_rows,
        corrected_rows=source.corrected_rows,
        skipped_rows=source.skipped_rows,
        redacted_rows=source.redacted_rows,
        flags=tuple(source.flags),
        uploaded_at=source.known_at,
    )


def period_covered(*, borrower_id: int, as_of: date) -> Coverage:
    """Say what the evidence in use covers up to a date."""
    begun = Q(period_from__lte=as_of)
    found = (
        EvidenceSource.objects.filter(borrower_id=borrower_id)
        .exclude(status=EvidenceStatus.IGNORED)
        .aggregate(
            begin=Min("period_from", filter=begun),
            end=Max("period_to", filter=begun),
            flagged=Count("pk", filter=begun & Q(status=EvidenceStatus.FLAGGED)),
            kinds=ArrayAgg("kind", distinct=True, order_by="kind", default=[]),
        )
    )
    begin, end = found["begin"], found["end"]
    if begin is None or end is None:
        return Coverage(None, None, 0, (), False, None)
    end = min(end, as_of)
    months = (end.year - begin.year) * 12 + end.month - begin.month + 1
    return Coverage(begin, end, months, tuple(found["kinds"]), bool(found["flagged"]), (as_of - end).days)


def needs_referral(*, borrower_ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """Name for each borrower the odd things in the evidence in use that a person must look at."""
    flags: dict[int, set[str]] = {}
    rows = EvidenceSource.objects.filter(borrower_id__in=list(borrower_ids), status=EvidenceStatus.FLAGGED)
    for borrower_id, told in rows.values_list("borrower_id", "flags"):
        flags.setdefault(borrower_id, set()).update(told)
    return {borrower_id: tuple(sorted(told)) for borrower_id, told in flags.items()}


def preview_rows(*, source_id: int, limit: int = 20) -> list[RowView]:
    """Show the newest events of a source as they were understood."""
    rows = EvidenceRow.objects.filter(source_id=source_id).order_by("-occurred_at", "-rank", "-pk")[:limit]
    return [
        RowView(
            occurred_at=row.occurred_at.astimezone(SHANGHAI),
            line=row.line,
            kind=EventKind(row.kind).name,
            category=Category(row.category).name,
            amount=row.amount,
            balance=row.balance,
            memo=row.memo,
            counts=row.superseded_at is None,
        )
        for row in rows
    ]


def totals_by_category(*, source_id: int) -> list[tuple[str, int, Decimal]]:
    """Sum a source's payments by category: (category, count, signed sum), biggest movement first."""
    rows = (
        EvidenceRow.objects.filter(source_id=source_id, superseded_at__isnull=True, kind=EventKind.PAYMENT)
        .values("category")
        .annotate(count=Count("pk"), total=Sum("amount"))
    )
    told = [(Category(row["category"]).name, row["count"], row["total"]) for row in rows]
    return sorted(told, key=lambda row: (-abs(row[2]), row[0]))


def remembered_mapping(*, borrower_id: int, fingerprint: str) -> dict[str, str]:
    """Give the columns that the borrower chose for this header before."""
    found = EvidenceMapping.objects.filter(borrower_id=borrower_id, fingerprint=fingerprint).first()
    return dict(found.mapping) if found is not None else {}

"""Make the row of a source: whose it is, what it covers, and what about it a person should see."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path

from accounts.crypto import blind_index
from accounts.models import Borrower
from regimes.errors import N_
from risk.domain.events import SHANGHAI
from risk.evidence.holders import holder_differs, related_borrowers
from risk.evidence.parsed import Summary
from risk.evidence.refusals import UnableToImportStatement
from risk.evidence.storing import Overlap, Stored
from risk.evidence.text import clean
from risk.models import EvidenceSource, EvidenceStatus


def new_source(
    borrower: Borrower,
    kind: str,
    sha256: str,
    file_name: str,
    summary: Summary,
    as_of: date,
    now: datetime,
    *,
    watch_copies: bool = True,
) -> EvidenceSource:
    """Make the row of a source, not yet saved, with what is odd about it."""
    index = account_index(summary.account)
    others = EvidenceSource.objects.exclude(borrower_id__in=related_borrowers(borrower.pk))
    if index and others.filter(account_index=index).exists():
        raise UnableToImportStatement(
            "statement_unusable", N_("We could not use this statement. Contact us."), field="file"
        )
    flags = sorted(name.upper() for name in summary.warnings)
    if watch_copies and others.filter(file_sha256=sha256).exists():
        flags.append("SAME_FILE_ELSEWHERE")
    if holder_differs(borrower, summary.holder):
        flags.append("HOLDER_DIFFERS")
    return EvidenceSource(
        borrower=borrower,
        kind=kind,
        status=EvidenceStatus.READY,
        file_name=clean(Path(file_name.replace("\\", "/")).name)[:120],
        file_sha256=sha256,
        account_index=index,
        account_last4=summary.account[-4:] if index else "",
        period_from=summary.begin,
        period_to=summary.end,
        rows=summary.rows,
        skipped_rows=summary.skipped,
        redacted_rows=summary.redacted,
        flags=flags,
        as_of=as_of,
        known_at=now,
    )


def account_index(account: str) -> str:
    """Give a whole account number its blind index; a masked or short one has none."""
    account = "".join(account.split())
    return (
        blind_index(purpose="statement_account", value=account)
        if len(account) >= 6 and "*" not in account
        else ""
    )


def overlap_of(source: EvidenceSource) -> Overlap | None:
    """Find the days that an earlier file of this account covers whole, its first and last day left out."""
    if source.period_from is None or source.period_to is None:
        return None
    earlier = (
        EvidenceSource.objects.filter(
            borrower_id=source.borrower_id,
            kind=source.kind,
            account_index=source.account_index,
            period_from__lt=source.period_to,
            period_to__gt=source.period_from,
        )
        .order_by("-period_to", "pk")
        .first()
    )
    if earlier is None or earlier.period_from is None or earlier.period_to is None:
        return None
    begin = max(source.period_from, earlier.period_from + timedelta(days=1))
    end = min(source.period_to, earlier.period_to - timedelta(days=1))
    if begin > end:
        return None
    return Overlap(
        datetime.combine(begin, time.min, SHANGHAI),
        datetime.combine(end + timedelta(days=1), time.min, SHANGHAI),
    )


def finish_source(source: EvidenceSource, stored: Stored) -> None:
    """Write what became of the rows, and flag what an officer should see."""
    source.new_rows, source.repeated_rows = stored.new - stored.disputed, stored.repeated
    source.corrected_rows = stored.corrected
    if stored.corrected:
        source.flags.append("ROWS_CORRECTED")
    if stored.disputed:
        source.flags.append("OVERLAP_DIFFERS")
    if source.flags:
        source.status = EvidenceStatus.FLAGGED
    source.save(update_fields=["new_rows", "repeated_rows", "corrected_rows", "flags", "status"])

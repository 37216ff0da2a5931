"""Take evidence in, honour consents, forget: every write of evidence."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO, Final

from django.db import connection, transaction

from accounts.crypto import blind_index
from accounts.models import Borrower, User
from accounts.operations import write_audit
from accounts.queries import active_consents
from regimes.errors import N_, NotFound
from risk.domain.events import SHANGHAI, EvidenceEvent, Source
from risk.evidence import summing
from risk.evidence.bank import check_mapping
from risk.evidence.child import read_in_child
from risk.evidence.parsed import Options, Row, Summary
from risk.evidence.reading import PARSERS, copy_line, spool
from risk.evidence.redact import redact
from risk.evidence.refusals import UnableToImportStatement, UnableToReadStatement
from risk.evidence.sources import finish_source, new_source, overlap_of
from risk.evidence.storing import pieces, store
from risk.evidence.text import MAX_BYTES, too_large
from risk.models import (
    EvidenceKind,
    EvidenceMapping,
    EvidenceRow,
    EvidenceSource,
    EvidenceStatus,
    MonthlyRollup,
)

WALLET: Final = frozenset({"PAYMENTS", "SPENDING", "BILLS"})
CONSENT_OF: Final[dict[str, frozenset[str]]] = {
    EvidenceKind.ALIPAY: WALLET,
    EvidenceKind.WECHAT: WALLET,
    EvidenceKind.BANK_CSV: frozenset({"BANK"}),
    EvidenceKind.OFX: frozenset({"BANK"}),
    EvidenceKind.CAMT053: frozenset({"BANK"}),
    EvidenceKind.INVOICES_SALES: frozenset({"BUSINESS"}),
    EvidenceKind.INVOICES_PURCHASE: frozenset({"BUSINESS"}),
    EvidenceKind.PLATFORM: frozenset({"PAYMENTS", "BUSINESS"}),
    EvidenceKind.SANDBOX: WALLET | {"BANK", "BUSINESS"},
}
LOCK_CLASS: Final = 0x45564944  # "EVID": advisory locks of imports, one a borrower


def import_statement(
    *,
    borrower_id: int,
    kind: str,
    stream: BinaryIO | None = None,
    path: Path | None = None,
    file_name: str = "",
    mapping: Mapping[str, str] | None = None,
    as_of: date,
    now: datetime,
    actor: User | None = None,
    isolated: bool = True,
) -> EvidenceSource:
    """Take a statement or invoice list into a borrower's evidence, whole or not at all.

    The file is parsed before any transaction, in a limited child unless `isolated` is false (a command
    reading files of its own). Rows already known are passed over, so overlapping files are welcome; the
    very same file is refused. Give `stream` or `path`.
    """
    assert (stream is None) != (path is None), "give either a stream or a path"
    borrower = find_borrower(borrower_id)
    _require_consent(borrower_id, kind)
    if mapping:
        check_mapping(mapping)
    with tempfile.TemporaryDirectory(prefix="evidence-") as folder:
        if stream is not None:
            path = Path(folder) / "upload"
            sha256 = _keep(stream, path)
        else:
            assert path is not None
            sha256 = _hash(path)
        _refuse_again(borrower_id, kind, sha256)
        options = Options(as_of=as_of, mapping=mapping or {}, remembered=_remembered(borrower_id, kind))
        spooled = Path(folder) / "rows"
        key = counterparty_key()
        if isolated:
            summary = read_in_child(kind, path, options, spooled, key=key)
        else:
            with path.open("rb") as opened, spooled.open("w", encoding="utf-8") as out:
                summary = spool(kind, opened, options, out, key=key)
        with transaction.atomic():
            lock_evidence(borrower_id)
            _refuse_again(borrower_id, kind, sha256)
            source = new_source(borrower, kind, sha256, file_name, summary, as_of, now)
            overlap = None if summary.own_numbers else overlap_of(source)
            source.save()
            stored = store(
                source,
                pieces(spooled),
                origin=int(summary.source),
                descending=summary.descending,
                overlap=overlap,
                now=now,
            )
            finish_source(source, stored)
            if mapping:
                _remember(borrower_id, summary, now)
            write_audit(
                actor=actor,
                action="evidence.import",
                object_type="risk.EvidenceSource",
                object_ref=source.ref,
                after={"kind": kind, "new_rows": source.new_rows, "flags": source.flags},
            )
            summing.refresh([borrower_id])
    return source


def record_events(
    *,
    borrower_id: int,
    kind: str,
    reference: str,
    events: Iterable[EvidenceEvent],
    as_of: date,
    now: datetime,
    refresh: bool = True,
) -> EvidenceSource:
    """Take a feed's own events (a platform's, the sandbox's) under a reference; the same again changes nothing.

    Each event keeps its own `known_at`. Give `refresh=False` in bulk work and call `refresh_rollups` after.
    """
    sha256 = hashlib.sha256(f"{kind}|{reference}".encode()).hexdigest()
    borrower = find_borrower(borrower_id)
    with transaction.atomic():
        lock_evidence(borrower_id)
        known = EvidenceSource.objects.filter(borrower=borrower, kind=kind, file_sha256=sha256).first()
        if known is not None:
            return known
        summary = Summary()
        lines = list(_event_lines(events, kind, summary))
        source = new_source(borrower, kind, sha256, "", summary, as_of, now, watch_copies=False)
        source.save()
        stored = store(source, lines, origin=int(summary.source), descending=False, overlap=None, now=now)
        finish_source(source, stored)
        if refresh:
            summing.refresh([borrower_id])
    return source


def refresh_rollups(*, subject_ids: Sequence[int]) -> int:
    """Sum the evidence of subjects into months again; give the number of rows that changed."""
    with transaction.atomic():
        return summing.refresh(subject_ids)


def honour_consents(
    *, borrower_ids: Collection[int], consents: Mapping[int, Collection[str]] | None = None
) -> int:
    """Stop using evidence whose consent was withdrawn, and use it again when it was given anew.

    Give `consents` when they are at hand. Gives the number of sources that changed; without a change it
    costs one query.
    """
    active = consents if consents is not None else active_consents(borrower_ids=borrower_ids)
    return _honour(_sources(borrower_ids), active)


def odd_evidence(
    *, borrower_ids: Collection[int], consents: Mapping[int, Collection[str]]
) -> dict[int, tuple[str, ...]]:
    """Honour consents, then name for each borrower the odd things in what is used; one query without a change."""
    sources = _sources(borrower_ids)
    _honour(sources, consents)
    flags: dict[int, set[str]] = {}
    for source in sources:
        if source.status == EvidenceStatus.FLAGGED:
            flags.setdefault(source.borrower_id, set()).update(source.flags)
    return {borrower_id: tuple(sorted(told)) for borrower_id, told in flags.items()}


@dataclass(slots=True)
class _Source:
    """Hold what decides whether a source is used."""

    pk: int
    borrower_id: int
    kind: str
    status: str
    flags: list[str]


_SOURCES = "SELECT id, borrower_id, kind, status, flags FROM risk_evidencesource WHERE borrower_id = ANY(%s) ORDER BY id"


def _sources(borrower_ids: Collection[int]) -> list[_Source]:
    with connection.cursor() as cursor:
        cursor.execute(_SOURCES, [list(borrower_ids)])
        return [
            _Source(pk, borrower_id, kind, status, json.loads(flags))
            for pk, borrower_id, kind, status, flags in cursor.fetchall()
        ]


def _honour(sources: list[_Source], active: Mapping[int, Collection[str]]) -> int:
    """Bring each source to the status that the consents allow, in the rows given and in the table."""
    moved = []
    for source in sources:
        allowed = bool(CONSENT_OF[source.kind] & set(active.get(source.borrower_id) or ()))
        used = EvidenceStatus.FLAGGED if source.flags else EvidenceStatus.READY
        wanted = used if allowed else EvidenceStatus.IGNORED
        if source.status != wanted:
            source.status = wanted
            moved.append(source)
    if moved:
        with transaction.atomic():
            for source in moved:
                EvidenceSource.objects.filter(pk=source.pk).update(status=source.status)
            summing.refresh(sorted({source.borrower_id for source in moved}))
    return len(moved)


def forget_evidence(*, borrower_id: int) -> int:
    """Delete all evidence of a borrower (erasure); give the number of raw rows that went."""
    with transaction.atomic():
        lock_evidence(borrower_id)
        gone, _ = EvidenceRow.objects.filter(subject_id=borrower_id).delete()
        EvidenceSource.objects.filter(borrower_id=borrower_id).delete()
        EvidenceMapping.objects.filter(borrower_id=borrower_id).delete()
        MonthlyRollup.objects.filter(subject_id=borrower_id).delete()
    return gone


def lock_evidence(borrower_id: int) -> None:
    """Take the borrower's evidence for this transaction; a second upload at the same time is refused."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LOCK_CLASS, borrower_id % 2**31])
        if not cursor.fetchone()[0]:
            raise UnableToImportStatement(
                "upload_in_progress",
                N_("Another file is being read for you. Wait a moment and upload this one again."),
                field="file",
            )


def counterparty_key() -> bytes:
    """Give the key that turns names into numbers in this installation."""
    return bytes.fromhex(blind_index(purpose="counterparty", value=""))


def find_borrower(borrower_id: int) -> Borrower:
    """Give a borrower that is not erased, or refuse."""
    borrower = Borrower.objects.filter(pk=borrower_id).exclude(status=Borrower.Status.ERASED).first()
    if borrower is None:
        raise NotFound("not_found", N_("There is no such borrower."))
    return borrower


def _require_consent(borrower_id: int, kind: str) -> None:
    if kind not in PARSERS:
        raise UnableToReadStatement(
            "kind_unknown",
            N_("Choose one of these kinds of file: %(kinds)s."),
            field="kind",
            params={"kinds": ", ".join(PARSERS)},
        )
    if not CONSENT_OF[kind] & active_consents(borrower_ids=[borrower_id]).get(borrower_id, frozenset()):
        raise UnableToImportStatement(
            "consent_missing",
            N_("Agree to the use of this kind of data first, then upload the file again."),
            field="file",
            params={"purposes": sorted(CONSENT_OF[kind])},
        )


def _keep(stream: BinaryIO, path: Path) -> str:
    """Copy an upload to disk, refusing it as soon as it is too big; give its hash."""
    digest, total = hashlib.sha256(), 0
    with path.open("wb") as kept:
        while piece := stream.read(1 << 16):
            total += len(piece)
            if total > MAX_BYTES:
                raise too_large()
            digest.update(piece)
            kept.write(piece)
    return digest.hexdigest()


def _hash(path: Path) -> str:
    if path.stat().st_size > MAX_BYTES:
        raise too_large()
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _refuse_again(borrower_id: int, kind: str, sha256: str) -> None:
    before = EvidenceSource.objects.filter(borrower_id=borrower_id, kind=kind, file_sha256=sha256).first()
    if before is not None:
        raise UnableToImportStatement(
            "already_uploaded",
            N_("Already uploaded on %(date)s."),
            field="file",
            params={"date": before.known_at.astimezone(SHANGHAI).date().isoformat()},
        )


def _remembered(borrower_id: int, kind: str) -> dict[str, dict[str, str]]:
    if kind != EvidenceKind.BANK_CSV:
        return {}
    return dict(
        EvidenceMapping.objects.filter(borrower_id=borrower_id)
        .order_by("-updated_at", "pk")
        .values_list("fingerprint", "mapping")[:50]
    )


def _remember(borrower_id: int, summary: Summary, now: datetime) -> None:
    if summary.fingerprint:
        EvidenceMapping.objects.update_or_create(
            borrower_id=borrower_id,
            fingerprint=summary.fingerprint,
            defaults={"mapping": summary.mapping, "updated_at": now},
        )


def _event_lines(events: Iterable[EvidenceEvent], kind: str, summary: Summary) -> Iterator[bytes]:
    """Write events as COPY lines; equal events of one feed are told apart by their count."""
    key = counterparty_key()
    seen: Counter[tuple[object, ...]] = Counter()
    for line, event in enumerate(events, 1):
        told = (
            event.occurred_at,
            int(event.kind),
            event.amount,
            event.balance,
            event.counterparty,
            event.memo,
        )
        seen[told] += 1
        summary.source = summary.source or event.source or Source.PLATFORM_API
        summary.count(line, event.occurred_at.astimezone(SHANGHAI).date())
        row = Row(
            line=line,
            occurred_at=event.occurred_at,
            kind=event.kind,
            amount=event.amount,
            category=event.category,
            balance=event.balance,
            counterparty=event.counterparty,
            identity="|".join(map(str, (*told, seen[told]))),
        )
        memo, redacted = redact(event.memo)
        summary.redacted += redacted
        text = copy_line(row, prefix=f"{kind}|", key=key, memo=memo, known_at=event.known_at.isoformat())
        yield text.encode() + b"\n"

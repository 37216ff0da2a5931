"""Put COPY lines into the evidence, set-wise: one temporary table, then what is new, changed or disputed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.db import connection

from risk.evidence.reading import COPY_COLUMNS
from risk.models import EvidenceSource

PIECE: Final = 1 << 20
_STAGE: Final = """
CREATE TEMPORARY TABLE evidence_stage (
    kind smallint NOT NULL, category smallint NOT NULL, wallet smallint NOT NULL,
    occurred_at timestamptz NOT NULL, known_at timestamptz, line integer NOT NULL,
    amount numeric(16,2) NOT NULL, balance numeric(16,2), counterparty bigint NOT NULL,
    memo text NOT NULL, identity bytea NOT NULL, content bytea NOT NULL
) ON COMMIT DROP"""
_UNIQUE: Final = """
DELETE FROM evidence_stage s USING evidence_stage later
WHERE s.identity = later.identity AND s.line < later.line"""
_CORRECT: Final = """
UPDATE risk_evidencerow r SET superseded_at = %(now)s FROM evidence_stage s
WHERE r.subject_id = %(subject)s AND r.identity = s.identity AND r.superseded_at IS NULL
  AND r.content <> s.content"""
_REPEATED: Final = """
SELECT count(*) FROM evidence_stage s
WHERE EXISTS (SELECT 1 FROM risk_evidencerow r WHERE r.subject_id = %(subject)s
              AND r.identity = s.identity AND r.superseded_at IS NULL)"""
_INSERT: Final = """
INSERT INTO risk_evidencerow (subject_id, source_id, origin, kind, category, wallet, occurred_at, known_at,
    superseded_at, line, rank, amount, balance, counterparty, memo, identity, content)
SELECT %(subject)s, %(source)s, %(origin)s, s.kind, s.category, s.wallet, s.occurred_at,
       coalesce(s.known_at, %(now)s),
       CASE WHEN %(disputed)s AND s.occurred_at >= %(overlap_from)s AND s.occurred_at < %(overlap_to)s
            THEN %(now)s::timestamptz END,
       s.line, s.line * %(sign)s, s.amount, s.balance, s.counterparty, s.memo, s.identity, s.content
FROM evidence_stage s
WHERE NOT EXISTS (SELECT 1 FROM risk_evidencerow r WHERE r.subject_id = %(subject)s
                  AND r.identity = s.identity AND r.superseded_at IS NULL)
ORDER BY s.occurred_at, s.line * %(sign)s"""
# Statements without numbers of their own: in the days that an earlier file covers whole, both must agree.
_OVERLAP: Final = """
SELECT count(*) FROM (
    SELECT s.identity FROM evidence_stage s
    WHERE s.occurred_at >= %(overlap_from)s AND s.occurred_at < %(overlap_to)s
    EXCEPT
    SELECT r.identity FROM risk_evidencerow r
    WHERE r.subject_id = %(subject)s AND r.superseded_at IS NULL
      AND r.occurred_at >= %(overlap_from)s AND r.occurred_at < %(overlap_to)s
) AS only_new"""


@dataclass(frozen=True, slots=True)
class Stored:
    """Count what became of the rows of a file."""

    new: int
    repeated: int
    corrected: int
    disputed: int


@dataclass(frozen=True, slots=True)
class Overlap:
    """Name the moments between which an earlier file of the same account was complete."""

    begin: datetime
    end: datetime


def pieces(path: Path) -> Iterable[bytes]:
    """Yield a spooled file in pieces."""
    with path.open("rb") as spooled:
        while piece := spooled.read(PIECE):
            yield piece


def store(
    source: EvidenceSource,
    lines: Iterable[bytes],
    *,
    origin: int,
    descending: bool,
    overlap: Overlap | None,
    now: datetime,
) -> Stored:
    """Take COPY lines into the evidence of a borrower; the caller holds the transaction and the lock."""
    named: dict[str, Any] = {
        "subject": source.borrower_id,
        "source": source.pk,
        "origin": origin,
        "now": now,
        "sign": -1 if descending else 1,
        "disputed": False,
        "overlap_from": overlap.begin if overlap else now,
        "overlap_to": overlap.end if overlap else now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        with cursor.copy(f"COPY evidence_stage ({', '.join(COPY_COLUMNS)}) FROM STDIN") as copy:
            for piece in lines:
                copy.write(piece)
        cursor.execute("CREATE INDEX ON evidence_stage (identity)")
        cursor.execute("ANALYZE evidence_stage")
        cursor.execute(_UNIQUE)
        cursor.execute(_CORRECT, named)
        corrected = cursor.rowcount
        cursor.execute(_REPEATED, named)
        repeated = cursor.fetchone()[0]
        disputed = 0
        if overlap is not None:
            cursor.execute(_OVERLAP, named)
            disputed = cursor.fetchone()[0]
        cursor.execute(_INSERT, named | {"disputed": disputed > 0})
        new = cursor.rowcount
        cursor.execute("DROP TABLE evidence_stage")
    return Stored(new=new, repeated=repeated, corrected=corrected, disputed=disputed)

"""Keep the monthly roll-ups of subjects equal to what their evidence says now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from django.db import connection

from risk.domain.events import EventColumns, concatenate
from risk.domain.rollup import ROLLUP_NAMES, Rollups, month_start, roll_up

SUBJECTS: Final = 500
PIECE: Final = 20_000
# A bank account that paid into a wallet whose own bill covers the day only moved money between the
# subject's pockets (15: OWN_TRANSFER): the bill tells what it was spent on.
_EVENTS: Final = """
SELECT r.subject_id, floor(extract(epoch FROM r.occurred_at) / 60)::bigint,
       floor(extract(epoch FROM r.known_at) / 60)::bigint, r.kind,
       CASE WHEN r.wallet <> 0 AND EXISTS (
                SELECT 1 FROM risk_evidencesource w
                WHERE w.borrower_id = r.subject_id AND w.status <> 'IGNORED'
                  AND w.kind = CASE r.wallet WHEN 2 THEN 'ALIPAY' ELSE 'WECHAT' END
                  AND (r.occurred_at AT TIME ZONE 'Asia/Shanghai')::date BETWEEN w.period_from AND w.period_to)
            THEN 15 ELSE r.category END,
       (r.amount * 100)::bigint, coalesce(r.balance, 'NaN'::numeric)::float8, r.counterparty
FROM risk_evidencerow r JOIN risk_evidencesource s ON s.id = r.source_id
WHERE r.subject_id = ANY(%s) AND r.superseded_at IS NULL AND s.status <> 'IGNORED'
ORDER BY r.subject_id, r.occurred_at, r.rank, r.id"""
_KINDS: Final = (np.int64, np.int64, np.int64, np.int8, np.int8, np.int64, np.float64, np.int64)
_COLUMNS: Final = ", ".join(f'"{name}"' for name in ROLLUP_NAMES)
_STAGE: Final = f"""
CREATE TEMPORARY TABLE rollup_stage ON COMMIT DROP AS
SELECT subject_id, month, {_COLUMNS} FROM risk_monthlyrollup WITH NO DATA"""  # noqa: S608  names of our own
_UPSERT: Final = f"""
INSERT INTO risk_monthlyrollup AS kept (subject_id, month, {_COLUMNS})
SELECT subject_id, month, {_COLUMNS} FROM rollup_stage ORDER BY subject_id, month
ON CONFLICT (subject_id, month) DO UPDATE SET ({_COLUMNS}) = ROW({", ".join(f'excluded."{name}"' for name in ROLLUP_NAMES)})
WHERE ({", ".join(f'kept."{name}"' for name in ROLLUP_NAMES)})
   IS DISTINCT FROM ({", ".join(f'excluded."{name}"' for name in ROLLUP_NAMES)})"""  # noqa: S608  names of our own
_DELETE: Final = """
DELETE FROM risk_monthlyrollup kept WHERE kept.subject_id = ANY(%s) AND NOT EXISTS (
    SELECT 1 FROM rollup_stage s WHERE s.subject_id = kept.subject_id AND s.month = kept.month)"""


def events_of(subject_ids: Sequence[int]) -> EventColumns:
    """Read the events that count for some subjects, oldest first."""
    parts: list[EventColumns] = []
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS, [list(subject_ids)])
        while rows := cursor.fetchmany(PIECE):
            parts.append(_columns(list(zip(*rows, strict=True))))
    return concatenate(parts) if parts else _columns([()] * len(_KINDS))


def _columns(told: list[tuple[Any, ...]]) -> EventColumns:
    columns: list[Any] = [np.array(column, dtype=kind) for column, kind in zip(told, _KINDS, strict=True)]
    return EventColumns(*columns)


def write_rollups(rollups: Rollups, subject_ids: Sequence[int]) -> int:
    """Make the stored months of some subjects exactly these; give the number of rows that changed."""
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        with cursor.copy(f"COPY rollup_stage (subject_id, month, {_COLUMNS}) FROM STDIN") as copy:
            for subject, month, values in zip(
                rollups.subject.tolist(), rollups.month.tolist(), rollups.values.tolist(), strict=True
            ):
                copy.write_row((subject, month_start(month), *values))
        cursor.execute(_UPSERT)
        changed = cursor.rowcount
        cursor.execute(_DELETE, [list(subject_ids)])
        changed += cursor.rowcount
        cursor.execute("DROP TABLE rollup_stage")
    return int(changed)


def refresh(subject_ids: Sequence[int]) -> int:
    """Sum the evidence of some subjects again; the caller holds the transaction."""
    changed = 0
    ordered = sorted(set(subject_ids))
    for start in range(0, len(ordered), SUBJECTS):
        some = ordered[start : start + SUBJECTS]
        changed += write_rollups(roll_up(events_of(some)), some)
    return changed

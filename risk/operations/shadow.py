"""Score again, in bulk, what was scored: with a model on trial, or with the champion after a change.

Facts come out by binary COPY in blocks of fixed width, are scored by the trees in one call, and go back in by binary
COPY; a row's reasons are worked out only where its grade would change. Nothing here decides: the rows are SHADOW.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.db import connection, transaction

from regimes.errors import N_
from risk import queries
from risk.domain.events import Floats
from risk.domain.reasons import Reason
from risk.domain.registry import FEATURE_NAMES, registry_digest
from risk.engine import LoadedModel, Scored
from risk.models.registry import Assessment, AssessmentOutcome, AssessmentPurpose, ModelState, ModelVersion
from risk.operations.errors import UnableToAssess

CHUNK = 50_000
GRADE_EDGES = (0.01, 0.02, 0.04, 0.08, 0.16)
WIDTH = len(FEATURE_NAMES) * 8
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
_OUT = """COPY (
  SELECT a.id, a.subject_id, a.as_of, a.segment, a.pd, coalesce(a.evidence_age_months, 'NaN'), a.facts
    FROM risk_assessment a
   WHERE a.id > {after} AND a.as_of BETWEEN '{first}' AND '{last}' AND a.outcome = 'SCORED' AND a.purpose <> 'SHADOW'
     AND a.registry_digest = '{digest}'{unless}
   ORDER BY a.id LIMIT {chunk}) TO STDOUT (FORMAT BINARY)"""
_UNLESS = """
     AND NOT EXISTS (SELECT FROM risk_assessment s WHERE s.subject_id = a.subject_id AND s.as_of = a.as_of
                        AND s.purpose = 'SHADOW' AND s.model_id = {version})"""
_NAMES = ("ref", "subject_id", "as_of", "purpose", "segment", "outcome", "unscored_code", "model_id", "is_fallback", "facts",
          "registry_digest", "pd", "score", "lgd", "evidence_age_months", "reasons")  # fmt: skip
_IN = f"COPY risk_assessment ({', '.join(_NAMES)}) FROM STDIN (FORMAT BINARY)"


def _fields(*fields: tuple[str, str]) -> np.dtype[Any]:
    """Lay out one tuple of binary COPY: the number of fields, then length and bytes of each."""
    laid: list[tuple[str, str]] = [("fields", ">i2")]
    for name, kind in fields:
        laid += [(f"{name}_length", ">i4"), (name, kind)]
    return np.dtype(laid)


_READ = _fields(
    ("id", ">i8"), ("subject_id", ">i8"), ("as_of", ">i4"), ("segment", ">i2"), ("pd", ">f8"), ("age", ">f8"),
    ("facts", f"V{WIDTH}"),
)  # fmt: skip
_FIXED = (
    ("ref", "V16"), ("subject_id", ">i8"), ("as_of", ">i4"), ("purpose", "S6"), ("segment", ">i2"), ("outcome", "S6"),
    ("unscored_code", "V0"), ("model_id", ">i8"), ("is_fallback", "u1"), ("facts", f"V{WIDTH}"),
    ("registry_digest", "S64"), ("pd", ">f8"), ("score", ">i2"), ("lgd", ">f8"),
)  # fmt: skip


@dataclass(slots=True)
class ScoredAgain:
    """Say what came of it."""

    scored: int = 0
    changed: int = 0  # rows whose grade would be another; these have reasons
    largest_block: int = 0


def score_again(
    *,
    version: ModelVersion,
    first_date: date,
    last_date: date,
    edges: Sequence[float] = GRADE_EDGES,
    chunk: int = CHUNK,
    progress: Callable[[int], None] = lambda done: None,
) -> ScoredAgain:
    """Score what was scored on these dates again with a version; memory is bounded by the chunk.

    The trees are asked in a second thread, so that scoring costs no time of its own beside the two COPYs where there are two cores.

    Rows that this version has scored in shadow already are left alone, so a broken run is simply run again.
    `edges` are the probabilities at which grades change.
    """
    if version.state in {ModelState.CANDIDATE, ModelState.REJECTED}:
        raise UnableToAssess("not_on_trial", N_("Two people must put this model into shadow first."))
    model = queries.loaded_model(version=version)
    mine = Assessment.objects.filter(
        model=version, purpose=AssessmentPurpose.SHADOW, as_of__range=(first_date, last_date)
    )
    unless = _UNLESS.format(version=version.pk) if mine.exists() else ""
    report, made = ScoredAgain(), None

    def after(last: int) -> Any:
        ask = _OUT.format(
            after=last, first=first_date.isoformat(), last=last_date.isoformat(), digest=registry_digest(),
            unless=unless, chunk=chunk,
        )  # fmt: skip
        return read_block(ask)

    rows = after(0)
    with ThreadPoolExecutor(
        1
    ) as worker:  # scores one block while this thread writes the one before and reads the next
        while len(rows):
            ahead = worker.submit(_score_block, rows, version, model, np.asarray(edges))
            if made is not None:
                _write(made, report)
                progress(report.scored)
            rows = after(int(rows["id"][-1]))
            made = ahead.result()
    if made is not None:
        _write(made, report)
        progress(report.scored)
    return report


def read_block(ask: str) -> Any:
    """Copy rows out; facts stay the bytes that they are."""
    with connection.cursor() as cursor, cursor.copy(ask) as copy:
        found = b"".join(bytes(part) for part in copy)
    return np.frombuffer(
        found, dtype=_READ, offset=len(HEADER), count=(len(found) - len(HEADER)) // _READ.itemsize
    )


def vectors(rows: Any) -> Floats:
    """Give the facts of copied rows, shape (n, features)."""
    packed = np.ascontiguousarray(rows["facts"])
    return packed.view("<f8").reshape(len(rows), len(FEATURE_NAMES)).astype(np.float64, copy=False)


@dataclass(frozen=True, slots=True)
class _Block:
    """Hold the bytes that go back in for one block of rows."""

    parts: list[Any]
    rows: int
    changed: int
    size: int


def _score_block(rows: Any, version: ModelVersion, model: LoadedModel, edges: Floats) -> _Block:
    """Score a block and lay its rows out; asks no database."""
    values = vectors(rows)
    segment = rows["segment"].astype(np.int8)
    scored = model.score(values, segment)
    changed = np.searchsorted(edges, scored.pd) != np.searchsorted(edges, rows["pd"].astype(np.float64))
    told = model.reasons(values[changed]) if changed.any() else []
    parts = _blocks(rows, scored, changed, told, version, model)
    return _Block(parts, len(rows), int(changed.sum()), rows.nbytes)


def _write(made: _Block, report: ScoredAgain) -> None:
    with transaction.atomic(), connection.cursor() as cursor, cursor.copy(_IN) as copy:
        for part in made.parts:
            copy.write(part)
    report.scored += made.rows
    report.changed += made.changed
    report.largest_block = max(report.largest_block, made.size)


def _blocks(
    rows: Any,
    scored: Scored,
    changed: Any,
    told: list[list[Reason]],
    version: ModelVersion,
    model: LoadedModel,
) -> list[Any]:
    """Give the bytes of COPY: a block for rows with and without the age of their evidence, then those with reasons."""
    ageless = np.isnan(rows["age"])
    parts: list[Any] = [HEADER]
    for without in (False, True):
        chosen = np.flatnonzero((ageless == without) & ~changed)
        parts.append(_tuples(rows, scored, chosen, version, model, without, b"\x01[]"))
    for place, reasons in zip(np.flatnonzero(changed), told, strict=True):
        text = b"\x01" + json.dumps([{"code": r.code, "share": r.share} for r in reasons]).encode()
        parts.append(_tuples(rows, scored, np.array([place]), version, model, bool(ageless[place]), text))
    return [*parts, TRAILER]


def _tuples(
    rows: Any,
    scored: Scored,
    chosen: Any,
    version: ModelVersion,
    model: LoadedModel,
    ageless: bool,
    reasons: bytes,
) -> Any:
    age = ("evidence_age_months", "V0" if ageless else ">f8")
    shape = _fields(*_FIXED, age, ("reasons", f"V{len(reasons)}"))
    out = np.empty(len(chosen), dtype=shape)
    assert shape.names is not None
    out["fields"], out["is_fallback"] = len(_NAMES), 0
    for name in _NAMES:
        out[f"{name}_length"] = shape[name].itemsize
    out["ref"] = _references(len(chosen))
    for name in ("subject_id", "as_of", "segment", "facts"):
        out[name] = rows[name][chosen]
    out["purpose"], out["outcome"] = AssessmentPurpose.SHADOW.value, AssessmentOutcome.SCORED.value
    out["model_id"], out["registry_digest"] = version.pk, registry_digest()
    out["pd"], out["score"] = scored.pd[chosen], scored.score[chosen]
    lgd = np.array([model.lgd.get(code, np.nan) for code in range(max(model.lgd) + 1)])
    out["lgd"] = lgd[rows["segment"][chosen]]
    if ageless:
        out["evidence_age_months_length"] = -1
    else:
        out["evidence_age_months"] = rows["age"][chosen]
    out["reasons"] = np.frombuffer(reasons, dtype=f"V{len(reasons)}")[0] if reasons else b""
    return out.view(np.uint8).data if len(out) else b""


def _references(count: int) -> Any:
    """Draw random UUIDs (version 4) in one go."""
    found = np.frombuffer(os.urandom(16 * count), dtype=np.uint8).reshape(count, 16).copy()
    found[:, 6] = (found[:, 6] & 0x0F) | 0x40
    found[:, 8] = (found[:, 8] & 0x3F) | 0x80
    return found.view("V16").reshape(count)

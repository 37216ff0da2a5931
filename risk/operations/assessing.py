"""Assess borrowers: score facts with the champion, else the scorecard, else leave it to a person."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import structlog
from django.db import connection, transaction

from accounts.rows import insert_row
from regimes.errors import N_
from risk import queries
from risk.domain.events import Bytes, Flags
from risk.domain.facts import Facts, Sufficiency, sufficiency
from risk.domain.registry import registry_digest
from risk.engine import LoadedModel, Scored
from risk.models.registry import Assessment, AssessmentOutcome, AssessmentPurpose, ModelVersion
from risk.operations.errors import UnableToAssess
from risk.queries import Arm

log = structlog.get_logger(__name__)
_COLUMNS = (
    "id", "ref", "subject_id", "as_of", "purpose", "segment", "outcome", "unscored_code", "model_id", "is_fallback", "facts",
    "registry_digest", "evidence_age_months", "pd", "score", "lgd", "reasons",
)  # fmt: skip


def assess(
    *,
    subject_ids: Sequence[int],
    facts: Facts,
    as_of: date,
    purpose: str,
    model_version: ModelVersion | None = None,
    with_reasons: bool | Sequence[bool] = True,
) -> list[Assessment]:
    """Assess borrowers and keep what was said, from which facts and by which model; in the order given.

    UNSCORED never means yes: no model could be trusted, or the facts do not suffice, are stale or out of
    range (`unscored_code`); the caller refers it to a person. A borrower in a challenger's share is scored by it, the same
    one each time (`domain/traffic.py`); with `model_version` by that version alone. `with_reasons` may spare the reasons of rows whose
    outcome will not change, in batches.
    """
    if list(subject_ids) != facts.subject_ids.tolist() or facts.as_of != as_of:
        raise UnableToAssess("facts_of_others", N_("The facts are of other borrowers or of another date."))
    explained = np.broadcast_to(np.asarray(with_reasons, dtype=bool), len(facts))
    verdict = sufficiency(facts)
    rows: list[Assessment | None] = [None] * len(facts)
    for arm in _arms(facts, model_version):
        mine = facts.take(arm.chosen) if len(arm.chosen) < len(facts) else facts
        drafts = _draft(
            arm, mine, verdict[arm.chosen], explained[arm.chosen], as_of, AssessmentPurpose(purpose)
        )
        for place, draft in zip(arm.chosen.tolist(), drafts, strict=True):
            rows[place] = draft
    kept = [row for row in rows if row is not None]
    assert len(kept) == len(facts), "each borrower in one arm"
    if len(kept) == 1:
        insert_row(kept[0])
        return kept
    return _store(kept)


def _store(rows: list[Assessment]) -> list[Assessment]:
    """Write the rows by COPY, all of them or none; an INSERT of as many costs ten times as much."""
    if not rows:
        return rows
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('risk_assessment', 'id')) FROM generate_series(1, %s)",
            [len(rows)],
        )
        for row, (pk,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = pk
        with cursor.copy(f"COPY risk_assessment ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
            for row in rows:
                values = [getattr(row, name) for name in _COLUMNS[:-1]]
                copy.write_row([*values, json.dumps(row.reasons)])
    for row in rows:
        row._state.adding = False
    return rows


def _arms(facts: Facts, asked: ModelVersion | None) -> list[Arm]:
    if asked is None:
        return queries.deciding_models(subject_ids=facts.subject_ids)
    return [Arm(*queries.model_for_scoring(version=asked), np.arange(len(facts)))]


def _draft(
    arm: Arm, facts: Facts, verdict: Bytes, explained: Flags, as_of: date, purpose: AssessmentPurpose
) -> list[Assessment]:
    """Score one arm's borrowers; the rows are not stored yet."""
    model = arm.model
    enough = verdict == Sufficiency.ENOUGH if model is not None else np.zeros(len(facts), dtype=bool)
    scored = (
        model.score(facts.values[enough], facts.segment[enough])
        if model is not None and enough.any()
        else None
    )
    told = _reasons(model, facts, enough & explained)
    places = np.cumsum(enough) - 1
    packed = facts.values.astype("<f8", copy=False)
    digest = registry_digest()
    rows = []
    for row in range(len(facts)):
        assessment = Assessment(
            subject_id=int(facts.subject_ids[row]),
            as_of=as_of,
            purpose=purpose,
            segment=int(facts.segment[row]),
            facts=packed[row].tobytes(),
            registry_digest=digest,
            evidence_age_months=_number(facts.evidence_age_months[row]),
        )
        if enough[row] and scored is not None and arm.version is not None and model is not None:
            _fill(assessment, scored, int(places[row]), arm.version, model, arm.is_fallback)
            assessment.reasons = told.get(row, [])
        else:
            assessment.outcome = AssessmentOutcome.UNSCORED
            assessment.unscored_code = "no_model" if model is None else Sufficiency(verdict[row]).name.lower()
        rows.append(assessment)
    return rows


def _fill(
    assessment: Assessment,
    scored: Scored,
    place: int,
    version: ModelVersion,
    model: LoadedModel,
    fallback: bool,
) -> None:
    assessment.outcome = AssessmentOutcome.SCORED
    assessment.model = version
    assessment.is_fallback = fallback
    assessment.pd = float(scored.pd[place])
    assessment.score = int(scored.score[place])
    assessment.lgd = model.lgd[assessment.segment]


def _reasons(model: LoadedModel | None, facts: Facts, chosen: Any) -> dict[int, list[dict[str, Any]]]:
    rows = np.flatnonzero(chosen)
    if model is None or len(rows) == 0:
        return {}
    found = model.reasons(facts.values[rows])
    return {
        int(row): [{"code": reason.code, "share": reason.share} for reason in reasons]
        for row, reasons in zip(rows, found, strict=True)
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def forget_assessments(*, subject_id: int) -> int:
    """Empty the facts and reasons of whoever may be forgotten (the database asks the audit trail); give how many."""
    rows = Assessment.objects.filter(subject_id=subject_id).exclude(facts=b"", reasons=[])
    return rows.update(facts=b"", reasons=[])

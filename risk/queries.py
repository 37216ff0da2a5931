"""Questions to risk: the champion, the facts of borrowers, the latest assessments. Nothing is written."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import structlog
from django.db import connection
from django.db.models import QuerySet

from accounts.rows import columns, names_of, read_row
from risk.domain.events import Floats, Integers
from risk.domain.facts import ConductFacts, Consents, Facts
from risk.domain.features import compute
from risk.domain.recourse import Change, recourse
from risk.domain.rollup import MONTHS_BACK, ROLLUP_NAMES, Rollups, month_number, month_start, windows
from risk.domain.traffic import arms
from risk.engine import Artefact, LoadedModel, UnableToLoadModel, load
from risk.engine.keys import trusted_keys
from risk.evidence.queries import evidence_of, needs_referral, period_covered
from risk.models.registry import Assessment, AssessmentPurpose, ModelKind, ModelState, ModelVersion

__all__ = [
    "evidence_of",
    "needs_referral",
    "period_covered",
]  # asked elsewhere, answered in the evidence room

log = structlog.get_logger(__name__)
_KEPT = 6
_loaded: OrderedDict[tuple[int, str], LoadedModel] = OrderedDict()
_lock = threading.Lock()
_MONTH = "(extract(year FROM month) - 1970) * 12 + extract(month FROM month) - 1"
_ROLLUPS = f"""
SELECT subject_id, {_MONTH}, {", ".join(ROLLUP_NAMES)} FROM risk_monthlyrollup
WHERE subject_id = ANY(%s) AND month >= %s AND month < %s"""  # noqa: S608  the names are constants of ours
_DECIDING_COLUMNS = ("id", "kind", "state", "model_sha256", "manifest_sha256", "traffic_percent")
_DECIDING = f"""
SELECT {", ".join(_DECIDING_COLUMNS)} FROM risk_modelversion WHERE state IN ('CHAMPION', 'CHALLENGER')
ORDER BY id"""  # noqa: S608  the names are constants of ours
BIG_COLUMNS = ("model_text", "manifest", "signature", "card_html", "report")


@dataclass(frozen=True, slots=True)
class Arm:
    """Hold one model with the places of the borrowers whom it scores; no version and no model: nothing may score them."""

    version: ModelVersion | None
    model: LoadedModel | None
    is_fallback: bool
    chosen: Integers


def champion() -> ModelVersion | None:
    """Give the version that decides, if there is one."""
    return ModelVersion.objects.filter(state=ModelState.CHAMPION).defer(*BIG_COLUMNS).first()


def fallback_scorecards() -> QuerySet[ModelVersion]:
    """Give scorecards that may stand in, the newest first."""
    return (
        ModelVersion.objects.filter(
            kind=ModelKind.SCORECARD, state__in=(ModelState.CHALLENGER, ModelState.CHAMPION)
        )
        .defer(*BIG_COLUMNS)
        .order_by("-pk")
    )


def loaded_model(*, version: ModelVersion) -> LoadedModel:
    """Give a version, verified and loaded; kept in the process by its digest."""
    key = (version.pk, version.manifest_sha256 + version.model_sha256)
    with _lock:
        if key in _loaded:
            _loaded.move_to_end(key)
            return _loaded[key]
    row = ModelVersion.objects.only("model_text", "manifest", "signature").get(pk=version.pk)
    artefact = Artefact(bytes(row.model_text), bytes(row.manifest), bytes(row.signature))
    if artefact.manifest_sha256 != version.manifest_sha256 or artefact.model_sha256 != version.model_sha256:
        raise UnableToLoadModel("bad_digest", "The model's text is not the one that was signed.")
    model = load(artefact, trusted=trusted_keys())
    with _lock:
        _loaded[key] = model
        while len(_loaded) > _KEPT:
            _loaded.popitem(last=False)
    return model


def forget_loaded_models() -> None:
    """Empty this process's kept models."""
    with _lock:
        _loaded.clear()


def model_for_scoring(
    *, version: ModelVersion | None = None
) -> tuple[ModelVersion | None, LoadedModel | None, bool]:
    """Give what may score now: the version asked for or the champion; else a scorecard (True); else nothing.

    A version asked for by name that cannot be trusted is not replaced by another: it gives nothing.
    """
    wanted = version or champion()
    if wanted is not None:
        try:
            return wanted, loaded_model(version=wanted), False
        except UnableToLoadModel as refusal:
            log.error("risk.model_refused", version=wanted.pk, code=refusal.code)
    if version is not None:
        return version, None, False
    for card in fallback_scorecards():
        try:
            return card, loaded_model(version=card), True
        except UnableToLoadModel as refusal:
            log.error("risk.fallback_refused", version=card.pk, code=refusal.code)
    return None, None, False


def deciding_models(*, subject_ids: Integers) -> list[Arm]:
    """Give who is scored by what: the challengers' shares, and everybody else by the champion or what stands in for it.

    The arms part the borrowers: each one's place is in exactly one. One narrow statement where the champion loads: who decides is
    asked each time, so that a roll-back counts at once.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DECIDING)
        standing = [ModelVersion.from_db(None, _DECIDING_COLUMNS, row) for row in cursor.fetchall()]
    trials = [v for v in standing if v.state == ModelState.CHALLENGER and v.traffic_percent > 0]
    dealt = arms(subject_ids, [(v.pk, v.traffic_percent) for v in trials])
    found = []
    for number, version in enumerate(trials):
        chosen = np.flatnonzero(dealt == number)
        if len(chosen) == 0:
            continue
        try:
            found.append(Arm(version, loaded_model(version=version), False, chosen))
        except UnableToLoadModel as refusal:
            log.error("risk.challenger_refused", version=version.pk, code=refusal.code)
            dealt[chosen] = -1
    rest = np.flatnonzero(dealt < 0)
    if len(rest) or not found:
        found.append(Arm(*_standing(standing), rest))
    return found


def _standing(versions: Sequence[ModelVersion]) -> tuple[ModelVersion | None, LoadedModel | None, bool]:
    champions = [v for v in versions if v.state == ModelState.CHAMPION]
    cards = [v for v in reversed(versions) if v.kind == ModelKind.SCORECARD]
    for version in champions + cards:
        try:
            return version, loaded_model(version=version), version.state != ModelState.CHAMPION
        except UnableToLoadModel as refusal:
            log.error("risk.model_refused", version=version.pk, code=refusal.code)
    return None, None, False


def monthly_rollups(*, subject_ids: Sequence[int], as_of: date) -> Rollups:
    """Read the roll-ups of whole months before a date."""
    last = month_number(as_of)
    with connection.cursor() as cursor:
        cursor.execute(_ROLLUPS, [list(subject_ids), month_start(last - MONTHS_BACK), month_start(last)])
        rows = cursor.fetchall()
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 2 + len(ROLLUP_NAMES))
    return Rollups(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2:])


def feature_matrix(
    *, as_of: date, conduct: ConductFacts, consents: Consents, neighbours_late_share: Floats | None = None
) -> Facts:
    """Give the facts of borrowers as of a date, in the order of `conduct.subject_ids`.

    Credit supplies how our own loans were paid and which consents stand; evidence comes from the roll-ups of
    whole months before `as_of`.
    """
    rollups = monthly_rollups(subject_ids=conduct.subject_ids.tolist(), as_of=as_of)
    months = windows(rollups, subjects=conduct.subject_ids, as_of=as_of)
    return compute(
        months=months,
        conduct=conduct,
        consents=consents,
        as_of=as_of,
        neighbours_late_share=neighbours_late_share,
    )


def facts_of(*, assessment: Assessment) -> Floats:
    """Give the vector that an assessment was made from."""
    return read_facts(assessment.facts)


def read_facts(kept: bytes | memoryview) -> Floats:
    """Read a vector as an assessment keeps it."""
    return np.frombuffer(bytes(kept), dtype="<f8").astype(np.float64)


def recourse_for(*, assessment: Assessment, threshold: float) -> tuple[Change, ...]:
    """Give the smallest feasible changes that would bring PD to the threshold, verified by scoring again."""
    if assessment.model is None or assessment.pd is None:
        return ()
    model = loaded_model(version=assessment.model)
    return recourse(
        facts_of(assessment=assessment),
        pd_of=model.pd_of_person(assessment.segment),
        threshold=threshold,
        goals=model.goals,
    )


def latest_assessment(*, subject_id: int, as_of: date) -> Assessment | None:
    """Give the newest assessment of a borrower up to a date."""
    with connection.cursor() as cursor:
        cursor.execute(_LATEST, [subject_id, as_of, AssessmentPurpose.SHADOW])
        row = cursor.fetchone()
    return read_row(Assessment, names_of(Assessment), row) if row else None


_LATEST = f"""SELECT {columns("a", Assessment)} FROM risk_assessment a WHERE subject_id = %s AND as_of <= %s AND purpose <> %s
ORDER BY as_of DESC, id DESC LIMIT 1"""  # noqa: S608  the names are those of our own columns
# the vector of the same assessment, for a statement that asks more; %(borrower)s, %(as_of)s
NEWEST_FACTS = f"""SELECT facts FROM risk_assessment WHERE subject_id = %(borrower)s AND as_of <= %(as_of)s
AND purpose <> '{AssessmentPurpose.SHADOW.value}' ORDER BY as_of DESC, id DESC LIMIT 1"""  # noqa: S608  our own word


def replay(
    *,
    assessments: QuerySet[Assessment],
    progress: Callable[[int], None] = lambda done: None,
    chunk: int = 2_000,
) -> dict[str, Any]:
    """Score stored facts again with the stored model and compare; gives counts and the differing refs."""
    found: dict[str, Any] = {"replayed": 0, "differences": [], "largest": 0.0, "unscored": 0, "unloadable": 0}
    last = 0
    while True:
        rows = list(assessments.filter(pk__gt=last).order_by("pk").select_related(None)[:chunk])
        if not rows:
            return found
        last = rows[-1].pk
        found["unscored"] += sum(1 for row in rows if row.pd is None)
        versions = ModelVersion.objects.defer(*BIG_COLUMNS).in_bulk({r.model_id for r in rows if r.model_id})
        for version in versions.values():
            _replay_version(version, [r for r in rows if r.model_id == version.pk], found)
        progress(found["replayed"])


def _replay_version(version: ModelVersion, rows: list[Assessment], found: dict[str, Any]) -> None:
    try:
        model = loaded_model(version=version)
    except UnableToLoadModel:
        found["unloadable"] += len(rows)
        found["differences"] += [str(row.ref) for row in rows]
        return
    values = np.stack([facts_of(assessment=row) for row in rows])
    segment = np.array([row.segment for row in rows], dtype=np.int8)
    scored = model.score(values, segment)
    explained = [place for place, row in enumerate(rows) if row.reasons]
    reasons = dict(zip(explained, model.reasons(values[explained]) if explained else [], strict=True))
    for place, row in enumerate(rows):
        gap = abs(float(scored.pd[place]) - float(row.pd or 0.0))
        told = [{"code": r.code, "share": r.share} for r in reasons.get(place, [])]
        found["largest"] = max(found["largest"], gap)
        if gap != 0.0 or int(scored.score[place]) != row.score or told != row.reasons:
            found["differences"].append(str(row.ref))
    found["replayed"] += len(rows)

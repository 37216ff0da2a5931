"""Compare what is scored now with what the champion learned from, once a business date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import structlog

from accounts.operations import write_audit
from risk import queries
from risk.domain.events import Bytes, Floats
from risk.domain.monitoring import drift_report, outcome_report, score_counts
from risk.domain.registry import FEATURE_NAMES
from risk.domain.traffic import ALPHA, evidence_of_harm
from risk.engine import UnableToLoadModel
from risk.models.registry import (
    Assessment,
    AssessmentOutcome,
    AssessmentPurpose,
    ModelState,
    ModelVersion,
    MonitoringRun,
)  # fmt: skip
from risk.operations.shadow import score_again
from risk.queries import BIG_COLUMNS

log = structlog.get_logger(__name__)
DAYS = 28
MOST_ROWS = 50_000


def monitor(
    *,
    as_of: date,
    outcomes: Mapping[int, bool] | None = None,
    figures: Mapping[str, Any] | None = None,
    looked: tuple[Floats, Bytes] | None = None,
) -> MonitoringRun | None:
    """Write the day's monitoring of the champion; None without a champion that can be loaded.

    An alarm is told once: on the day it begins, and on the day it ends (`report["began"]`, `report["ended"]`).

    Drift is of the last 28 days' assessments against training, and of `looked`: vectors, shape (n, features), and segments that
    the champion scored in bulk and that left no assessment, as a month's look at every line does. `outcomes` (assessment's primary key -> was bad)
    are matured outcomes that the caller knows, `figures` what else it counts (kept under `report["book"]`); risk itself knows
    no loans. A challenger whose outcomes are surely worse loses its share here. Running twice rewrites the same row.
    """
    version, model, fallback = queries.model_for_scoring()
    if version is None or model is None or fallback:
        log.error("risk.monitor_without_champion", as_of=as_of.isoformat())
        return None
    values, segment, assessed = _scored_lately(version, as_of)
    report: dict[str, Any] = {
        "rows": assessed,
        "days": DAYS,
        "looked": 0 if looked is None else len(looked[1]),
    }
    alarms: list[str] = []
    if looked is not None and len(looked[1]):
        values, segment = np.concatenate([values, looked[0]]), np.concatenate([segment, looked[1]])
    if len(values):
        columns = {name: values[:, place] for place, name in enumerate(FEATURE_NAMES)}
        scored = model.score(values, segment)
        columns["score"] = scored.raw
        references = model.manifest["references"] | {"score": model.manifest["score_reference"]}
        report["drift"], alarms = drift_report(references, columns)
        report["scores"] = score_counts(scored.score.astype(np.int64))
    if outcomes:
        known = Assessment.objects.filter(model=version, pk__in=list(outcomes), pd__isnull=False).values_list(
            "pk", "pd"
        )
        pairs = [(pd, outcomes[pk]) for pk, pd in known]
        if pairs:
            pd, bad = (
                np.array([p for p, _b in pairs], dtype=np.float64),
                np.array([b for _p, b in pairs], dtype=np.int64),
            )
            report["outcome"], more = outcome_report(pd, bad, seed=7)
            alarms += more
        alarms += _stop_harmful(outcomes, version)
    if figures:
        report["book"] = dict(figures)
    before = (
        MonitoringRun.objects.filter(model=version, as_of__lt=as_of).order_by("-as_of").values_list("alarms", flat=True).first()
    ) or []  # fmt: skip
    report["began"] = [alarm for alarm in alarms if alarm not in before]
    report["ended"] = [alarm for alarm in before if alarm not in alarms]
    run, _created = MonitoringRun.objects.update_or_create(
        as_of=as_of, model=version, defaults={"report": report, "alarms": alarms}
    )
    for alarm in report["began"]:
        log.warning("risk.alarm", alarm=alarm, as_of=as_of.isoformat(), version=version.pk)
    for alarm in report["ended"]:
        log.info("risk.alarm_ended", alarm=alarm, as_of=as_of.isoformat(), version=version.pk)
    return run


def _scored_lately(version: ModelVersion, as_of: date) -> tuple[Floats, Bytes, int]:
    """Give the vectors and segments of the last 28 days' assessments by a model, and how many; the newest 50,000."""
    rows = list(
        Assessment.objects.filter(
            model=version,
            outcome=AssessmentOutcome.SCORED,
            as_of__gt=as_of - timedelta(days=DAYS),
            as_of__lte=as_of,
        )
        .exclude(purpose=AssessmentPurpose.SHADOW)
        .order_by("-pk")
        .only("facts", "segment")[:MOST_ROWS]
    )
    if not rows:
        return np.empty((0, len(FEATURE_NAMES))), np.empty(0, dtype=np.int8), 0
    values = np.stack([queries.facts_of(assessment=row) for row in rows])
    return values, np.array([row.segment for row in rows], dtype=np.int8), len(rows)


def _stop_harmful(outcomes: Mapping[int, bool], champion: ModelVersion) -> list[str]:
    """Take its borrowers from a challenger whose granted lines surely go worse than the champion's; nobody need agree."""
    trials = ModelVersion.objects.filter(state=ModelState.CHALLENGER, traffic_percent__gt=0).only(
        "pk", "name", "ref"
    )
    if not trials:
        return []
    rows, bads = dict[int, int](), dict[int, int]()
    known = Assessment.objects.filter(pk__in=list(outcomes), is_fallback=False, model__isnull=False)
    for pk, model in known.values_list("pk", "model_id"):
        rows[model] = rows.get(model, 0) + 1
        bads[model] = bads.get(model, 0) + outcomes[pk]
    stopped = []
    for trial in trials:
        weight = evidence_of_harm(
            bads=bads.get(trial.pk, 0), rows=rows.get(trial.pk, 0),
            champion_bads=bads.get(champion.pk, 0), champion_rows=rows.get(champion.pk, 0),
        )  # fmt: skip
        if weight < 1 / ALPHA:
            continue
        ModelVersion.objects.filter(pk=trial.pk).update(traffic_percent=0)
        write_audit(
            actor=None, action="risk.challenger.stop", object_type="risk.ModelVersion", object_ref=str(trial.ref),
            after={"bads": bads[trial.pk], "rows": rows[trial.pk], "evidence": f"{weight:.1f}"},
        )  # fmt: skip
        stopped.append(f"challenger_stopped:{trial.name}")
    return stopped


def score_shadows(*, as_of: date) -> int:
    """Score what was scored on a day with every model in shadow, too; a model that fails is told and left out."""
    scored = 0
    for version in ModelVersion.objects.filter(state=ModelState.SHADOW).defer(*BIG_COLUMNS).order_by("pk"):
        try:
            scored += score_again(version=version, first_date=as_of, last_date=as_of).scored
        except UnableToLoadModel as refusal:
            log.error("risk.shadow_refused", version=version.pk, code=refusal.code)
    return scored

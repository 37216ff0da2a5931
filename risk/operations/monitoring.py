"""Compare what is scored now with what the champion learned from, once a business date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import structlog

from risk import queries
from risk.domain.monitoring import drift_report, outcome_report, score_counts
from risk.domain.registry import FEATURE_NAMES
from risk.models.registry import Assessment, AssessmentOutcome, AssessmentPurpose, MonitoringRun

log = structlog.get_logger(__name__)
DAYS = 28
MOST_ROWS = 50_000


def monitor(*, as_of: date, outcomes: Mapping[int, bool] | None = None) -> MonitoringRun | None:
    """Write the day's monitoring of the champion; None without a champion that can be loaded.

    Drift is of the last 28 days' assessments against training. `outcomes` (assessment's primary key -> was bad)
    are matured outcomes that the caller knows; risk itself knows no loans. Running twice rewrites the same row.
    """
    version, model, fallback = queries.model_for_scoring()
    if version is None or model is None or fallback:
        log.error("risk.monitor_without_champion", as_of=as_of.isoformat())
        return None
    rows = list(
        Assessment.objects.filter(
            model=version,
            outcome=AssessmentOutcome.SCORED,
            as_of__gt=as_of - timedelta(days=DAYS),
            as_of__lte=as_of,
        )
        .exclude(purpose=AssessmentPurpose.SHADOW)
        .order_by("-pk")
        .only("facts", "segment", "score")[:MOST_ROWS]
    )
    report: dict[str, object] = {"rows": len(rows), "days": DAYS}
    alarms: list[str] = []
    if rows:
        values = np.stack([queries.facts_of(assessment=row) for row in rows])
        columns = {name: values[:, place] for place, name in enumerate(FEATURE_NAMES)}
        columns["score"] = model.score(values, np.array([r.segment for r in rows], dtype=np.int8)).raw
        references = model.manifest["references"] | {"score": model.manifest["score_reference"]}
        report["drift"], alarms = drift_report(references, columns)
        report["scores"] = score_counts(np.array([row.score for row in rows], dtype=np.int64))
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
    run, _created = MonitoringRun.objects.update_or_create(
        as_of=as_of, model=version, defaults={"report": report, "alarms": alarms}
    )
    for alarm in alarms:
        log.warning("risk.alarm", alarm=alarm, as_of=as_of.isoformat(), version=version.pk)
    return run

"""Judge a period's re-evaluations again: each line's look by the real rule, from what was stored with it.

The limit, delay, use, streak and probability are those of the look; income and debts come from the facts that were
scored for it; when the line last moved, and whether it was frozen, from the looks before. Limits of other lines of the
same group were not stored with a look and count as none.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

import numpy as np
from django.db import connection

from credit.domain.limits_columns import MeansColumns, grades_of, size_limits
from credit.domain.line import FreezeReason, LineStatus
from credit.domain.policy import LIMIT_STEP, MOST_LIMIT, Ceiling
from credit.domain.reasons import reason
from credit.domain.reevaluation import Direction, LineView, reevaluate
from credit.laboratory.replaying import Candidate
from credit.queries import ceiling_now
from risk import queries as risk_queries
from risk.domain.registry import FEATURE_AT, FEATURE_NAMES
from risk.models import ModelVersion

BLOCK: Final = 20_000
ENGINE: Final = ("MONTHLY", "MISSED_INSTALMENT", "PAID_UP", "PAID_OFF", "FRESH_EVIDENCE")
MOVES: Final = ("UP", "KEEP", "DOWN", "FREEZE", "UNFREEZE")
_WIDTH = len(FEATURE_NAMES) * 8
_WHY = {
    "overdue_freeze": FreezeReason.OVERDUE,
    "risk_freeze": FreezeReason.RISK,
    "asked_to_freeze": FreezeReason.BORROWER,
}
_TARGET = (reason("limit_by_grade", maximum=0),)
_LOOKS = """
SELECT looks.*, (SELECT f.reasons -> 0 ->> 'code' FROM credit_limitchange f WHERE f.id = looks.frozen) AS why FROM (
  SELECT c.id, c.line_id, c.direction, c.trigger, c.old_limit, c.new_limit, c.inputs, c.effective_date, a.segment, a.facts,
         max(c.effective_date) FILTER (WHERE c.direction = 'UP') OVER before AS raised,
         max(c.effective_date) FILTER (WHERE c.direction = 'DOWN') OVER before AS cut,
         max(c.id) FILTER (WHERE c.direction = 'FREEZE') OVER before AS frozen,
         max(c.id) FILTER (WHERE c.direction = 'UNFREEZE') OVER before AS released
    FROM credit_limitchange c LEFT JOIN risk_assessment a ON a.id = c.assessment_id AND length(a.facts) = %(width)s
   WHERE c.effective_date <= %(last)s
  WINDOW before AS (PARTITION BY c.line_id ORDER BY c.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) looks
 WHERE effective_date >= %(first)s AND trigger = ANY(%(engine)s) AND id > %(after)s ORDER BY id LIMIT %(block)s"""


@dataclass(slots=True)
class Revisited:
    """Count both sides."""

    rows: int = 0
    unknown: int = 0  # looks without a stored probability: their verdict does not turn on the policy's sizes
    moves: Any = None
    limit_before: float = 0.0
    limit_after: float = 0.0
    largest_cut_before: float = 0.0
    largest_cut_after: float = 0.0

    def __post_init__(self) -> None:
        self.moves = Counter[tuple[str, str]]()

    def as_dict(self) -> dict[str, Any]:
        """Write as JSON takes it."""
        return {
            "rows": self.rows,
            "unknown": self.unknown,
            "before": {move: sum(n for (a, _), n in self.moves.items() if a == move) for move in MOVES},
            "after": {move: sum(n for (_, b), n in self.moves.items() if b == move) for move in MOVES},
            "flips": sorted(
                ({"from": a, "to": b, "count": n} for (a, b), n in self.moves.items() if a != b),
                key=lambda flip: -int(str(flip["count"])),
            ),
            "limit_before": round(self.limit_before, 2),
            "limit_after": round(self.limit_after, 2),
            "largest_cut_before": round(self.largest_cut_before, 6),
            "largest_cut_after": round(self.largest_cut_after, 6),
        }


def replay_reevaluations(
    *, candidate: Candidate, first: date, last: date, block: int = BLOCK
) -> dict[str, Any]:
    """Judge the engine's looks of a period again; give both sides' moves as JSON takes them."""
    found, ceiling = Revisited(), ceiling_now()
    for rows in _blocks(first, last, block):
        values, known = _facts(rows)
        pd = np.array([float(row[6].get("pd") or "nan") for row in rows])
        if candidate.model is not None and known.any():
            pd[known] = _scored(
                candidate.model, values[known], np.array([row[8] or 0 for row in rows])[known]
            )
        targets = _targets(candidate, ceiling, rows, values, pd)
        for place, row in enumerate(rows):
            chance = None if np.isnan(pd[place]) else Decimal(repr(round(float(pd[place]), 8)))
            verdict = reevaluate(
                _view(row, chance, Decimal(int(targets[place])), bool(known[place])),
                policy=candidate.policy,
                next_review=row[7],
            )
            _count(found, row, verdict)
            found.unknown += chance is None
    return found.as_dict()


def _blocks(first: date, last: date, block: int) -> Iterator[list[Any]]:
    after = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                _LOOKS,
                {
                    "first": first,
                    "last": last,
                    "engine": list(ENGINE),
                    "after": after,
                    "block": block,
                    "width": _WIDTH,
                },
            )
            rows = [(*row[:6], _loaded(row[6]), *row[7:]) for row in cursor.fetchall()]
        if not rows:
            return
        yield rows
        after = rows[-1][0]


def _loaded(inputs: Any) -> dict[str, Any]:
    return dict(json.loads(inputs)) if isinstance(inputs, str) else dict(inputs or {})


def _facts(rows: list[Any]) -> tuple[Any, Any]:
    known = np.array([row[9] is not None for row in rows])
    values = np.full((len(rows), len(FEATURE_NAMES)), np.nan)
    for place in np.flatnonzero(known):
        values[place] = np.frombuffer(bytes(rows[place][9]), dtype="<f8")
    return values, known


def _scored(version: ModelVersion, values: Any, segment: Any) -> Any:
    model = risk_queries.loaded_model(version=version)
    return np.clip(model.score(values, segment.astype(np.int8)).pd, 1e-8, 1 - 1e-8)


def _targets(candidate: Candidate, ceiling: Ceiling, rows: list[Any], values: Any, pd: Any) -> Any:
    """Size what the candidate would give on each day, from the means in the facts."""
    rules = candidate.policy
    business = np.array([bool(row[8]) for row in rows])
    received, sales = values[:, FEATURE_AT["income_mean_6m"]], values[:, FEATURE_AT["sales_mean_6m"]]
    income = np.where(
        business, np.fmax(received, sales) * float(rules.affordability.business_margin), received
    )
    service = np.floor(np.nan_to_num(values[:, FEATURE_AT["other_debt_service_6m"]] * received))
    means = MeansColumns(business, np.floor(income), service, np.zeros(len(rows)))
    grade = grades_of(rules, np.where(np.isnan(pd), 1.0, pd))
    some = (grade < len(rules.grades)) & (pd < float(rules.cut_offs.refer_below)) & ~np.isnan(income)
    sized = np.zeros(len(rows))
    if some.any():
        use = np.array([float(row[6].get("utilisation") or 0) for row in rows])
        limit = np.array([float(row[4]) for row in rows])
        sized[some] = size_limits(
            policy=rules,
            ceiling=ceiling,
            grade=grade[some],
            means=MeansColumns(
                business[some], means.monthly_income[some], service[some], means.other_limits[some]
            ),
            asked=np.full(int(some.sum()), float(MOST_LIMIT)),
            pd=pd[some],
            limit=limit[some],
            utilisation=use[some],
        ).limit
    return sized


def _view(row: Any, chance: Decimal | None, target: Decimal, known: bool) -> LineView:
    inputs, day = row[6], row[7]
    frozen = row[12] is not None and (row[13] is None or row[13] < row[12])
    late = int(inputs.get("days_past_due") or 0)
    period = (day.year, day.month)
    return LineView(
        status=LineStatus.FROZEN if frozen else LineStatus.ACTIVE,
        freeze_reason=_WHY.get(row[14] or "", FreezeReason.OFFICER) if frozen else FreezeReason.NONE,
        limit=row[4],
        as_of=day,
        last_raised_on=row[10],
        last_cut_on=row[11],
        changed_this_period=any(
            moved is not None and (moved.year, moved.month) == period for moved in row[10:12]
        ),
        days_past_due=late,
        overdue_amount=Decimal(0),
        on_time_streak=int(inputs.get("on_time_streak") or 0),
        utilisation=Decimal(str(inputs.get("utilisation") or "0")),
        consent_given=True,
        pd=chance,
        problem="" if chance is not None and known else "evidence_missing",
        score_reasons=(),
        target=target,
        target_reasons=_TARGET,
    )


def _count(found: Revisited, row: Any, verdict: Any) -> None:
    direction, old, new = row[2], row[4], row[5]
    found.rows += 1
    found.moves[direction, str(verdict.direction)] += 1
    found.limit_before += float(new)
    found.limit_after += float(verdict.limit)
    if direction == Direction.DOWN and old - new > LIMIT_STEP:
        found.largest_cut_before = max(found.largest_cut_before, float((old - new) / old))
    if verdict.direction is Direction.DOWN and old - verdict.limit > LIMIT_STEP:
        found.largest_cut_after = max(found.largest_cut_after, float((old - verdict.limit) / old))

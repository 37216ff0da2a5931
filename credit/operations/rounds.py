"""The monthly look, set-wise: facts come out by binary COPY, are scored and sifted in columns, looks go in by COPY.

A block of lines is read once. Those that may move are judged one by one under their lock, by the same rule as ever, and
leave a LimitChange with its evidence; every line leaves a look. A block that was broken off is simply read again: what has
its look is left alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
from django.db import connection, transaction

from credit.domain.limits_columns import MeansColumns
from credit.domain.policy import Ceiling, PolicyRules
from credit.domain.reevaluation import (
    Direction,
    LineView,
    Trigger,
    Verdict,
    next_review_after,
    reevaluate,
)
from credit.domain.rounds import CODE, MAY_MOVE, LineColumns, Sifted, rounded_pd, sift
from credit.models import CreditLine, Policy
from credit.operations.binary import EPOCH, copy_in, copy_out, layout
from credit.operations.line_facts import WIDTH, refresh_line_facts
from credit.operations.moves import write_changes
from credit.operations.reevaluation import (
    LIVE,
    Known,
    ReevaluationReport,
    apply_verdict,
    changed_by_payments,
    overdue_amounts,
    reevaluate_lines,
    view_of,
    way_back_of,
)
from credit.operations.scoring import Assessed, assessed_of
from credit.queries import Debt, active_policy, ceiling_now, debts_of_lines, rules_of
from risk import operations as risk_operations
from risk import queries as risk_queries
from risk.domain.facts import Facts, Sufficiency, sufficiency
from risk.domain.registry import FEATURE_NAMES

log = logging.getLogger(__name__)
BLOCK = 100_000
JUDGED = 500
_DUE = """FROM credit_creditline l {facts}
 WHERE l.id BETWEEN {first} AND {last} AND l.status IN ('ACTIVE', 'FROZEN') AND l.next_review_date <= DATE '{as_of}'
   AND 1 + l.borrower_id % 28 <= {day}
   AND NOT EXISTS (SELECT FROM credit_linelook k WHERE k.period = DATE '{month}' AND k.line_id = l.id)
   AND NOT EXISTS (SELECT FROM credit_limitchange c
                    WHERE c.line_id = l.id AND c.period = '{period}' AND c.trigger = 'MONTHLY')"""
_FACTS = "JOIN credit_linefacts f ON f.line_id = l.id"
_OUT = f"""
SELECT l.id, l.borrower_id, f.segment, f.consent_given, f.days_past_due,
       CASE l.freeze_reason WHEN '' THEN 0 WHEN 'OVERDUE' THEN 1 WHEN 'RISK' THEN 2 WHEN 'BORROWER' THEN 3 ELSE 4 END::smallint,
       l."limit"::float8, CASE WHEN l.held_back = 0 AND l.temporary_extra = 0 THEN 0::float8
                               ELSE (l.held_back - l.temporary_extra)::float8 END,
       coalesce(greatest(l.last_raised_date, l.last_cut_date), DATE '1900-01-01'), l.own_cap IS NOT NULL,
       l.announced_limit IS NOT NULL, f.on_time_streak, f.evidence_age_months, f.monthly_income, f.monthly_instalments, f.other_limits, f.exposure, f.vector
  {_DUE} AND f.line_id BETWEEN {{first}} AND {{last}}"""
_SHAPE = layout(
    ("line_id", ">i8"), ("borrower_id", ">i8"), ("segment", ">i2"), ("consent_given", "u1"), ("days_past_due", ">i4"),
    ("freeze", ">i2"), ("limit", ">f8"), ("hidden", ">f8"), ("moved", ">i4"), ("has_own_cap", "u1"), ("announced", "u1"), ("streak", ">f8"),
    ("age", ">f8"), ("income", ">f8"), ("instalments", ">f8"), ("others", ">f8"), ("exposure", ">f8"),
    ("vector", f"V{WIDTH}"),
)  # fmt: skip
_LOOK = layout(
    ("line_id", ">i8"), ("period", ">i4"), ("as_of", ">i4"), ("code", ">i2"), ("pd", ">f8"), ("target", ">f8"),
    ("policy_id", ">i8"), ("model_id", ">i8"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Round:
    """Hold what is the same for every block."""

    policy: Policy
    rules: PolicyRules
    ceiling: Ceiling
    as_of: date

    def names(self, first_id: int, last_id: int) -> dict[str, Any]:
        day = self.as_of
        return {
            "first": first_id,
            "last": last_id,
            "as_of": day.isoformat(),
            "day": day.day,
            "month": day.replace(day=1).isoformat(),
            "period": day.isoformat()[:7],
        }


@dataclass(slots=True)
class _Block:
    """Hold the lines of one block with their scores and what the sieve said."""

    rows: Any
    facts: Facts
    columns: LineColumns
    sifted: Sifted
    models: Any  # key of the model that scored


def run_monthly_round(
    *,
    as_of: date,
    first_id: int = 0,
    last_id: int = 2**62,
    block: int = BLOCK,
    refresh: bool = True,
    should_stop: Callable[[], bool] = lambda: False,
) -> ReevaluationReport:
    """Look at every line of a range whose turn of the month has come; each once a month, however often this runs.

    Without a model that can be trusted nothing is looked at and nothing is written: the lines stay due. `refresh` brings
    the facts of the due lines up to date first. Memory is bounded by the block.
    """
    version, model, fallback = risk_queries.model_for_scoring()
    report = ReevaluationReport()
    if model is None or version is None:
        log.error("no model can be loaded: the monthly look of %s waits", as_of)
        return report
    if fallback:
        log.warning("the monthly look of %s is scored by the scorecard", as_of)
    policy = active_policy()
    this = _Round(policy, rules_of(policy), ceiling_now(), as_of)
    with _alone(first_id):
        if refresh:
            ids = due_line_ids(as_of=as_of, first_id=first_id, last_id=last_id)
            refresh_line_facts(line_ids=ids, as_of=as_of, rules=this.rules)
        for first, last in _blocks(first_id, last_id, block):
            if should_stop():
                break
            rows = copy_out(_OUT.format(**this.names(first, last), facts=_FACTS), _SHAPE)
            if len(rows):
                _look(this, rows, report)
    return report


def _blocks(first_id: int, last_id: int, block: int) -> Iterator[tuple[int, int]]:
    """Cut a range into ranges of `block` ids, each begun at a line: so a block reads its own rows and no others."""
    while True:
        edge = (
            CreditLine.objects.filter(pk__gte=first_id, pk__lte=last_id)
            .order_by("pk")
            .values_list("pk", flat=True)[:1]
        )
        if not edge:
            return
        last = min(edge[0] + block - 1, last_id)
        yield edge[0], last
        first_id = last + 1


def reevaluate_due_lines(*, as_of: date, first_id: int = 0, last_id: int = 2**62) -> ReevaluationReport:
    """Look at every line of a range whose turn it is: first what payments changed, then the month's turn."""
    total = ReevaluationReport()
    for trigger, ids in changed_by_payments(first_id=first_id, last_id=last_id).items():
        total.add(reevaluate_lines(line_ids=ids, as_of=as_of, trigger=trigger))
    total.add(run_monthly_round(as_of=as_of, first_id=first_id, last_id=last_id))
    return total


def due_line_ids(*, as_of: date, first_id: int = 0, last_id: int = 2**62) -> list[int]:
    """Give the lines whose turn of the month has come and that were not looked at in it."""
    names = {
        "first": first_id, "last": last_id, "as_of": as_of.isoformat(), "day": as_of.day,
        "month": as_of.replace(day=1).isoformat(), "period": as_of.isoformat()[:7], "facts": "",
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT l.id " + _DUE.format(**names) + " ORDER BY l.id")
        return [pk for (pk,) in cursor.fetchall()]


@contextmanager
def _alone(first_id: int) -> Iterator[None]:
    """Let one worker at a time look at a range; a second one waits, and then finds the looks."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('credit.rounds'), %s)", [first_id % 2**31])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('credit.rounds'), %s)", [first_id % 2**31])


def _look(this: _Round, rows: Any, report: ReevaluationReport) -> None:
    block = _sifted(this, rows)
    codes = block.sifted.code
    chosen = np.flatnonzero(codes == MAY_MOVE)
    for start in range(0, len(chosen), JUDGED):
        with transaction.atomic():
            _judge(this, block, chosen[start : start + JUDGED], report)
    kept = np.flatnonzero(codes != MAY_MOVE)
    kept = kept[np.argsort(block.rows["line_id"][kept], kind="stable")]  # looks go in by their key
    with transaction.atomic():
        _write_looks(this, block, kept, codes[kept])
    report.directions[Direction.KEEP] += len(kept)
    report.looked_at += len(kept)


def _sifted(this: _Round, rows: Any) -> _Block:
    """Score a block and sift it."""
    values = np.ascontiguousarray(rows["vector"]).view("<f8").reshape(len(rows), len(FEATURE_NAMES))
    facts = Facts(
        subject_ids=rows["borrower_id"].astype(np.int64),
        as_of=this.as_of,
        segment=rows["segment"].astype(np.int8),
        values=values.astype(np.float64, copy=False),
        evidence_age_months=rows["age"].astype(np.float64),
    )
    verdict = sufficiency(facts)
    enough = verdict == Sufficiency.ENOUGH
    pd, models = np.full(len(rows), np.nan), np.zeros(len(rows), dtype=np.int64)
    for arm in risk_queries.deciding_models(subject_ids=facts.subject_ids):
        mine = arm.chosen[enough[arm.chosen]]
        if arm.model is None or arm.version is None or not len(mine):
            continue
        taken = facts if len(mine) == len(facts) else facts.take(mine)
        pd[mine] = rounded_pd(arm.model.score(taken.values, taken.segment).pd)
        models[mine] = arm.version.pk
    columns = LineColumns(
        freeze=rows["freeze"].astype(np.int64),
        granted=rows["limit"] + rows["hidden"],
        limit=rows["limit"].astype(np.float64),
        exposure=rows["exposure"].astype(np.float64),
        last_moved=rows["moved"].astype(np.int64) + EPOCH,
        days_past_due=rows["days_past_due"].astype(np.int64),
        on_time_streak=rows["streak"].astype(np.float64),
        consent_given=rows["consent_given"] == 1,
        has_own_cap=rows["has_own_cap"] == 1,
        announced=rows["announced"] == 1,
        pd=pd,
        sufficiency=verdict.astype(np.int64),
        evidence_age_months=facts.evidence_age_months,
        means=MeansColumns(
            facts.segment == 1,
            rows["income"].astype(np.float64),
            rows["instalments"].astype(np.float64),
            rows["others"].astype(np.float64),
        ),
    )
    sifted = sift(columns, policy=this.rules, ceiling=this.ceiling, as_of=this.as_of)
    return _Block(rows, facts, columns, sifted, models)


def _judge(this: _Round, block: _Block, places: Any, report: ReevaluationReport) -> None:
    """Assess the lines that may move, then lock them and judge each on what it owes now.

    Scores and their reasons are worked out before the locks, so that nobody's draw waits for them.
    """
    scored = _assessed(this, block, places.tolist())
    at = {int(block.rows["line_id"][place]): int(place) for place in places}
    locked = list(
        CreditLine.objects.select_for_update(of=("self",))
        .select_related("borrower")
        .filter(pk__in=at, status__in=LIVE)
        .order_by("pk")
    )
    codes: dict[int, int] = {}
    lines, changes = [], []
    for line, view, known, debt in _views(this, block, at, locked, scored):
        following = next_review_after(this.as_of, anchor=line.borrower_id)
        verdict = reevaluate(view, policy=this.rules, next_review=following)
        codes[line.pk] = _code_of(verdict)
        if verdict.direction is Direction.KEEP:
            continue
        report.directions[verdict.direction] += 1
        back = way_back_of(verdict, view, known.means, debt, this.rules, this.ceiling)
        changes.append(
            apply_verdict(
                line, verdict, view, scored[line.pk], this.policy, Trigger.MONTHLY, this.as_of, back
            )
        )
        lines.append(line)
    write_changes(lines, changes)
    _write_looks(
        this, block, np.array([at[pk] for pk in codes], dtype=np.int64), np.array(list(codes.values()))
    )
    report.directions[Direction.KEEP] += len(codes) - len(lines)
    report.looked_at += len(codes)


def _assessed(this: _Round, block: _Block, places: list[int]) -> dict[int, Assessed]:
    """Assess lines by their places, with reasons for those that may fall: reasons cost more than the score."""
    if not places:
        return {}
    chosen = np.array(places, dtype=np.int64)
    rows = risk_operations.assess(
        subject_ids=block.facts.subject_ids[chosen].tolist(),
        facts=block.facts.take(chosen),
        as_of=this.as_of,
        purpose="REEVALUATION",
        with_reasons=(block.sifted.target[chosen] < block.columns.granted[chosen]).tolist(),
    )
    return {
        int(block.rows["line_id"][place]): assessed_of(row) for place, row in zip(places, rows, strict=True)
    }


def _views(
    this: _Round, block: _Block, at: dict[int, int], lines: list[CreditLine], scored: dict[int, Assessed]
) -> Iterator[tuple[CreditLine, LineView, Known, Debt]]:
    """Lay lines out for the rule, on what they owe now."""
    ids = [line.pk for line in lines]
    debts, overdue = debts_of_lines(line_ids=ids), overdue_amounts(ids)
    for line in lines:
        place = at[line.pk]
        known = Known(
            means=block.columns.means.at(place),
            on_time_streak=int(block.columns.on_time_streak[place]),
            consent_given=bool(block.columns.consent_given[place]),
            evidence_age_months=float(block.columns.evidence_age_months[place]),
        )
        debt, late = debts[line.pk], overdue.get(line.pk, Decimal(0))
        view = view_of(line, known, scored[line.pk], debt, late, this.rules, this.ceiling, this.as_of)
        yield line, view, known, debt


def _code_of(verdict: Verdict) -> int:
    if verdict.direction is not Direction.KEEP:
        return CODE["moved"]
    return CODE.get(verdict.reasons[0].code, CODE["limit_steady"])


def _write_looks(this: _Round, block: _Block, places: Any, codes: Any) -> None:
    columns = {
        "line_id": block.rows["line_id"][places],
        "period": this.as_of.replace(day=1).toordinal() - EPOCH,
        "as_of": this.as_of.toordinal() - EPOCH,
        "code": codes,
        "pd": block.columns.pd[places],
        "target": block.sifted.target[places],
        "policy_id": this.policy.pk,
        "model_id": block.models[places],
    }
    copy_in("credit_linelook", _LOOK, columns, len(places))

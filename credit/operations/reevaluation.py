"""Look at limits again from behaviour: many lines at once, each line at most once for a month and cause."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Sum

from credit.domain.limit_in_force import LimitParts
from credit.domain.limits import Means, Use, size_limit
from credit.domain.line import FreezeReason
from credit.domain.policy import MOST_LIMIT, Ceiling, PolicyRules
from credit.domain.reasons import Reason
from credit.domain.reevaluation import (
    Direction,
    LineView,
    Trigger,
    Verdict,
    next_review_after,
    period_of,
    reevaluate,
)
from credit.domain.rounds import STALE_MONTHS
from credit.domain.way_back import restoring_pd
from credit.facts import Collected, collect
from credit.models import CreditLine, Drawdown, LimitChange, LineLook, Policy
from credit.operations.line_events import put_limit
from credit.operations.moves import write_changes
from credit.operations.scoring import Assessed, assess_all, means_of
from credit.queries import Debt, active_policy, ceiling_now, debts_of_lines, rules_of
from risk import operations as risk_operations

log = logging.getLogger(__name__)
CHUNK = 500
LIVE = ("ACTIVE", "FROZEN")


@dataclass
class ReevaluationReport:
    """Count what a round did: lines looked at, and by direction."""

    looked_at: int = 0
    skipped: int = 0
    directions: Counter[str] = field(default_factory=Counter)

    def add(self, other: ReevaluationReport) -> None:
        """Count what another round did too."""
        self.looked_at += other.looked_at
        self.skipped += other.skipped
        self.directions.update(other.directions)


def reevaluate_lines(
    *, line_ids: Sequence[int], as_of: date, trigger: str = Trigger.MONTHLY, chunk: int = CHUNK
) -> ReevaluationReport:
    """Look at lines again; a line that was looked at for this month and cause is passed over.

    Each chunk is one transaction, so a kill half way keeps what was done and the next run does the rest.
    """
    report = ReevaluationReport()
    policy = active_policy()
    wanted = sorted(set(line_ids))
    for start in range(0, len(wanted), chunk):
        with transaction.atomic():
            _chunk(wanted[start : start + chunk], policy, Trigger(trigger), as_of, report)
    return report


def changed_by_payments(*, first_id: int = 0, last_id: int = 2**62) -> dict[Trigger, list[int]]:
    """Give the lines to look at whatever the month: a freeze for delay is due, or its cause is gone."""
    lines = CreditLine.objects.filter(pk__gte=first_id, pk__lte=last_id)
    threshold = rules_of(active_policy()).reevaluation.freeze_days_past_due
    missed = (
        lines.filter(status="ACTIVE", drawdowns__loan__days_past_due__gte=threshold)
        .values_list("pk", flat=True)
        .distinct()
    )
    late = Drawdown.objects.filter(loan__days_past_due__gt=0).values("line_id")
    paid = lines.filter(status="FROZEN", freeze_reason=FreezeReason.OVERDUE).exclude(pk__in=late)
    return {
        Trigger.MISSED_INSTALMENT: sorted(missed),
        Trigger.PAID_UP: sorted(paid.values_list("pk", flat=True)),
    }


def _chunk(
    ids: Sequence[int], policy: Policy, trigger: Trigger, as_of: date, report: ReevaluationReport
) -> None:
    """Collect and score without locks, then lock, judge and write."""
    rules, ceiling = rules_of(policy), ceiling_now()
    owners = dict(CreditLine.objects.filter(pk__in=ids, status__in=LIVE).values_list("pk", "borrower_id"))
    done = _looked_at(list(owners), trigger, as_of)
    open_ids = [pk for pk in ids if pk in owners and pk not in done]
    report.skipped += len(ids) - len(open_ids)
    if not open_ids:
        return
    borrower_ids = [owners[pk] for pk in open_ids]
    risk_operations.honour_consents(borrower_ids=borrower_ids)
    collected = collect(
        borrower_ids=borrower_ids, as_of=as_of, business_margin=rules.affordability.business_margin
    )
    assessed = assess_all(collected=collected, purpose="REEVALUATION", as_of=as_of)
    means = means_of(borrower_ids=borrower_ids, collected=collected, excluded_line_ids=open_ids)
    place = {pk: at for at, pk in enumerate(open_ids)}
    lines = list(
        CreditLine.objects.select_for_update(of=("self",))
        .select_related("borrower")
        .filter(pk__in=open_ids, status__in=LIVE)
        .order_by("pk")
    )
    # another worker may have been here while we waited for the locks
    done = _looked_at([line.pk for line in lines], trigger, as_of)
    lines = [line for line in lines if line.pk not in done]
    report.skipped += len(open_ids) - len(lines)
    debts = debts_of_lines(line_ids=[line.pk for line in lines])
    overdue = overdue_amounts([line.pk for line in lines])
    changes = []
    for line in lines:
        at = place[line.pk]
        view = view_of(
            line,
            _known(collected, at, means[at]),
            assessed[at],
            debts[line.pk],
            overdue.get(line.pk, Decimal(0)),
            rules,
            ceiling,
            as_of,
        )
        next_review = (
            next_review_after(as_of, anchor=line.borrower_id)
            if trigger is Trigger.MONTHLY
            else line.next_review_date
        )
        verdict = reevaluate(view, policy=rules, next_review=next_review)
        back = way_back_of(verdict, view, means[at], debts[line.pk], rules, ceiling)
        changes.append(apply_verdict(line, verdict, view, assessed[at], policy, trigger, as_of, back))
        report.directions[verdict.direction] += 1
    report.looked_at += len(changes)
    write_changes(lines, changes)


def _looked_at(line_ids: Sequence[int], trigger: Trigger, as_of: date) -> set[int]:
    rows = LimitChange.objects.filter(line_id__in=line_ids, trigger=trigger)
    if trigger is Trigger.MONTHLY:
        rows = rows.filter(period=period_of(as_of))
    else:
        rows = rows.filter(effective_date=as_of)
    looked = set(rows.values_list("line_id", flat=True))
    if trigger is Trigger.MONTHLY:
        month = as_of.replace(day=1)
        looks = LineLook.objects.filter(period=month, line_id__in=line_ids)
        looked |= set(looks.values_list("line_id", flat=True))
    return looked


def overdue_amounts(line_ids: Sequence[int]) -> dict[int, Decimal]:
    rows = (
        Drawdown.objects.filter(line_id__in=line_ids, loan__days_past_due__gt=0)
        .values("line_id")
        .annotate(amount=Sum("loan__next_due_amount"))
    )
    return {row["line_id"]: row["amount"] or Decimal(0) for row in rows}


@dataclass(frozen=True, slots=True)
class Known:
    """Hold what facts say of one line besides its score."""

    means: Means
    on_time_streak: int
    consent_given: bool
    evidence_age_months: float  # NaN: none


def _known(collected: Collected, at: int, means: Means) -> Known:
    streak = collected.conduct.on_time_streak[at]
    return Known(
        means=means,
        on_time_streak=0 if np.isnan(streak) else int(streak),
        consent_given="CREDIT_DECISION" in collected.consents[int(collected.borrower_ids[at])],
        evidence_age_months=float(collected.facts.evidence_age_months[at]),
    )


def view_of(
    line: CreditLine,
    known: Known,
    assessed: Assessed,
    debt: Debt,
    overdue: Decimal,
    rules: PolicyRules,
    ceiling: Ceiling,
    as_of: date,
) -> LineView:
    """Put together what the rule of one line takes."""
    pd, reasons = assessed.scored.pd, assessed.scored.reasons
    problem = assessed.scored.problem or _problem(known)
    granted = line.parts.granted
    target = Decimal(0)
    target_reasons: tuple[Reason, ...] = ()
    grade = rules.grade_of(pd) if pd is not None else None
    if grade is not None and pd is not None and pd < rules.cut_offs.refer_below:
        sized = size_limit(
            policy=rules,
            ceiling=ceiling,
            grade=grade,
            means=known.means,
            asked=MOST_LIMIT,
            pd=pd,
            use=Use(granted, debt.exposure / granted),
        )
        target, target_reasons = sized.limit, sized.reasons
    period = period_of(as_of)
    moved = [day for day in (line.last_raised_date, line.last_cut_date) if day is not None]
    worse = bool(grade is None or (line.grade and grade.name > line.grade))
    return LineView(
        status=line.status,
        freeze_reason=line.freeze_reason,
        limit=granted,
        as_of=as_of,
        last_raised_on=line.last_raised_date,
        last_cut_on=line.last_cut_date,
        changed_this_period=any(period_of(day) == period for day in moved),
        days_past_due=debt.days_past_due,
        overdue_amount=overdue,
        on_time_streak=known.on_time_streak,
        utilisation=debt.exposure / line.limit,
        consent_given=known.consent_given,
        pd=pd,
        problem=problem,
        # the score's reasons are told only when it is the score that got worse
        score_reasons=reasons if worse else (),
        target=target,
        target_reasons=target_reasons,
        own_cap=line.own_cap,
        notice_days=ceiling.cut_notice_days,
        announced=line.announced_limit is not None,
    )


def way_back_of(
    verdict: Verdict, view: LineView, means: Means, debt: Debt, rules: PolicyRules, ceiling: Ceiling
) -> Decimal | None:
    """Give the probability of default at which what this verdict takes away would come back."""
    if verdict.direction is Direction.FREEZE and verdict.freeze_reason is not FreezeReason.RISK:
        return None
    cut = verdict.direction is Direction.ANNOUNCE
    return restoring_pd(
        direction=Direction.DOWN if cut else verdict.direction,
        old_limit=view.limit,
        means=means,
        use=Use(view.limit, debt.exposure / view.limit),
        policy=rules,
        ceiling=ceiling,
    )


def _problem(known: Known) -> str:
    """Say what is missing for a new size of the limit though there may be a score."""
    age = known.evidence_age_months
    if known.means.monthly_income is None or np.isnan(age):
        return "income_unknown"
    return "evidence_stale" if age >= STALE_MONTHS else ""


def apply_verdict(
    line: CreditLine,
    verdict: Verdict,
    view: LineView,
    assessed: Assessed,
    policy: Policy,
    trigger: Trigger,
    as_of: date,
    way_back: Decimal | None = None,
) -> LimitChange:
    """Put a verdict into the line's columns and into an unsaved event.

    `way_back` is the probability of default at which the old limit would stand again.
    """
    parts = line.parts
    old = put_limit(line, LimitParts(verdict.limit, extra=parts.extra, own_cap=parts.own_cap))
    direction = verdict.direction
    if direction in (Direction.UP, Direction.DOWN) and line.limit == old:
        direction = Direction.KEEP  # the grant moved, and the own cap hides it
    line.next_review_date = verdict.next_review_date
    if verdict.direction is Direction.UP:
        line.last_raised_date = as_of
    elif verdict.direction is Direction.DOWN:
        line.last_cut_date = as_of
    elif verdict.direction is Direction.FREEZE:
        line.status, line.freeze_reason = "FROZEN", verdict.freeze_reason
    elif verdict.direction is Direction.UNFREEZE:
        line.status, line.freeze_reason = "ACTIVE", FreezeReason.NONE
    elif verdict.direction is Direction.ANNOUNCE:
        line.announced_limit, line.announced_date = verdict.announced_limit, verdict.announced_date
    elif verdict.direction is Direction.WITHDRAW:
        line.announced_limit = line.announced_date = None
    return LimitChange(
        line=line,
        direction=direction,
        trigger=trigger,
        old_limit=old,
        new_limit=line.limit,
        old_annual_rate=line.annual_rate,
        new_annual_rate=line.annual_rate,
        reasons=[item.to_dict() for item in verdict.reasons],
        recourse=[item.to_dict() for item in verdict.recourse],
        inputs={
            "pd": None if view.pd is None else str(view.pd),
            "target": str(view.target),
            "granted": [str(view.limit), str(verdict.limit)],
            "days_past_due": view.days_past_due,
            "utilisation": str(view.utilisation.quantize(Decimal("0.0001"))),
            "on_time_streak": view.on_time_streak,
            "restoring_pd": None if way_back is None else str(way_back),
            "target_reasons": [item.code for item in view.target_reasons],
            **_announced(line, verdict),
        },
        assessment_id=assessed.assessment_id,
        policy=policy,
        period=period_of(as_of),
        effective_date=as_of,
        next_review_date=verdict.next_review_date,
    )


def _announced(line: CreditLine, verdict: Verdict) -> dict[str, Any]:
    """Say which limit will be in force, and from when, as the borrower reads it."""
    if verdict.announced_limit is None or verdict.announced_date is None:
        return {}
    coming = line.in_force_with(verdict.announced_limit)
    return {"announced": {"limit": f"{coming:.2f}", "date": verdict.announced_date.isoformat()}}

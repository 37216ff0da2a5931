"""What reminders brought about, for the operator: instalments paid in time, never messages sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from django.db.models import Count

from credit.domain.bandit import Effect, Tally, compare, interval
from credit.domain.reminders import BEFORE, DUE, LATE
from credit.models import ReminderTrial


@dataclass(frozen=True, slots=True)
class ArmResult:
    """Show one way of reminding: how often it was chosen, and what followed."""

    name: str
    group: str
    waiting: int
    tally: Tally
    low: float | None
    high: float | None


@dataclass(slots=True)
class StageResult:
    """Show one stage: its ways, the learning group and the hold-out together, and the difference between them."""

    stage: str
    arms: list[ArmResult] = field(default_factory=list)
    learned: Tally = field(default_factory=Tally)
    hold_out: Tally = field(default_factory=Tally)
    wished: Tally = field(default_factory=Tally)
    effect: Effect | None = None


def reminder_effect(*, as_of: date, days: int = 180) -> list[StageResult]:
    """Sum the trials that were begun in the last `days` days, by stage; the ways in the order of their rates."""
    rows = (
        ReminderTrial.objects.filter(assigned_date__gt=as_of - timedelta(days), assigned_date__lte=as_of)
        .values_list("stage", "group", "arm", "outcome")
        .annotate(many=Count("pk"))
    )
    counted: dict[tuple[str, str, str], dict[str, int]] = {}
    for stage, group, arm, outcome, many in rows:
        counted.setdefault((stage, group, arm), {})[outcome] = many
    stages = {stage: StageResult(stage) for stage in (BEFORE, DUE, LATE)}
    for (stage, group, arm), outcomes in counted.items():
        tally = Tally(outcomes.get("CURED", 0), outcomes.get("MISSED", 0))
        low, high = interval(tally) or (None, None)
        result = stages[stage]
        result.arms.append(ArmResult(arm, group, outcomes.get("", 0), tally, low, high))
        name = {"LEARNED": "learned", "HOLD_OUT": "hold_out"}.get(group, "wished")
        before: Tally = getattr(result, name)
        setattr(result, name, Tally(before.cured + tally.cured, before.missed + tally.missed))
    for result in stages.values():
        result.arms.sort(key=lambda row: (row.group != "LEARNED", -(row.tally.rate or 0), row.name))
        result.effect = compare(result.learned, result.hold_out)
    return list(stages.values())

"""How an overdue loan is worked: a strategy by bucket, and the next best step within the rules. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

from regimes.errors import N_, InvalidInput

BUCKETS: Final = ("DPD_1_30", "DPD_31_60", "DPD_61_90", "DPD_91_PLUS")


class StepKind(StrEnum):
    """Name what a collector does next."""

    WAIT = "WAIT"  # messages go out by themselves
    CALL = "CALL"
    PROMISE = "PROMISE"  # ask again for a promise, or what became of one
    PLAN = "PLAN"  # propose another plan
    WRITE_OFF = "WRITE_OFF"  # propose to give it up


STEP_WORDS: Final[Mapping[StepKind, str]] = {
    StepKind.WAIT: N_("Wait: reminders go out by themselves"),
    StepKind.CALL: N_("Call"),
    StepKind.PROMISE: N_("Ask for a promise to pay"),
    StepKind.PLAN: N_("Propose another plan"),
    StepKind.WRITE_OFF: N_("Propose to write it off"),
}

# bucket -> steps, each from a number of days past due on; `every` is how many days lie between two calls at least
DEFAULT: Final[Mapping[str, Any]] = {
    "DPD_1_30": {"steps": [[1, "WAIT"], [6, "CALL"], [15, "PROMISE"]], "every": 3, "promise_days": 14},
    "DPD_31_60": {"steps": [[31, "CALL"], [45, "PLAN"]], "every": 3, "promise_days": 10},
    "DPD_61_90": {"steps": [[61, "PLAN"]], "every": 5, "promise_days": 7},
    "DPD_91_PLUS": {"steps": [[91, "PLAN"], [180, "WRITE_OFF"]], "every": 7, "promise_days": 7},
}


class UnableToReadStrategy(InvalidInput):
    """Refuse a strategy that is not one."""


@dataclass(frozen=True, slots=True)
class BucketPlan:
    """Hold the steps of one bucket: (from days past due, step), ordered."""

    steps: tuple[tuple[int, StepKind], ...]
    every: int
    promise_days: int


def read_strategy(document: Mapping[str, Any]) -> dict[str, BucketPlan]:
    """Read a strategy, or refuse it with the bucket at fault."""
    found: dict[str, BucketPlan] = {}
    for bucket in BUCKETS:
        try:
            part = document[bucket]
            steps = tuple((int(days), StepKind(kind)) for days, kind in part["steps"])
            plan = BucketPlan(steps, int(part["every"]), int(part["promise_days"]))
        except (KeyError, TypeError, ValueError):
            plan = BucketPlan((), 0, 0)
        days = [first for first, _kind in plan.steps]
        if not days or days != sorted(set(days)) or plan.every < 1 or not 1 <= plan.promise_days <= 31:
            raise UnableToReadStrategy(
                "strategy_invalid",
                N_("The steps of %(bucket)s cannot be read."),
                field="document",
                params={"bucket": bucket},
            )
        found[bucket] = plan
    if set(document) - set(BUCKETS):
        raise UnableToReadStrategy("unknown_field", N_("This field is not known here."), field="document")
    return found


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """Hold what is known of a case on a day."""

    bucket: str
    days_past_due: int
    last_call: date | None
    promise_until: date | None  # of a promise that runs
    promise_broken: bool  # the last promise was not kept
    in_hardship: bool  # a request waits or a pause runs


class Obstacle(StrEnum):
    """Name why a borrower may not be contacted about a debt by a person now."""

    NOT_OVERDUE = "not_overdue"
    HARDSHIP = "hardship_waits"
    PROMISE = "promise_runs"
    NOT_THE_DEBTOR = "debtor_only"


OBSTACLE_WORDS: Final[Mapping[Obstacle, str]] = {
    Obstacle.NOT_OVERDUE: N_("Nothing is overdue, so nobody is contacted about it."),
    Obstacle.HARDSHIP: N_("The borrower said that it got hard to pay. Answer that first; until then nobody calls."),
    Obstacle.PROMISE: N_("A promise to pay runs. Nobody calls before its day is over."),
    Obstacle.NOT_THE_DEBTOR: N_("Only the borrower may be told of the debt: no relatives, colleagues or friends."),
}  # fmt: skip


def obstacle(facts: CaseFacts, *, is_debtor: bool, as_of: date) -> Obstacle | None:
    """Return why this contact is forbidden, whatever the hour, or None."""
    if not is_debtor:
        return Obstacle.NOT_THE_DEBTOR
    if facts.days_past_due < 1:
        return Obstacle.NOT_OVERDUE
    if facts.in_hardship:
        return Obstacle.HARDSHIP
    if facts.promise_until is not None and facts.promise_until >= as_of:
        return Obstacle.PROMISE
    return None


@dataclass(frozen=True, slots=True)
class NextStep:
    """Say what is best done next, and from which day on."""

    kind: StepKind
    from_date: date
    why: Obstacle | None = None


def next_step(facts: CaseFacts, strategy: Mapping[str, BucketPlan], *, as_of: date) -> NextStep:
    """Choose the step of the bucket that the days past due have reached, and when it may be taken.

    >>> facts = CaseFacts("DPD_1_30", 8, None, None, False, False)
    >>> next_step(facts, read_strategy(DEFAULT), as_of=date(2026, 3, 2)).kind.value
    'CALL'
    """
    held = obstacle(facts, is_debtor=True, as_of=as_of)
    if held is Obstacle.PROMISE and facts.promise_until is not None:
        return NextStep(StepKind.WAIT, facts.promise_until + timedelta(days=1), held)
    if held is not None:
        return NextStep(StepKind.WAIT, as_of, held)
    plan = strategy[facts.bucket]
    reached = [kind for days, kind in plan.steps if days <= facts.days_past_due]
    kind = reached[-1] if reached else StepKind.WAIT
    if facts.promise_broken and kind in (StepKind.WAIT, StepKind.PROMISE):
        kind = StepKind.CALL  # a word that was not kept is asked about by a person
    start = as_of
    if kind is StepKind.CALL and facts.last_call is not None:
        start = max(as_of, facts.last_call + timedelta(days=plan.every))
    return NextStep(kind, start)


def latest_promise(plan: BucketPlan, *, as_of: date) -> date:
    """Return the last day for which a promise is taken in a bucket."""
    return as_of + timedelta(days=plan.promise_days)

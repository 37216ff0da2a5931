"""Re-evaluation: one line, its month, its facts; up, keep, down, freeze or unfreeze, and why.

Hysteresis (a target must differ enough), cool-down (a rise needs time since the last change) and smoothness
(a cut is at most a fifth a month) keep a limit from jumping. A freeze is for safety and is not smoothed.
Each verdict carries the reasons that decided, what would restore or raise the limit, and the next look.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from typing import Final

from credit.domain.limits import round_limit
from credit.domain.line import FreezeReason, LineStatus
from credit.domain.policy import LEAST_LIMIT, LIMIT_STEP, PolicyRules, ReevaluationRules
from credit.domain.reasons import Reason, first_reasons, reason, recourse


class Direction(StrEnum):
    """Name what happened to a limit."""

    OPEN = "OPEN"
    UP = "UP"
    KEEP = "KEEP"
    DOWN = "DOWN"
    FREEZE = "FREEZE"
    UNFREEZE = "UNFREEZE"
    SUSPEND = "SUSPEND"
    RESUME = "RESUME"
    RENEW = "RENEW"
    ANNOUNCE = "ANNOUNCE"  # a cut that is in force from a later day
    WITHDRAW = "WITHDRAW"  # what was announced does not come
    CLOSE = "CLOSE"


class Trigger(StrEnum):
    """Name why a line was looked at."""

    MONTHLY = "MONTHLY"
    MISSED_INSTALMENT = "MISSED_INSTALMENT"
    PAID_UP = "PAID_UP"
    PAID_OFF = "PAID_OFF"
    FRESH_EVIDENCE = "FRESH_EVIDENCE"
    STALE_FEED = "STALE_FEED"
    CONSENT_WITHDRAWN = "CONSENT_WITHDRAWN"


@dataclass(frozen=True, slots=True)
class LineView:
    """Hold what is known of one line on one day."""

    status: str
    freeze_reason: str
    limit: Decimal  # what the lender grants, without a temporary increase and before the own cap
    as_of: date
    last_raised_on: date | None
    last_cut_on: date | None
    changed_this_period: bool
    days_past_due: int
    overdue_amount: Decimal
    on_time_streak: int
    utilisation: Decimal  # exposure / limit
    consent_given: bool
    pd: Decimal | None
    problem: str  # reason code when there is no score, or the means are not known
    score_reasons: tuple[Reason, ...]
    target: Decimal  # the limit that the policy would give today
    target_reasons: tuple[Reason, ...]
    own_cap: Decimal | None = None  # the borrower's own; nothing is raised while it stands
    notice_days: int = 0  # a cut is announced so many days before it is in force
    announced: bool = False  # a cut was announced and is not in force yet


@dataclass(frozen=True, slots=True)
class Verdict:
    """Hold what to do with a line."""

    direction: Direction
    limit: Decimal
    reasons: tuple[Reason, ...]
    recourse: tuple[Reason, ...]
    next_review_date: date
    freeze_reason: FreezeReason = FreezeReason.NONE
    announced_limit: Decimal | None = (
        None  # what is granted from `announced_date` on; `limit` stands until then
    )
    announced_date: date | None = None

    def __post_init__(self) -> None:
        assert 1 <= len(self.reasons) <= 4
        assert self.recourse, "each verdict says what would restore or raise the limit"
        assert (self.announced_limit is None) == (self.direction is not Direction.ANNOUNCE)


ALWAYS: Final = (recourse("pay_on_time"),)
WAIT: Final = (recourse("wait_for_review"),)
RIGHTS: Final = frozenset({"ask_person", "wait_for_review"})
"""What is offered always and promises no outcome; every other recourse is tried before it is offered."""


def period_of(day: date) -> str:
    """Name the month in which a limit may move once.

    >>> period_of(date(2026, 11, 24))
    '2026-11'
    """
    return f"{day.year:04d}-{day.month:02d}"


def next_review_after(day: date, *, anchor: int) -> date:
    """Give the review day of the next month; spread over the month by the line's number.

    >>> next_review_after(date(2026, 11, 24), anchor=3)
    datetime.date(2026, 12, 4)
    """
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return date(year, month, 1 + anchor % 28)


def reevaluate(view: LineView, *, policy: PolicyRules, next_review: date) -> Verdict:
    """Judge one line, and offer only the recourse that was tried: each is a changed view that the same rule judges."""
    verdict = judge(view, policy=policy, next_review=next_review)
    offered = tuple(way for way in verdict.recourse if helps(view, verdict, way.code, policy=policy))
    return replace(verdict, recourse=offered or (recourse("ask_person"),))


def helps(view: LineView, verdict: Verdict, way: str, *, policy: PolicyRules) -> bool:
    """Try a recourse: judge the line as it would stand after it. A right that promises nothing always stands.

    It helps when the line then moves up or opens, or when what stood in the way no longer does.
    """
    if way in RIGHTS or verdict.direction in (Direction.UP, Direction.UNFREEZE):
        return True
    after = _after(view, verdict, way, policy.reevaluation)
    if after is None:
        return False
    found = judge(after, policy=policy, next_review=verdict.next_review_date)
    if found.direction in (Direction.UP, Direction.UNFREEZE):
        return True
    gone = found.reasons[0].code != verdict.reasons[0].code
    return (
        gone
        and found.direction is Direction.KEEP
        and way in ("connect_fresh", "give_consent", "lift_own_freeze")
    )


def _after(view: LineView, verdict: Verdict, way: str, rules: ReevaluationRules) -> LineView | None:
    """Give the line as it would stand after a recourse; None when the recourse has nothing to do with it."""
    status, why = view.status, view.freeze_reason
    if verdict.direction is Direction.FREEZE:
        status, why = LineStatus.FROZEN, verdict.freeze_reason
    if way == "pay_overdue":
        return replace(view, status=status, freeze_reason=why, days_past_due=0, overdue_amount=Decimal(0))
    if way == "pay_on_time":
        streak = max(view.on_time_streak, rules.least_on_time)
        return replace(view, on_time_streak=streak, days_past_due=0, overdue_amount=Decimal(0))
    if way == "connect_fresh":
        if not view.problem and view.pd is not None:
            return None  # there are fresh records, and they say this
        scored = view.pd if view.pd is not None else Decimal(1) / 2
        return replace(view, problem="", pd=min(scored, rules.unfreeze_pd), target=view.limit)
    if way == "give_consent":
        return replace(view, consent_given=True)
    if way == "lift_own_cap":
        return replace(view, own_cap=None)
    if way == "lift_own_freeze":
        return replace(view, status=LineStatus.ACTIVE, freeze_reason=FreezeReason.NONE)
    return None


def judge(view: LineView, *, policy: PolicyRules, next_review: date) -> Verdict:
    """Judge one line; its recourse is not tried yet, which `reevaluate` does."""
    rules = policy.reevaluation
    if view.status == LineStatus.FROZEN:
        return _frozen(view, rules, next_review)
    if view.days_past_due >= rules.freeze_days_past_due:
        return _freeze_overdue(view, next_review)
    if view.pd is not None and view.pd >= rules.freeze_pd:
        return Verdict(
            Direction.FREEZE,
            view.limit,
            first_reasons((reason("risk_freeze"), *view.score_reasons)),
            (
                recourse("connect_fresh"),
                recourse("pay_on_time"),
                recourse("ask_person"),
            ),
            next_review,
            FreezeReason.RISK,
        )
    if not view.consent_given:
        return _keep(
            view,
            next_review,
            (reason("consent_withdrawn"),),
            (recourse("give_consent"),),
        )
    if view.pd is None or view.problem:
        return _keep(
            view,
            next_review,
            (reason(view.problem or "model_unavailable"),),
            _for_problem(view.problem),
        )
    if view.changed_this_period:
        return _keep(view, next_review, (reason("already_changed"),), WAIT)
    if view.target <= view.limit * rules.cut_from and view.limit > LEAST_LIMIT:
        return _after_notice(view, _cut(view, rules, next_review))
    if view.announced:
        return Verdict(Direction.WITHDRAW, view.limit, (reason("cut_withdrawn"),), WAIT, next_review)
    if view.target >= view.limit * rules.raise_from:
        return _raise(view, rules, next_review)
    return _keep(view, next_review, (reason("limit_steady"),), WAIT)


def _frozen(view: LineView, rules: ReevaluationRules, next_review: date) -> Verdict:
    """Lift a freeze of the engine when its cause is gone; leave the freezes of people alone."""
    if view.freeze_reason == FreezeReason.OVERDUE:
        if view.days_past_due == 0:
            return Verdict(
                Direction.UNFREEZE,
                view.limit,
                (reason("paid_up"),),
                WAIT,
                next_review,
            )
        return _freeze_overdue(view, next_review, again=True)
    if view.freeze_reason == FreezeReason.RISK:
        if view.pd is not None and view.pd < rules.unfreeze_pd and view.days_past_due == 0:
            return Verdict(
                Direction.UNFREEZE,
                view.limit,
                (reason("risk_lower"),),
                WAIT,
                next_review,
            )
        why = (reason("risk_freeze"), *view.score_reasons)
        return _keep(view, next_review, why, (recourse("connect_fresh"), recourse("ask_person")))
    own = view.freeze_reason == FreezeReason.BORROWER
    return _keep(
        view,
        next_review,
        (reason("asked_to_freeze" if own else "frozen_by_officer"),),
        (recourse("lift_own_freeze" if own else "ask_person"),),
    )


def _freeze_overdue(view: LineView, next_review: date, *, again: bool = False) -> Verdict:
    return Verdict(
        Direction.KEEP if again else Direction.FREEZE,
        view.limit,
        (reason("overdue_freeze", days=view.days_past_due),),
        (
            recourse("pay_overdue", amount=f"{view.overdue_amount:.2f}"),
            recourse("ask_person"),
        ),
        next_review,
        FreezeReason.OVERDUE,
    )


def _cut(view: LineView, rules: ReevaluationRules, next_review: date) -> Verdict:
    floor = view.limit * (1 - rules.most_cut)
    smooth = view.target < floor
    # the floor is rounded up, so that rounding makes no cut larger than agreed; one step of 100 is always possible
    steps = (floor / LIMIT_STEP).to_integral_value(ROUND_CEILING) * LIMIT_STEP
    wanted = max(view.target, min(steps, view.limit - LIMIT_STEP))
    limit = max(LEAST_LIMIT, round_limit(wanted))
    if limit >= view.limit:
        return _keep(view, next_review, (reason("limit_steady"),), WAIT)
    why = [reason("risk_higher"), *view.score_reasons[:2]] if view.score_reasons else [*view.target_reasons]
    why += [reason("smooth_cut", percent=rules.most_cut * 100)] if smooth else []
    return Verdict(
        Direction.DOWN,
        limit,
        first_reasons(why or [reason("risk_higher")]),
        (recourse("pay_on_time"), recourse("connect_fresh"), recourse("ask_person")),
        next_review,
    )


def _after_notice(view: LineView, cut: Verdict) -> Verdict:
    """Announce a cut where the regime asks for notice; one that is announced already stands as it was told."""
    if cut.direction is not Direction.DOWN:
        return cut
    if view.announced:
        return _keep(view, cut.next_review_date, (reason("cut_announced"),), (recourse("ask_person"),))
    if not view.notice_days:
        return cut
    return replace(
        cut,
        direction=Direction.ANNOUNCE,
        limit=view.limit,
        announced_limit=cut.limit,
        announced_date=view.as_of + timedelta(days=view.notice_days),
    )


def _raise(view: LineView, rules: ReevaluationRules, next_review: date) -> Verdict:
    """Raise, or say what stands in the way: what the borrower can change is asked last, so that changing it suffices."""
    changes = [day for day in (view.last_raised_on, view.last_cut_on) if day is not None]
    free_on = max(changes) + timedelta(days=rules.cool_down_days) if changes else None
    if free_on is not None and view.as_of < free_on:
        return _keep(view, next_review, (reason("cool_down", date=free_on.isoformat()),), WAIT)
    if view.utilisation < rules.use_from:
        return _keep(view, next_review, (reason("limit_steady"),), WAIT)
    if view.days_past_due > 0 or view.on_time_streak < rules.least_on_time:
        return _keep(
            view,
            next_review,
            (reason("not_enough_history", count=rules.least_on_time),),
            ALWAYS,
        )
    if view.own_cap is not None:
        return _keep(view, next_review, (reason("own_cap", cap=view.own_cap),), (recourse("lift_own_cap"),))
    ceiling = view.limit * (1 + rules.most_rise)
    limit = round_limit(min(view.target, max(ceiling, view.limit + 100)))
    if limit <= view.limit:
        return _keep(view, next_review, (reason("limit_steady"),), WAIT)
    why = [reason("paid_on_time"), reason("risk_good")]
    why += [reason("smooth_rise", percent=rules.most_rise * 100)] if view.target > ceiling else []
    return Verdict(Direction.UP, limit, first_reasons(why), WAIT, next_review)


def _keep(view: LineView, next_review: date, why: tuple[Reason, ...], ways: tuple[Reason, ...]) -> Verdict:
    kept = FreezeReason(view.freeze_reason)
    return Verdict(Direction.KEEP, view.limit, first_reasons(why), ways, next_review, kept)


def _for_problem(problem: str) -> tuple[Reason, ...]:
    if problem in ("evidence_missing", "evidence_stale", "income_unknown"):
        return (recourse("connect_fresh"),)
    return (recourse("wait_for_review"),)

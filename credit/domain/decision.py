"""The decision: policy, facts and score in; an outcome and the reasons that truly decided out.

Knock-outs first, then what is missing (which refers and never approves), then the score against the
cut-offs, then the size of the limit. The same inputs give the same outcome, so a decision can be replayed.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from credit.domain.limits import Means, size_limit
from credit.domain.policy import LEAST_LIMIT, Ceiling, Grade, PolicyRules
from credit.domain.reasons import Reason, first_reasons, reason


class Outcome(StrEnum):
    """Name what was decided."""

    APPROVE = "APPROVE"
    REFER = "REFER"
    DECLINE = "DECLINE"
    COUNTER_OFFER = "COUNTER_OFFER"


@dataclass(frozen=True, slots=True)
class Applicant:
    """Hold what the policy asks about a borrower. None is unknown, and unknown never approves."""

    is_business: bool
    age: int | None  # of the person, or of the owner who applies for the business
    is_student: bool | None
    is_blocked: bool
    days_past_due: int  # worst today, over the person and the owned businesses
    worst_days_past_due_12m: int
    means: Means
    is_evidence_odd: bool = False  # another holder's name, rows that disagree: a person looks


@dataclass(frozen=True, slots=True)
class Scored:
    """Hold the score: the probability, or why there is none (a reason code), and what moved it."""

    pd: Decimal | None
    problem: str = ""
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold the request."""

    amount: Decimal
    product_maximum: Decimal
    lot: Decimal  # in [0, 1): decides exploration, fixed by the application's reference


@dataclass(frozen=True, slots=True)
class Decided:
    """Hold a decision. `limit`, `annual_rate` and `grade` are zero and empty unless there is an offer."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    limit: Decimal = Decimal(0)
    annual_rate: Decimal = Decimal(0)
    grade: str = ""
    is_exploration: bool = False

    def __post_init__(self) -> None:
        assert 1 <= len(self.reasons) <= 4, "one to four reasons"
        assert (self.limit > 0) == (self.outcome in (Outcome.APPROVE, Outcome.COUNTER_OFFER))


def decide(
    *,
    policy: PolicyRules,
    ceiling: Ceiling,
    applicant: Applicant,
    scored: Scored,
    asked: Asked,
) -> Decided:
    """Decide one application."""
    if knocked := _knock_outs(policy, ceiling, applicant):
        return Decided(Outcome.DECLINE, first_reasons(knocked))
    if missing := _missing(applicant, scored):
        return Decided(Outcome.REFER, first_reasons(missing))
    assert scored.pd is not None, "a missing score was referred"
    if scored.pd >= policy.cut_offs.refer_below:
        return Decided(Outcome.DECLINE, first_reasons(scored.reasons or (reason("risk_too_high"),)))
    explores = False
    if scored.pd >= policy.cut_offs.approve_below:
        explores = scored.pd < policy.exploration.up_to and asked.lot < policy.exploration.share
        if not explores:
            return Decided(
                Outcome.REFER,
                first_reasons((reason("risk_near_cut_off"), *scored.reasons)),
            )
    grade = policy.grade_of(scored.pd)
    assert grade is not None, "the grades reach the cut-off"
    return _size(policy, ceiling, applicant, scored, asked, grade, explores)


def _size(
    policy: PolicyRules,
    ceiling: Ceiling,
    applicant: Applicant,
    scored: Scored,
    asked: Asked,
    grade: Grade,
    explores: bool,
) -> Decided:
    most = min(asked.product_maximum, policy.exploration.limit) if explores else asked.product_maximum
    sized = size_limit(
        policy=policy,
        ceiling=ceiling,
        grade=grade,
        means=applicant.means,
        asked=asked.amount,
        product_maximum=most,
        pd=scored.pd,
    )
    if sized.limit < LEAST_LIMIT:
        why = (*sized.reasons, reason("limit_too_small", minimum=LEAST_LIMIT))
        return Decided(Outcome.DECLINE, first_reasons(why))
    whole = sized.reasons[0].code == "limit_as_requested"
    reasons: tuple[Reason, ...] = (reason("exploration"),) if explores else ()
    if whole:
        reasons += (reason("risk_good"), *sized.reasons) if not explores else sized.reasons
    else:
        reasons += sized.reasons
        by_risk = {"limit_by_grade", "limit_by_income", "limit_by_use"} & {
            item.code for item in sized.reasons
        }
        reasons += scored.reasons[:2] if by_risk else ()
    return Decided(
        Outcome.APPROVE if whole else Outcome.COUNTER_OFFER,
        first_reasons(reasons),
        limit=sized.limit,
        annual_rate=min(grade.annual_rate, ceiling.annual_rate),
        grade=grade.name,
        is_exploration=explores,
    )


def _knock_outs(policy: PolicyRules, ceiling: Ceiling, applicant: Applicant) -> list[Reason]:
    rules, found = policy.knock_outs, []
    if applicant.is_blocked:
        found.append(reason("borrower_blocked"))
    if applicant.age is not None and applicant.age < rules.minimum_age:
        found.append(reason("age_too_low", minimum=rules.minimum_age))
    if applicant.age is not None and applicant.age > rules.maximum_age:
        found.append(reason("age_too_high", maximum=rules.maximum_age))
    if (
        applicant.is_student
        and (rules.refuse_students or ceiling.refuses_students)
        and not applicant.is_business
    ):
        found.append(reason("is_student"))
    if applicant.days_past_due > 0:
        found.append(reason("overdue_now"))
    elif applicant.worst_days_past_due_12m > rules.worst_days_past_due_12m:
        found.append(reason("overdue_past", days=applicant.worst_days_past_due_12m))
    return found


def _missing(applicant: Applicant, scored: Scored) -> list[Reason]:
    found = []
    if scored.pd is None:
        found.append(reason(scored.problem or "model_unavailable"))
    if applicant.age is None:
        found.append(reason("age_unknown"))
    if applicant.is_student is None and not applicant.is_business:
        found.append(reason("student_unknown"))
    if applicant.means.monthly_income is None:
        found.append(reason("income_unknown"))
    if applicant.is_evidence_odd:
        found.append(reason("evidence_odd"))
    return found

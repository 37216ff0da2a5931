"""Replay a stored decision: the same rules, inputs and score must give the same outcome and reasons."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from credit.domain.decision import Applicant, Asked, Decided, Scored, decide
from credit.domain.limits import Means
from credit.domain.policy import Ceiling, PolicyRules, read_policy
from credit.domain.reasons import Reason
from credit.models import Decision


def replay(*, decision: Decision, policy: PolicyRules | None = None) -> Decided:
    """Decide again from what was stored with an engine's decision; no living row but the policy's is read.

    Give another `policy` to see what it would have decided.
    """
    inputs = decision.inputs
    ceiling = ceiling_of(inputs["ceiling"])
    return decide(
        policy=policy or read_policy(decision.policy.document, ceiling=ceiling),
        ceiling=ceiling,
        applicant=applicant_from(inputs["applicant"]),
        scored=Scored(
            decision.pd, inputs["problem"], tuple(Reason.from_dict(item) for item in inputs["score_reasons"])
        ),
        asked=Asked(**{name: Decimal(value) for name, value in inputs["asked"].items()}),
    )


def agrees(*, decision: Decision) -> bool:
    """Tell whether a replay gives the stored outcome, limit, price and reasons."""
    again = replay(decision=decision)
    return (
        again.outcome == decision.outcome
        and again.limit == decision.limit
        and again.annual_rate == decision.annual_rate
        and again.grade == decision.grade
        and [item.to_dict() for item in again.reasons] == decision.reasons
    )


def ceiling_of(written: dict[str, Any]) -> Ceiling:
    """Read a stored ceiling."""
    amounts = {
        name: Decimal(written[name])
        for name in ("person_limit", "business_limit", "annual_rate", "penalty_rate")
    }
    return Ceiling(**{**written, **amounts, "forbidden_purposes": tuple(written["forbidden_purposes"])})


def applicant_from(written: dict[str, Any]) -> Applicant:
    """Read a stored applicant."""
    means = dict(written["means"])
    for name in ("monthly_income", "monthly_instalments", "other_limits"):
        means[name] = None if means[name] is None else Decimal(means[name])
    return Applicant(**{**written, "means": Means(**means)})

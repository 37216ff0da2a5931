"""Stored decisions made up in columns and written as the engine writes them, without a score where none is tried."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from credit.domain.decision import Applicant, Asked, Decided, Scored, decide
from credit.domain.limits_columns import MeansColumns
from credit.domain.policy import Ceiling, PolicyRules
from credit.laboratory.columns import MISSING, Stored
from credit.models import Application, Decision, Policy, Product
from credit.operations.scoring import Assessed, inputs_of
from tests.factories import AS_OF, NOW, BorrowerFactory


def drawn(count: int, seed: int = 3) -> Stored:
    """Draw facts that meet every rule, alone and together."""
    rng = np.random.default_rng(seed)

    def some(share: float) -> np.ndarray:
        return rng.random(count) < share

    pd = np.round(np.clip(rng.beta(1, 14, count), 1e-8, 0.9999), 8)
    pd = np.where(some(0.1), rng.choice([0.01, 0.02, 0.04, 0.08, 0.12, 0.14], count), pd)
    late = np.where(some(0.06), rng.integers(1, 90, count), 0).astype(float)
    return Stored(
        pd=np.where(some(0.08), np.nan, pd),
        problem=np.where(some(0.7), -1, rng.integers(0, 4, count)),
        age=np.where(some(0.05), np.nan, rng.integers(16, 70, count).astype(float)),
        is_student=np.where(some(0.1), np.nan, some(0.08).astype(float)),
        is_blocked=some(0.03),
        days_past_due=late,
        worst_days_past_due=np.maximum(late, np.where(some(0.1), rng.integers(1, 120, count), 0)),
        is_evidence_odd=some(0.03),
        means=MeansColumns(
            some(0.25),
            np.where(some(0.05), np.nan, np.floor(rng.lognormal(8.8, 0.6, count))),
            np.floor(rng.uniform(0, 3_000, count) * some(0.4)),
            np.floor(rng.uniform(0, 320_000, count) * some(0.2)),
        ),
        asked=np.floor(rng.lognormal(9, 1.0, count)) + 50,
        product_maximum=np.where(some(0.3), 30_000.0, 200_000.0),
        lot=np.round(rng.random(count) ** 4, 12),
    )


def one(stored: Stored, at: int) -> tuple[Applicant, Scored, Asked]:
    """Give one row as `decide` takes it."""

    def number(value: float) -> Decimal:
        return Decimal(repr(round(float(value), 12)))

    def known(value: float) -> int | None:
        return None if np.isnan(value) else int(value)

    student = known(stored.is_student[at])
    applicant = Applicant(
        is_business=bool(stored.means.is_business[at]),
        age=known(stored.age[at]),
        is_student=None if student is None else bool(student),
        is_blocked=bool(stored.is_blocked[at]),
        days_past_due=int(stored.days_past_due[at]),
        worst_days_past_due_12m=int(stored.worst_days_past_due[at]),
        means=stored.means.at(at),
        is_evidence_odd=bool(stored.is_evidence_odd[at]),
    )
    lacks = np.isnan(stored.pd[at])
    problem = MISSING[int(stored.problem[at])] if lacks and stored.problem[at] >= 0 else ""
    scored = Scored(None if lacks else number(stored.pd[at]), problem)
    asked = Asked(number(stored.asked[at]), number(stored.product_maximum[at]), number(stored.lot[at]))
    return applicant, scored, asked


def write(
    stored: Stored, *, rules: PolicyRules, ceiling: Ceiling, first: date = AS_OF, assessments: list[Any] | None = None,
    decided_by: Any = None,
) -> list[Decision]:  # fmt: skip
    """Write the rows as decisions of the policy in force, a day for every fifty."""
    policy = Policy.objects.get(state="ACTIVE")
    products = {
        family: Product.objects.filter(family=family).order_by("pk")[0] for family in ("PERSONAL", "BUSINESS")
    }
    borrower = BorrowerFactory()
    applications, rows = [], []
    for at in range(len(stored)):
        applicant, scored, asked = one(stored, at)
        decided = decide(policy=rules, ceiling=ceiling, applicant=applicant, scored=scored, asked=asked)
        day = first + timedelta(days=at // 50)
        applications.append(
            Application(
                borrower=borrower,
                product=products["BUSINESS" if applicant.is_business else "PERSONAL"],
                policy=policy,
                requested_amount=asked.amount.quantize(Decimal("0.01")),
                purpose="RENT",
                status="WITHDRAWN",
                submitted_date=day,
                submitted_at=NOW,
            )
        )
        rows.append((decided, applicant, scored, asked, day))
    Application.objects.bulk_create(applications)
    made = [
        _decision(application, policy, ceiling, *row)
        for application, row in zip(applications, rows, strict=True)
    ]
    for at, decision in enumerate(made):
        decision.assessment = assessments[at] if assessments else None
        decision.decided_by, decision.note = decided_by, "by hand" if decided_by else ""
    return Decision.objects.bulk_create(made)


def _decision(
    application: Application, policy: Policy, ceiling: Ceiling, decided: Decided, applicant: Applicant, scored: Scored,
    asked: Asked, day: date,
) -> Decision:  # fmt: skip
    inputs = inputs_of(applicant, Assessed(scored, None), asked, ceiling)
    assert json.loads(json.dumps(inputs)) == inputs, asdict(applicant)
    return Decision(
        application=application,
        number=1,
        is_final=decided.outcome != "REFER",
        outcome=decided.outcome,
        limit=decided.limit,
        annual_rate=decided.annual_rate,
        grade=decided.grade,
        pd=scored.pd,
        reasons=[item.to_dict() for item in decided.reasons],
        inputs=inputs,
        is_exploration=decided.is_exploration,
        policy=policy,
        decided_date=day,
        decided_at=NOW,
    )

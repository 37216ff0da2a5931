"""Score a borrower and put together what the policy asks; the one road to a decision and to a re-evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from accounts.models import Borrower
from credit.domain.decision import Applicant, Scored
from credit.domain.limits import Means
from credit.domain.policy import PolicyRules
from credit.domain.reasons import Reason
from credit.facts import Collected
from credit.models import CreditLine
from credit.queries import age_of, debts_of_lines, group_of
from risk import operations as risk_operations
from risk import queries as risk_queries
from risk.domain.registry import FACTOR_BY_CODE

PROBLEMS = {
    "no_evidence": "evidence_missing",
    "stale_evidence": "evidence_stale",
    "out_of_range": "evidence_out_of_range",
}
"""Why risk did not score -> the reason that the borrower reads; anything else is our own trouble."""


@dataclass(frozen=True, slots=True)
class Assessed:
    """Hold one score with the stored assessment that it came from."""

    scored: Scored
    assessment_id: int | None


def assess_all(*, collected: Collected, purpose: str, as_of: date) -> list[Assessed]:
    """Score borrowers; an assessment row each. Never raises for a missing model: then nothing is scored."""
    rows = risk_operations.assess(
        subject_ids=collected.borrower_ids.tolist(), facts=collected.facts, as_of=as_of, purpose=purpose
    )
    return [assessed_of(row) for row in rows]


def assessed_of(row: Any) -> Assessed:
    """Read a stored assessment as the rules take it."""
    if row.pd is None:
        return Assessed(Scored(None, PROBLEMS.get(row.unscored_code, "model_unavailable")), row.pk)
    pd = Decimal(repr(float(row.pd))).quantize(Decimal("0.00000001"))
    pd = min(max(pd, Decimal("0.00000001")), Decimal("0.99999999"))
    reasons = tuple(Reason(item["code"], FACTOR_BY_CODE[item["code"]].sentence) for item in row.reasons)
    return Assessed(Scored(pd, "", reasons[:4]), row.pk)


def means_of(
    *,
    borrower_ids: Sequence[int],
    collected: Collected,
    excluded_line_ids: Sequence[int] = (),
    groups: dict[int, set[int]] | None = None,
) -> list[Means]:
    """Say what borrowers can bear; limits of the group's other lines count in full, or what is owed if more."""
    if groups is None:
        groups = group_of(borrower_ids=borrower_ids)
    members = sorted(set().union(*groups.values())) if groups else []
    open_lines = list(
        CreditLine.objects.filter(
            borrower_id__in=members, status__in=["ACTIVE", "FROZEN", "SUSPENDED"]
        ).values_list("pk", "borrower_id", "family", "limit")
    )
    debts = debts_of_lines(line_ids=[pk for pk, *_ in open_lines])
    skipped = set(excluded_line_ids)
    promised: dict[int, Decimal] = {}
    for pk, borrower_id, _, limit in open_lines:
        if pk not in skipped:
            promised[borrower_id] = promised.get(borrower_id, Decimal(0)) + max(limit, debts[pk].exposure)
    own_lines = {pk: borrower_id for pk, borrower_id, *_ in open_lines if pk in skipped}
    result = []
    for at, borrower_id in enumerate(borrower_ids):
        others = sum((promised.get(member, Decimal(0)) for member in groups[borrower_id]), Decimal(0))
        # the group's lines that are being looked at in the same batch, but belong to another member
        others += (
            sum(
                (
                    max(limit, debts[pk].exposure)
                    for pk, owner, _, limit in open_lines
                    if pk in own_lines and owner in groups[borrower_id] and owner != borrower_id
                ),
                Decimal(0),
            )
            if len(groups[borrower_id]) > 1
            else Decimal(0)
        )
        result.append(
            Means(
                is_business=bool(collected.facts.segment[at]),
                monthly_income=collected.monthly_income[at],
                monthly_instalments=collected.monthly_instalments[at],
                other_limits=others,
            )
        )
    return result


def applicant_of(
    *,
    borrower: Borrower,
    collected: Collected,
    occupation: str,
    as_of: date,
    own_line_id: int | None,
    rules: PolicyRules,
) -> Applicant:
    """Put together what the policy asks about one applicant; the worst delay counts over the whole group."""
    groups = group_of(borrower_ids=[borrower.pk])
    group = sorted(groups[borrower.pk])
    conduct = collected.conduct
    if len(group) > 1:
        from credit.facts import conduct_facts

        conduct = conduct_facts(borrower_ids=group, as_of=as_of)
    [means] = means_of(
        borrower_ids=[borrower.pk],
        collected=collected,
        excluded_line_ids=[own_line_id] if own_line_id is not None else [],
        groups=groups,
    )
    return Applicant(
        is_business=borrower.is_business,
        age=age_of(borrower=borrower, as_of=as_of),
        is_student=None if not occupation else occupation == "STUDENT",
        is_blocked=borrower.status != Borrower.Status.ACTIVE,
        days_past_due=_worst(conduct.days_past_due_now),
        worst_days_past_due_12m=_worst(conduct.days_past_due_max_12m),
        means=means,
        is_evidence_odd=bool(risk_queries.needs_referral(borrower_ids=[borrower.pk])),
    )


def _worst(days: Any) -> int:
    known = np.asarray(days)[~np.isnan(np.asarray(days))]
    return int(known.max()) if len(known) else 0

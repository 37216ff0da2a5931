"""Score a borrower and put together what the policy asks; the one road to a decision and to a re-evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from accounts.models import Borrower
from credit.domain.decision import Applicant, Asked, Scored
from credit.domain.limits import Means
from credit.domain.policy import Ceiling
from credit.domain.reasons import Reason
from credit.facts import Collected, conduct_facts
from credit.queries import Group, groups_with_lines
from risk import operations as risk_operations
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
    groups: dict[int, Group] | None = None,
) -> list[Means]:
    """Say what borrowers can bear; limits of the group's other lines count in full, or what is owed if more.

    A borrower's own line among `excluded_line_ids` is the one that is looked at and does not count; a line there that belongs
    to another member of the group does.
    """
    if groups is None:
        groups = groups_with_lines(borrower_ids=borrower_ids)
    skipped = set(excluded_line_ids)
    result = []
    for at, borrower_id in enumerate(borrower_ids):
        others = sum(
            (
                line.counts
                for line in groups[borrower_id].lines
                if line.borrower_id != borrower_id or line.line_id not in skipped
            ),
            Decimal(0),
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
    born: date | None,
    is_evidence_odd: bool,
) -> Applicant:
    """Put together what the policy asks about one applicant; the worst delay counts over the whole group."""
    groups = groups_with_lines(borrower_ids=[borrower.pk])
    group = sorted(groups[borrower.pk].members)
    conduct = collected.conduct
    if len(group) > 1:
        conduct = conduct_facts(borrower_ids=group, as_of=as_of)
    [means] = means_of(
        borrower_ids=[borrower.pk],
        collected=collected,
        excluded_line_ids=[own_line_id] if own_line_id is not None else [],
        groups=groups,
    )
    return Applicant(
        is_business=borrower.is_business,
        age=_age(born, as_of),
        is_student=None if not occupation else occupation == "STUDENT",
        is_blocked=borrower.status != Borrower.Status.ACTIVE,
        days_past_due=_worst(conduct.days_past_due_now),
        worst_days_past_due_12m=_worst(conduct.days_past_due_max_12m),
        means=means,
        is_evidence_odd=is_evidence_odd,
    )


def _age(born: date | None, as_of: date) -> int | None:
    if born is None:
        return None
    return as_of.year - born.year - ((as_of.month, as_of.day) < (born.month, born.day))


def _worst(days: Any) -> int:
    known = np.asarray(days)[~np.isnan(np.asarray(days))]
    return int(known.max()) if len(known) else 0


def inputs_of(applicant: Applicant, assessed: Assessed, asked: Asked, ceiling: Ceiling) -> dict[str, Any]:
    """Write down the policy's view of an applicant, so that the decision replays without the living rows."""
    return {
        "applicant": _jsonable(asdict(applicant)),
        "problem": assessed.scored.problem,
        "score_reasons": [item.to_dict() for item in assessed.scored.reasons],
        "asked": _jsonable(asdict(asked)),
        "ceiling": _jsonable(asdict(ceiling)),
    }


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _jsonable(item) for name, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_jsonable(item) for item in value]
    return str(value) if isinstance(value, Decimal) else value

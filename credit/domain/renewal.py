"""The end of a line's term: it goes on where the borrower kept to what was agreed, else it ends, told a month ahead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from credit.domain.line import FreezeReason, LineStatus
from credit.domain.policy import PolicyRules
from credit.domain.reasons import Reason, first_reasons, reason, recourse

TOLD_DAYS: Final = 30  # before the end: then a line is renewed, or the borrower hears why not


@dataclass(frozen=True, slots=True)
class Standing:
    """Hold how a borrower and a line stand when the term nears its end; delays over the last 12 months."""

    status: str
    freeze_reason: str
    is_blocked: bool
    consent_given: bool
    days_past_due: int
    worst_days_past_due_12m: int


_FREEZES: Final = {
    FreezeReason.BORROWER: ("asked_to_freeze", "lift_own_freeze"),
    FreezeReason.OFFICER: ("frozen_by_officer", "ask_person"),
    FreezeReason.RISK: ("risk_freeze", "ask_person"),
    FreezeReason.OVERDUE: ("overdue_now", "pay_what_is_overdue"),
}


def in_the_way(standing: Standing, *, rules: PolicyRules) -> tuple[tuple[Reason, ...], tuple[Reason, ...]]:
    """Give why a line cannot be renewed, and what helps; two empty tuples when it can."""
    found: list[tuple[Reason, str]] = []
    if standing.is_blocked:
        found.append((reason("borrower_blocked"), "ask_person"))
    if standing.days_past_due > 0:
        found.append((reason("overdue_now"), "pay_what_is_overdue"))
    elif standing.worst_days_past_due_12m > rules.knock_outs.worst_days_past_due_12m:
        found.append((reason("overdue_past", days=standing.worst_days_past_due_12m), "apply_again"))
    if standing.status == LineStatus.FROZEN:
        code, way = _FREEZES[FreezeReason(standing.freeze_reason)]
        found.append((reason(code), way))
    elif standing.status == LineStatus.SUSPENDED:
        own = standing.freeze_reason == FreezeReason.EXCLUDED
        found.append(
            (
                reason("exclusion_stands" if own else "suspended_by_officer"),
                "apply_again" if own else "ask_person",
            )
        )
    if not standing.consent_given:
        found.append((reason("consent_withdrawn"), "give_consent"))
    why = first_reasons(item for item, _ in found)
    return why, first_reasons(recourse(way) for _, way in found)

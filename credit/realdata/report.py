"""Say what came of it, in numbers and in lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from credit.realdata.learning import Agreement, separation
from credit.realdata.lending import DEFAULT_DAYS, Case, Clock
from loans.models import Loan

GROUPS = {
    "approved": ("APPROVE", "COUNTER_OFFER"),
    "referred": ("REFER",),
    "declined": ("DECLINE",),
    "refused": ("REFUSED",),
}


def figures(cases: Sequence[Case], clock: Clock, *, collections: int, nights: int) -> dict[str, Any]:
    """Count decisions, outcomes and what the books say of the loans."""
    groups = {}
    for name, outcomes in GROUPS.items():
        members = [case for case in cases if case.outcome in outcomes]
        bads = sum(case.history.is_bad for case in members)
        groups[name] = {
            "count": len(members),
            "bad": bads,
            "bad_rate": bads / len(members) if members else None,
        }
    scored = [case for case in cases if case.pd is not None]
    seconds = clock.seconds
    decided = max(seconds.get("decisions", 0.0), 1e-9)
    with_statement = decided + seconds.get("statements", 0.0)
    return {
        "loans": len(cases),
        "bad": sum(case.history.is_bad for case in cases),
        "decisions": groups,
        "counter_offers": sum(case.outcome == "COUNTER_OFFER" for case in cases),
        "refusals": dict(Counter(case.problem for case in cases if case.problem)),
        "scored": len(scored),
        "separation": separation(
            [case.pd or 0.0 for case in scored], [case.history.is_bad for case in scored]
        ),
        "mean_pd": sum(case.pd or 0.0 for case in scored) / len(scored) if scored else None,
        "decisions_a_second": len(cases) / decided,
        "decisions_a_second_with_statement": len(cases) / with_statement,
        "drawn": lent(cases),
        "collections": collections,
        "nights": nights,
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "minors": sum(case.history.was_minor for case in cases),
        "scaled": sum(case.asked < case.history.amount for case in cases),
    }


def lent(cases: Sequence[Case]) -> dict[str, Any]:
    """Compare what became of the drawn loans in our books with history."""
    drawn = {case.drawdown.loan_id: case for case in cases if case.drawdown is not None}
    loans = Loan.objects.in_bulk(list(drawn))
    late = {pk for pk, loan in loans.items() if loan.worst_days_past_due > DEFAULT_DAYS}
    closed = {pk for pk, loan in loans.items() if loan.status == Loan.Status.CLOSED}
    bad = {pk for pk, case in drawn.items() if case.history.is_bad}
    return {
        "loans": len(drawn),
        "amount": str(sum((loan.principal for loan in loans.values()), start=0)),
        "paid_off": len(closed),
        "in_default": len(late),
        "owed_in_default": str(sum((loans[pk].principal_outstanding for pk in late), start=0)),
        "as_history_says": late == bad and closed == set(drawn) - bad,
    }


def lines(found: dict[str, Any]) -> list[str]:
    """Write the figures for people."""
    out = [
        f"{found['loans']} loans of 1997-98, {found['bad']} bad in history ({found['bad'] / max(found['loans'], 1):.1%})"
    ]
    for name, group in found["decisions"].items():
        if group["count"]:
            out.append(
                f"  {name:<9}{group['count']:>4}   bad {group['bad']:>3}   bad rate {group['bad_rate']:6.1%}"
            )
    told = found["separation"]
    if told["auc"] is not None:
        out.append(
            f"AUC of the stored probability of default {told['auc']:.3f} [{told['low']:.3f}, {told['high']:.3f}] "
            f"(95 %, DeLong, {found['scored']} scored); mean {found['mean_pd']:.3f}"
        )
    out.append(
        f"{found['decisions_a_second']:.1f} decisions a second; {found['decisions_a_second_with_statement']:.1f} with "
        "the statement's import"
    )
    drawn = found["drawn"]
    out.append(
        f"{drawn['loans']} loans drawn, {drawn['amount']} in all: {drawn['paid_off']} paid off, {drawn['in_default']} more than "
        f"{DEFAULT_DAYS} days late, owing {drawn['owed_in_default']}; "
        + ("as history says" if drawn["as_history_says"] else "NOT AS HISTORY SAYS")
    )
    out.append(
        f"{found['collections']} collections, {found['nights']} nights; {found['counter_offers']} counter-offers, "
        f"{found['scaled']} amounts at a third, {found['minors']} owners recorded as minors"
    )
    out.append("seconds: " + ", ".join(f"{name} {value}" for name, value in found["seconds"].items()))
    return out


def agreement_lines(rows: Sequence[Agreement], count: int) -> list[str]:
    """Write how far statistics and transactions agree."""
    out = [f"features from statistics against features from transactions, {count} loans that have both:"]
    for row in rows:
        out.append(
            f"  {row.feature:<24}correlation {row.correlation:.4f}   median ratio {row.middle_ratio:.3f}   "
            f"largest difference {row.largest_difference:,.1f}"
        )
    return out

"""Write down what was decided of an application: the decision, the line that it opens, the word to the borrower."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from accounts.models import User
from accounts.operations import NoticeOrder, queue_notices
from accounts.rows import insert_row
from credit.domain.decision import Decided, Outcome
from credit.domain.limits import burden
from credit.models import Application, Decision
from credit.notices import sentences
from credit.operations.lines import open_line
from credit.queries import rules_of
from credit.replay import applicant_from

Status = Application.Status
FINAL = {
    Outcome.APPROVE: Status.APPROVED,
    Outcome.COUNTER_OFFER: Status.APPROVED,
    Outcome.DECLINE: Status.DECLINED,
}


def _affordability(application: Application, inputs: dict[str, Any], decided: Decided) -> dict[str, Any]:
    """Say what the decision does to the months: instalments to income before it, and with its limit drawn in full."""
    means = applicant_from(inputs["applicant"]).means
    count = rules_of(application.policy).affordability.assumed_instalments
    return burden(means, limit=decided.limit, annual_rate=decided.annual_rate, count=count).to_dict()


def settle_application(application: Application, decided: Decided, as_of: date) -> None:
    """Put what was decided into the application's columns, unsaved."""
    final = decided.outcome != Outcome.REFER
    application.status = FINAL[decided.outcome] if final else Status.REFERRED
    application.decided_date = as_of if final else None


def record_decision(
    application: Application,
    decided: Decided,
    *,
    as_of: date,
    now: datetime,
    assessment_id: int | None,
    pd: Decimal | None,
    inputs: dict[str, Any],
    actor: User | None,
    note: str,
    number: int | None = None,
    has_line: bool = True,
) -> Decision:
    """Store the decision of an application that is settled, open the line, tell the borrower.

    `has_line` False: nobody needs to look whether there is a line already.
    """
    inputs = inputs | {"affordability": _affordability(application, inputs, decided)}
    decision = Decision(
        application=application,
        number=number or application.decisions.count() + 1,
        is_final=decided.outcome != Outcome.REFER,
        outcome=decided.outcome,
        limit=decided.limit,
        annual_rate=decided.annual_rate,
        grade=decided.grade,
        pd=pd,
        reasons=[item.to_dict() for item in decided.reasons],
        inputs=inputs,
        is_exploration=decided.is_exploration,
        assessment_id=assessment_id,
        policy=application.policy,
        decided_by=actor,
        note=note,
        decided_date=as_of,
        decided_at=now,
    )
    insert_row(decision)
    notice = NoticeOrder(
        application.borrower_id,
        f"application_{decided.outcome.lower()}",
        f"decision:{decision.ref}",
        {
            "application_ref": str(application.ref),
            "limit": f"{decided.limit:.2f}",
            "why": sentences(decision.reasons, language=application.borrower.language),
        },
    )
    if decided.limit > 0:
        open_line(
            application=application,
            decision=decision,
            decided=decided,
            actor=actor,
            as_of=as_of,
            has_line=has_line,
            told=(notice,),
        )
    else:
        queue_notices(orders=[notice])
    return decision

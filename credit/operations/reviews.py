"""A borrower asks for a person; a person answers, with reasons, by a date."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from django.db import transaction

from accounts.models import Borrower, User
from accounts.operations import queue_notice, write_audit
from credit.domain.reasons import reason
from credit.models import Application, Decision, LimitChange, ReviewRequest
from credit.operations.applications import OPEN
from credit.operations.lines import UnableToActOnOwn, change_limit, refuse_own, unfreeze_line
from credit.queries import regime_now
from regimes.errors import N_, InvalidInput, NotFound, Refusal

MOST_TEXT = 2_000


class UnableToAskForReview(Refusal):
    """Refuse a request for a person."""


class UnableToAnswerReview(InvalidInput):
    """Refuse an answer."""


def request_review(
    *,
    borrower: Borrower,
    actor: User | None,
    as_of: date,
    decision: Decision | None = None,
    limit_change: LimitChange | None = None,
    text: str = "",
) -> ReviewRequest:
    """Ask for a person to look at a decision or at a change of the limit; asking twice is one request."""
    if len(text) > MOST_TEXT:
        raise UnableToAnswerReview(
            "too_long", N_("Use at most %(maximum)s characters."), field="text", params={"maximum": MOST_TEXT}
        )
    about = {"decision": decision, "limit_change": limit_change}
    if (decision is None) == (limit_change is None):
        raise UnableToAskForReview("review_subject", N_("Choose one decision or one change of the limit."))
    owner = (
        decision.application.borrower_id if decision else limit_change.line.borrower_id if limit_change else 0
    )
    if owner != borrower.pk:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    with transaction.atomic():
        Borrower.objects.select_for_update(of=("self",)).get(pk=borrower.pk)
        waiting = ReviewRequest.objects.filter(**about, status=ReviewRequest.Status.OPEN).first()
        if waiting is not None:
            return waiting
        request = ReviewRequest(
            borrower=borrower,
            **about,
            text=text,
            requested_date=as_of,
            answer_by_date=as_of + timedelta(days=regime_now().review_answer_days),
        )
        request.save(force_insert=True)
        write_audit(
            actor=actor,
            action="review.request",
            object_type="credit.ReviewRequest",
            object_ref=str(request.ref),
        )
    return request


def answer_review(
    *, request_id: int, is_changed: bool, answer: str, actor: User, as_of: date
) -> ReviewRequest:
    """Answer a borrower's request with reasons; an answer that changes something does so, in the same transaction.

    A limit that fell is put back, a freeze is lifted, a declined application waits for an officer's decision again. Whoever
    decided first does not answer.
    """
    if not answer.strip():
        raise UnableToAnswerReview("required", N_("Write why, so that others understand it."), field="answer")
    with transaction.atomic():
        request = ReviewRequest.objects.select_for_update(of=("self",)).filter(pk=request_id).first()
        if request is None:
            raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
        refuse_own(actor=actor, borrower_id=request.borrower_id)
        if request.status != ReviewRequest.Status.OPEN:
            raise UnableToAskForReview("review_answered", N_("This request was answered already."))
        _refuse_first_decider(request, actor)
        remedy = _remedy(request, actor, answer, as_of) if is_changed else ""
        request.status = ReviewRequest.Status.CHANGED if is_changed else ReviewRequest.Status.UPHELD
        request.answer, request.answered_by, request.answered_date = answer, actor, as_of
        request.save(update_fields=["status", "answer", "answered_by", "answered_date"])
        queue_notice(
            borrower_id=request.borrower_id,
            kind="review_answered",
            dedup_key=f"review:{request.ref}",
            params={"review_ref": str(request.ref)},
        )
        write_audit(
            actor=actor,
            action="review.answer",
            object_type="credit.ReviewRequest",
            object_ref=str(request.ref),
            after={"status": request.status, "remedy": remedy},
            reason=answer,
        )
    return request


def _refuse_first_decider(request: ReviewRequest, actor: User) -> None:
    change, decision = request.limit_change, request.decision
    first = change.actor_id if change else decision.decided_by_id if decision else None
    if first == actor.pk:
        raise UnableToActOnOwn(
            "own_decision", N_("You made this decision. Another person must look at it again.")
        )


def _remedy(request: ReviewRequest, actor: User, answer: str, as_of: date) -> str:
    """Do what the answer promises, as far as the engine can know it; give what was done."""
    change, decision = request.limit_change, request.decision
    if decision is not None and decision.outcome == Decision.Outcome.DECLINE:
        return _reopen(decision, as_of)
    if change is None:
        return ""
    line = change.line
    if change.direction == LimitChange.Direction.DOWN and line.status in ("ACTIVE", "FROZEN"):
        granted = Decimal((change.inputs or {}).get("granted", [str(change.old_limit)])[0])
        if granted > line.parts.granted:
            change_limit(line_id=line.pk, limit=granted, reason=answer, actor=actor, as_of=as_of)
            return "limit"
    if change.direction == LimitChange.Direction.FREEZE and line.status == "FROZEN":
        unfreeze_line(line_id=line.pk, actor=actor, as_of=as_of, reason=answer)
        return "unfreeze"
    return ""


def _reopen(decision: Decision, as_of: date) -> str:
    """Put a declined application before an officer again, as a new one with what was known then."""
    old = decision.application
    if Application.objects.filter(borrower_id=old.borrower_id, status__in=OPEN).exists():
        return ""
    again = Application(
        borrower_id=old.borrower_id,
        product=old.product,
        policy=old.policy,
        requested_amount=old.requested_amount,
        purpose=old.purpose,
        occupation=old.occupation,
        status=Application.Status.REFERRED,
        submitted_by=old.submitted_by,
        submitted_date=as_of,
        submitted_at=decision.decided_at,
    )
    again.save(force_insert=True)
    Decision(
        application=again,
        number=1,
        is_final=False,
        outcome=Decision.Outcome.REFER,
        pd=decision.pd,
        reasons=[reason("review_reopened").to_dict(), *decision.reasons][:4],
        inputs=decision.inputs,
        assessment_id=decision.assessment_id,
        policy=decision.policy,
        decided_date=as_of,
        decided_at=decision.decided_at,
    ).save(force_insert=True)
    return "reopened"

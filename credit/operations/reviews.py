"""A borrower asks for a person; a person answers, with reasons, by a date."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import transaction

from accounts.models import Borrower, User
from accounts.operations import queue_notice, write_audit
from credit.models import Decision, LimitChange, ReviewRequest
from credit.operations.lines import refuse_own
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
            answer_by_date=as_of + timedelta(days=regime_now().adverse_notice_days),
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
    """Answer a borrower's request; what changes is done by its own operation and named in the answer."""
    if not answer.strip():
        raise UnableToAnswerReview("required", N_("Write why, so that others understand it."), field="answer")
    with transaction.atomic():
        request = ReviewRequest.objects.select_for_update(of=("self",)).filter(pk=request_id).first()
        if request is None:
            raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
        refuse_own(actor=actor, borrower_id=request.borrower_id)
        if request.status != ReviewRequest.Status.OPEN:
            raise UnableToAskForReview("review_answered", N_("This request was answered already."))
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
            after={"status": request.status},
            reason=answer,
        )
    return request

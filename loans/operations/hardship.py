"""When it gets hard: asked by the borrower, offered by an officer, accepted by the borrower, done by the loan's events."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from accounts.access import role_for
from accounts.domain.uploads import check_paper
from accounts.models import User
from accounts.operations import queue_notice, write_audit
from ledger.domain.money import ZERO, is_money
from loans.domain.hardship import (
    WAITING,
    HardshipStatus,
    PlanStatus,
    UnableToMoveHardship,
    UnableToPlan,
    check_measures,
    check_move,
    last_day_to_accept,
    plan_events,
    preview_plan,
)
from loans.models import HardshipPaper, HardshipPlan, HardshipRequest, Loan
from loans.operations.events import lock_loan, read_events, write_event
from regimes.errors import N_, InvalidInput, NotFound, Refusal

ANSWER_DAYS = 7
OFFER_DAYS = 14
MOST_TEXT = 2_000
MOST_PAPERS = 5


class UnableToAskForHelp(Refusal):
    """Refuse a hardship request."""


class UnableToReadRequest(InvalidInput):
    """Refuse a field of a hardship request or of its answer."""


class UnableToActOnOwnLoan(Refusal):
    """Refuse an officer who is the borrower, or a member of the borrowing business."""

    http_status = 403


def request_hardship(
    *,
    loan_id: int,
    reason: str,
    wish: str,
    actor: User | None,
    as_of: date,
    text: str = "",
    affordable: Decimal | None = None,
    until_date: date | None = None,
    papers: Iterable[bytes] = (),
) -> HardshipRequest:
    """Write down that a loan got hard to pay; while one request waits, asking again gives that one.

    `papers` are the bytes of PDF, PNG or JPEG files. An officer may write it down for a borrower who telephones.
    """
    _check_request(reason=reason, wish=wish, text=text, affordable=affordable, until=until_date, as_of=as_of)
    kept = list(papers)
    kinds = [check_paper(content, field="papers") for content in kept]
    with transaction.atomic():
        loan = lock_loan(loan_id=loan_id)
        if not loan.is_live:
            raise UnableToAskForHelp(
                "loan_not_running", N_("This loan does not run. Nothing has to be paid.")
            )
        waiting = HardshipRequest.objects.filter(loan_id=loan.pk, status__in=list(WAITING)).first()
        if waiting is not None:
            _keep_papers(waiting, kept, kinds, as_of=as_of)
            return waiting
        request = HardshipRequest(
            loan=loan,
            reason=reason,
            wish=wish,
            text=text,
            affordable=affordable,
            until_date=until_date,
            requested_date=as_of,
            answer_by_date=as_of + timedelta(days=ANSWER_DAYS),
            actor=actor,
        )
        request.save(force_insert=True)
        _keep_papers(request, kept, kinds, as_of=as_of)
        _tell(request, kind="hardship_received", date=request.answer_by_date.isoformat())
        _audit(request, "hardship.request", actor=actor, after={"reason": reason, "wish": wish})
    return request


def _check_request(
    *, reason: str, wish: str, text: str, affordable: Decimal | None, until: date | None, as_of: date
) -> None:
    if reason not in HardshipRequest.Reason.values:
        raise UnableToReadRequest("reason_invalid", N_("Choose a reason from the list."), field="reason")
    if wish not in HardshipRequest.Wish.values:
        raise UnableToReadRequest("wish_invalid", N_("Choose what would help."), field="wish")
    _check_text(text, "text")
    if affordable is not None and (not is_money(affordable) or not ZERO <= affordable < 10**12):
        raise UnableToReadRequest(
            "amount_invalid", N_("Enter an amount such as 1500.00."), field="affordable"
        )
    if until is not None and not as_of < until <= as_of + timedelta(days=731):
        raise UnableToReadRequest(
            "date_out_of_range", N_("Choose a day after today and within two years."), field="until_date"
        )


def _check_text(text: str, field: str) -> None:
    if len(text) > MOST_TEXT:
        raise UnableToReadRequest(
            "too_long", N_("Use at most %(maximum)s characters."), field=field, params={"maximum": MOST_TEXT}
        )


def add_hardship_papers(
    *, request_id: int, papers: Iterable[bytes], actor: User | None, as_of: date
) -> HardshipRequest:
    """Add papers to a request that waits; the same paper twice is kept once."""
    kept = list(papers)
    kinds = [check_paper(content, field="papers") for content in kept]
    with transaction.atomic():
        request = _lock(request_id)
        if not request.is_waiting:
            check_move(HardshipStatus(request.status), HardshipStatus.OFFERED)
        _keep_papers(request, kept, kinds, as_of=as_of)
        _audit(request, "hardship.papers", actor=actor, after={"papers": request.papers.count()})
    return request


def _keep_papers(
    request: HardshipRequest, papers: Sequence[bytes], kinds: Sequence[str], *, as_of: date
) -> None:
    known = set(request.papers.values_list("digest", flat=True))
    for content, media_type in zip(papers, kinds, strict=True):
        digest = hashlib.sha256(content).hexdigest()
        if digest in known:
            continue
        if len(known) >= MOST_PAPERS:
            raise UnableToReadRequest(
                "quota",
                N_("At most %(maximum)s papers are kept with one request."),
                field="papers",
                params={"maximum": MOST_PAPERS},
            )
        known.add(digest)
        HardshipPaper(
            request=request,
            media_type=media_type,
            size=len(content),
            digest=digest,
            content=base64.b64encode(content).decode("ascii"),
            added_date=as_of,
        ).save(force_insert=True)


def withdraw_hardship(*, request_id: int, actor: User | None, as_of: date) -> HardshipRequest:
    """Take a request back; an offered plan falls away with it."""
    with transaction.atomic():
        request = _lock(request_id)
        if request.status == HardshipStatus.WITHDRAWN:
            return request
        _end_offer(request, PlanStatus.REPLACED, actor=actor, as_of=as_of)
        _move(request, HardshipStatus.WITHDRAWN, as_of=as_of)
        _audit(request, "hardship.withdraw", actor=actor)
    return request


def offer_hardship_plan(
    *,
    request_id: int,
    measures: Sequence[Mapping[str, Any]],
    actor: User,
    as_of: date,
    words: str = "",
    valid_until: date | None = None,
) -> HardshipPlan:
    """Offer a plan: measures as in `loans.domain.hardship.FIELDS`. A plan offered before is replaced by it.

    The plan is folded on the loan first, so that nothing is offered that cannot be carried out.
    """
    _check_text(words, "words")
    checked = check_measures(measures, as_of=as_of)
    last = last_day_to_accept(checked, wanted=valid_until or as_of + timedelta(days=OFFER_DAYS))
    if last < as_of:
        raise UnableToPlan(
            "valid_until_past", N_("The plan must be open for an answer."), field="valid_until"
        )
    with transaction.atomic():
        request = _lock(request_id)
        _refuse_own(actor, request)
        check_move(HardshipStatus(request.status), HardshipStatus.OFFERED)
        loan = request.loan
        preview_plan(checked, terms=loan.agreed, events=read_events(loan_id=loan.pk), value_date=as_of)
        _end_offer(request, PlanStatus.REPLACED, actor=actor, as_of=as_of)
        plan = HardshipPlan(
            request=request,
            number=request.plans.count() + 1,
            measures=checked,
            words=words,
            offered_by=actor,
            offered_date=as_of,
            valid_until=last,
        )
        plan.save(force_insert=True)
        _move(request, HardshipStatus.OFFERED, as_of=as_of)
        _tell(request, kind="hardship_offer", number=plan.number, date=last.isoformat())
        _audit(
            request,
            "hardship.offer",
            actor=actor,
            after={"plan": str(plan.ref), "measures": [item["kind"] for item in checked]},
        )
    return plan


def refuse_hardship(*, request_id: int, answer: str, actor: User, as_of: date) -> HardshipRequest:
    """Refuse a request, with the reason for the borrower."""
    if not answer.strip():
        raise UnableToReadRequest("required", N_("Write why, so that others understand it."), field="answer")
    _check_text(answer, "answer")
    with transaction.atomic():
        request = _lock(request_id)
        _refuse_own(actor, request)
        _end_offer(request, PlanStatus.REPLACED, actor=actor, as_of=as_of)
        request.answer, request.answered_by, request.answered_date = answer, actor, as_of
        _move(request, HardshipStatus.REFUSED, as_of=as_of)
        _tell(request, kind="hardship_refused")
        _audit(request, "hardship.refuse", actor=actor, reason=answer)
    return request


def accept_hardship_plan(*, plan_id: int, actor: User | None, as_of: date) -> HardshipPlan:
    """Accept a plan: its measures become events of the loan, in one transaction. Accepting twice is once."""
    with transaction.atomic():
        plan, request = _lock_plan(plan_id)
        if plan.status == PlanStatus.ACCEPTED:
            return plan
        _check_open(plan, as_of=as_of)
        loan = request.loan
        added = plan_events(
            plan.measures,
            terms=loan.agreed,
            events=read_events(loan_id=loan.pk),
            value_date=as_of,
            ref=f"hardship:{plan.ref.hex}",
        )
        for event in added:
            write_event(loan=loan, event=event, as_of=as_of, actor=actor)
        _answer(plan, PlanStatus.ACCEPTED, actor=actor, as_of=as_of)
        _move(request, HardshipStatus.ACCEPTED, as_of=as_of)
        _tell(request, kind="hardship_runs")
        _audit(
            request,
            "hardship.accept",
            actor=actor,
            after={"plan": str(plan.ref), "events": [event.kind.value for event in added]},
        )
    return plan


def decline_hardship_plan(*, plan_id: int, actor: User | None, as_of: date) -> HardshipPlan:
    """Decline a plan; the request waits for another. Declining twice is once."""
    with transaction.atomic():
        plan, request = _lock_plan(plan_id)
        if plan.status == PlanStatus.DECLINED:
            return plan
        if plan.status != PlanStatus.OFFERED:
            raise _not_open()
        _answer(plan, PlanStatus.DECLINED, actor=actor, as_of=as_of)
        request.answer_by_date = as_of + timedelta(days=ANSWER_DAYS)
        request.save(update_fields=["answer_by_date"])
        _move(request, HardshipStatus.OPEN, as_of=as_of)
        _audit(request, "hardship.decline", actor=actor, after={"plan": str(plan.ref)})
    return plan


def _lock(request_id: int) -> HardshipRequest:
    """Lock the loan, then the request."""
    loan_id = HardshipRequest.objects.filter(pk=request_id).values_list("loan_id", flat=True).first()
    if loan_id is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    loan = lock_loan(loan_id=loan_id)
    request = HardshipRequest.objects.select_for_update(of=("self",)).get(pk=request_id)
    request.loan = loan
    return request


def _lock_plan(plan_id: int) -> tuple[HardshipPlan, HardshipRequest]:
    request_id = HardshipPlan.objects.filter(pk=plan_id).values_list("request_id", flat=True).first()
    if request_id is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    request = _lock(request_id)
    plan = HardshipPlan.objects.select_for_update(of=("self",)).get(pk=plan_id)
    return plan, request


def _check_open(plan: HardshipPlan, *, as_of: date) -> None:
    if plan.status != PlanStatus.OFFERED:
        raise _not_open()
    if plan.has_lapsed(as_of=as_of):
        raise UnableToMoveHardship(
            "plan_lapsed",
            N_("This plan could be accepted until %(date)s. Ask for a new one."),
            params={"date": plan.valid_until},
        )


def _not_open() -> UnableToMoveHardship:
    return UnableToMoveHardship(
        "plan_not_open", N_("This plan is no longer open. Reload the page to see the present one.")
    )


def _answer(plan: HardshipPlan, status: PlanStatus, *, actor: User | None, as_of: date) -> None:
    plan.status, plan.answered_date, plan.answered_by = status.value, as_of, actor
    plan.save(update_fields=["status", "answered_date", "answered_by"])


def _end_offer(request: HardshipRequest, status: PlanStatus, *, actor: User | None, as_of: date) -> None:
    for plan in request.plans.select_for_update(of=("self",)).filter(status=PlanStatus.OFFERED):
        _answer(plan, status, actor=actor, as_of=as_of)


def _move(request: HardshipRequest, after: HardshipStatus, *, as_of: date) -> None:
    request.status = check_move(HardshipStatus(request.status), after).value
    request.closed_date = None if request.is_waiting else as_of
    request.save(update_fields=["status", "closed_date", "answer", "answered_by", "answered_date"])


def _refuse_own(actor: User, request: HardshipRequest) -> None:
    borrower = request.loan.borrower
    if role_for(user=actor, borrower=borrower) is not None:
        raise UnableToActOnOwnLoan("own_item", N_("You cannot decide on your own affairs. Ask a colleague."))


def _tell(request: HardshipRequest, *, kind: str, number: int = 0, **params: str) -> None:
    loan: Loan = request.loan
    queue_notice(
        borrower_id=loan.borrower_id,
        kind=kind,
        dedup_key=f"{kind}:{request.ref}:{number}",
        params={"loan_ref": str(loan.ref), "request_ref": str(request.ref), **params},
    )


def _audit(
    request: HardshipRequest,
    action: str,
    *,
    actor: User | None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
) -> None:
    write_audit(
        actor=actor,
        action=action,
        object_type="loans.HardshipRequest",
        object_ref=str(request.ref),
        after={"status": request.status, **(after or {})},
        reason=reason,
    )

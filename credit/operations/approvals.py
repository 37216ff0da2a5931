"""Ask for, approve, refuse and take back a draw that needs two members."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from accounts.models import Borrower, BusinessMember, BusinessProfile, User
from accounts.operations import queue_notice, second_above, write_audit
from credit.domain.approvals import (
    OPEN_HOURS,
    SPENDERS,
    ApprovalNeeded,
    Spender,
    UnableToApprove,
    check_second,
    check_somebody,
    needs_second,
)
from credit.models import CreditLine, Drawdown, DrawRequest
from regimes.errors import N_, NotFound

Status = DrawRequest.Status


def spenders_of(*, business_id: int) -> dict[int, Spender]:
    """Give the members of a business who may draw, by user."""
    rows = BusinessMember.objects.filter(business_id=business_id, is_active=True, role__in=SPENDERS)
    return {
        user_id: Spender(user_id, role, draw_limit)
        for user_id, role, draw_limit in rows.values_list("user_id", "role", "draw_limit")
    }


def refuse_alone(
    *, line: CreditLine, amount: Decimal, actor: User | None, approved_by: User | None, as_of: date
) -> None:
    """Pass a draw that one member may make, or that a second approved; refuse the rest. Call under the line's lock."""
    if actor is None or line.borrower.kind == Borrower.Kind.PERSON:
        return
    spenders = spenders_of(business_id=line.borrower_id)
    spender = spenders.get(actor.pk)
    if spender is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    profile = BusinessProfile.objects.filter(borrower_id=line.borrower_id).first()
    above = second_above(profile=profile, as_of=as_of) if profile is not None else None
    if not needs_second(spender=spender, amount=amount, second_above=above):
        return
    if approved_by is None:
        raise ApprovalNeeded(
            "approval_needed", N_("A second member has to approve a draw of this amount."), field="amount"
        )
    approver = spenders.get(approved_by.pk)
    if approver is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    check_second(approver=approver, asked_by_id=actor.pk, amount=amount)


def ask_for_draw(
    *,
    line_id: int,
    amount: Decimal,
    instalment_count: int,
    repayment_method: str,
    purpose: str,
    scenario: str,
    terms_version: str,
    bank_account_id: int,
    idempotency_key: str,
    actor: User,
    now: datetime,
    evidence: uuid.UUID | None = None,
    payee: uuid.UUID | None = None,
    invoice: uuid.UUID | None = None,
) -> DrawRequest:
    """Put a draw before the other members; the same key gives the first request."""
    with transaction.atomic():
        line = CreditLine.objects.select_for_update(of=("self",)).get(pk=line_id)
        before = DrawRequest.objects.filter(line=line, idempotency_key=idempotency_key).first()
        if before is not None:
            return before
        spenders = spenders_of(business_id=line.borrower_id)
        check_somebody(others=[it for it in spenders.values() if it.user_id != actor.pk], amount=amount)
        request = DrawRequest.objects.create(
            line=line,
            amount=amount,
            instalment_count=instalment_count,
            repayment_method=repayment_method,
            purpose=purpose,
            scenario=scenario,
            terms_version=terms_version,
            bank_account_id=bank_account_id,
            evidence=evidence,
            payee=payee,
            invoice=invoice,
            idempotency_key=idempotency_key,
            asked_by=actor,
            asked_at=now,
            expires_at=now + timedelta(hours=OPEN_HOURS),
        )
        _audit(request, actor, "draw_request.asked", after={"amount": f"{amount:.2f}"})
        queue_notice(
            borrower_id=line.borrower_id,
            kind="draw_needs_second",
            dedup_key=f"draw_request:{request.ref}",
            params={"amount": f"{amount:.2f}", "request_ref": str(request.ref)},
            channels=("IN_APP", "EMAIL"),
        )
    return request


def approve_draw(*, request_id: int, actor: User, as_of: date, now: datetime) -> Drawdown:
    """Say yes as another member: the money is drawn in the same transaction. Saying it twice gives the first draw."""
    from credit.operations.drawdowns import draw_down  # it asks this module first

    with transaction.atomic():
        request = _locked(request_id)
        if request.status == Status.APPROVED:
            assert request.drawdown is not None
            return request.drawdown
        _refuse_closed(request, now)
        drawdown = draw_down(
            line_id=request.line_id,
            amount=request.amount,
            instalment_count=request.instalment_count,
            repayment_method=request.repayment_method,
            purpose=request.purpose,
            scenario=request.scenario,
            terms_version=request.terms_version,
            bank_account_id=request.bank_account_id,
            evidence=request.evidence,
            payee=request.payee,
            invoice=request.invoice,
            idempotency_key=request.idempotency_key,
            actor=request.asked_by,
            approved_by=actor,
            as_of=as_of,
        )
        _decide(request, Status.APPROVED, actor, now, drawdown=drawdown)
    return drawdown


def refuse_draw(*, request_id: int, actor: User, note: str, now: datetime) -> DrawRequest:
    """Say no as another member who could have said yes."""
    with transaction.atomic():
        request = _locked(request_id)
        if request.status == Status.REFUSED:
            return request
        _refuse_closed(request, now)
        approver = spenders_of(business_id=request.line.borrower_id).get(actor.pk)
        if approver is None:
            raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
        check_second(approver=approver, asked_by_id=request.asked_by_id, amount=request.amount)
        _decide(request, Status.REFUSED, actor, now, note=note.strip()[:200])
        queue_notice(
            borrower_id=request.line.borrower_id,
            kind="draw_second_refused",
            dedup_key=f"draw_request:{request.ref}:refused",
            params={"amount": f"{request.amount:.2f}"},
        )
    return request


def withdraw_draw_request(*, request_id: int, actor: User, now: datetime) -> DrawRequest:
    """Take back what one asked for."""
    with transaction.atomic():
        request = _locked(request_id)
        if request.status == Status.WITHDRAWN:
            return request
        _refuse_closed(request, now, is_own=True)
        if request.asked_by_id != actor.pk:
            raise UnableToApprove("not_yours", N_("Only who asked can take it back."))
        _decide(request, Status.WITHDRAWN, actor, now)
    return request


def _locked(request_id: int) -> DrawRequest:
    """Lock the line first, then the request: the order of every operation."""
    line_id = DrawRequest.objects.values_list("line_id", flat=True).get(pk=request_id)
    CreditLine.objects.select_for_update(of=("self",)).get(pk=line_id)
    return (
        DrawRequest.objects.select_for_update(of=("self",))
        .select_related("line__borrower", "asked_by", "drawdown")
        .get(pk=request_id)
    )


def _refuse_closed(request: DrawRequest, now: datetime, *, is_own: bool = False) -> None:
    if request.status != Status.WAITING:
        raise UnableToApprove("already_decided", N_("This draw was decided meanwhile. Look at it again."))
    if request.expires_at <= now and not is_own:
        raise UnableToApprove("expired", N_("This request is older than three days. Ask again."))


def _decide(request: DrawRequest, status: str, actor: User, now: datetime, **values: Any) -> None:
    request.status, request.decided_by, request.decided_at = status, actor, now
    for name, value in values.items():
        setattr(request, name, value)
    request.save(update_fields=["status", "decided_by", "decided_at", *values])
    _audit(request, actor, f"draw_request.{status.lower()}", after={"amount": f"{request.amount:.2f}"})


def _audit(request: DrawRequest, actor: User, action: str, after: dict[str, Any]) -> None:
    write_audit(
        actor=actor, action=action, object_type="credit.DrawRequest", object_ref=request.ref, after=after
    )

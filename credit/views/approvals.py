"""A draw that needs two members: what waits, its whole cost, and the second member's yes or no."""

from __future__ import annotations

import hashlib
import time
import uuid
from typing import Any

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from django import forms
from django.contrib import messages
from django.core import signing
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from accounts import access as accounts_access
from accounts.models import BankAccount
from accounts.pages import SignedIn, StrictForm, page, refuse, sentence, signed_in
from credit import access, operations, queries
from credit.models import DrawRequest, Payee
from credit.operations import approvals
from credit.views.words import Cost, cost_of, purpose_name
from credit.views.working import cases, put_forward, rate_words, repaid_words, term_words, working_product
from ledger.queries import business_date
from loans.domain.quotes import Quote
from loans.tasks import wake_payout
from loans.views.wake import wake
from regimes.errors import N_, Refusal

SALT = "credit.second"


class UnableToSignSecond(Refusal):
    """Refuse a yes to a table that was not read, or is no longer true."""


class ApproveForm(StrictForm):
    """The second member's yes."""

    seal = forms.CharField(widget=forms.HiddenInput)
    agree = forms.BooleanField(
        label=gettext_lazy("I have read the cost and agree for the business"),
        error_messages={"required": gettext_lazy("Tick the box if you agree.")},
    )


def _own(request: SignedIn, ref: uuid.UUID) -> DrawRequest:
    return access.own_draw_request(user=request.user, ref=ref)


def _quote(found: DrawRequest) -> Quote:
    return queries.draw_quote(
        line_id=found.line_id,
        amount=found.amount,
        instalment_count=found.instalment_count,
        repayment_method=found.repayment_method,
        as_of=business_date(),
        product=working_product(found.line, found.scenario),
        invoice=found.invoice,
    )


def _cost(found: DrawRequest) -> Cost:
    return cost_of(_quote(found))


def _print(cost: Cost) -> str:
    rows = [(row.due_date.isoformat(), str(row.total)) for row in cost.rows]
    return hashlib.sha256(repr((rows, str(cost.irr))).encode()).hexdigest()[:24]


@require_GET
@signed_in
def one(request: SignedIn, ref: uuid.UUID) -> HttpResponse:
    """Show what was asked, by whom, and what it costs."""
    return _page(request, _own(request, ref))


def _page(
    request: SignedIn, found: DrawRequest, *, form: ApproveForm | None = None, status: int = 200
) -> HttpResponse:
    if found.drawdown is not None:
        return redirect("credit:drawdown", found.drawdown.ref)
    try:
        quoted = _quote(found)
    except Refusal as refusal:  # sales or the invoice are no longer what they were
        return _gone(request, found, refusal)
    cost, terms, now = cost_of(quoted), quoted.terms, timezone.now()
    is_open = found.status == DrawRequest.Status.WAITING and found.expires_at > now
    spender = approvals.spenders_of(business_id=found.line.borrower_id).get(request.user.pk)
    is_own = found.asked_by_id == request.user.pk
    seal = signing.dumps([str(found.ref), request.user.pk, _print(cost), int(time.time())], salt=SALT)
    payee = Payee.objects.select_related("account").filter(ref=found.payee).first() if found.payee else None
    account = payee.account if payee else BankAccount.objects.get(pk=found.bank_account_id)
    to = account.masked
    view = queries.line_view(line=found.line, as_of=business_date(), newest=0)
    context: dict[str, Any] = {
        "found": found,
        "cost": cost,
        "term": term_words(terms),
        "rate_label": rate_words(terms),
        "repaid": repaid_words(terms, *put_forward(found.line, found.scenario, found.invoice)),
        "cases": cases(terms),
        "purpose_label": purpose_name(found.purpose),
        "account": f"{payee.name} · {to}" if payee else to,
        "left": view.available - found.amount,
        "is_open": is_open,
        "is_own": is_own,
        "may_approve": is_open and not is_own and spender is not None and spender.covers(found.amount),
        "form": form or ApproveForm(initial={"seal": seal}),
        "reading_seconds": queries.regime_now().reading_seconds,
    }
    return page(
        request, "credit/draw_request.html", context, borrower=found.line.borrower, here="home", status=status
    )


def _gone(request: SignedIn, found: DrawRequest, refusal: Refusal) -> HttpResponse:
    """Show a request that can no longer be drawn: what was asked, and why not."""
    context = {
        "found": found,
        "why_not": sentence(refusal),
        "is_own": found.asked_by_id == request.user.pk,
        "purpose_label": purpose_name(found.purpose),
    }
    return page(request, "credit/draw_request_gone.html", context, borrower=found.line.borrower, here="home")


@require_POST
@signed_in
def approve(request: SignedIn, ref: uuid.UUID) -> HttpResponse:
    """Draw, because a second member says yes."""
    found = _own(request, ref)
    form = ApproveForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form=form, status=400)
    from credit.views.sign import STEP_UP_FROM  # which asks this module where a draw needs two

    if found.amount >= STEP_UP_FROM:
        raise_if_reauthentication_required(request, app="account")
    try:
        _check_read(form.cleaned_data["seal"], found, request.user.pk)
        drawdown = approvals.approve_draw(
            request_id=found.pk, actor=request.user, as_of=business_date(), now=timezone.now()
        )
    except Refusal as refusal:
        try:
            cost = _cost(found)
        except Refusal as newer:
            return _gone(request, found, newer)
        parts = [str(found.ref), request.user.pk, _print(cost), int(time.time())]
        fresh = ApproveForm({"agree": "on", "seal": signing.dumps(parts, salt=SALT)})
        fresh.is_valid()
        shown = form if refusal.code == "reading_time" else fresh
        return _page(request, found, form=shown, status=refuse(shown, refusal))
    wake(wake_payout, drawdown.loan.payout.pk)
    return redirect("credit:drawdown", drawdown.ref)


def _check_read(seal: str, found: DrawRequest, user_id: int) -> None:
    """See that this member had this table before the eyes long enough, and that it still is the table."""
    try:
        ref, reader, shown, at = signing.loads(seal, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise UnableToSignSecond("terms_outdated", N_("The terms changed. Please read them.")) from None
    if (ref, reader) != (str(found.ref), user_id) or shown != _print(_cost(found)):
        raise UnableToSignSecond("terms_outdated", N_("The terms changed. Please read them."))
    left = queries.regime_now().reading_seconds - (int(time.time()) - int(at))
    if left > 0:
        raise UnableToSignSecond(
            "reading_time",
            N_("Take %(seconds)s more seconds to read the table, then sign. Nothing was borrowed yet."),
            params={"seconds": left},
        )


@require_POST
@signed_in
def turn_down(request: SignedIn, ref: uuid.UUID) -> HttpResponse:
    """Say no, or take back what one asked for."""
    found = _own(request, ref)
    try:
        if found.asked_by_id == request.user.pk:
            approvals.withdraw_draw_request(request_id=found.pk, actor=request.user, now=timezone.now())
            messages.success(request, _("Taken back. Nothing was borrowed."))
        else:
            approvals.refuse_draw(
                request_id=found.pk,
                actor=request.user,
                note=str(request.POST.get("note", "")),
                now=timezone.now(),
            )
            messages.success(request, _("Refused. Nothing was borrowed."))
    except Refusal as refusal:
        messages.error(request, sentence(refusal))
    return redirect("credit:draw-request", found.ref)


def ask_instead(request: SignedIn, *, line_id: int, choice: Any, key: str) -> HttpResponse:
    """Put the draw that was just signed before the other members; the confirm page calls it."""
    own = None if choice.payee else accounts_access.own_bank_account(user=request.user, ref=choice.account)
    asked = operations.ask_for_draw(
        line_id=line_id,
        amount=choice.amount,
        instalment_count=choice.count,
        repayment_method=choice.method,
        purpose=choice.purpose,
        scenario=choice.scenario,
        terms_version=choice.terms_version,
        bank_account_id=own.pk if own else 0,
        evidence=uuid.UUID(choice.evidence) if choice.evidence else None,
        payee=uuid.UUID(choice.payee) if choice.payee else None,
        invoice=uuid.UUID(choice.invoice) if choice.invoice else None,
        idempotency_key=key,
        actor=request.user,
        now=timezone.now(),
    )
    messages.success(
        request, _("Nothing is borrowed yet: the other members are asked. You are told what they say.")
    )
    return redirect("credit:draw-request", asked.ref)

"""When a loan gets hard to pay: ask, see what is offered, accept or decline."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import MAY_DRAW
from accounts.pages import SignedIn, page, refuse, sentence, signed_in
from ledger.queries import business_date
from loans import access, operations
from loans import hardship as questions
from loans.domain.hardship import HardshipStatus, PlanPreview
from loans.forms import HardshipForm
from loans.models import HardshipPlan, HardshipRequest, Loan
from loans.views.loan import for_loan
from loans.views.words import late_words, measure_words
from regimes.errors import Refusal

TAGS = {
    HardshipStatus.OPEN: "tag-warn",
    HardshipStatus.OFFERED: "tag-info",
    HardshipStatus.ACCEPTED: "tag-good",
    HardshipStatus.REFUSED: "tag-bad",
}


@require_http_methods(["GET", "POST"])
@for_loan(paying=True)
def hardship(request: SignedIn, loan: Loan) -> HttpResponse:
    """Show how it stands, and take a request or more papers."""
    as_of = business_date()
    found = questions.hardship_of(loan_id=loan.pk)
    asks = loan.is_live and (found is None or not found.is_waiting)
    form, status = HardshipForm(request.POST or None, request.FILES or None), 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                operations.request_hardship(
                    loan_id=loan.pk, actor=request.user, as_of=as_of, **form.operation_fields()
                )
                messages.success(request, _("We have your request. You hear from us by the day below."))
                return redirect("loans:hardship", loan.ref)
            except Refusal as refusal:
                status = refuse(form, refusal)
    context = {
        "loan": loan,
        "asks": asks,
        "form": form,
        "found": found,
        "tag": TAGS.get(HardshipStatus(found.status), "") if found else "",
        "late_words": late_words(loan),
        "as_of": as_of,
        **_plan(found, loan, as_of),
    }
    return page(request, "loans/hardship.html", context, borrower=loan.borrower, here="loans", status=status)


def _plan(found: HardshipRequest | None, loan: Loan, as_of: Any) -> dict[str, Any]:
    """Say what the offered plan does, beside the loan as it stands."""
    plan = questions.offered_plan(found) if found else None
    running = next((p for p in found.plans.all() if p.status == "ACCEPTED"), None) if found else None
    said = plan or running
    words = [measure_words(item) for item in said.measures] if said else []
    if plan is None or plan.has_lapsed(as_of=as_of):
        return {"plan": plan, "running": running, "plan_words": words, "lapsed": plan is not None}
    try:
        preview: PlanPreview | None = questions.preview(loan_id=loan.pk, measures=plan.measures, as_of=as_of)
    except Refusal:  # the loan moved on since the offer; accepting says why
        preview = None
    return {"plan": plan, "running": running, "plan_words": words, "preview": preview, "lapsed": False}


def _for_plan(view: Callable[..., HardshipPlan]) -> Callable[..., HttpResponse]:
    @require_POST
    @signed_in
    def inner(request: SignedIn, ref: uuid.UUID) -> HttpResponse:
        plan = access.own_hardship_plan(user=request.user, ref=ref, roles=MAY_DRAW)
        try:
            view(request, plan)
        except Refusal as refusal:
            messages.error(request, sentence(refusal))
        return redirect("loans:hardship", plan.request.loan.ref)

    return inner


@_for_plan
def accept(request: SignedIn, plan: HardshipPlan) -> HardshipPlan:
    """Accept a plan."""
    done = operations.accept_hardship_plan(plan_id=plan.pk, actor=request.user, as_of=business_date())
    messages.success(request, _("The plan runs. The loan shows its new days and amounts."))
    return done


@_for_plan
def decline(request: SignedIn, plan: HardshipPlan) -> HardshipPlan:
    """Decline a plan."""
    done = operations.decline_hardship_plan(plan_id=plan.pk, actor=request.user, as_of=business_date())
    messages.success(request, _("You declined the plan. We look for another one."))
    return done


@require_POST
@signed_in
def withdraw(request: SignedIn, ref: uuid.UUID) -> HttpResponse:
    """Take a request back."""
    found = access.own_hardship(user=request.user, ref=ref, roles=MAY_DRAW)
    try:
        operations.withdraw_hardship(request_id=found.pk, actor=request.user, as_of=business_date())
        messages.success(request, _("You withdrew your request. The loan stays as agreed."))
    except Refusal as refusal:
        messages.error(request, sentence(refusal))
    return redirect("loans:hardship", found.loan.ref)

"""Applying, and the page of each outcome."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import access as accounts_access
from accounts.access import MAY_DRAW
from accounts.models import Borrower
from accounts.pages import SignedIn, for_borrower, page, refuse, sentence, signed_in
from credit import access, operations, queries
from credit.domain.reasons import RECOURSES
from credit.forms import ApplyForm, ReviewForm
from credit.models import Application, CreditLine, Decision
from credit.views.home import for_line
from credit.views.words import cost_in_one_line, purpose_name, reason_texts, tasks_of
from ledger.queries import business_date
from regimes.errors import Refusal

# what a borrower can do about a reason; nothing is promised where nothing helps but time
AGAINST = {
    "overdue_now": "pay_on_time",
    "overdue_past": "pay_on_time",
    "risk_too_high": "connect_fresh",
    "evidence_missing": "connect_fresh",
    "evidence_stale": "connect_fresh",
    "income_unknown": "connect_fresh",
    "consent_withdrawn": "give_consent",
}


@require_http_methods(["GET", "POST"])
@for_borrower(MAY_DRAW)
def apply(request: SignedIn, borrower: Borrower) -> HttpResponse:
    """Take an application; the answer comes at once."""
    products = list(queries.products(borrower=borrower))
    chosen = request.POST.get("product_code") or request.GET.get("product", "")
    product = next((row for row in products if row.code == chosen), products[0])
    allowed = [("", _("Choose")), *((code, purpose_name(code)) for code in product.purposes)]
    form = ApplyForm(
        request.POST or None, products=products, purposes=allowed, asks_work=not borrower.is_business
    )
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                application = operations.submit_application(
                    borrower=borrower,
                    **form.cleaned_data,
                    actor=request.user,
                    as_of=business_date(),
                    now=timezone.now(),
                )
                return redirect("credit:application", application.ref)
            except Refusal as refusal:
                status = refuse(form, refusal, product="product_code")
    missing = tasks_of(queries.missing_steps(borrower=borrower), borrower=borrower, offer_url="", due_url="")
    context = {
        "form": form,
        "chosen": product.code,
        "missing": missing,
        "smallest": product.minimum_amount,
        "largest": product.maximum_amount,
        "forbidden": [purpose_name(code) for code in product.forbidden_purposes],
        "step": 5,
    }
    return page(request, "credit/apply.html", context, borrower=borrower, status=status)


@signed_in
def application(request: SignedIn, ref: uuid.UUID) -> HttpResponse:
    """Show what was decided and why, and what can be done about it."""
    return _answer(request, access.own_application(user=request.user, ref=ref))


def _answer(
    request: SignedIn, found: Application, *, form: ReviewForm | None = None, status: int = 200
) -> HttpResponse:
    decision = queries.decision_of(application=found)
    outcome = "WITHDRAWN" if found.status == "WITHDRAWN" else decision.outcome if decision else "REFER"
    line = _line_of(found) if outcome in ("APPROVE", "COUNTER_OFFER") else None
    review = decision.review_requests.filter(status="OPEN").first() if decision else None
    context: dict[str, Any] = {
        "application": found,
        "decision": decision,
        "outcome": outcome,
        "line": line,
        "reasons": reason_texts(decision.reasons) if decision else [],
        "recourse": _recourse(decision),
        "again_date": queries.apply_again_on(application=found) if outcome == "DECLINE" else None,
        "cost_words": cost_in_one_line(decision.annual_rate) if decision and decision.limit else "",
        "may_review": outcome in ("DECLINE", "COUNTER_OFFER"),
        "review": review,
        "review_form": form or ReviewForm(),
    }
    return page(
        request, "credit/application.html", context, borrower=found.borrower, here="home", status=status
    )


def _line_of(found: Application) -> CreditLine | None:
    """Give the line that the application's family has now."""
    lines = CreditLine.objects.filter(borrower_id=found.borrower_id, family=found.product.family)
    return lines.exclude(status="CLOSED").order_by("-pk").first()


def _recourse(decision: Decision | None) -> list[str]:
    """Say what would change a refusal, as far as scoring found it out."""
    if decision is None or decision.outcome != "DECLINE":
        return []
    codes = [item["code"] for item in decision.reasons]
    found = [
        RECOURSES[AGAINST[code]] for code in codes if code in AGAINST and "%(" not in RECOURSES[AGAINST[code]]
    ]
    return [_(text) for text in dict.fromkeys([*found, RECOURSES["ask_person"]])]


@require_POST
@for_line(spending=True)
def accept(request: SignedIn, line: CreditLine) -> HttpResponse:
    """Accept an offer."""
    try:
        operations.accept_offer(line_id=line.pk, actor=request.user, as_of=business_date())
        messages.success(request, _("The line is open. You can draw now."))
    except Refusal as refusal:
        messages.error(request, sentence(refusal))
    return redirect("credit:home", line.borrower.ref)


@require_POST
@signed_in
def withdraw(request: SignedIn, ref: uuid.UUID) -> HttpResponse:
    """Take an application back."""
    found = access.own_application(user=request.user, ref=ref)
    accounts_access.own_borrower(user=request.user, ref=found.borrower.ref, roles=MAY_DRAW)
    try:
        operations.withdraw_application(application_id=found.pk, actor=request.user, as_of=business_date())
    except Refusal as refusal:
        messages.error(request, sentence(refusal))
    return redirect("credit:application", found.ref)


@require_POST
@signed_in
def review(request: SignedIn, ref: uuid.UUID) -> HttpResponse:
    """Ask for a person to look at a decision."""
    decision = access.own_decision(user=request.user, ref=ref, roles=access.SPENDERS)
    form = ReviewForm(request.POST)
    if form.is_valid():
        try:
            operations.request_review(
                borrower=decision.application.borrower,
                decision=decision,
                text=form.cleaned_data["text"],
                actor=request.user,
                as_of=business_date(),
            )
            messages.success(request, _("A person looks at it again and answers you."))
            return redirect("credit:application", decision.application.ref)
        except Refusal as refusal:
            return _answer(request, decision.application, form=form, status=refuse(form, refusal))
    return _answer(request, decision.application, form=form, status=400)

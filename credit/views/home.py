"""The first page, the line's history, and the freeze in the borrower's own hand."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from functools import wraps
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts import access as accounts_access
from accounts import operations as accounts_operations
from accounts import queries as accounts_queries
from accounts.models import Borrower
from accounts.pages import SignedIn, acting_for, for_borrower, page, sentence, signed_in
from accounts.templatetags.portal import day, money, round_money
from credit import access, operations, queries
from credit.forms import ReviewForm
from credit.models import CreditLine
from credit.views.words import change_view, cost_in_one_line, cost_of, plan_task, tasks_of
from ledger.queries import business_date
from loans import queries as loan_queries
from loans.domain.quotes import quote
from loans.domain.terms import LoanTerms, RepaymentMethod
from loans.hardship import with_waiting
from loans.models import Loan
from regimes.errors import Refusal


def start(request: HttpRequest) -> HttpResponse:
    """Show strangers what this is; lead whoever is logged in to the last borrower acted for."""
    if not request.user.is_authenticated:
        return page(request, "credit/landing.html", _example())
    mine = accounts_queries.borrowers_of(user=request.user)
    if not mine:
        accounts_operations.ensure_person(user=request.user)
        mine = accounts_queries.borrowers_of(user=request.user)
    chosen = acting_for(cast(SignedIn, request), mine) or _with_a_line([row.borrower for row in mine])
    return redirect("credit:home", chosen.ref)


def _with_a_line(mine: list[Borrower]) -> Borrower:
    """Choose for whoever never chose: the first who has a line, a person before businesses; else the first."""
    lines = CreditLine.objects.filter(borrower__in=mine).exclude(status=CreditLine.Status.CLOSED)
    having = set(lines.values_list("borrower_id", flat=True))
    return next((borrower for borrower in mine if borrower.pk in having), mine[0])


def _example() -> dict[str, Any]:
    terms = LoanTerms(
        principal=Decimal("10000.00"),
        annual_rate=Decimal("0.144"),
        repayment_method=RepaymentMethod.EQUAL_INSTALMENT,
        instalment_count=12,
        start_date=timezone.localdate(),  # noqa: TID251  an example for strangers
    )
    cost = cost_of(quote(terms, as_of=terms.start_date))
    regime = queries.regime_now()
    return {
        "smallest": regime.min_limit,
        "largest": max(regime.max_limit_person, min(regime.max_limit_business, Decimal(300_000))),
        "cost": cost,
        "count": terms.instalment_count,
    }


@for_borrower()
def home(request: SignedIn, borrower: Borrower) -> HttpResponse:
    """Show what can be drawn, what is due next, what it costs, and why the limit is what it is."""
    as_of = business_date()
    found = queries.home(borrower_id=borrower.pk, as_of=as_of, borrower=borrower)
    loans = list(with_waiting(loan_queries.loans_of(borrower_ids=[borrower.pk])))
    due = _next_due(loans, as_of)
    application = found.application
    offer = reverse("credit:application", args=[application.ref]) if application else ""
    again = queries.apply_again_on(application=application) if application else None
    context = {
        "declined": application if again is not None and as_of < again else None,
        "again_date": again,
        "lines": [_line(view) for view in found.lines if view.line.status != "OFFERED"],
        "next_due": due,
        "tasks": tasks_of(
            found.tasks, borrower=borrower, offer_url=offer, due_url=due["pay_url"] if due else ""
        ),
        "plans": [plan_task(loan) for loan in loans if vars(loan)["hardship_status"]],
        "changes": [change_view(change) for change in found.history[:3]],
        "waiting": application if application and application.status in ("SUBMITTED", "REFERRED") else None,
    }
    return page(request, "credit/home.html", context, borrower=borrower, here="home")


def _line(view: queries.LineView) -> dict[str, Any]:
    line = view.line
    frozen = line.status != CreditLine.Status.ACTIVE
    if view.days_past_due:
        blocked = _("A payment is overdue. Pay it, then you can draw again.")
    elif frozen:
        blocked = _("Draws are stopped: %(why)s. Repaying goes on.") % {
            "why": line.get_freeze_reason_display()
        }
    else:
        blocked = ""
    return {
        "is_frozen": frozen,
        "available": view.available,
        "limit": line.limit,
        "outstanding": view.exposure,
        "annual_rate": line.annual_rate,
        "may_draw": view.can_draw,
        "blocked_words": blocked,
        "draw_url": reverse("credit:draw", args=[line.ref]),
        "history_url": reverse("credit:history", args=[line.ref]),
        "coming_words": _coming_words(line),
        "meter_words": _("%(used)s of %(limit)s in use")
        % {"used": money(view.exposure), "limit": round_money(line.limit)},
        "cost_words": cost_in_one_line(line.annual_rate),
    }


def _coming_words(line: CreditLine) -> str:
    """Say on the first page that a lower limit is announced."""
    if line.announced_limit is None or line.announced_date is None:
        return ""
    coming = line.in_force_with(line.announced_limit)
    return _("From %(date)s your limit is %(limit)s; until then it is %(now)s.") % {
        "date": day(line.announced_date), "limit": round_money(coming), "now": round_money(line.limit),
    }  # fmt: skip


def _next_due(found: list[Loan], as_of: Any) -> dict[str, Any] | None:
    loans = [loan for loan in found if loan.next_due_date]
    if not loans:
        return None
    loan = min(loans, key=lambda row: (row.next_due_date, row.pk))
    days = (loan.next_due_date - as_of).days
    more = len(loans) - 1
    words = _("Loan of %(amount)s") % {"amount": round_money(loan.principal)}
    if more:
        words += " · " + ngettext("%(n)s more loan", "%(n)s more loans", more) % {"n": more}
    return {
        "is_overdue": days < 0,
        "days": abs(days),
        "amount": loan.next_due_amount,
        "date": loan.next_due_date,
        "loan_url": reverse("loans:loan", args=[loan.ref]),
        "words": words,
        "pay_url": reverse("loans:repay", args=[loan.ref]),
    }


def for_line(*, spending: bool = False) -> Callable[..., Any]:
    """Give the view the line of its address when the visitor may see it, or spend on it; or 404, or 403."""

    def wrap(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @signed_in
        @wraps(view)
        def inner(request: SignedIn, ref: uuid.UUID) -> HttpResponse:
            line = access.own_line(user=request.user, ref=ref)
            if spending:
                accounts_access.check_own(
                    user=request.user, borrower=line.borrower, roles=accounts_access.MAY_DRAW
                )
            return view(request, line)

        return inner

    return wrap


@require_POST
@for_line(spending=True)
def freeze(request: SignedIn, line: CreditLine) -> HttpResponse:
    """Stop draws, because the borrower says so."""
    try:
        operations.freeze_line(
            line_id=line.pk, reason="", actor=request.user, as_of=business_date(), by_borrower=True
        )
        messages.success(request, _("Draws are stopped. Repaying goes on as before."))
    except Refusal as refusal:
        messages.error(request, sentence(refusal))
    return redirect("credit:history", line.ref)


@require_POST
@for_line(spending=True)
def unfreeze(request: SignedIn, line: CreditLine) -> HttpResponse:
    """Lift the borrower's own freeze."""
    try:
        operations.unfreeze_line(line_id=line.pk, actor=request.user, as_of=business_date(), by_borrower=True)
        messages.success(request, _("You can draw again."))
    except Refusal as refusal:
        messages.error(request, sentence(refusal))
    return redirect("credit:history", line.ref)


@require_POST
@signed_in
def review_change(request: SignedIn, ref: uuid.UUID) -> HttpResponse:
    """Ask for a person to look at a change of the limit."""
    change = access.own_limit_change(user=request.user, ref=ref, roles=access.SPENDERS)
    form = ReviewForm(request.POST)
    if form.is_valid():
        try:
            operations.request_review(
                borrower=change.line.borrower,
                limit_change=change,
                text=form.cleaned_data["text"],
                actor=request.user,
                as_of=business_date(),
            )
            messages.success(request, _("A person looks at it again and answers you."))
        except Refusal as refusal:
            messages.error(request, sentence(refusal))
    else:
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
    return redirect("credit:history", change.line.ref)

"""A shop owner reports sales and sees what is asked of them, and why."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.models import BusinessMember
from accounts.pages import SignedIn, page, refuse, signed_in
from accounts.templatetags.portal import day, money
from credit import access, operations, queries
from credit.forms import SalesForm
from credit.models import Drawdown
from credit.views.working import repaid_words
from ledger.queries import business_date
from loans.domain.sales import EXPECTED, Asked, asked_of, month_after, month_asked, period_name
from loans.models import Instalment
from loans.views.words import asked_words, source_words
from regimes.errors import N_, InvalidInput, Refusal


class UnableToReadMonth(InvalidInput):
    """Refuse what names no month."""


def read_month(written: str) -> date:
    """Read a month such as 2026-10, or refuse it."""
    try:
        if len(written) != 7:
            raise ValueError(written)
        return date.fromisoformat(f"{written}-01")
    except ValueError:
        raise UnableToReadMonth("period_invalid", N_("Write the month as YYYY-MM."), field="period") from None


@require_http_methods(["GET", "POST"])
@signed_in
def sales(request: SignedIn, ref: uuid.UUID) -> HttpResponse:
    """Show what is asked of sales, and take a month's report."""
    roles = access.SPENDERS if request.method == "POST" else access.READERS
    drawdown = access.own_drawdown_of_loan(user=request.user, loan_ref=ref, roles=roles)
    if drawdown.loan.agreed.expected_sales is None:
        return redirect("loans:loan", ref)
    if request.method != "POST":
        return _page(request, drawdown)
    form = SalesForm(request.POST)
    if not form.is_valid():
        return _page(request, drawdown, form=form, status=400)
    try:
        told = operations.report_month(
            drawdown_id=drawdown.pk,
            month=read_month(form.cleaned_data["period"]),
            amount=form.cleaned_data["amount"],
            actor=request.user,
            as_of=business_date(),
        )
    except Refusal as refusal:
        return _page(request, drawdown, form=form, status=refuse(form, refusal, period=""))
    messages.success(request, told_words(told))
    return redirect("credit:sales", ref)


def told_words(told: operations.Report) -> str:
    """Say what became of a report."""
    asked = told.asked
    figures = {
        "month": period_name(asked.month),
        "sales": money(asked.sales),
        "before": money(told.before),
        "asked": money(asked.asked),
        "day": day(asked.due_date),
    }
    if told.is_repeat:
        return _("Nothing changed: sales of %(sales)s were reported for %(month)s before.") % figures
    if told.before is not None:
        return (
            _("%(sales)s takes the place of %(before)s for %(month)s. On %(day)s %(asked)s is asked.")
            % figures
        )
    return _("Sales of %(sales)s are taken down for %(month)s. On %(day)s %(asked)s is asked.") % figures


def _page(
    request: SignedIn, drawdown: Drawdown, *, form: SalesForm | None = None, status: int = 200
) -> HttpResponse:
    loan, as_of, business = drawdown.loan, business_date(), drawdown.line.borrower
    coming = operations.coming_due_date(loan_id=loan.pk, as_of=as_of) if loan.is_live else None
    context: dict[str, Any] = {
        "loan": loan,
        "rows": _rows(drawdown, as_of),
        "repaid": repaid_words(loan.agreed),
        "may_report": may_spend(request, drawdown),
    }
    if coming is not None:
        context |= _coming(drawdown, coming, as_of, form)
    return page(request, "credit/sales.html", context, borrower=business, here="loans", status=status)


def may_spend(request: SignedIn, drawdown: Drawdown) -> bool:
    """Tell whether the visitor may report sales."""
    return BusinessMember.objects.filter(
        business_id=drawdown.line.borrower_id, user=request.user, is_active=True, role__in=access.SPENDERS
    ).exists()


def _coming(drawdown: Drawdown, coming: date, as_of: date, form: SalesForm | None) -> dict[str, Any]:
    reports = operations.reports_of(loan_id=drawdown.loan_id)
    asked = asked_of(terms=drawdown.loan.agreed, due_date=coming, reports=reports)
    last = Instalment.objects.filter(loan_id=drawdown.loan_id).order_by("-due_date")[0].due_date
    row = Instalment.objects.filter(loan_id=drawdown.loan_id, due_date=coming).order_by("number")[0]
    due = row.principal_due + row.interest_due + row.fee_due + row.penalty_due
    start = month_after(asked.month)
    initial = {
        "period": period_name(asked.month),
        "amount": "" if asked.source == EXPECTED else f"{asked.sales:.2f}",
    }
    return {
        "asked": asked,
        "is_told": asked.source != EXPECTED,
        "due": due,
        "words": asked_words(asked),
        "source": source_words(asked),
        "is_interest": coming != last and not row.principal_due and asked.asked < due,
        "is_last": coming == last,
        "month": period_name(asked.month),
        "not_before": start if as_of < start else None,
        "seen": queries.sales_seen(business_id=drawdown.line.borrower_id, month=asked.month, as_of=as_of),
        "last_day": coming - timedelta(days=1),
        "form": form or SalesForm(initial=initial),
    }


def _rows(drawdown: Drawdown, as_of: date) -> list[dict[str, Any]]:
    """List what was asked month by month, newest first, and what is asked next."""
    reports = operations.reports_of(loan_id=drawdown.loan_id)
    days = Instalment.objects.filter(loan_id=drawdown.loan_id).order_by("-due_date")
    found = []
    for due_date in days.values_list("due_date", flat=True):
        asked = asked_of(terms=drawdown.loan.agreed, due_date=due_date, reports=reports)
        if month_asked(due_date) <= as_of:
            found.append(_row(asked))
    return found


def _row(asked: Asked) -> dict[str, Any]:
    values: dict[str, Decimal | str | date | bool] = {
        "month": period_name(asked.month),
        "source": source_words(asked),
        "sales": asked.sales,
        "asked": asked.asked,
        "is_capped": asked.is_capped,
        "due_date": asked.due_date,
    }
    return values

"""Statements, receipts and the calendar of due dates."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.models import Borrower
from accounts.pages import SignedIn, for_borrower, page, refuse, signed_in
from accounts.papers import answer
from ledger.queries import business_date
from loans import access, operations
from loans.calendar import calendar_of, feed_by_token, feed_of
from loans.forms import PeriodForm
from loans.models import Loan
from loans.papers import receipt_paper, statement_paper
from loans.views.loan import for_loan
from regimes.errors import Refusal

KINDS = frozenset({"html", "pdf", "csv"})


def kind_of(request: HttpRequest) -> str:
    """Read in which form a paper is asked for."""
    wanted = request.GET.get("as", "html")
    return wanted if wanted in KINDS else "html"


@require_GET
@for_loan()
def statement(request: SignedIn, loan: Loan) -> HttpResponse:
    """Show a loan's statement between two days, as a page, PDF or CSV."""
    as_of = business_date()
    asked = {name: request.GET[name] for name in ("from_date", "to_date") if name in request.GET}
    usual = {"from_date": loan.start_date.isoformat(), "to_date": as_of.isoformat()}
    form, status, paper = PeriodForm({**usual, **asked}), 200, None
    if form.is_valid():
        try:
            paper = statement_paper(loan=loan, as_of=as_of, **form.cleaned_data)
        except Refusal as refusal:
            status = refuse(form, refusal)
    else:
        status = 400
    back = reverse("loans:loan", args=[loan.ref])
    context: dict[str, Any] = {"form": form, "loan": loan}
    frame: dict[str, Any] = {"borrower": loan.borrower, "here": "loans"}
    if paper is None:
        context |= {"back": back, "back_words": _("The loan")}
        return page(request, "loans/statement.html", context, status=status, **frame)
    return answer(
        request,
        paper,
        kind=kind_of(request),
        back=back,
        back_words=_("The loan"),
        template="loans/statement.html",
        context=context,
        **frame,
    )


@require_GET
@signed_in
def receipt(request: SignedIn, ref: uuid.UUID) -> HttpResponse:
    """Show the receipt of a payment that arrived; before, lead to where the payment is."""
    found = access.own_collection(user=request.user, ref=ref)
    paper = receipt_paper(collection=found)
    if paper is None:
        return redirect("loans:collection", found.ref)
    return answer(
        request,
        paper,
        kind=kind_of(request),
        back=reverse("loans:loan", args=[found.loan.ref]),
        back_words=_("The loan"),
        borrower=found.loan.borrower,
        here="loans",
    )


@require_http_methods(["GET", "POST"])
@for_borrower()
def calendar(request: SignedIn, borrower: Borrower) -> HttpResponse:
    """Make, show and revoke the private link of the due dates."""
    if request.method == "POST":
        values: dict[str, Any] = {"borrower": borrower, "actor": request.user, "as_of": business_date()}
        if request.POST.get("act") == "revoke":
            operations.revoke_calendar_feed(**values)
            messages.success(request, _("The link no longer works."))
        else:
            operations.make_calendar_feed(language=get_language() or "zh-hans", **values)
            messages.success(request, _("Here is your link. A link from before no longer works."))
        return redirect("loans:calendar", borrower.ref)
    feed = feed_of(borrower_id=borrower.pk)
    url = request.build_absolute_uri(reverse("loans:calendar-feed", args=[feed.token])) if feed else ""
    context = {"feed": feed, "url": url, "webcal": "webcal:" + url.partition(":")[2] if url else ""}
    return page(request, "loans/calendar.html", context, borrower=borrower, here="loans")


@require_GET
def calendar_feed(request: HttpRequest, token: str) -> HttpResponse:
    """Give the due dates to whoever has the link; a link that was revoked is as if it had never been."""
    feed = feed_by_token(token=token)
    if feed is None:
        raise Http404
    response = HttpResponse(
        calendar_of(feed=feed, as_of=business_date()), content_type="text/calendar; charset=utf-8"
    )
    response["Content-Disposition"] = 'inline; filename="due-dates.ics"'
    response["X-Robots-Tag"] = "noindex"
    patch_cache_control(response, private=True, max_age=3600)
    return response

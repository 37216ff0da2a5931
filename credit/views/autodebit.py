"""Automatic payment: on, off, and what became of each try."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import queries as accounts_queries
from accounts.models import Borrower
from accounts.pages import SignedIn, for_borrower, page
from credit import debits, operations
from credit.models import CreditLine
from credit.operations.autodebit import TRY_FOR
from credit.views.home import for_line
from ledger.queries import business_date

TAGS = {"CONFIRMED": "tag-good", "REFUSED": "tag-bad", "PARKED": "tag-warn"}


@require_http_methods(["GET", "POST"])
@for_line(spending=True)
def auto_debit(request: SignedIn, line: CreditLine) -> HttpResponse:
    """Agree to automatic payment or end it, and see the tries of the last months."""
    held = accounts_queries.bank_accounts_of(borrower_id=line.borrower_id)
    account = next((row for row in held if row.is_default and row.verified_at), None)
    if request.method == "POST":
        turned_on = request.POST.get("act") == "on"
        if turned_on and account is None:
            messages.error(request, _("First add and confirm the bank account to pay from."))
        else:
            operations.set_auto_debit(line_id=line.pk, is_on=turned_on, actor=request.user)
            messages.success(
                request,
                _("Automatic payment is on.")
                if turned_on
                else _("Automatic payment is off. A try that was sent before goes on; nothing new is sent."),
            )
        return redirect("credit:auto-debit", line.ref)
    as_of = business_date()
    coming = debits.next_auto_debits(line_id=line.pk, as_of=as_of)
    context = {
        "line": line,
        "account": account,
        "tries": debits.auto_debit_tries(line_id=line.pk),
        "coming": coming,
        "days": TRY_FOR.days,
        "tags": TAGS,
    }
    return page(request, "credit/auto_debit.html", context, borrower=line.borrower, here="loans")


@for_borrower()
def auto_debits(request: SignedIn, borrower: Borrower) -> HttpResponse:
    """Lead to the automatic payment of the borrower's line; without a line there is nothing to pay."""
    line = debits.open_lines(borrower_id=borrower.pk).first()
    if line is None:
        return redirect("credit:home", borrower.ref)
    return redirect("credit:auto-debit", line.ref)

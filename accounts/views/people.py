"""Who you are, what may be used, where money goes."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import operations, queries
from accounts.forms import BankAccountForm, IdentityForm
from accounts.models import Borrower
from accounts.pages import StrictForm, for_borrower, page, refuse, sentence
from accounts.views.consent_texts import TEXT_VERSION, uses_for
from regimes.errors import Refusal

ACTING = ("OWNER", "FINANCE")


@require_http_methods(["GET", "POST"])
@for_borrower("OWNER")
def identity(request: HttpRequest, borrower: Borrower) -> HttpResponse:
    """Take the details of a document and show what the check said."""
    known = queries.identity_of(borrower_id=borrower.pk)
    form, status = IdentityForm(request.POST or None), 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                found = operations.record_identity(
                    borrower=borrower,
                    **form.cleaned_data,
                    actor=request.user,
                    as_of=timezone.localdate(),
                    now=timezone.now(),
                )
                if found.status == "VERIFIED":
                    messages.success(request, _("Thank you. We know now that it is you."))
                    return redirect("accounts:consents", borrower.ref)
                return redirect("accounts:identity", borrower.ref)
            except Refusal as refusal:
                status = refuse(form, refusal)
    return page(
        request, "accounts/identity.html", {"form": form, "identity": known, "step": 1}, borrower=borrower, status=status
    )


@require_http_methods(["GET", "POST"])
@for_borrower("OWNER")
def consents(request: HttpRequest, borrower: Borrower) -> HttpResponse:
    """Show each use of data apart, and keep what is agreed and what is taken back."""
    uses = uses_for(is_business=borrower.is_business)
    given = queries.active_consents(borrower_ids=[borrower.pk]).get(borrower.pk, frozenset())
    if request.method == "POST":
        known = {use.purpose for use in uses}
        wanted = set(request.POST.getlist("purpose"))
        if wanted <= known:
            _keep(borrower, wanted, given & known, request)
            messages.success(request, _("Your choices are kept. You can change them at any time under “Me”."))
            return redirect("risk:evidence", borrower.ref)
    return page(
        request,
        "accounts/consents.html",
        {"uses": uses, "given": given, "version": TEXT_VERSION, "step": 2},
        borrower=borrower,
        status=400 if request.method == "POST" else 200,
    )


def _keep(borrower: Borrower, wanted: set[str], given: frozenset[str], request: HttpRequest) -> None:
    now = timezone.now()
    for purpose in sorted(wanted - given):
        operations.give_consent(
            borrower=borrower, purpose=purpose, text_version=TEXT_VERSION, actor=request.user, now=now
        )
    for purpose in sorted(given - wanted):
        operations.withdraw_consent(borrower=borrower, purpose=purpose, actor=request.user, now=now)


@require_http_methods(["GET", "POST"])
@for_borrower(*ACTING)
def bank_accounts(request: HttpRequest, borrower: Borrower) -> HttpResponse:
    """List the accounts that money goes to and comes from, and add one."""
    form, status = BankAccountForm(request.POST or None), 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                operations.add_bank_account(
                    borrower=borrower, **form.cleaned_data, actor=request.user, now=timezone.now()
                )
                messages.success(request, _("The account is kept."))
                return redirect("credit:apply" if request.GET.get("then") == "apply" else "accounts:banks", borrower.ref)
            except Refusal as refusal:
                status = refuse(form, refusal)
    accounts = queries.bank_accounts(borrower_id=borrower.pk)
    return page(
        request,
        "accounts/banks.html",
        {"form": form, "accounts": accounts, "now": timezone.now(), "step": 4},
        borrower=borrower,
        status=status,
    )


@for_borrower()
def notices(request: HttpRequest, borrower: Borrower) -> HttpResponse:
    """Show what the borrower was told, newest first."""
    found = queries.notices_for(borrower_id=borrower.pk)
    return page(request, "accounts/notices.html", {"notices": found}, borrower=borrower, here="notices")


@require_POST
@for_borrower()
def read_notices(request: HttpRequest, borrower: Borrower) -> HttpResponse:
    """Mark everything as read."""
    form = StrictForm(request.POST)
    if form.is_valid():
        operations.mark_notices_read(borrower_id=borrower.pk, now=timezone.now())
    return redirect("accounts:notices", borrower.ref)


@require_POST
@for_borrower(*ACTING)
def remove_bank_account(request: HttpRequest, borrower: Borrower, account_ref: uuid.UUID) -> HttpResponse:
    """Take an account away; refused while money is under way to it."""
    try:
        operations.remove_bank_account(borrower=borrower, account_ref=account_ref, actor=request.user, now=timezone.now())
        messages.success(request, _("The account is removed."))
    except Refusal as refusal:
        messages.error(request, sentence(refusal))
    return redirect("accounts:banks", borrower.ref)


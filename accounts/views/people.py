"""Who you are, what may be used, where money goes."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import operations, queries
from accounts.access import MAY_DRAW, MAY_MANAGE
from accounts.domain.consents import TEXTS
from accounts.forms import BankAccountForm, IdentityForm
from accounts.models import Borrower
from accounts.pages import SignedIn, StrictForm, for_borrower, page, refuse, sentence
from regimes.errors import Refusal


@require_http_methods(["GET", "POST"])
@for_borrower(MAY_MANAGE)
def identity(request: SignedIn, borrower: Borrower) -> HttpResponse:
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
                    as_of=timezone.localdate(),  # noqa: TID251  accounts cannot see the books
                    now=timezone.now(),
                )
                if found.status == "VERIFIED":
                    messages.success(request, _("Thank you. We know now that it is you."))
                    return redirect("accounts:consents", borrower.ref)
                return redirect("accounts:identity", borrower.ref)
            except Refusal as refusal:
                status = refuse(form, refusal)
    return page(
        request,
        "accounts/identity.html",
        {"form": form, "identity": known, "step": 1},
        borrower=borrower,
        status=status,
    )


@require_http_methods(["GET", "POST"])
@for_borrower(MAY_MANAGE)
def consents(request: SignedIn, borrower: Borrower) -> HttpResponse:
    """Show each use of data apart, and keep what is agreed and what is taken back."""
    texts = [text for text in TEXTS.values() if borrower.is_business or not text.business_only]
    given = queries.active_consents(borrower_ids=[borrower.pk]).get(borrower.pk, frozenset())
    status, problem = 200, ""
    if request.method == "POST":
        try:
            _keep(borrower, request, asked=frozenset(text.purpose for text in texts), given=given)
            messages.success(request, _("Your choices are kept. You can change them at any time under “Me”."))
            return redirect("risk:evidence", borrower.ref)
        except Refusal as refusal:
            status, problem = refusal.http_status, sentence(refusal)
            given = frozenset(value.partition("@")[0] for value in request.POST.getlist("purpose"))
    context = {"texts": texts, "given": given, "problem": problem, "step": 2}
    return page(request, "accounts/consents.html", context, borrower=borrower, status=status)


def _keep(borrower: Borrower, request: SignedIn, *, asked: frozenset[str], given: frozenset[str]) -> None:
    """Give what is newly ticked, in the version that was on the page, and take back what is no longer."""
    wanted = dict(value.partition("@")[::2] for value in request.POST.getlist("purpose"))
    now = timezone.now()
    for purpose, version in wanted.items():
        if purpose not in given:
            operations.give_consent(
                borrower=borrower, purpose=purpose, text_version=version, actor=request.user, now=now
            )
    for purpose in sorted((given & asked) - set(wanted)):
        operations.withdraw_consent(borrower=borrower, purpose=purpose, actor=request.user, now=now)


@require_http_methods(["GET", "POST"])
@for_borrower(MAY_DRAW)
def bank_accounts(request: SignedIn, borrower: Borrower) -> HttpResponse:
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
                return redirect(
                    "credit:apply" if request.GET.get("then") == "apply" else "accounts:banks", borrower.ref
                )
            except Refusal as refusal:
                status = refuse(form, refusal)
    accounts = queries.bank_accounts_of(borrower_id=borrower.pk)
    return page(
        request,
        "accounts/banks.html",
        {"form": form, "accounts": accounts, "now": timezone.now(), "step": 4},
        borrower=borrower,
        status=status,
    )


@for_borrower()
def notices(request: SignedIn, borrower: Borrower) -> HttpResponse:
    """Show what the borrower was told, newest first."""
    found = queries.notices_for(borrower_id=borrower.pk, now=timezone.now())
    return page(request, "accounts/notices.html", {"notices": found}, borrower=borrower, here="notices")


@require_POST
@for_borrower()
def read_notices(request: SignedIn, borrower: Borrower) -> HttpResponse:
    """Mark everything as read."""
    form = StrictForm(request.POST)
    if form.is_valid():
        operations.mark_notices_read(borrower_id=borrower.pk, now=timezone.now())
    return redirect("accounts:notices", borrower.ref)


@require_POST
@for_borrower(MAY_DRAW)
def remove_bank_account(request: SignedIn, borrower: Borrower, account_ref: uuid.UUID) -> HttpResponse:
    """Take an account away; refused while money is under way to it."""
    try:
        operations.remove_bank_account(
            borrower=borrower, account_ref=account_ref, actor=request.user, now=timezone.now()
        )
        messages.success(request, _("The account is removed."))
    except Refusal as refusal:
        messages.error(request, sentence(refusal))
    return redirect("accounts:banks", borrower.ref)

"""Businesses: opening one, its members, and changing for whom one acts."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import operations, queries
from accounts.access import MAY_MANAGE, role_for
from accounts.domain.industries import INDUSTRIES
from accounts.forms import BusinessForm, MemberForm
from accounts.models import Borrower
from accounts.pages import SignedIn, acting_for, for_borrower, page, refuse, sentence, signed_in
from regimes.errors import Refusal


@signed_in
def switch(request: SignedIn) -> HttpResponse:
    """List for whom the visitor can act."""
    mine = queries.borrowers_of(user=request.user)
    return page(request, "accounts/switch.html", {"mine": mine}, borrower=acting_for(request, mine))


@require_http_methods(["GET", "POST"])
@signed_in
def create(request: SignedIn) -> HttpResponse:
    """Open a business."""
    form, status = (
        BusinessForm(request.POST or None, industries=[(code, _(name)) for code, name in INDUSTRIES.items()]),
        200,
    )
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                business = operations.create_business(
                    owner=request.user,
                    **form.cleaned_data,
                    as_of=timezone.localdate(),  # noqa: TID251  accounts cannot see the books
                    now=timezone.now(),
                )
                messages.success(request, _("The business is open. Now choose what may be used."))
                return redirect("accounts:consents", business.ref)
            except Refusal as refusal:
                status = refuse(form, refusal)
    return page(request, "accounts/business_new.html", {"form": form}, status=status)


@require_http_methods(["GET", "POST"])
@for_borrower()
def members(request: SignedIn, borrower: Borrower) -> HttpResponse:
    """Show who may act for the business; the owner adds members here."""
    role = role_for(user=request.user, borrower=borrower)
    # bound to what was sent even when nothing was: an empty form is refused, not a mistake of ours
    form, status = MemberForm(request.POST if request.method == "POST" else None), 200
    if request.method == "POST" and role == "OWNER":
        status = 400
        if form.is_valid():
            try:
                operations.add_member(
                    business=borrower, **form.cleaned_data, actor=request.user, now=timezone.now()
                )
                messages.success(request, _("The member is added."))
                return redirect("accounts:members", borrower.ref)
            except Refusal as refusal:
                status = refuse(form, refusal)
    elif request.method == "POST":
        status = 403
        form.add_error(None, _("Only an owner can add members."))
    found = queries.members_of(business_id=borrower.pk)
    context = {"form": form, "members": found, "may_change": role == "OWNER"}
    return page(request, "accounts/members.html", context, borrower=borrower, status=status)


@require_POST
@for_borrower(MAY_MANAGE)
def remove_member(request: SignedIn, borrower: Borrower, member_ref: uuid.UUID) -> HttpResponse:
    """End a member's right to act."""
    try:
        operations.remove_member(
            business=borrower, member_ref=member_ref, actor=request.user, now=timezone.now()
        )
        messages.success(request, _("The member is removed."))
    except Refusal as refusal:
        messages.error(request, sentence(refusal))
    return redirect("accounts:members", borrower.ref)

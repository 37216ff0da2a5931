"""What binds the members of a business, and its licence."""

from __future__ import annotations

import re
import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from accounts import access, operations
from accounts.access import MAY_MANAGE, role_for
from accounts.models import Borrower, BusinessLicence, BusinessMember
from accounts.operations.business_rules import MOST_LICENCE_BYTES, licence_content
from accounts.pages import SignedIn, StrictForm, for_borrower, page, refuse, signed_in
from regimes.errors import N_, NotFound, Refusal

# digits, in groups of three when they are in groups, so that 1,00,000 is not taken for something else
_PLAIN = re.compile(r"(\d+|\d{1,3}(,\d{3})+)(\.\d*)?", re.ASCII)


class PlainDecimal(forms.DecimalField):
    """A number in plain digits; empty is nothing, not zero."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault("min_value", 0)
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
        wrong = gettext_lazy("Enter an amount such as 1500.00.")
        kwargs.setdefault(
            "error_messages",
            dict.fromkeys(
                ("invalid", "max_digits", "max_decimal_places", "max_whole_digits", "min_value"), wrong
            ),
        )
        super().__init__(max_digits=14, decimal_places=2, **kwargs)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            value = value.strip()
            if value and not _PLAIN.fullmatch(value):
                raise ValidationError(self.error_messages["invalid"], code="invalid")
            value = value.replace(",", "")
        return super().to_python(value)


class TermsForm(StrictForm):
    """An owner's share, and how much a member may draw at once alone."""

    share = PlainDecimal(
        label=gettext_lazy("Share in %"),
        help_text=gettext_lazy("Owners only, as the register writes it."),
        error_messages={"invalid": gettext_lazy("Enter a share from 0.01 to 100.")},
    )
    draw_limit = PlainDecimal(
        label=gettext_lazy("Most in one draw, in yuan"),
        help_text=gettext_lazy("Empty: as much as the line has. Above it, a second member has to say yes."),
    )


class RuleForm(StrictForm):
    """From which amount two members must agree."""

    above = PlainDecimal(
        label=gettext_lazy("Two members must agree to a draw above, in yuan"),
        help_text=gettext_lazy("Empty: one member is enough. 0: always two."),
    )


class LicenceForm(StrictForm):
    """A photo or scan."""

    file = forms.FileField(
        label=gettext_lazy("Photo or PDF of the licence"),
        help_text=gettext_lazy("JPEG, PNG or PDF, at most 5 MB. It is kept encrypted."),
        error_messages={
            "required": gettext_lazy("Choose a file."),
            "empty": gettext_lazy("Give a photo (JPEG or PNG) or a PDF of the licence."),
        },
    )


@require_http_methods(["GET", "POST"])
@for_borrower(MAY_MANAGE)
def member_terms(request: SignedIn, borrower: Borrower, member_ref: uuid.UUID) -> HttpResponse:
    """Change a member's share and limit."""
    member = (
        BusinessMember.objects.select_related("user")
        .filter(business=borrower, ref=member_ref, is_active=True)
        .first()
    )
    if member is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    initial = {"share": member.share, "draw_limit": member.draw_limit}
    form, status = TermsForm(request.POST if request.method == "POST" else None, initial=initial), 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                operations.set_member_terms(
                    business=borrower, member_ref=member_ref, **form.cleaned_data, actor=request.user
                )
                messages.success(request, _("Kept."))
                return redirect("accounts:members", borrower.ref)
            except Refusal as refusal:
                status = refuse(form, refusal)
    context = {"form": form, "member": member}
    return page(request, "accounts/member_terms.html", context, borrower=borrower, status=status)


@require_http_methods(["GET", "POST"])
@for_borrower(MAY_MANAGE)
def second_approval(request: SignedIn, borrower: Borrower) -> HttpResponse:
    """Set above which amount two members must agree."""
    if not borrower.is_business:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    as_of = timezone.localdate()  # noqa: TID251  accounts cannot see the books
    profile = borrower.business_profile
    above = operations.second_above(profile=profile, as_of=as_of)
    form, status = RuleForm(request.POST if request.method == "POST" else None, initial={"above": above}), 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                operations.set_second_approval(
                    business=borrower, above=form.cleaned_data["above"], actor=request.user, as_of=as_of
                )
                messages.success(request, _("Kept. A stricter rule counts now, a looser one from tomorrow."))
                return redirect("accounts:members", borrower.ref)
            except Refusal as refusal:
                status = refuse(form, refusal)
    context = {"form": form, "profile": profile}
    return page(request, "accounts/second_approval.html", context, borrower=borrower, status=status)


@require_http_methods(["GET", "POST"])
@for_borrower()
def licence(request: SignedIn, borrower: Borrower) -> HttpResponse:
    """Show the licences that were given; an owner gives one here."""
    if not borrower.is_business:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    may_give = role_for(user=request.user, borrower=borrower) == "OWNER"
    form, status = LicenceForm(), 200
    if request.method == "POST":
        access.own_borrower(user=request.user, ref=borrower.ref, roles=MAY_MANAGE)
        form, status = LicenceForm(request.POST, request.FILES), 400
        if form.is_valid():
            try:
                content = form.cleaned_data["file"].read(MOST_LICENCE_BYTES + 1)
                operations.give_licence(
                    business=borrower, content=content, actor=request.user, now=timezone.now()
                )
                messages.success(request, _("Thank you. A person compares it with the register."))
                return redirect("accounts:licence", borrower.ref)
            except Refusal as refusal:
                status = refuse(form, refusal)
    given = BusinessLicence.objects.filter(business=borrower).defer("content").order_by("-pk")
    context = {"form": form, "given": given, "may_give": may_give}
    return page(request, "accounts/licence.html", context, borrower=borrower, status=status)


@require_GET
@signed_in
def licence_file(request: SignedIn, ref: uuid.UUID) -> HttpResponse:
    """Hand a licence to whoever manages the business; never shown inside the page."""
    found = BusinessLicence.objects.select_related("business").filter(ref=ref).first()
    if found is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    access.own_borrower(user=request.user, ref=found.business.ref, roles=MAY_MANAGE)
    ending = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}[found.media_type]
    answer = HttpResponse(licence_content(found), content_type=found.media_type)
    answer["Content-Disposition"] = f'attachment; filename="licence.{ending}"'
    answer["Cache-Control"] = "private, no-store"
    return answer

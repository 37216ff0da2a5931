"""The credit passport: the owner's page, one passport with its links, and the public page that verifies."""

from __future__ import annotations

import base64
import json
import uuid
from datetime import timedelta
from typing import Any

from allauth.account.adapter import get_adapter
from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import access as accounts_access
from accounts.access import MAY_MANAGE
from accounts.models import Borrower
from accounts.pages import SignedIn, StrictForm, for_borrower, page, refuse, signed_in
from accounts.sign_in.limits import count_try
from credit.domain.passport import (
    HOLDER_OF_PERSON,
    LEVELS,
    SECTIONS,
    key_id,
    level_of,
    next_level,
    parse_code,
    read_document,
    show_code,
)
from credit.models import Passport
from credit.passport import operations
from credit.passport.facts import conduct_of
from credit.passport.operations import Verification
from credit.passport.paper import to_paper, verify_url
from credit.passport.words import parts_of
from ledger.queries import business_date
from regimes.errors import N_, NotFound, Refusal

NEW_LINK = "passport-link"
TRIES = 60  # a quarter of an hour and network: a person verifying, not a machine guessing
MOST_FILE = 4 * 1024 * 1024


class IssueForm(StrictForm):
    """What is released. Nothing is ticked for anybody."""

    sections = forms.MultipleChoiceField(
        label=gettext_lazy("What others may see"),
        choices=[(name, name) for name in SECTIONS],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one part that others may see.")},
    )


class ShareForm(StrictForm):
    """For whom, and for how long."""

    label = forms.CharField(
        label=gettext_lazy("Who gets it"), max_length=80, required=False,
        help_text=gettext_lazy("Only you see this note."),
    )  # fmt: skip
    days = forms.TypedChoiceField(label=gettext_lazy("The link works for"), coerce=int)

    def __init__(self, *args: Any, most: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        spans = [days for days in (1, 7, 30, 60, 90) if days <= most]
        self.fields["days"].choices = [(days, _("%(days)s days") % {"days": days}) for days in spans]  # type: ignore[attr-defined]
        self.initial.setdefault("days", 7)


class VerifyForm(StrictForm):
    """A code, or a file."""

    code = forms.CharField(
        label=gettext_lazy("Code on the passport"), max_length=40, required=False,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
    )  # fmt: skip
    file = forms.FileField(label=gettext_lazy("or its file, PDF or JSON"), required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.errors and not cleaned.get("code") and not cleaned.get("file"):
            self.add_error("code", _("Enter the code, or choose the file."))
        return cleaned


@require_http_methods(["GET", "POST"])
@for_borrower(MAY_MANAGE)
def passport(request: SignedIn, borrower: Borrower) -> HttpResponse:
    """Show the level, what it gives and what the next one asks; make a passport."""
    as_of = business_date()
    form, status = IssueForm(request.POST if request.method == "POST" else None), 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                made = operations.issue_passport(
                    borrower=borrower,
                    sections=form.cleaned_data["sections"],
                    actor=request.user,
                    as_of=as_of,
                    now=timezone.now(),
                )
                messages.success(request, _("Your passport is signed. Nobody sees it until you share it."))
                return redirect("credit:passport-one", made.ref)
            except Refusal as refusal:
                status = refuse(form, refusal)
    conduct = conduct_of(borrower_id=borrower.pk, as_of=as_of)
    reached, above = level_of(conduct), next_level(conduct)
    chosen = set(form.data.getlist("sections")) if form.is_bound else set()  # type: ignore[attr-defined]
    context = {
        "form": form,
        "level": reached,
        "levels": LEVELS,
        "above": above[0] if above else None,
        "lacks": above[1] if above else [],
        "sections": [
            {"name": name, "label": _(_label(name, label, borrower)), "chosen": name in chosen}
            for name, label in SECTIONS.items()
            if borrower.is_business or name != "turnover"
        ],
        "passports": [
            {"row": row, "code": show_code(row.code), "state": _state(row, as_of)}
            for row in Passport.objects.filter(borrower=borrower).order_by("-pk")[:20]
        ],
    }
    return page(request, "credit/passport.html", context, borrower=borrower, here="home", status=status)


def _state(row: Passport, as_of: Any) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.valid_until < as_of else "valid"


def _own(request: SignedIn, ref: uuid.UUID) -> Passport:
    found = Passport.objects.select_related("borrower").filter(ref=ref).first()
    if found is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    accounts_access.own_borrower(user=request.user, ref=found.borrower.ref, roles=MAY_MANAGE)
    return found


@require_http_methods(["GET", "POST"])
@signed_in
def one(request: SignedIn, ref: uuid.UUID) -> HttpResponse:
    """Show a passport as others see it, with its links; make a link."""
    found = _own(request, ref)
    as_of, now = business_date(), timezone.now()
    most = level_of(conduct_of(borrower_id=found.borrower_id, as_of=as_of)).link_days
    form, status = ShareForm(request.POST if request.method == "POST" else None, most=most), 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                link, token = operations.share_passport(
                    passport=found, **form.cleaned_data, actor=request.user, as_of=as_of, now=now
                )
                request.session[NEW_LINK] = [str(link.ref), token]
                return redirect("credit:passport-one", found.ref)
            except Refusal as refusal:
                status = refuse(form, refusal)
    fresh = request.session.pop(NEW_LINK, None)
    context = {
        "passport": found,
        "state": _state(found, as_of),
        "code": show_code(found.code),
        "parts": parts_of(found.document),
        "form": form,
        "links": found.links.order_by("-pk")[:30],
        "now": now,
        "fresh_url": request.build_absolute_uri(reverse("credit:passport-shared", args=[fresh[1]]))
        if fresh
        else "",
        "verify_url": verify_url(found),
    }
    return page(
        request, "credit/passport_one.html", context, borrower=found.borrower, here="home", status=status
    )


@require_POST
@signed_in
def revoke(request: SignedIn, ref: uuid.UUID) -> HttpResponse:
    """End a passport and all its links."""
    operations.revoke_passport(passport=_own(request, ref), actor=request.user, now=timezone.now())
    messages.success(request, _("Revoked. Whoever verifies it now reads that it no longer holds."))
    return redirect("credit:passport-one", ref)


@require_POST
@signed_in
def close_link(request: SignedIn, ref: uuid.UUID, link_ref: uuid.UUID) -> HttpResponse:
    """End one link."""
    operations.close_link(
        passport=_own(request, ref), link_ref=link_ref, actor=request.user, now=timezone.now()
    )
    messages.success(request, _("The link is closed."))
    return redirect("credit:passport-one", ref)


def _file_of(found: Passport, kind: str) -> HttpResponse:
    if kind == "pdf":
        content = to_paper(found)
        operations.remember_file(passport=found, content=content)
        answer = HttpResponse(content, content_type="application/pdf")
    elif kind == "json":
        text = json.dumps(found.document, ensure_ascii=False, indent=2, sort_keys=True)
        answer = HttpResponse(text + "\n", content_type="application/json")
    else:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    answer["Content-Disposition"] = f'attachment; filename="credit-passport-{found.code[:4]}.{kind}"'
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_GET
@signed_in
def download(request: SignedIn, ref: uuid.UUID, kind: str) -> HttpResponse:
    """Hand the owner the file."""
    return _file_of(_own(request, ref), kind)


# ---- for strangers --------------------------------------------------------------------------------------------------


def _quiet(answer: HttpResponse) -> HttpResponse:
    answer["X-Robots-Tag"] = "noindex, nofollow"
    # "no-referrer" would make the browser send "Origin: null" with the form, which no check of origins lets through
    answer["Referrer-Policy"] = "same-origin"
    return answer


def _count(request: HttpRequest) -> None:
    count_try(what="passport", subject=get_adapter().get_client_ip(request), allowed=TRIES)


@require_GET
@never_cache
def shared(request: HttpRequest, token: str, kind: str = "") -> HttpResponse:
    """Open what an owner shared, until the link ends."""
    _count(request)
    found = operations.open_link(token=token, as_of=business_date(), now=timezone.now())
    if kind:
        return _quiet(_file_of(found, kind))
    context = {
        "passport": found,
        "parts": parts_of(found.document),
        "code": show_code(found.code),
        "token": token,
        "verification": operations.verify_code(code=found.code, as_of=business_date()),
    }
    return _quiet(page(request, "credit/passport_shared.html", context))


@require_http_methods(["GET", "POST"])
@never_cache
def verify(request: HttpRequest) -> HttpResponse:
    """Tell anybody whether a passport is genuine and still holds, by its code or by its file."""
    given = request.POST if request.method == "POST" else request.GET
    bound = request.method == "POST" or bool(given.get("code"))
    form, status, result = (VerifyForm(given, request.FILES) if bound else VerifyForm()), 200, None
    if bound:
        try:
            _count(request)
            if form.is_valid():
                result = _verified(form)
            else:
                status = 400
        except Refusal as refusal:
            status = refuse(form, refusal)
    context: dict[str, Any] = {"form": form, "result": result, "keys_url": reverse("credit:passport-keys")}
    if result is not None and result.passport is not None:
        found = result.passport
        context["passport"] = found
        context["code"] = show_code(found.code)
        context["parts"] = parts_of(found.document) if result.verdict == "VALID" else []
    return _quiet(page(request, "credit/passport_verify.html", context, status=status))


def _verified(form: VerifyForm) -> Verification:
    as_of, file = business_date(), form.cleaned_data.get("file")
    if file is None:
        return operations.verify_code(code=parse_code(form.cleaned_data["code"]), as_of=as_of)
    content = file.read(MOST_FILE + 1)
    return operations.verify_document(document=read_document(content), content=content, as_of=as_of)


@require_GET
def keys(request: HttpRequest) -> JsonResponse:
    """Publish the public keys, so that anybody can verify without asking this page."""
    found = [
        {"key": key_id(key), "algorithm": "Ed25519", "public": base64.b64encode(key).decode()}
        for key in settings.PASSPORT_PUBLIC_KEYS
    ]
    answer = JsonResponse({"keys": found, "signed": "lendportal-passport-v1\\n + canonical JSON"})
    answer["Cache-Control"] = f"public, max-age={int(timedelta(hours=1).total_seconds())}"
    return answer


def _label(name: str, label: str, borrower: Borrower) -> str:
    return HOLDER_OF_PERSON if name == "holder" and not borrower.is_business else label

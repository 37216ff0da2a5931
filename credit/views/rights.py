"""Rights over one's data: what is held, a copy of it, who looked at it, and that it goes."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from django import forms
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts import queries as accounts_queries
from accounts.access import MAY_MANAGE, role_for
from accounts.domain.consents import TEXTS
from accounts.models import Borrower
from accounts.operations import write_audit
from accounts.pages import SignedIn, StrictForm, for_borrower, page, refuse
from accounts.sign_in.limits import count_try
from accounts.templatetags.portal import money
from credit.domain.erasure import GOES, Block, blocks, kept
from credit.rights.erase import erase_borrower, ever_borrowed, standing_of
from credit.rights.export import export_of
from credit.rights.looks import looks_at
from ledger.queries import business_date
from regimes.errors import Refusal

COPIES_A_DAY = 5
DAY_SECONDS = 86_400


class EraseForm(StrictForm):
    """The one box before everything goes."""

    sure = forms.BooleanField(
        label=gettext_lazy("I know that this cannot be undone"),
        error_messages={"required": gettext_lazy("Tick the box if you are sure.")},
    )


@for_borrower()
def rights(request: SignedIn, borrower: Borrower) -> HttpResponse:
    """Show what is held and what can be asked."""
    given = accounts_queries.active_consents(borrower_ids=[borrower.pk])[borrower.pk]
    context = {
        "uses": [TEXTS[purpose] for purpose in TEXTS if purpose in given],
        "looks": looks_at(borrower=borrower)[:5],
        "may_manage": role_for(user=request.user, borrower=borrower) in MAY_MANAGE,
    }
    return page(request, "credit/rights.html", context, borrower=borrower, here="settings")


@for_borrower(MAY_MANAGE)
def looked(request: SignedIn, borrower: Borrower) -> HttpResponse:
    """List who of the staff looked at the borrower's data."""
    context = {"looks": [(look, _role(look.role), _what(look.what)) for look in looks_at(borrower=borrower)]}
    return page(request, "credit/looked.html", context, borrower=borrower, here="settings")


def _role(role: str) -> str:
    return {"STAFF": _("An officer"), "ADMINISTRATOR": _("An administrator")}.get(role, _("The portal"))


def _what(name: str) -> str:
    known = {
        "borrower": _("your profile"),
        "identity": _("your identity"),
        "application": _("an application"),
        "review": _("an application"),
        "creditline": _("your credit line"),
        "loan": _("a loan"),
        "bankaccount": _("a bank account"),
        "drawdown": _("a draw"),
        "answer": _("your request for a person"),
    }
    return known.get(name, _("your data"))


@require_POST
@for_borrower(MAY_MANAGE)
def export(request: SignedIn, borrower: Borrower) -> HttpResponse:
    """Hand over a copy of everything, after another look at who asks."""
    raise_if_reauthentication_required(request, app="account")
    count_try(what="export", subject=str(borrower.ref), allowed=COPIES_A_DAY, window=DAY_SECONDS)
    now = timezone.now()
    content = export_of(borrower=borrower, user=request.user, now=now)
    write_audit(
        actor=request.user, action="data.exported", object_type="Borrower", object_ref=borrower.ref,
        after={"bytes": len(content)},
    )  # fmt: skip
    answer = HttpResponse(content, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="my-data-{now:%Y-%m-%d}.zip"'
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_http_methods(["GET", "POST"])
@for_borrower(MAY_MANAGE)
def erase(request: SignedIn, borrower: Borrower) -> HttpResponse:
    """Say what goes, what stays and why, and what stands against it; then erase."""
    form, status = EraseForm(request.POST if request.method == "POST" else None), 200
    against = blocks(standing_of(borrower=borrower))
    if request.method == "POST":
        status = 400
        if form.is_valid():
            raise_if_reauthentication_required(request, app="account")
            try:
                erase_borrower(
                    borrower=borrower, actor=request.user, as_of=business_date(), now=timezone.now()
                )
                if borrower.is_business:
                    messages.success(request, _("Erased."))
                    return redirect("accounts:switch")
                logout(request)
                return page(request, "credit/erased.html")
            except Refusal as refusal:
                status = refuse(form, refusal)
    context: dict[str, Any] = {
        "form": form,
        "against": [_said(block) for block in against],
        "goes": [_(line) for line in GOES],
        "kept": [
            {"what": _(row.what), "why": _(row.why), "years": row.years}
            for row in kept(ever_borrowed=ever_borrowed(borrower=borrower))
        ],
    }
    return page(request, "credit/erase.html", context, borrower=borrower, here="settings", status=status)


def _said(block: Block) -> str:
    shown = {name: money(value) if name == "amount" else value for name, value in block.params.items()}
    return _(block.message) % shown if shown else _(block.message)

"""The visitor's own settings, the language of the pages, and the living style page."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings as django_settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts import operations, queries
from accounts.pages import SignedIn, StrictForm, acting_for, page, signed_in

LANGUAGES = frozenset(code for code, _name in django_settings.LANGUAGES)


@signed_in
def settings(request: SignedIn) -> HttpResponse:
    """Show everything about the visitor that can be looked at or changed."""
    mine = queries.borrowers_of(user=request.user)
    borrower = acting_for(request, mine) or (mine[0].borrower if mine else None)
    return page(request, "accounts/settings.html", {"mine": mine}, borrower=borrower, here="settings")


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Change the language and remember it: with the account, and in a cookie for who has none."""
    chosen = request.POST.get("language", "")
    onward = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(
        onward, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        onward = "/"
    answer = redirect(onward)
    if chosen not in LANGUAGES:
        return answer
    if request.user.is_authenticated:
        operations.set_language(user=request.user, language=chosen)
    translation.activate(chosen)
    answer.set_cookie(
        django_settings.LANGUAGE_COOKIE_NAME,
        chosen,
        max_age=365 * 86_400,
        secure=django_settings.LANGUAGE_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return answer


class StyleForm(StrictForm):
    """Fields as a page shows them."""

    from django import forms as f

    amount = f.CharField(label=_("Amount"), initial="5000.00")
    term = f.ChoiceField(
        label=_("Instalments"),
        choices=[("3", "3"), ("6", "6"), ("12", "12")],
        initial="6",
        widget=f.RadioSelect,
    )
    name = f.CharField(label=_("Full name, as in the document"), help_text=_("As the document writes it."))
    agree = f.BooleanField(label=_("I have read the table"), required=False)


def style(request: HttpRequest) -> HttpResponse:
    """Show every token and component, in whatever theme and language the visitor has."""
    bad = StyleForm({"amount": "12,5", "term": "6", "name": ""}, auto_id="bad_%s")
    bad.add_error("amount", _("Enter an amount such as 1500.00."))
    rows: list[dict[str, Any]] = [
        {"number": n, "principal": Decimal(800) + 9 * n, "interest": Decimal(120) - 9 * n}
        for n in range(1, 13)
    ]
    colours = [
        "paper",
        "card",
        "sunk",
        "ink",
        "ink-soft",
        "line",
        "brand",
        "brand-soft",
        "hero",
        "warn",
        "bad",
        "info",
    ]
    return page(
        request,
        "style.html",
        {"form": StyleForm(), "bad": bad, "rows": rows, "colours": colours, "limit": Decimal(50000)},
    )

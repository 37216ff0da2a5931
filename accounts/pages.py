"""What every page of the portal does alike: forms that refuse kindly, the frame around a borrower's pages.

Higher floors use it too; it knows them only by the names of their URLs.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import wraps
from typing import Any, ClassVar, cast

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from accounts import access, operations, queries
from accounts.models import Borrower, User
from accounts.templatetags.portal import day, moment, money
from regimes.errors import Refusal

View = Callable[..., HttpResponse]


class SignedIn(HttpRequest):
    """A request of somebody who is logged in, as `signed_in` makes sure of."""

    user: User


class StrictForm(forms.Form):
    """A form that takes its own fields and no others, so that nobody slips in `limit` or `is_staff`."""

    # what a page may carry besides its fields
    also_allowed: ClassVar[frozenset[str]] = frozenset({"csrfmiddlewaretoken", "next"})
    taken_also: frozenset[str] = frozenset()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self.use_required_attribute = False

    def take_also(self, names: Iterable[str]) -> None:
        """Take more names this once."""
        self.taken_also = frozenset(names)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        known = set(self.fields) | self.also_allowed | self.taken_also
        unknown = [name for name in self.data if name not in known]
        if unknown:
            raise ValidationError(
                _("This page does not take the field “%(name)s”."),
                code="unknown_field",
                params={"name": unknown[0][:40]},
            )
        return cleaned


class KeyedForm(StrictForm):
    """A form whose submission happens once: the key is made with the page, and a repeat finds the first result."""

    key = forms.UUIDField(
        widget=forms.HiddenInput, error_messages={"invalid": _("This page is damaged. Load it again.")}
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"key": uuid.uuid4(), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)


def sentence(refusal: Refusal) -> str:
    """Translate a refusal and write its amounts and days as a reader expects them."""
    text = gettext(refusal.message)
    return (
        text % {name: _shown(name, value) for name, value in refusal.params.items()}
        if refusal.params
        else text
    )


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, Decimal) and "rate" not in name:
        return money(value)
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return day(value)
    return value


def refuse(form: forms.Form, refusal: Refusal, **renamed: str) -> int:
    """Put a refusal at its field and return the status to answer with."""
    name = renamed.get(refusal.field or "", refusal.field)
    form.add_error(
        name if name in form.fields else None, ValidationError(sentence(refusal), code=refusal.code)
    )
    return refusal.http_status


@dataclass(frozen=True, slots=True)
class NavItem:
    """One place in the bar."""

    label: str
    url: str
    icon: str
    here: bool
    count: int = 0


@dataclass(frozen=True, slots=True)
class Nav:
    """The bar of a borrower's pages, and for whom they are shown."""

    items: list[NavItem]
    acting: str
    switch_url: str
    others: list[NavItem]


def _nav(mine: list[queries.Acting], borrower: Borrower, here: str, unread: int) -> Nav:
    ref = borrower.ref
    places = [
        ("home", gettext("Home"), reverse("credit:home", args=[ref]), "home", 0),
        ("loans", gettext("Loans"), reverse("loans:list", args=[ref]), "loans", 0),
        ("notices", gettext("Notices"), reverse("accounts:notices", args=[ref]), "bell", unread),
        ("settings", gettext("Me"), reverse("accounts:settings"), "person", 0),
    ]
    if borrower.is_business:
        places.insert(2, ("shop", gettext("Shop"), reverse("merchants:shop", args=[ref]), "shop", 0))
    items = [NavItem(label, url, icon, name == here, count) for name, label, url, icon, count in places]
    faces = [
        NavItem(
            name_of(row.borrower),
            reverse("credit:home", args=[row.borrower.ref]),
            "shop" if row.borrower.is_business else "person",
            row.borrower.pk == borrower.pk,
        )
        for row in mine
    ]
    said = name_of(borrower) if borrower.is_business or len(mine) > 1 else ""
    return Nav(items, said, reverse("accounts:switch"), faces if len(mine) > 1 and here == "home" else [])


def name_of(borrower: Borrower) -> str:
    """Name a borrower to whoever acts for it."""
    return borrower.display_name if borrower.is_business else gettext("Myself")


def acting_for(request: SignedIn, mine: list[queries.Acting]) -> Borrower | None:
    """Give the borrower for whom the visitor acted last, in this session or before it."""
    ref = request.session.get("acting")
    in_session = (row.borrower for row in mine if str(row.borrower.ref) == ref)
    before = (row.borrower for row in mine if row.borrower.pk == request.user.acting_id)
    return next(in_session, None) or next(before, None)


def page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    borrower: Borrower | None = None,
    here: str = "",
    status: int = 200,
    unread: int | None = None,
) -> HttpResponse:
    """Render a page; with a borrower it gets the bar, and the start page leads back to that borrower."""
    values = dict(context or {})
    if borrower is not None:
        values["borrower"] = borrower
        mine, user = _mine(request), cast(User, request.user)
        known = (row.unread for row in mine if row.borrower.pk == borrower.pk)
        values["nav"] = _nav(mine, borrower, here, next(known, 0) if unread is None else unread)
        if request.session.get("acting") != str(borrower.ref):
            request.session["acting"] = str(borrower.ref)
            operations.remember_acting(user=user, borrower=borrower)
    return render(request, template, values, status=status)


def _mine(request: HttpRequest) -> list[queries.Acting]:
    """Ask once a request for whom the visitor may act."""
    found: list[queries.Acting] | None = getattr(request, "mine", None)
    if found is None:
        found = queries.borrowers_of(user=cast(User, request.user))
        request.mine = found  # type: ignore[attr-defined]
    return found


def signed_in(view: View) -> View:
    """Ask for a log-in and keep the page out of every cache."""
    return never_cache(login_required(view))


def for_borrower(roles: Collection[str] | None = None) -> Callable[[View], View]:
    """Give the view the borrower of its address, when it is the visitor's to act for; or 404."""

    def wrap(view: View) -> View:
        @signed_in
        @wraps(view)
        def inner(request: SignedIn, ref: uuid.UUID, *args: Any, **kwargs: Any) -> HttpResponse:
            found = next((row for row in _mine(request) if row.borrower.ref == ref), None)
            if (
                found is None
                or (roles is not None and found.role not in roles)
                or found.borrower.status == Borrower.Status.ERASED
            ):
                borrower = access.own_borrower(
                    user=request.user, ref=ref, roles=roles
                )  # refuses in its words
            else:
                borrower = found.borrower
            return view(request, borrower, *args, **kwargs)

        return inner

    return wrap

"""The auditor's pages: the trail by person, object and actor, a page at a time; and the whole of a person, with a reason."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import AuditEntry, BankAccount, Borrower, Identity, User
from accounts.operations import write_audit
from lendportal.desk.forms import ReasonForm
from lendportal.desk.keyset import read_key
from lendportal.desk.view_log import ACTION
from lendportal.desk.views import _page

PAGE = 100


class SearchForm(forms.Form):
    """What of the trail is wanted; empty fields ask nothing."""

    person = forms.CharField(label=gettext_lazy("Person (reference)"), required=False, max_length=64)
    object_ref = forms.CharField(label=gettext_lazy("Object (reference)"), required=False, max_length=64)
    actor = forms.CharField(
        label=gettext_lazy("Who did it (e-mail or reference)"), required=False, max_length=254
    )
    action = forms.CharField(label=gettext_lazy("Act, or how it begins"), required=False, max_length=64)
    views = forms.BooleanField(label=gettext_lazy("Only looks at people"), required=False)
    from_date = forms.DateField(
        label=gettext_lazy("From"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    to_date = forms.DateField(label=gettext_lazy("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))  # fmt: skip


def trail(request: HttpRequest) -> HttpResponse:
    """Search the trail; the newest first, a page after an id."""
    form = SearchForm(request.GET or None)
    rows = AuditEntry.objects.select_related("actor").order_by("-id")
    status = 200
    if form.is_bound:
        if form.is_valid():
            rows = rows.filter(*_wanted(form.cleaned_data))
        else:
            rows, status = rows.none(), 400
    before = read_key(request.GET.get("before", ""))
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: PAGE + 1])
    query = request.GET.copy()
    query.pop("before", None)
    return _page(
        request, "admin/trail.html", status, title=_("Audit trail"), form=form, rows=found[:PAGE],
        more=found[PAGE - 1].pk if len(found) > PAGE else None, query=query.urlencode(),
    )  # fmt: skip


def _wanted(data: dict[str, Any]) -> list[Q]:
    found: list[Q] = []
    if data["person"]:
        found.append(Q(object_ref__in=_refs_of(data["person"])))
    if data["object_ref"]:
        found.append(Q(object_ref=data["object_ref"]))
    if data["actor"]:
        ref = _uuid(data["actor"])
        users = User.objects.filter(Q(ref=ref) if ref else Q(email=data["actor"].lower()))
        found.append(Q(actor__in=users.values("pk")))
    if data["action"]:
        found.append(Q(action__startswith=data["action"]))
    if data["views"]:
        found.append(Q(action__in=(ACTION, "person.revealed")))
    if data["from_date"]:
        found.append(Q(at__date__gte=data["from_date"]))
    if data["to_date"]:
        found.append(Q(at__date__lte=data["to_date"]))
    return found


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _refs_of(person: str) -> list[str]:
    """Return the references of whatever belongs to a person: applications, lines, loans, reviews, accounts."""
    ref = _uuid(person)
    borrower = Borrower.objects.filter(ref=ref).first() if ref else None
    if borrower is None:
        return [person]
    found = [str(borrower.ref)]
    if borrower.user_id:
        found.append(str(borrower.user.ref))  # type: ignore[union-attr]
    for name in ("applications", "lines", "loans", "bank_accounts"):
        related = getattr(borrower, name, None)
        if related is not None:
            found += [str(value) for value in related.values_list("ref", flat=True)[:500]]
    return found


def reveal(request: HttpRequest, ref: uuid.UUID) -> HttpResponse:
    """Show the whole of a person once, after a reason that stays in the trail. Nothing is shown by a mere address."""
    borrower = get_object_or_404(Borrower, ref=ref)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    shown: dict[str, Any] = {}
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            write_audit(
                actor=request.user,  # type: ignore[arg-type]
                action="person.revealed",
                object_type="Borrower",
                object_ref=borrower.ref,
                reason=form.cleaned_data["reason"],
            )
            shown, status = _whole(borrower), 200
    response = _page(request, "admin/reveal.html", status, title=_("The whole of a person"), borrower=borrower, form=form, shown=shown)  # fmt: skip
    response["Cache-Control"] = "private, no-store"
    return response


def _whole(borrower: Borrower) -> dict[str, Any]:
    identity = Identity.objects.filter(borrower=borrower).first()
    accounts = BankAccount.objects.filter(borrower=borrower, removed_at=None).order_by("pk")
    user = borrower.user
    rows: list[tuple[str, str]] = []
    if identity is not None:
        rows += [(_("Name"), identity.full_name), (_("Document"), identity.get_document_display()), (_("Number"), identity.number), (_("Birth date"), str(identity.birth_date or "–"))]  # fmt: skip
    if user is not None:
        rows += [(_("E-mail"), user.email or "–"), (_("Mobile number"), user.phone or "–")]
    rows += [(f"{_('Bank account')} · {account.bank_name}", account.number) for account in accounts]
    return {"rows": rows}

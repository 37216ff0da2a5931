"""The desk's page of books that are brought over: files in, every row's problem out, and the way to a second person."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from credit.imports.files import COLUMNS
from credit.models import ImportBatch
from credit.operations.import_batches import bring_book
from lendportal.desk.views import _page
from lendportal.errors import refusal_text
from regimes.errors import Refusal

MOVING = ("WAITING", "TRYING", "APPROVED", "IMPORTING")


class BookForm(forms.Form):
    """The four files of a book."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    customers = forms.FileField(label="customers.csv", max_length=120)
    lines = forms.FileField(label="lines.csv", max_length=120, required=False)
    loans = forms.FileField(label="loans.csv", max_length=120, required=False)
    payments = forms.FileField(label="payments.csv", max_length=120, required=False)


def listing(request: HttpRequest) -> HttpResponse:
    """Bring a book, and list those that were brought."""
    user: Any = request.user
    form = BookForm(request.POST, request.FILES) if request.method == "POST" else BookForm()
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            files = {name: form.cleaned_data[name].read() for name in COLUMNS if form.cleaned_data[name]}
            try:
                batch = bring_book(name=form.cleaned_data["name"], files=files, actor=user)
            except Refusal as refusal:
                form.add_error(refusal.field or None, refusal_text(refusal))
                status = refusal.http_status
            else:
                messages.success(request, _("Brought. It is tried now; nothing comes in before a second person agrees."))  # fmt: skip
                return redirect("admin:import_batch", batch.ref)
    rows = ImportBatch.objects.defer("files", "problems").select_related("made_by", "approved_by").order_by("-id")[:50]  # fmt: skip
    return _page(request, "admin/imports.html", status, title=_("Bringing a book over"), form=form, rows=rows, columns=COLUMNS)  # fmt: skip


def one(request: HttpRequest, ref: uuid.UUID) -> HttpResponse:
    """Show how a book fared: its figures, or every row's problem."""
    batch = get_object_or_404(ImportBatch.objects.defer("files").select_related("made_by", "approved_by"), ref=ref)  # fmt: skip
    words = {"customers": _("Customers"), "lines": _("Lines"), "loans": _("Loans"), "payments": _("Payments"), "principal_outstanding": _("Principal outstanding")}  # fmt: skip
    problems = [(row["file"], row["line"], _(row["message"]) % row["params"] if row["params"] else _(row["message"]), row["code"]) for row in batch.problems]  # fmt: skip
    return _page(
        request, "admin/import_batch.html", title=_("Bringing a book over"), batch=batch, problems=problems, is_moving=batch.status in MOVING,
        figures=[(words[name], batch.figures[name], name == "principal_outstanding") for name in words if name in batch.figures],
    )  # fmt: skip

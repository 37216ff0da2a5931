"""Finance's page of the bank: import its file, see what agrees and every difference."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ledger.exports import Column, ColumnKind
from lendportal.desk.finance import _file
from lendportal.desk.views import _page
from lendportal.errors import refusal_text
from loans.bank_file import Compared, compare
from loans.models import BankFile
from loans.operations.bank_file import import_bank_file
from regimes.errors import Refusal

SHOWN = 500


class FileForm(forms.Form):
    """The bank's file."""

    file = forms.FileField(
        label=gettext_lazy("The bank's file (CSV: date, reference, amount, text)"), max_length=120
    )


def what_words() -> dict[str, str]:
    """Say each kind of difference."""
    return {
        "MATCHED": _("Agrees"),
        "UNKNOWN": _("At the bank, not with us"),
        "HELD": _("Held in suspense, or cleared from it"),
        "MISSING": _("With us, not at the bank"),
        "AMOUNT": _("Another amount"),
        "UNCONFIRMED": _("The bank did it, we have not heard"),
        "TWICE": _("Stands there more than once"),
    }


def listing(request: HttpRequest) -> HttpResponse:
    """Import a file, and list those that were imported."""
    user: Any = request.user
    form = FileForm(request.POST, request.FILES) if request.method == "POST" else FileForm()
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            upload = form.cleaned_data["file"]
            try:
                file = import_bank_file(name=upload.name, content=upload.read(), actor=user)
            except Refusal as refusal:
                form.add_error("file", refusal_text(refusal))
                status = refusal.http_status
            else:
                messages.success(request, _("Imported. Below is what agrees and what does not."))
                return redirect("admin:bank_file", file.ref)
    files = BankFile.objects.select_related("actor").order_by("-id")[:50]
    return _page(request, "admin/bank.html", status, title=_("Bank reconciliation"), form=form, files=files)


def one(request: HttpRequest, ref: uuid.UUID) -> HttpResponse:
    """Show one file against our movements."""
    file = get_object_or_404(BankFile, ref=ref)
    found, words = compare(file=file), what_words()
    if "format" in request.GET:
        return _file(request, f"bank-{file.to_date}", _columns(words), found.differences)
    return _page(
        request, "admin/bank_file.html", title=_("Bank reconciliation"), file=file, found=found,
        counts=[(words[what], count) for what, count in sorted(found.counts.items())],
        differences=[(words[row.what], row) for row in found.differences[:SHOWN]], shown=SHOWN,
    )  # fmt: skip


def _columns(words: dict[str, str]) -> list[Column]:
    def what(row: Compared) -> str:
        return words[row.what]

    return [
        Column(_("Difference"), what),
        Column(_("Date"), lambda row: row.day, ColumnKind.DATE),
        Column(_("Reference"), lambda row: row.reference),
        Column(_("Bank's amount"), lambda row: row.amount, ColumnKind.MONEY),
        Column(_("Our amount"), lambda row: row.our_amount, ColumnKind.MONEY),
        Column(_("Text"), lambda row: row.text),
    ]

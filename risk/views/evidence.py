"""Giving statements, bills and invoices, and seeing what was understood."""

from __future__ import annotations

import csv
import io
import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import queries as accounts_queries
from accounts.access import MAY_DRAW
from accounts.models import Borrower
from accounts.pages import SignedIn, for_borrower, page, refuse
from ledger.queries import business_date
from regimes.errors import N_, NotFound, Refusal
from risk.evidence import queries
from risk.evidence.operations import CONSENT_OF, import_statement
from risk.evidence.samples import sample
from risk.evidence.sandbox import connect_sandbox_person
from risk.forms import BUSINESS_KINDS, PERSON_KINDS, SandboxForm, UploadForm
from risk.views.words import category_name, flag_text, personas

HEADER_BYTES = 64 * 1024
MAPPED = frozenset(
    {"column_missing", "columns_unknown", "mapping_invalid", "date_invalid", "amount_invalid", "date_unclear"}
)


def _kinds(borrower: Borrower) -> list[tuple[str, Any]]:
    return BUSINESS_KINDS if borrower.is_business else PERSON_KINDS


def columns_of(stream: UploadedFile[Any]) -> list[str]:
    """Read the header of a CSV: the widest of its first lines, whatever it is written in."""
    stream.seek(0)
    head = stream.read(HEADER_BYTES)
    stream.seek(0)
    text = ""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = head.decode(encoding)
            break
        except UnicodeDecodeError as error:
            if len(head) == HEADER_BYTES and error.start > HEADER_BYTES - 8:
                text = head[: error.start].decode(encoding)
                break
    lines = text.splitlines()[:40]
    if not lines or "\x00" in text:
        return []
    delimiter = max(",;\t|", key=lambda mark: max(line.count(mark) for line in lines))
    try:
        rows = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter))
    except csv.Error:
        return []
    widest = max(rows, key=len)
    names = [name.strip() for name in widest if name.strip()]
    return list(dict.fromkeys(names))[:60] if len(names) > 1 else []


def _page(
    request: SignedIn,
    borrower: Borrower,
    form: UploadForm,
    *,
    status: int = 200,
    sandbox: SandboxForm | None = None,
) -> HttpResponse:
    sources = queries.evidence_of(borrower_id=borrower.pk)
    given = accounts_queries.active_consents(borrower_ids=[borrower.pk])[borrower.pk]
    known = {code for code, _label in _kinds(borrower)}
    context = {
        "form": form,
        # a feed of the sandbox is drawn ahead; its rows count, and are told, from the day on which they happen
        "today": business_date(),
        "sources": [{"source": row, "flags": [flag_text(flag) for flag in row.flags]} for row in sources],
        "coverage": queries.period_covered(borrower_id=borrower.pk, as_of=business_date()),
        "kinds": _kinds(borrower),
        "lacking": not any(CONSENT_OF[kind] & given for kind in known),
        "sandbox": (sandbox or SandboxForm(personas=personas())) if settings.SANDBOX else None,
        "step": 3,
    }
    return page(request, "risk/evidence.html", context, borrower=borrower, status=status)


@require_http_methods(["GET", "POST"])
@for_borrower(MAY_DRAW)
def evidence(request: SignedIn, borrower: Borrower) -> HttpResponse:
    """Take a file, read it at once, and say what was understood."""
    kinds = _kinds(borrower)
    if request.method == "GET":
        return _page(request, borrower, UploadForm(kinds=kinds, initial={"kind": kinds[0][0]}))
    upload = request.FILES.get("file")
    maps = any(name.startswith("map_") for name in request.POST)
    columns = columns_of(upload) if upload and maps else []
    form = UploadForm(request.POST, request.FILES, kinds=kinds, columns=columns)
    if maps and not columns:
        form.take_also(name for name in request.POST if name.startswith("map_"))
    if not form.is_valid():
        return _page(request, borrower, form, status=400)
    try:
        source = import_statement(
            borrower_id=borrower.pk,
            kind=form.cleaned_data["kind"],
            stream=form.cleaned_data["file"],
            file_name=form.cleaned_data["file"].name,
            mapping=form.mapping() or None,
            as_of=business_date(),
            now=timezone.now(),
            actor=request.user,
        )
    except Refusal as refusal:
        return _refused(request, borrower, form, refusal)
    messages.success(
        request,
        _("Read: %(rows)s rows, %(new)s of them new.") % {"rows": source.rows, "new": source.new_rows},
    )
    return redirect("risk:source", borrower.ref, source.ref)


def _refused(request: SignedIn, borrower: Borrower, form: UploadForm, refusal: Refusal) -> HttpResponse:
    """Show the refusal at the file; where columns are the trouble, let the borrower say which is which."""
    kinds = _kinds(borrower)
    if form.cleaned_data.get("kind") == "BANK_CSV" and refusal.code in MAPPED and not form.mapping_fields:
        columns = columns_of(form.cleaned_data["file"])
        again = UploadForm(request.POST, request.FILES, kinds=kinds, columns=columns)
        again.is_valid()
        return _page(request, borrower, again, status=refuse(again, refusal))
    return _page(request, borrower, form, status=refuse(form, refusal))


@for_borrower()
def source(request: SignedIn, borrower: Borrower, source_ref: uuid.UUID) -> HttpResponse:
    """Show what was understood of one file."""
    found = queries.evidence_source(borrower_id=borrower.pk, ref=source_ref)
    if found is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    totals = [
        {"name": category_name(name), "count": count, "total": total}
        for name, count, total in queries.totals_by_category(source_id=found.id)
    ]
    rows = [
        {
            "at": row.occurred_at,
            "category": category_name(row.category),
            "amount": row.amount,
            "memo": row.memo,
        }
        for row in queries.preview_rows(source_id=found.id)
    ]
    context = {
        "source": found,
        "today": business_date(),
        "totals": totals,
        "rows": rows,
        "flags": [flag_text(flag) for flag in found.flags],
    }
    return page(request, "risk/source.html", context, borrower=borrower)


@require_POST
@for_borrower(MAY_DRAW)
def sandbox_person(request: SignedIn, borrower: Borrower) -> HttpResponse:
    """Take the records of a ready-made person of the sandbox."""
    if not settings.SANDBOX:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    kinds = _kinds(borrower)
    form = SandboxForm(request.POST, personas=personas())
    if not form.is_valid():
        return _page(request, borrower, UploadForm(kinds=kinds), status=400, sandbox=form)
    try:
        connect_sandbox_person(
            borrower_id=borrower.pk,
            persona=form.cleaned_data["persona"],
            as_of=business_date(),
            now=timezone.now(),
        )
        messages.success(request, _("The records of this person are connected."))
    except Refusal as refusal:
        status = refuse(form, refusal)
        return _page(request, borrower, UploadForm(kinds=kinds), status=status, sandbox=form)
    return redirect("risk:evidence", borrower.ref)


@for_borrower(MAY_DRAW)
def sample_file(request: SignedIn, borrower: Borrower, kind: str) -> HttpResponse:
    """Hand out a made-up file in the borrower's name, to try the portal with; in the sandbox alone."""
    if not settings.SANDBOX or kind not in {code for code, _label in _kinds(borrower)}:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    identity = accounts_queries.identity_of(borrower_id=borrower.pk)
    holder = borrower.display_name if borrower.is_business or identity is None else identity.full_name
    name, content = sample(kind, seed=borrower.pk, holder=holder, end=business_date() - timedelta(days=1))
    answer = HttpResponse(content, content_type="application/octet-stream")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer

"""Finance at the desk: the books by period, the close of a month, provisions, and one loan on any day as known on any day."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from accounts.operations import write_audit
from ledger import queries as ledger_queries
from ledger import reports as ledger_reports
from ledger.domain.chart import BY_CODE
from ledger.domain.closing import month_end, next_to_close
from ledger.exports import Column, csv_lines, xlsx_bytes
from ledger.models import BookDate
from lendportal.desk import finance_columns as columns
from lendportal.desk.finance_forms import DayForm, KnownForm, PeriodForm
from lendportal.desk.keyset import read_key
from lendportal.errors import refusal_text
from loans import operations as loan_operations
from loans import queries as loan_queries
from loans import reports as loan_reports
from loans.models import Loan
from loans.tasks import work_closes
from loans.views.wake import wake
from regimes.errors import Refusal

CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _page(request: HttpRequest, template: str, status: int = 200, **context: Any) -> HttpResponse:
    return render(
        request, f"admin/{template}.html", {**admin.site.each_context(request), **context}, status=status
    )


def _require(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):  # type: ignore[union-attr]
        raise PermissionDenied


def _file(request: HttpRequest, name: str, heading: list[Column], rows: Iterable[Any]) -> HttpResponse:
    """Answer with a file, in the form that the address asks for."""
    wanted = request.GET["format"]
    response: Any
    if wanted == "csv":
        lines = csv_lines(columns=heading, rows=rows)
        # words are said in the reader's language now; a ledger has none and may be long, so it is streamed
        response = (StreamingHttpResponse if isinstance(rows, Iterator) else HttpResponse)(
            lines, content_type=CSV
        )
    elif wanted == "xlsx":
        response = HttpResponse(xlsx_bytes(title=name, columns=heading, rows=rows), content_type=XLSX)
    else:
        raise Http404
    response["Content-Disposition"] = f'attachment; filename="{name}.{wanted}"'
    response["Cache-Control"] = "private, no-store"
    return response  # type: ignore[no-any-return]


def _books() -> BookDate:
    books = BookDate.objects.filter(pk=1).first()
    if books is None:
        raise Http404
    return books


def trial_balance(request: HttpRequest) -> HttpResponse:
    """Show every account over a period."""
    _require(request, "ledger.view_posting")
    books = _books()
    form = PeriodForm.read(request, books.business_date.replace(day=1), books.business_date)
    rows: list[ledger_reports.TrialMovement] = []
    if form.is_valid():
        rows = ledger_reports.trial_movements(**form.period)
        if "format" in request.GET:
            return _file(request, f"trial-balance-{form.period['to_date']}", columns.trial(), rows)
    return _page(
        request, "finance_trial", 200 if form.is_valid() else 400, title=_("Trial balance"), form=form, rows=rows,
        totals=ledger_reports.trial_totals(rows=rows), books=books, query=form.query,
    )  # fmt: skip


def general_ledger(request: HttpRequest, code: str) -> HttpResponse:
    """Show one account posting by posting."""
    _require(request, "ledger.view_posting")
    if code not in BY_CODE:
        raise Http404
    books = _books()
    form = PeriodForm.read(request, books.business_date.replace(day=1), books.business_date)
    page = None
    if form.is_valid():
        if "format" in request.GET:
            rows = ledger_reports.general_ledger_lines(code=code, **form.period)
            return _file(request, f"ledger-{code}-{form.period['to_date']}", columns.ledger(), rows)
        page = ledger_reports.general_ledger_page(code=code, after=_mark(request), **form.period)
    name = f"{code} {_(BY_CODE[code].name)}"
    return _page(
        request, "finance_ledger", 200 if form.is_valid() else 400, title=name, form=form, page=page, query=form.query,
        is_first="after" not in request.GET,
    )  # fmt: skip


def _mark(request: HttpRequest) -> tuple[date, int] | None:
    text = request.GET.get("after", "")
    if not text:
        return None
    day, _dot, number = text.partition(".")
    key = read_key(number)
    if key is None:
        raise Http404
    try:
        return date.fromisoformat(day), key
    except ValueError:
        raise Http404 from None


def close(request: HttpRequest) -> HttpResponse:
    """Show what the next month's close waits for; a worker proves the books and closes them."""
    _require(request, "ledger.view_posting")
    books = _books()
    end = next_to_close(first_date=books.first_date, closed_through=books.closed_through)
    refused, status = "", 200
    if request.method == "POST":
        _require(request, "ledger.close_period")
        try:
            asked = date.fromisoformat(request.POST.get("month_end", ""))
        except ValueError:
            raise Http404 from None
        try:
            loan_operations.ask_for_close(
                month_end=asked, is_close=request.POST.get("act") == "close", actor=request.user  # type: ignore[arg-type]
            )  # fmt: skip
        except Refusal as refusal:
            refused, status = refusal_text(refusal), refusal.http_status
        else:
            wake(work_closes)
            return redirect("admin:close_month")
    return _page(
        request, "finance_close", status, title=_("Close a month"), books=books, month_end=end, refused=refused,
        run=(run := loan_reports.last_close(month_end=end)), before=loan_reports.last_close(month_end=books.closed_through),
        checks=[(_(row["title"]), row) for row in run.checks] if run else [], may_ask=run is None or not run.is_under_way,
        may_close=run is not None and run.status == run.Status.DONE,
    )  # fmt: skip


def provisions(request: HttpRequest) -> HttpResponse:
    """Show what is set aside, by band and by stage, and how it moved; post it for a day."""
    _require(request, "ledger.view_posting")
    books = _books()
    today = books.business_date
    form = PeriodForm.read(request, month_end(today.replace(day=1)).replace(day=1), today)
    post = DayForm(request.POST or None, initial={"as_of": today})
    status = 200
    if request.method == "POST":
        _require(request, "loans.post_provisions")
        status = _post_provisions(request, post)
        if status == 200:
            return redirect("admin:provisions")
    context: dict[str, Any] = {}
    if form.is_valid():
        bands = loan_reports.provisions_on(as_of=form.period["to_date"])
        movement = loan_reports.provision_movement(**form.period)
        if "format" in request.GET:
            return _file(request, f"provisions-{form.period['to_date']}", columns.provisions(), bands)
        context = {"bands": bands, "movement": movement, "allowance": -ledger_queries.balance(
            role="PROVISION_ALLOWANCE", as_of=form.period["to_date"])}  # fmt: skip
    elif status == 200:
        status = 400
    return _page(
        request, "finance_provisions", status, title=_("Provisions for losses"), form=form, post=post, query=form.query,
        rules=loan_reports.rules_in_force(), last=loan_reports.last_provision_date(), **context,
    )  # fmt: skip


def _post_provisions(request: HttpRequest, post: DayForm) -> int:
    if not post.is_valid():
        return 400
    as_of = post.cleaned_data["as_of"]
    try:
        with transaction.atomic():
            done = loan_operations.post_provisions(
                as_of=as_of,
                rules=loan_reports.rules_in_force(),
                actor=request.user,  # type: ignore[arg-type]
            )
            write_audit(
                actor=request.user, action="loans.post_provisions", object_type="loans.provisionrun",  # type: ignore[arg-type]
                object_ref=done.run.ref if done.run else as_of, after={"as_of": str(as_of), "changed": done.changed},
            )  # fmt: skip
    except Refusal as refusal:
        post.add_error("as_of", refusal_text(refusal))
        return refusal.http_status
    messages.success(request, _("Provisions are posted: %(count)s loans changed.") % {"count": done.changed})
    return 200


def loan_statement(request: HttpRequest, ref: uuid.UUID) -> HttpResponse:
    """Show what a loan did between two days, day by day."""
    _require(request, "loans.view_loan")
    loan = get_object_or_404(Loan.objects.select_related("borrower"), ref=ref)
    form = PeriodForm.read(request, loan.start_date, max(loan.start_date, ledger_queries.business_date()))
    statement = None
    if form.is_valid():
        try:
            statement = loan_reports.loan_statement(loan_id=loan.pk, **form.period)
        except Refusal as refusal:
            form.add_error(None, refusal_text(refusal))
        else:
            if "format" in request.GET:
                return _file(request, f"statement-{loan.ref}", columns.statement(), statement.lines)
    return _page(
        request, "finance_statement", 200 if statement else 400, title=_("Statement of a loan"), loan=loan, form=form,
        statement=statement, query=form.query,
    )  # fmt: skip


def loan_as_known(request: HttpRequest, ref: uuid.UUID) -> HttpResponse:
    """Show a loan as of a day, as it was known on a day, beside what is known now."""
    _require(request, "loans.view_loan")
    loan = get_object_or_404(Loan.objects.select_related("borrower"), ref=ref)
    today = ledger_queries.business_date()
    form = KnownForm.read(request, today, today)
    context: dict[str, Any] = {}
    if form.is_valid():
        value_date, known_on = form.cleaned_data["value_date"], form.cleaned_data["known_on"]
        then = loan_queries.loan_as_known(loan_id=loan.pk, value_date=value_date, known_on=known_on)
        now = loan_queries.loan_as_known(loan_id=loan.pk, value_date=value_date)
        events = [
            event
            for event in columns.events_of(loan)
            if event.booked_date <= known_on and event.value_date <= value_date
        ]
        entries = [
            entry for entry in ledger_queries.loan_entries(loan_id=loan.pk) if entry.booked_date <= known_on
        ]
        context = {
            "then": then,
            "compared": columns.compare(then, now),
            "events": events,
            "entries": columns.named(entries),
        }
    return _page(
        request, "finance_known", 200 if form.is_valid() else 400, title=_("A loan as it was known"), loan=loan,
        form=form, **context,
    )  # fmt: skip


def loan_changes(request: HttpRequest, ref: uuid.UUID, sequence: int) -> HttpResponse:
    """Show what one event changed on the day on which it was learned."""
    _require(request, "loans.view_loan")
    loan = get_object_or_404(Loan.objects.select_related("borrower"), ref=ref)
    event = next((event for event in columns.events_of(loan) if event.sequence == sequence), None)
    if event is None:
        raise Http404
    changes = loan_queries.what_changed(loan_id=loan.pk, sequence=sequence)
    rows = [(columns.field_words(row.field), row, row.after - row.before) for row in changes.rows]
    legs = [(columns.role_words(leg.account_role), leg) for leg in changes.legs]
    if "format" in request.GET:
        return _file(request, f"changes-{loan.ref}-{sequence}", columns.changes(), changes.rows)
    return _page(
        request,
        "finance_changes",
        title=_("What an event changed"),
        loan=loan,
        event=event,
        rows=rows,
        legs=legs,
    )

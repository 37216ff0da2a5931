"""The portfolio's pages: reports of any day with plots and files, and the loans behind a cell."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from credit.domain.products import METHOD_NAMES
from credit.models import PortfolioReport
from credit.operations.portfolio import claim_report, compute_report, is_large_book
from credit.portfolio import REPORTS, Table, UnableToReport, drill
from credit.portfolio.reports import tables_of
from credit.tasks import compute_portfolio_report
from ledger import queries as ledger_queries
from ledger.exports import Column, ColumnKind
from lendportal.desk import plots
from lendportal.desk.finance import _file
from lendportal.desk.keyset import read_key
from lendportal.desk.views import _page
from lendportal.errors import refusal_text

KINDS = {
    "money": ColumnKind.MONEY,
    "number": ColumnKind.NUMBER,
    "share": ColumnKind.RATE,
    "day": ColumnKind.DATE,
}
DRILL_COLUMNS = ("of", "portfolio", "bucket", "was", "becomes", "vintage")


def _day(request: HttpRequest, today: date) -> date:
    try:
        return date.fromisoformat(request.GET.get("as_of", "") or today.isoformat())
    except ValueError:
        raise UnableToReport("as_of_invalid", "Use YYYY-MM-DD.", field="as_of") from None


def index(request: HttpRequest) -> HttpResponse:
    """List the reports."""
    names = [(name, _(report.title)) for name, report in REPORTS.items()]
    return _page(request, "admin/portfolio.html", title=_("Portfolio"), reports=names)


def report(request: HttpRequest, name: str) -> HttpResponse:
    """Show one report of a day; it is kept by business date, and computed anew when asked."""
    if name not in REPORTS:
        raise Http404
    today, now = ledger_queries.business_date(), timezone.now()
    try:
        as_of = _day(request, today)
        fresh = request.method == "POST"
        row, mine = claim_report(name=name, as_of=as_of, business_date=today, now=now, is_fresh=fresh)
    except UnableToReport as refusal:
        return _page(request, "admin/portfolio_report.html", 400, title=_(REPORTS[name].title), name=name,
                     problem=refusal_text(refusal), as_of=today, today=today)  # fmt: skip
    if mine:
        if is_large_book():
            compute_portfolio_report.delay(report_id=row.pk)
        else:
            row = compute_report(report_id=row.pk, now=timezone.now())
    if request.method == "POST":
        return redirect(f"{reverse('admin:portfolio_report', args=[name])}?as_of={as_of.isoformat()}")
    tables = tables_of(row.tables) if row.status == PortfolioReport.Status.DONE else []
    if "format" in request.GET and tables:
        return _download(request, name, as_of, tables)
    return _page(
        request, "admin/portfolio_report.html", title=_(REPORTS[name].title), name=name, row=row, as_of=as_of, today=today,
        is_running=row.status == PortfolioReport.Status.RUNNING, shown=[_shown(name, as_of, table) for table in tables],
        others=[(other, _(known.title)) for other, known in REPORTS.items()],
    )  # fmt: skip


def _download(request: HttpRequest, name: str, as_of: date, tables: list[Table]) -> HttpResponse:
    number = request.GET.get("table", "0")
    table = tables[int(number)] if number in {str(n) for n in range(len(tables))} else tables[0]
    columns = [
        Column(_(heading), _cell(place, kind), KINDS.get(kind, ColumnKind.TEXT))
        for place, (heading, kind) in enumerate(table.columns)
    ]
    return _file(request, f"{name}-{as_of}", columns, table.rows)


def _cell(place: int, kind: str) -> Any:
    def value(row: list[Any]) -> Any:
        found = row[place]
        if found is None:
            return None
        if kind in ("money", "share"):
            return Decimal(str(found))
        return _(METHOD_NAMES.get(found, found)) if kind == "text" and found else found

    return value


def _shown(name: str, as_of: date, table: Table) -> dict[str, Any]:
    """Turn a table into cells with words, classes and links."""
    base = reverse("admin:portfolio_loans")
    rows = []
    for y, row in enumerate(table.rows):
        cells = []
        for x, (value, (_heading, kind)) in enumerate(zip(row, table.columns, strict=True)):
            link = table.links.get(f"{y}:{x}")
            href = f"{base}?{urlencode({**link, 'as_of': as_of.isoformat()})}" if link else ""
            cells.append((_words(value, kind), "" if kind == "text" else "money", href))
        rows.append(cells)
    heads = [(_(heading), "" if kind == "text" else "money") for heading, kind in table.columns]
    return {"title": _(table.title), "heads": heads, "rows": rows, "plot": _plot(table)}


def _words(value: Any, kind: str) -> str:
    if value is None:
        return "–"
    if kind == "money":
        return f"¥{Decimal(value):,.2f}"
    if kind == "share":
        return f"{value * 100:.2f}%"
    if kind == "number":
        return f"{value:,}"
    return _("All") if value == "*" else _(METHOD_NAMES.get(str(value), str(value))) if value else "–"


def _plot(table: Table) -> SafeString:
    if not table.chart:
        return mark_safe("")
    series = [(_(str(name)), values) for name, values in table.chart["series"]]
    draw = plots.lines if table.chart["kind"] == "lines" else plots.bars
    return mark_safe(draw([_(str(x)) for x in table.chart["x"]], series, title=_(table.title)))  # noqa: S308


def loans(request: HttpRequest) -> HttpResponse:
    """Show the loans behind a cell, a page at a time."""
    today = ledger_queries.business_date()
    cell = {key: request.GET[key] for key in DRILL_COLUMNS if key in request.GET}
    try:
        as_of = _day(request, today)
        number = read_key(request.GET.get("after", "0")) or 0
        found, more = drill(cell=cell, as_of=as_of, is_today=as_of == today, after=number)
    except UnableToReport as refusal:
        return _page(request, "admin/portfolio_loans.html", 400, title=_("Loans behind a cell"), problem=refusal_text(refusal))  # fmt: skip
    query = urlencode({**cell, "as_of": as_of.isoformat()})
    return _page(request, "admin/portfolio_loans.html", title=_("Loans behind a cell"), loans=found, more=more, query=query, as_of=as_of)  # fmt: skip

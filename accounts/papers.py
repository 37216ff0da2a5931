"""Papers that people keep: contracts, statements, receipts. One content, written as HTML, as PDF or as CSV.

A paper is values only. The PDF embeds a subset of Noto Sans SC (SIL Open Font License), so that it reads the same on every
machine, and is the same bytes each time it is made: its only moment is the paper's own day.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language

from accounts.pages import page

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a paper: sentences, pairs of what and how much, and a table; each may be empty.

    `numeric` are the places of the columns that stand to the right.
    """

    title: str = ""
    text: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    foot: tuple[str, ...] = ()
    numeric: frozenset[int] = frozenset()
    widths: tuple[int, ...] = ()

    @property
    def cells(self) -> list[list[tuple[str, bool]]]:
        """Return the rows as (text, stands to the right)."""
        return [[(text, place in self.numeric) for place, text in enumerate(row)] for row in self.rows]

    @property
    def head_cells(self) -> list[tuple[str, bool]]:
        return [(text, place in self.numeric) for place, text in enumerate(self.head)]

    @property
    def foot_cells(self) -> list[tuple[str, bool]]:
        return [(text, place in self.numeric) for place, text in enumerate(self.foot)]


@dataclass(frozen=True, slots=True)
class Paper:
    """A whole paper. `name` is the file's name without its ending, in ASCII."""

    name: str
    title: str
    subtitle: str
    day: date
    sections: tuple[Section, ...]
    small: tuple[str, ...] = ()
    footer: str = ""
    csv_head: tuple[str, ...] = ()
    csv_rows: tuple[tuple[str, ...], ...] = field(default=())


def answer(
    request: HttpRequest,
    paper: Paper,
    *,
    kind: str,
    back: str,
    back_words: str,
    template: str = "papers/paper.html",
    context: dict[str, Any] | None = None,
    **frame: Any,
) -> HttpResponse:
    """Give a paper as "html" (a page with links to the other forms), "pdf" or "csv"."""
    if kind == "pdf":
        return _file(to_pdf(paper), "application/pdf", f"{paper.name}.pdf")
    if kind == "csv":
        return _file(to_csv(paper), "text/csv; charset=utf-8", f"{paper.name}.csv")
    query = request.GET.copy()
    query.pop("as", None)
    values = {"paper": paper, "back": back, "back_words": back_words, "query": query.urlencode()}
    return page(request, template, values | (context or {}), **frame)


def _file(content: bytes, media_type: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=media_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response


def to_csv(paper: Paper) -> bytes:
    """Write the paper's rows as UTF-8 with a byte-order mark, so that spreadsheets read Chinese; no cell is a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for row in (paper.csv_head, *paper.csv_rows):
        writer.writerow([harmless(cell) for cell in row])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def harmless(cell: str) -> str:
    """Put an apostrophe before what a spreadsheet would run; numbers stay numbers."""
    if cell.startswith(FORMULA_STARTS) and not _is_number(cell):
        return "'" + cell
    return cell


def _is_number(cell: str) -> bool:
    digits = cell.removeprefix("-").replace(".", "", 1)
    return digits.isascii() and digits.isdigit()


def to_pdf(paper: Paper) -> bytes:
    """Write a paper as PDF on A4, its font embedded, its text selectable."""
    from accounts.pdf import Sheet  # half a second of font tables: only for those who ask for a PDF

    sheet = Sheet(
        title=paper.title,
        footer=paper.footer,
        language="zh-CN" if (get_language() or "").startswith("zh") else "en",
        made_at=datetime.combine(paper.day, time(0), tzinfo=UTC),
    )
    sheet.heading(paper.title, paper.subtitle)
    for section in paper.sections:
        _write(sheet, section)
    for line in paper.small:
        sheet.small(line)
    return sheet.output_bytes()


def _write(sheet: Any, section: Section) -> None:
    if section.title:
        sheet.title_of_part(section.title)
    for line in section.text:
        sheet.paragraph(line)
    if section.pairs:
        sheet.pairs(section.pairs)
    if section.rows:
        sheet.table_of(section)


def font_file() -> Path:
    """Return the file of the embedded font."""
    import pylopdf_fonts_zh_cn

    return Path(next(iter(pylopdf_fonts_zh_cn.__path__))) / "NotoSansSC-Regular.otf"


def rows_of(rows: Iterable[Sequence[object]]) -> tuple[tuple[str, ...], ...]:
    """Turn values into cells."""
    return tuple(tuple("" if cell is None else str(cell) for cell in row) for row in rows)

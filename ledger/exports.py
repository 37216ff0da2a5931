"""Tables as files: CSV that no spreadsheet takes for formulas, and XLSX with amounts as numbers.

Names, descriptions and references come from people. A cell that begins like a formula is run by a spreadsheet, so in
CSV it is given an apostrophe in front, and in XLSX it is written as text, whatever it looks like.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

BOM: Final = "\ufeff"  # without it the common spreadsheet reads Chinese as another code page
XLSX_ROWS: Final = 1_048_575  # what a sheet holds below its heading
_RISKY: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|", "%")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class ColumnKind(StrEnum):
    """Name what a column holds."""

    TEXT = "TEXT"
    MONEY = "MONEY"
    DATE = "DATE"
    NUMBER = "NUMBER"
    RATE = "RATE"


_FORMATS: Final = {
    ColumnKind.MONEY: ("#,##0.00;[Red]-#,##0.00", 16),
    ColumnKind.DATE: ("yyyy-mm-dd", 12),
    ColumnKind.NUMBER: ("0", 10),
    ColumnKind.RATE: ("0.00%", 10),
    ColumnKind.TEXT: ("@", 28),
}


@dataclass(frozen=True, slots=True)
class Column:
    """Name a column and say how a row gives its value."""

    title: str
    value: Callable[[Any], Any]
    kind: ColumnKind = ColumnKind.TEXT


class UnableToExport(ValueError):
    """Refuse a value that does not belong in its column: a mistake of the caller, never of a reader."""


def safe_text(value: object) -> str:
    """Return text that a spreadsheet shows and does not run."""
    text = _CONTROL.sub("", str(value))
    return f"'{text}" if text.lstrip(" ").startswith(_RISKY) else text


def csv_lines(*, columns: list[Column], rows: Iterable[Any]) -> Iterator[str]:
    """Return the lines of a CSV file, one at a time, with CRLF as RFC 4180 asks."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    buffer.write(BOM)
    writer.writerow([safe_text(column.title) for column in columns])
    for row in rows:
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        writer.writerow([_csv_cell(column, column.value(row)) for column in columns])
    yield buffer.getvalue()


def _csv_cell(column: Column, value: Any) -> str:
    if value is None:
        return ""
    _check(column, value)
    if column.kind is ColumnKind.TEXT:
        return safe_text(value)
    return (
        value.isoformat()
        if isinstance(value, date)
        else f"{value:f}"
        if isinstance(value, Decimal)
        else str(value)
    )


def xlsx_bytes(*, title: str, columns: list[Column], rows: Iterable[Any]) -> bytes:
    """Return an XLSX file with one sheet; rows beyond what a sheet holds go on in a next one."""
    book = Workbook(write_only=True)
    sheet: Any = _new_sheet(book, title, columns, 0)
    try:
        for count, row in enumerate(rows):
            if count and count % XLSX_ROWS == 0:
                sheet = _new_sheet(book, title, columns, count // XLSX_ROWS)
            sheet.append([_xlsx_cell(sheet, column, column.value(row)) for column in columns])
    except BaseException:
        for begun in book.worksheets:  # each has a file open that only closing it ends
            begun.close()
        raise
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _new_sheet(book: Workbook, title: str, columns: list[Column], number: int) -> Any:
    name = re.sub(r"[\[\]:*?/\\]", " ", _CONTROL.sub("", title))[:25].strip("' ") or "1"
    sheet = book.create_sheet(name if number == 0 else f"{name} {number + 1}")
    sheet.freeze_panes = "A2"
    for index, column in enumerate(columns, start=1):
        sheet.column_dimensions[get_column_letter(index)].width = _FORMATS[column.kind][1]
    heading = []
    for column in columns:
        cell = _text_cell(sheet, column.title)
        cell.font = Font(bold=True)
        heading.append(cell)
    sheet.append(heading)
    return sheet


def _text_cell(sheet: Any, value: object) -> Any:
    cell = WriteOnlyCell(sheet, value="")
    # set after the value: openpyxl would make a formula of what begins with "="
    cell.value = _CONTROL.sub("", str(value))[:32767]
    cell.data_type = "s"
    return cell


def _xlsx_cell(sheet: Any, column: Column, value: Any) -> Any:
    if value is None:
        return None
    _check(column, value)
    if column.kind is ColumnKind.TEXT:
        cell = _text_cell(sheet, value)
    else:
        cell = WriteOnlyCell(sheet, value=value)
    cell.number_format = _FORMATS[column.kind][0]
    return cell


def _check(column: Column, value: Any) -> None:
    wanted: dict[ColumnKind, Any] = {
        ColumnKind.MONEY: Decimal, ColumnKind.RATE: Decimal, ColumnKind.DATE: date, ColumnKind.NUMBER: int,
    }  # fmt: skip
    kind = wanted.get(column.kind)
    if kind is not None and not isinstance(value, kind):
        raise UnableToExport(f"{column.title}: {type(value).__name__} is no {column.kind.lower()}")
    if isinstance(value, Decimal) and not value.is_finite():
        raise UnableToExport(f"{column.title}: {value} is no amount")

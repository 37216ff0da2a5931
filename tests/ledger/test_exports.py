"""Files for spreadsheets: nothing in them runs, and every cent comes back."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import load_workbook

from ledger import exports
from ledger.exports import Column, ColumnKind, UnableToExport, csv_lines, safe_text, xlsx_bytes

COLUMNS = [
    Column("姓名", lambda row: row[0]),
    Column("amount", lambda row: row[1], ColumnKind.MONEY),
    Column("on", lambda row: row[2], ColumnKind.DATE),
    Column("n", lambda row: row[3], ColumnKind.NUMBER),
]
EVIL = [
    "=1+1", "=HYPERLINK(\"http://x\",\"y\")", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1+1", "=cmd|' /C calc'!A0",
    "|x", "%0A=1", "\x00=1",
]  # fmt: skip


@pytest.mark.parametrize(
    "row",
    [
        ("a", 1.5, None, None),
        ("a", "1.00", None, None),
        ("a", Decimal("NaN"), None, None),
        ("a", None, "2026-01-01", None),
    ],
)
def test_it_refuses_what_does_not_belong_in_its_column(row: tuple[Any, ...]) -> None:
    with pytest.raises(UnableToExport):
        list(csv_lines(columns=COLUMNS, rows=[row]))
    with pytest.raises(UnableToExport):
        xlsx_bytes(title="t", columns=COLUMNS, rows=[row])


@pytest.mark.parametrize("text", EVIL)
def test_nothing_in_a_csv_begins_like_a_formula(text: str) -> None:
    assert safe_text(text).startswith("'")
    [_, row] = list(
        csv.reader(io.StringIO("".join(csv_lines(columns=COLUMNS, rows=[(text, Decimal(1), None, 1)]))))
    )
    assert row[0].lstrip()[0] not in "=+-@\t\r|%＝"


def test_a_negative_amount_stays_a_number() -> None:
    rows = list(
        csv.reader(io.StringIO("".join(csv_lines(columns=COLUMNS, rows=[("a", Decimal("-0.10"), None, -3)]))))
    )
    assert rows[1] == ["a", "-0.10", "", "-3"]


def test_a_csv_reads_back_to_the_cent() -> None:
    data = [
        ('张三, "三"', Decimal("99999999999999.99"), date(2026, 2, 28), 1),
        ("李四", Decimal("1E+3"), None, 2),
    ]
    text = "".join(csv_lines(columns=COLUMNS, rows=data))
    assert text.startswith("\ufeff")
    assert text.count("\r\n") == 3
    rows = list(csv.reader(io.StringIO(text[1:])))
    assert rows == [
        ["姓名", "amount", "on", "n"],
        ['张三, "三"', "99999999999999.99", "2026-02-28", "1"],
        ["李四", "1000", "", "2"],
    ]


def test_an_empty_table_has_its_heading() -> None:
    assert "".join(csv_lines(columns=COLUMNS, rows=[])) == "\ufeff姓名,amount,on,n\r\n"
    sheet = load_workbook(io.BytesIO(xlsx_bytes(title="t", columns=COLUMNS, rows=[]))).active
    assert [cell.value for cell in sheet[1]] == ["姓名", "amount", "on", "n"]


def test_a_workbook_holds_numbers_dates_and_no_formula() -> None:
    data = [(text, Decimal("-1234.56"), date(2026, 2, 28), 7) for text in EVIL]
    sheet = load_workbook(io.BytesIO(xlsx_bytes(title="=a/b:*?[c]", columns=COLUMNS, rows=data))).active
    assert sheet.title == "=a b    c"
    for row in sheet.iter_rows(min_row=2):
        assert row[0].data_type in ("s", "inlineStr")
        assert row[1].value == pytest.approx(-1234.56, abs=0)
        assert row[1].data_type == "n"
        assert row[2].value.date() == date(2026, 2, 28)
    assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)


def test_a_long_table_goes_on_in_a_next_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "XLSX_ROWS", 2)
    rows = [(str(index), Decimal(index), None, index) for index in range(5)]
    book = load_workbook(io.BytesIO(xlsx_bytes(title="t", columns=COLUMNS, rows=rows)))
    assert [sheet.max_row for sheet in book] == [3, 3, 2]
    assert [sheet.cell(2, 4).value for sheet in book] == [0, 2, 4]

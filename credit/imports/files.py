"""Read the four files of an import: every row is checked, every problem is listed, nothing is written. Pure but for the regime."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from ledger.domain.csv_rows import csv_rows
from loans.domain.terms import RepaymentMethod
from regimes.errors import N_, InvalidInput, Refusal

MOST_ROWS = 1_000_000
COLUMNS = {
    "customers": ("customer_id", "email", "full_name", "document", "number", "birth_date"),
    "lines": ("line_id", "customer_id", "limit", "annual_rate", "opened_date"),
    "loans": (
        "loan_id", "line_id", "principal", "annual_rate", "penalty_rate", "method", "instalments", "start_date",
    ),
    "payments": ("loan_id", "date", "amount", "reference"),
}  # fmt: skip
ID = re.compile(r"[A-Za-z0-9._:-]{1,48}")
MONEY = re.compile(r"(0|[1-9]\d{0,11})\.\d{2}")
RATE = re.compile(r"0\.\d{1,6}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: which file and line, a stable code, a sentence."""

    file: str
    line: int
    code: str
    message: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.file}.csv:{self.line}: {self.message % self.params if self.params else self.message} [{self.code}]"


@dataclass(slots=True)
class Row:
    """One row that was read: its line, and its values by column."""

    line: int
    values: dict[str, Any]


@dataclass(slots=True)
class Book:
    """What the files say, with every problem found so far."""

    customers: dict[str, Row] = field(default_factory=dict)
    lines: dict[str, Row] = field(default_factory=dict)
    loans: dict[str, Row] = field(default_factory=dict)
    payments: dict[str, list[Row]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def complain(self, file: str, line: int, refusal: Refusal) -> None:
        self.problems.append(Problem(file, line, refusal.code, refusal.message, refusal.params))


def _bad(code: str, message: str, **params: Any) -> InvalidInput:
    return InvalidInput(code, message, params=params)


def _id(text: str) -> str:
    if not ID.fullmatch(text):
        raise _bad("id_invalid", N_("An identifier has 1 to 48 letters, digits and . _ : -"))
    return text


def _text(text: str) -> str:
    if not text:
        raise _bad("required", N_("This field is needed."))
    return text


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _bad("date_invalid", N_("Use YYYY-MM-DD.")) from None


def _money(text: str) -> Decimal:
    if not MONEY.fullmatch(text) or Decimal(text) <= 0:
        raise _bad("amount_invalid", N_("Enter an amount such as 1500.00."))
    return Decimal(text)


def _rate(text: str) -> Decimal:
    if not RATE.fullmatch(text):
        raise _bad("rate_invalid", N_("Enter a rate such as 0.12 for 12 %."))
    return Decimal(text)


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,2}", text) or int(text) > 600:
        raise _bad("instalments_invalid", N_("The number of instalments is from 1 to 600."))
    return int(text)


def _method(text: str) -> RepaymentMethod:
    allowed = ("EQUAL_INSTALMENT", "EQUAL_PRINCIPAL", "INTEREST_FIRST", "BULLET")
    if text not in allowed:
        raise _bad("method_invalid", N_("Choose one of %(names)s."), names=", ".join(allowed))
    return RepaymentMethod(text)


READERS: dict[str, Callable[[str], Any]] = {
    "customer_id": _id, "line_id": _id, "loan_id": _id, "reference": _id, "email": _text, "full_name": _text,
    "document": _text, "number": _text, "birth_date": _day, "opened_date": _day, "start_date": _day, "date": _day,
    "limit": _money, "principal": _money, "amount": _money, "annual_rate": _rate, "penalty_rate": _rate,
    "instalments": _count, "method": _method,
}  # fmt: skip


def read_book(files: Mapping[str, bytes]) -> Book:
    """Read the files that were given, in their order; a row with a problem is left out and told."""
    book = Book()
    for name in COLUMNS:
        if name in files:
            _read(book, name, files[name])
    return book


def _read(book: Book, name: str, content: bytes) -> None:
    seen_references: set[tuple[str, str]] = set()
    for line, values in _rows(book, name, content):
        if name == "payments":
            key = (values["loan_id"], values["reference"])
            if key in seen_references:
                book.complain(name, line, _bad("duplicate", N_("This identifier stands there twice.")))
                continue
            seen_references.add(key)
            book.payments.setdefault(values["loan_id"], []).append(Row(line, values))
            continue
        own = {"customers": "customer_id", "lines": "line_id", "loans": "loan_id"}[name]
        table: dict[str, Row] = getattr(book, name)
        if values[own] in table:
            book.complain(name, line, _bad("duplicate", N_("This identifier stands there twice.")))
            continue
        table[values[own]] = Row(line, values)


def _rows(book: Book, name: str, content: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        for line, cells in csv_rows(content, columns=COLUMNS[name], most_rows=MOST_ROWS):
            values, wrong = {}, False
            for column, text in cells.items():
                try:
                    values[column] = READERS[column](text)
                except InvalidInput as refusal:
                    book.complain(name, line, refusal)
                    wrong = True
            if not wrong:
                yield line, values
    except InvalidInput as refusal:
        book.complain(name, int(refusal.params.get("line", 1)), refusal)

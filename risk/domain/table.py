"""Any table of loans: read a CSV, and encode its categories without looking at the test's labels.

The encoder is our own: categories become smoothed bad rates learned out of fold, never a library's mapping
that could be lost or depend on the batch.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from regimes.errors import N_, Refusal
from risk.domain.columns import MISSING, Column, ColumnKind
from risk.domain.events import Floats, Integers
from risk.domain.metrics import weights_of

LARGEST_FIELD = 1_000_000
FOLDS = 5
SMOOTH = 20.0


class UnableToReadTable(Refusal):
    """Refuse a file that is not a table of loans."""


@dataclass(frozen=True, slots=True)
class Table:
    """Hold a table by column name."""

    columns: dict[str, list[str]]
    rows: int

    def need(self, name: str) -> list[str]:
        """Give a column that must be there."""
        if name not in self.columns:
            raise UnableToReadTable(
                "column_missing", N_("Line 1: column '%(name)s' is missing."), params={"name": name}
            )
        return self.columns[name]


def read_table(path: Path) -> Table:
    """Read a CSV file, plain or gzip, UTF-8 with or without a byte order mark."""
    csv.field_size_limit(LARGEST_FIELD)
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            file.seek(0)
            return _read(csv.reader(file, strict=True, delimiter=_delimiter(head)))
    except FileNotFoundError:
        raise UnableToReadTable(
            "file_missing", N_("There is no file %(name)s."), params={"name": path.name}
        ) from None
    except UnicodeDecodeError:
        raise UnableToReadTable("not_utf8", N_("Save the file as UTF-8.")) from None
    except (csv.Error, gzip.BadGzipFile, EOFError) as error:
        raise UnableToReadTable(
            "not_csv", N_("The file is not a CSV table: %(why)s."), params={"why": error}
        ) from None


def _delimiter(head: str) -> str:
    """Tell what parts the cells: a comma, unless the header has none and has another.

    >>> [_delimiter(h) for h in ("row_id,bad;x", "row_id;bad;x", "row_id\\tbad", "row_id")]
    [',', ';', '\\t', ',']
    """
    others = [mark for mark in (";", "\t", "|") if mark in head]
    return "," if "," in head or not others else max(others, key=head.count)


def _read(reader: Iterable[list[str]]) -> Table:
    rows = iter(reader)
    header = [name.strip() for name in next(rows, [])]
    if not header or header == [""]:
        raise UnableToReadTable("empty", N_("The file is empty."))
    if len(set(header)) != len(header):
        raise UnableToReadTable("column_twice", N_("Line 1: a column is there twice."))
    body: list[list[str]] = []
    for line, row in enumerate(rows, 2):
        if not row:
            continue
        if len(row) != len(header):
            raise UnableToReadTable(
                "ragged",
                N_("Line %(line)s has %(found)s fields, the header has %(wanted)s."),
                params={"line": line, "found": len(row), "wanted": len(header)},
            )
        body.append(row)
    if not body:
        raise UnableToReadTable("no_rows", N_("The file has a header and no rows."))
    columns = [list(column) for column in zip(*body, strict=True)]
    return Table(dict(zip(header, columns, strict=True)), len(body))


def codes_of(column: Column) -> tuple[Integers, dict[str, int]]:
    """Number the categories of a text column (or the values of a numeric one); -1 is missing."""
    keys = column.texts if column.kind is ColumnKind.TEXT else tuple(_key(v) for v in column.numbers)
    found: dict[str, int] = {}
    codes = np.array(
        [-1 if k.lower() in MISSING else found.setdefault(k, len(found)) for k in keys], dtype=np.int64
    )
    return codes, found


def _key(value: float) -> str:
    return "" if np.isnan(value) else repr(value)


@dataclass(frozen=True, slots=True)
class Rates:
    """Hold a category's smoothed log-odds and frequency; unseen takes the prior, missing its own."""

    table: Floats
    counts: Floats
    prior: float
    book: dict[str, int]

    def encode(self, column: Column) -> tuple[Floats, Floats]:
        keys = column.texts if column.kind is ColumnKind.TEXT else tuple(_key(v) for v in column.numbers)
        # the last place of the tables is missing; an unseen category has the prior and a count of 0
        at = np.array([len(self.table) - 1 if k.lower() in MISSING else self.book.get(k, -1) for k in keys])
        return np.where(at >= 0, self.table[at], self.prior), np.where(at >= 0, self.counts[at], 0.0)


def learn_rates(column: Column, bad: Integers, weight: Floats | None) -> tuple[Rates, Floats]:
    """Learn a category's bad rate; give also the training column itself, each row from the other folds."""
    codes, book = codes_of(column)
    codes = np.where(codes < 0, len(book), codes)
    w = weights_of(bad, weight)
    w = w / w.mean()
    size = len(book) + 1
    prior = float((w * bad).sum() / w.sum())
    hits = np.asarray(np.bincount(codes, w * bad, size), dtype=np.float64)
    every = np.asarray(np.bincount(codes, w, size), dtype=np.float64)

    def odds(hit: Floats, seen: Floats) -> Floats:
        rate = (hit + SMOOTH * prior) / (seen + SMOOTH)
        return np.asarray(np.log(rate / (1 - rate)))

    fold = np.random.default_rng(3).integers(0, FOLDS, len(codes))
    own = np.empty(len(codes))
    for part in range(FOLDS):
        mine = fold == part
        hit = np.asarray(hits - np.bincount(codes[mine], (w * bad)[mine], size), dtype=np.float64)
        seen = np.asarray(every - np.bincount(codes[mine], w[mine], size), dtype=np.float64)
        own[mine] = odds(hit, seen)[codes[mine]]
    counts = np.log1p(np.bincount(codes, minlength=size).astype(np.float64))
    level = float(np.log(prior / (1 - prior)))
    return Rates(odds(hits, every), counts, level, book), own

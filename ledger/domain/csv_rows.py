"""Read a CSV file strictly: UTF-8 with or without its mark, one known heading, caps on rows, cells and bytes. Pure.

Cells are text and stay text: a formula is kept as it stands (and is made harmless when it is exported).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Final

from regimes.errors import N_, InvalidInput

MOST_BYTES: Final = 64 * 1024 * 1024
MOST_CELL: Final = 1_000
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\u202a-\u202e\u2066-\u2069]")


class UnableToReadFile(InvalidInput):
    """Refuse a file, with the line at fault."""


def csv_rows(
    content: bytes, *, columns: Sequence[str], most_rows: int
) -> Iterator[tuple[int, dict[str, str]]]:
    """Give (line number, cells by column) of every row; refuse at the first thing that is not as documented."""
    if len(content) > MOST_BYTES:
        raise UnableToReadFile("file_too_large", N_("The file is too large."), field="file")
    if not content.strip():
        raise UnableToReadFile("file_empty", N_("The file is empty."), field="file")
    if content[:4] in (b"PK\x03\x04", b"%PDF") or b"\x00" in content[:1000]:
        raise UnableToReadFile("not_csv", N_("This is not a CSV file."), field="file")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnableToReadFile("not_utf8", N_("Save the file as UTF-8."), field="file") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    heading: list[str] | None = None
    try:
        for cells in reader:
            if not cells or not any(cell.strip() for cell in cells):
                continue
            if heading is None:
                heading = _heading(cells, columns)
                continue
            if reader.line_num > most_rows + 1:
                raise _at(
                    reader.line_num,
                    "too_many_rows",
                    N_("Line %(line)s: at most %(maximum)s rows."),
                    maximum=most_rows,
                )
            yield reader.line_num, _row(reader.line_num, cells, heading)
    except csv.Error:
        raise _at(
            reader.line_num, "quote_open", N_("Line %(line)s: a quotation mark is not closed.")
        ) from None
    if heading is None:
        raise UnableToReadFile("file_empty", N_("The file is empty."), field="file")


def _heading(cells: list[str], columns: Sequence[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    for name in columns:
        if names.count(name) != 1:
            raise UnableToReadFile(
                "column_missing",
                N_("Line 1: the column “%(name)s” must stand there once."),
                field="file",
                params={"name": name},
            )
    for name in names:
        if name not in columns:
            raise UnableToReadFile(
                "column_unknown",
                N_("Line 1: the column “%(name)s” is not known."),
                field="file",
                params={"name": name[:40]},
            )
    return names


def _row(line: int, cells: list[str], heading: list[str]) -> dict[str, str]:
    if len(cells) != len(heading):
        raise _at(line, "cells_wrong", N_("Line %(line)s: the number of cells is not that of the heading."))
    for cell in cells:
        if len(cell) > MOST_CELL:
            raise _at(line, "cell_too_long", N_("Line %(line)s: a cell is too long."))
        if _CONTROL.search(cell):
            raise _at(line, "control_character", N_("Line %(line)s: remove hidden characters."))
    return dict(zip(heading, (cell.strip() for cell in cells), strict=True))


def _at(line: int, code: str, message: str, **params: object) -> UnableToReadFile:
    return UnableToReadFile(code, message, field="file", params={"line": line, **params})

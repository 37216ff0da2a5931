"""Binary COPY of rows whose every column has one width: no parsing, a block is one numpy array."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.db import connection

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
EPOCH = 730_120  # 2000-01-01 as an ordinal: PostgreSQL counts days from it


def layout(*fields: tuple[str, str]) -> np.dtype[Any]:
    """Lay out one tuple: the number of fields, then length and big-endian bytes of each."""
    laid: list[tuple[str, str]] = [("fields", ">i2")]
    for name, kind in fields:
        laid += [(f"{name}_length", ">i4"), (name, kind)]
    return np.dtype(laid)


def copy_out(ask: str, shape: np.dtype[Any]) -> Any:
    """Copy the rows of a SELECT out; refuse rows of another width, which a NULL would make."""
    with connection.cursor() as cursor, cursor.copy(f"COPY ({ask}) TO STDOUT (FORMAT BINARY)") as copy:
        found = b"".join(bytes(part) for part in copy)
    whole = len(found) - len(HEADER) - len(TRAILER)
    assert whole % shape.itemsize == 0, "every column is NOT NULL and has one width"
    return np.frombuffer(found, dtype=shape, offset=len(HEADER), count=whole // shape.itemsize)


def tuples(shape: np.dtype[Any], columns: dict[str, Any], count: int) -> Any:
    """Put columns into tuples, in the order of the layout."""
    out = np.zeros(count, dtype=shape)
    out["fields"] = len(columns)
    for name, values in columns.items():
        out[f"{name}_length"] = shape[name].itemsize
        out[name] = values
    return out


def copy_in(table: str, shape: np.dtype[Any], columns: dict[str, Any], count: int) -> None:
    """Copy columns into a table."""
    if not count:
        return
    names = ", ".join(columns)
    rows = tuples(shape, columns, count)
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.write(HEADER)
        copy.write(memoryview(rows).cast("B"))
        copy.write(TRAILER)

"""What must always hold of the books, each said once, in SQL."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invariant:
    """State one rule. Its statement returns the rows that break it, so no row means that it holds.

    The first column of every row names the object at fault; the rest say what was found.
    """

    id: str
    title: str
    sql: str

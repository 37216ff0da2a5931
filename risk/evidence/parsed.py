"""What a parser yields: rows, and a summary that fills while they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from regimes.errors import N_
from risk.domain.events import Category, EventKind, Source
from risk.evidence.refusals import StatementTooLarge, UnableToReadStatement
from risk.evidence.text import MAX_ROWS


@dataclass(frozen=True, slots=True)
class Row:
    """Hold one event with the line that told it and the text that makes it the same event elsewhere.

    `identity` is the source's own number of the transaction where there is one. `wallet` names the wallet
    through which a bank account paid, so that a payment told by both is counted once. `state` is what became of the event
    where the source tells it later: another state is a correction.
    """

    line: int
    occurred_at: datetime
    kind: EventKind
    amount: Decimal
    category: Category = Category.UNKNOWN
    balance: Decimal | None = None
    counterparty: str = ""
    memo: str = ""
    identity: str = ""
    wallet: Source = Source.UNKNOWN
    state: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """Say how to read: the business date, and for bank CSV the chosen columns."""

    as_of: date
    mapping: Mapping[str, str] = field(default_factory=dict)
    remembered: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by header fingerprint


@dataclass(slots=True)
class Summary:
    """Say of a statement what its rows do not; complete only after the last row was read."""

    source: Source = Source.UNKNOWN
    holder: str = ""
    account: str = ""
    begin: date | None = None
    end: date | None = None
    rows: int = 0
    skipped: int = 0
    redacted: int = 0
    descending: bool = False
    own_numbers: bool = True  # transactions carry numbers of the source
    fingerprint: str = ""
    columns: list[str] = field(default_factory=list)
    mapping: dict[str, str] = field(default_factory=dict)
    warnings: dict[str, int] = field(default_factory=dict)
    announced: int | None = None

    def warn(self, name: str) -> None:
        """Count a thing that an officer should know."""
        self.warnings[name] = self.warnings.get(name, 0) + 1

    def count(self, line: int, day: date) -> None:
        """Count a row and widen the period, refusing one row too many."""
        self.rows += 1
        if self.rows > MAX_ROWS:
            raise StatementTooLarge(
                "too_many_rows",
                N_("The file has more than %(limit)s rows. Export a shorter period."),
                field="file",
                params={"limit": MAX_ROWS, "line": line},
            )
        if self.begin is None or day < self.begin:
            self.begin = day
        if self.end is None or day > self.end:
            self.end = day

    def as_json(self) -> dict[str, Any]:
        """Give plain values for the way out of the child process."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return plain | {
            "source": int(self.source),
            "begin": self.begin and self.begin.isoformat(),
            "end": self.end and self.end.isoformat(),
        }

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Summary:
        """Read what `as_json` gave."""
        days = {name: plain[name] and date.fromisoformat(plain[name]) for name in ("begin", "end")}
        return cls(**(plain | days | {"source": Source(plain["source"])}))


class Header:
    """Find cells by column name in the records below a header."""

    def __init__(self, line: int, cells: Sequence[str]) -> None:
        self.line = line
        self.names = [name.strip("\ufeff ") for name in cells]
        while self.names and not self.names[-1]:
            self.names.pop()
        seen: set[str] = set()
        for name in self.names:
            if name and name in seen:
                raise UnableToReadStatement.at(
                    line,
                    "column_duplicated",
                    N_("Line %(line)s: column '%(column)s' appears twice. Keep one of them."),
                    column=name[:64],
                )
            seen.add(name)
        self.place = {name: place for place, name in enumerate(self.names) if name}

    def require(self, *names: str) -> None:
        """Refuse the header when a column is missing."""
        for name in names:
            if name not in self.place:
                raise missing(self.line, name)

    def find(self, *names: str) -> str:
        """Give the first of the names that the header has, or an empty text."""
        return next((name for name in names if name in self.place), "")

    def check(self, line: int, cells: Sequence[str]) -> None:
        """Refuse a record that is shorter or longer than the header."""
        if len(cells) < len(self.names) or any(cells[len(self.names) :]):
            raise UnableToReadStatement.at(
                line,
                "cells_wrong",
                N_("Line %(line)s: %(found)s cells where the header has %(wanted)s. Export the file again."),
                params={"found": len(cells), "wanted": len(self.names)},
            )


def missing(line: int, column: str) -> UnableToReadStatement:
    """Refuse a header without a column."""
    return UnableToReadStatement.at(
        line,
        "column_missing",
        N_("Line %(line)s: column '%(column)s' is missing."),
        column=column,
    )


def check_announced(summary: Summary, seen: int) -> None:
    """Refuse a file that holds another number of rows than it says: it was cut or edited."""
    if summary.announced is not None and summary.announced != seen:
        raise UnableToReadStatement(
            "statement_cut",
            N_("The file says %(wanted)s rows but has %(found)s. Export it again and upload it unchanged."),
            field="file",
            params={"wanted": summary.announced, "found": seen},
        )


def no_rows(line: int) -> UnableToReadStatement:
    """Refuse a file that has a header and nothing else."""
    return UnableToReadStatement.at(
        line,
        "no_rows",
        N_("Line %(line)s: there are no rows below the header. Export a period with transactions."),
    )

"""Refusals of statements: each names the line, the column, the rule and the way on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from regimes.errors import N_, InvalidInput, Refusal


class UnableToReadStatement(InvalidInput):
    """Refuse a statement whose content breaks its format."""

    @classmethod
    def at(
        cls,
        line: int,
        code: str,
        message: str,
        *,
        column: str = "",
        params: Mapping[str, Any] | None = None,
    ) -> UnableToReadStatement:
        """Refuse at a line; `message` uses %(line)s and, when a column is given, %(column)s."""
        return cls(code, message, field="file", params={"line": line, "column": column, **(params or {})})


class NotAStatement(Refusal):
    """Refuse a file that is of another type, whatever its name says."""

    http_status: ClassVar[int] = 415


class StatementTooLarge(Refusal):
    """Refuse a file beyond the caps, before it is read whole."""

    http_status: ClassVar[int] = 413


class UnableToImportStatement(Refusal):
    """Refuse a readable statement that cannot be taken for this borrower now."""

    http_status: ClassVar[int] = 409


BY_NAME: dict[str, type[Refusal]] = {
    cls.__name__: cls
    for cls in (UnableToReadStatement, NotAStatement, StatementTooLarge, UnableToImportStatement)
}

NOT_CSV = N_("This is not a CSV file.")
SAVE_AS_UTF8 = N_("Line %(line)s: the text cannot be read. Save the file as UTF-8.")

"""A line with its borrower, read by fixed statements: the row that every page and every draw begins with."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import connection

from accounts.models import Borrower, ContactPreference
from accounts.rows import ask, columns, names_of, read_row
from credit.models import CreditLine

_LINE, _BORROWER, _WISH = names_of(CreditLine), names_of(Borrower), names_of(ContactPreference)
_FIRST, _SECOND = len(_LINE), len(_LINE) + len(_BORROWER)
_READ = f"""
SELECT {columns("l", CreditLine)}, {columns("b", Borrower)}, {columns("w", ContactPreference)}
FROM credit_creditline l JOIN accounts_borrower b ON b.id = l.borrower_id
LEFT JOIN accounts_contactpreference w ON w.borrower_id = b.id
"""  # noqa: S608  the names are those of our own columns
_TODAY = "(SELECT business_date FROM ledger_bookdate WHERE id = 1)"
_OWN = f"""{_READ.replace("FROM credit_creditline", f", {_TODAY} FROM credit_creditline", 1)} WHERE l.ref = %s AND (b.user_id = %s OR EXISTS (
    SELECT FROM accounts_businessmember m
    WHERE m.business_id = b.id AND m.user_id = %s AND m.is_active AND m.role = ANY(%s)))"""
_LOCKED = f"{_READ} WHERE l.id = %s FOR UPDATE OF l"


def read_own_line(
    *, ref: uuid.UUID, user_id: int, roles: Sequence[str]
) -> tuple[CreditLine, date | None] | None:
    """Read a line of a user, or of a business in which the user has one of the roles, and the day of the books."""
    row = ask(_OWN, [ref, user_id, user_id, list(roles)])
    return None if row is None else (_line(row[:-1]), row[-1])


def read_line_locked(*, line_id: int) -> CreditLine | None:
    """Read a line and lock it until the transaction ends; its borrower is not locked."""
    assert connection.in_atomic_block, "a lock outside a transaction holds nothing"
    row = ask(_LOCKED, [line_id])
    return None if row is None else _line(row)


def _line(row: tuple[Any, ...]) -> CreditLine:
    line = read_row(CreditLine, _LINE, row[:_FIRST])
    borrower = read_row(Borrower, _BORROWER, row[_FIRST:_SECOND])
    assert line is not None
    assert borrower is not None
    line.borrower = borrower
    # also when there is none, so that nobody asks again
    borrower._state.fields_cache["contact_preference"] = read_row(ContactPreference, _WISH, row[_SECOND:])
    return line

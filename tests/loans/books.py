"""Ask every invariant of ledger and loans; nothing else is a clean book."""

from __future__ import annotations

from django.db import connection

from ledger.invariants import INVARIANTS as LEDGER
from loans.invariants import INVARIANTS as LOANS


def breaches() -> dict[str, list[tuple[object, ...]]]:
    """Return the offending rows by the id of the invariant."""
    found = {}
    with connection.cursor() as cursor:
        for invariant in [*LEDGER, *LOANS]:
            cursor.execute(invariant.sql)
            rows = cursor.fetchmany(5)
            if rows:
                found[invariant.id] = rows
    return found

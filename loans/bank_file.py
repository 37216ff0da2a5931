"""The bank's file against our movements: matched by reference alone, differences listed, none guessed. Questions only."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from loans.models import BankFile

# ours carry two references: the one that we gave the order, and the one that the bank answered with
_COMPARE = """
WITH ours AS (
    SELECT 'PAYOUT' AS kind, id, loan_id, -amount AS amount, status, gateway_reference::text AS ours, coalesce(provider_reference, '') AS theirs,
           coalesce(done_at, created_at)::date AS day FROM loans_payout WHERE status IN ('CONFIRMED', 'SENT', 'UNKNOWN')
    UNION ALL
    SELECT 'COLLECTION', id, loan_id, amount, status, gateway_reference::text, coalesce(provider_reference, ''),
           coalesce(done_at, created_at)::date FROM loans_collection WHERE status IN ('CONFIRMED', 'SENT', 'UNKNOWN')),
lines AS (
    SELECT f.id AS line_id, f.number, f.booked_date, f.reference, f.amount, f.text, s.id IS NOT NULL AS is_held,
           count(*) OVER (PARTITION BY f.reference, f.amount) AS times
    FROM loans_bankfileline f
    LEFT JOIN loans_suspenseitem s ON (s.reference, s.amount, s.received_date) = (f.reference, f.amount, f.booked_date)
    WHERE f.file_id = %(file)s),
met AS (
    SELECT l.*, o.kind, o.id, o.loan_id, o.amount AS our_amount, o.status
    FROM lines l LEFT JOIN ours o ON l.reference IN (o.ours, o.theirs) AND l.reference <> '')
SELECT CASE WHEN times > 1 THEN 'TWICE' WHEN kind IS NULL THEN CASE WHEN is_held THEN 'HELD' ELSE 'UNKNOWN' END WHEN our_amount <> amount THEN 'AMOUNT'
            WHEN status <> 'CONFIRMED' THEN 'UNCONFIRMED' ELSE 'MATCHED' END AS what,
       number, booked_date, reference, amount, text, kind, loan_id, our_amount, line_id
FROM met
UNION ALL
SELECT 'MISSING', NULL, o.day, CASE WHEN o.theirs <> '' THEN o.theirs ELSE o.ours END, NULL, '', o.kind, o.loan_id, o.amount, NULL
FROM ours o WHERE o.status = 'CONFIRMED' AND o.day BETWEEN %(first)s AND %(last)s
  AND NOT EXISTS (SELECT FROM lines l WHERE l.reference IN (o.ours, o.theirs))
ORDER BY 1, 3, 2
"""


@dataclass(frozen=True, slots=True)
class Compared:
    """One line of the file, or one movement of ours that the file lacks."""

    what: str
    number: int | None
    day: date
    reference: str
    amount: Decimal | None
    text: str
    kind: str | None
    loan_id: int | None
    our_amount: Decimal | None
    line_id: int | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The whole: how many lines agree, and every difference."""

    counts: dict[str, int]
    differences: list[Compared]
    bank_total: Decimal
    matched_total: Decimal


def compare(*, file: BankFile) -> Comparison:
    """Compare a file with our payouts and collections."""
    names: dict[str, Any] = {"file": file.pk, "first": file.from_date, "last": file.to_date}
    with connection.cursor() as cursor:
        cursor.execute(_COMPARE, names)
        rows = [Compared(*row) for row in cursor.fetchall()]
    zero = Decimal(0)
    return Comparison(
        counts=dict(Counter(row.what for row in rows)),
        differences=[row for row in rows if row.what != "MATCHED"],
        bank_total=sum((row.amount for row in rows if row.amount is not None), zero),
        matched_total=sum(
            (row.amount for row in rows if row.what == "MATCHED" and row.amount is not None), zero
        ),
    )

"""How borrowers have kept their agreements, in columns: one statement for one borrower or for a million."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import nan

from django.db import connection


@dataclass(frozen=True, slots=True)
class ConductColumns:
    """Hold one value a borrower in each column, in the order asked; NaN is "no such history"."""

    months_on_book: list[float]
    loans_opened: list[float]
    loans_paid_off: list[float]
    days_past_due_now: list[float]
    days_past_due_max_12m: list[float]
    late_count_12m: list[float]
    on_time_streak: list[float]


# A row that was lost to a write-off counts as unpaid. Nothing after the day is looked at: an instalment that
# was paid later counts as open on that day.
CONDUCT = """
WITH asked AS (SELECT unnest(%(ids)s::bigint[]) AS borrower_id),
book AS (
    SELECT l.borrower_id, min(e.value_date) AS since, count(*) AS opened,
           count(*) FILTER (WHERE l.closed_date <= %(day)s) AS paid_off
    FROM asked JOIN loans_loan l USING (borrower_id)
    JOIN loans_event e ON e.loan_id = l.id AND e.kind = 'PAYOUT' AND e.value_date <= %(day)s
    WHERE l.status NOT IN ('PENDING', 'CANCELLED') GROUP BY 1
),
due AS (
    SELECT l.borrower_id, i.id, i.due_date, l.grace_days,
           i.outstanding > 0 OR i.paid_date > %(day)s OR i.principal_forgiven > 0 AS is_open,
           least(coalesce(i.paid_date, %(day)s), %(day)s) - i.due_date AS days
    FROM asked JOIN loans_loan l USING (borrower_id) JOIN loans_instalment i ON i.loan_id = l.id
    WHERE i.due_date <= %(day)s AND l.status NOT IN ('PENDING', 'CANCELLED')
),
judged AS (
    SELECT *, days > grace_days AS is_late,
           row_number() OVER (PARTITION BY borrower_id ORDER BY due_date DESC, id DESC) AS back
    FROM due
),
kept AS (
    SELECT borrower_id, count(*) AS instalments,
           coalesce(max(days) FILTER (WHERE is_open AND is_late), 0) AS now,
           coalesce(max(days) FILTER (WHERE is_late AND due_date + days >= %(day)s - 365), 0) AS worst,
           count(*) FILTER (WHERE is_late AND due_date >= %(day)s - 365) AS late,
           coalesce(min(back) FILTER (WHERE is_late), count(*) + 1) - 1 AS streak
    FROM judged GROUP BY 1
)
SELECT b.borrower_id,
       (extract(year FROM age(%(day)s, b.since)) * 12 + extract(month FROM age(%(day)s, b.since)))::int,
       b.opened, b.paid_off, coalesce(k.now, 0), coalesce(k.worst, 0), coalesce(k.late, 0), coalesce(k.streak, 0)
FROM book b LEFT JOIN kept k USING (borrower_id)
"""


def conduct(*, borrower_ids: Sequence[int], as_of: date) -> ConductColumns:
    """Return the columns of borrowers as of a day."""
    place = {borrower_id: index for index, borrower_id in enumerate(borrower_ids)}
    columns = [[nan] * len(place) for _ in range(7)]
    with connection.cursor() as cursor:
        cursor.execute(CONDUCT, {"ids": list(borrower_ids), "day": as_of})
        for row in cursor.fetchall():
            for column, value in zip(columns, row[1:], strict=True):
                column[place[row[0]]] = float(value)
    return ConductColumns(*columns)

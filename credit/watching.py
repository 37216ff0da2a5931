"""What the book knows and risk does not: how decided people went on, who was let in, and how fresh the records are.

Questions only; the night hands the answers to risk's monitoring.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
from django.db import connection

from credit.domain.rounds import CODE
from risk import queries as risk_queries
from risk.domain.events import Bytes, Floats
from risk.domain.labels import LabelPolicy

WINDOW_DAYS, BAD_DAYS = 365, 90
assert LabelPolicy().bad_days == BAD_DAYS, "the statements below say 90"
MILESTONES = (90, 180, 270, 365)
RECENT = timedelta(days=91)
MONITORED_DAYS = 28

# a line counts once it was drawn on: before, nothing could go wrong
_LINES = """
WITH granted AS (
    SELECT d.assessment_id, d.decided_date, l.id AS line_id
    FROM credit_decision d JOIN credit_creditline l ON l.application_id = d.application_id
    WHERE d.is_final AND d.outcome IN ('APPROVE', 'COUNTER_OFFER') AND d.decided_date <= %(day)s
),
drawn AS (
    SELECT g.assessment_id, g.decided_date, g.line_id,
           min(i.due_date + 90) FILTER (WHERE (i.paid_date IS NULL OR i.paid_date >= i.due_date + 90 OR i.principal_forgiven > 0)
                                          AND (i.outstanding > 0 OR i.paid_date IS NOT NULL OR i.principal_forgiven > 0)
                                          AND i.due_date + 90 <= %(day)s) AS bad_on
    FROM granted g JOIN credit_drawdown w ON w.line_id = g.line_id
    JOIN loans_loan n ON n.id = w.loan_id AND n.status NOT IN ('PENDING', 'CANCELLED')
    LEFT JOIN loans_instalment i ON i.loan_id = n.id
    GROUP BY 1, 2, 3
)
"""


def matured_outcomes(*, as_of: date) -> dict[int, bool]:
    """Give assessment -> was 90 days late within a year, for lines granted a year ago or earlier and drawn on."""
    rows = _ask(
        _LINES  # noqa: S608  a constant of ours
        + """SELECT assessment_id, coalesce(bad_on <= decided_date + %(window)s, false) FROM drawn
        WHERE assessment_id IS NOT NULL AND decided_date + %(window)s <= %(day)s""",
        {"day": as_of, "window": WINDOW_DAYS},
    )
    return {int(assessment): bool(bad) for assessment, bad in rows}


def looked_vectors(*, as_of: date, most: int = 50_000) -> tuple[Floats, Bytes] | None:
    """Give vectors and segments that the champion scored in the last 28 days' monthly looks; every k-th line if they are more.

    A move left an assessment, which monitoring reads by itself, so it is not given twice. None without a champion.
    """
    champion = risk_queries.champion()
    if champion is None:
        return None
    since = as_of - timedelta(days=MONITORED_DAYS)
    names = {
        "model": champion.pk, "since": since, "day": as_of, "moved": CODE["moved"],
        "months": [since.replace(day=1), as_of.replace(day=1)],
    }  # fmt: skip
    looks = """FROM credit_linelook k JOIN credit_linefacts f ON f.line_id = k.line_id
        WHERE k.period = ANY(%(months)s) AND k.as_of > %(since)s AND k.as_of <= %(day)s AND k.model_id = %(model)s
          AND k.code <> %(moved)s AND k.pd <> 'NaN'::float8 AND f.as_of >= k.as_of"""
    [(count,)] = _ask("SELECT count(*) " + looks, names)
    rows = _ask(
        "SELECT f.vector, f.segment " + looks + " AND k.line_id %% %(step)s = 0",
        names | {"step": max(1, -(-count // most))},
    )
    if not rows:
        return None
    values = np.frombuffer(b"".join(bytes(vector) for vector, _ in rows), dtype="<f8").reshape(len(rows), -1)
    return values.astype(np.float64), np.array([segment for _, segment in rows], dtype=np.int8)


def desk_figures(*, as_of: date) -> dict[str, Any]:
    """Give vintages, overrides, approvals by group and the age of records, as plain numbers that JSON keeps."""
    return {
        "vintages": _vintages(as_of),
        "overrides": _overrides(as_of),
        "groups": _groups(as_of),
        "feeds": _feeds(as_of),
    }


def _vintages(as_of: date) -> list[list[Any]]:
    """By quarter of grant: lines, and the share that was ever 90 days late after 3, 6, 9, 12 months; None: too young."""
    rows = _ask(
        _LINES  # noqa: S608  a constant of ours
        + """SELECT date_trunc('quarter', decided_date)::date, count(*), max(decided_date),
               count(*) FILTER (WHERE bad_on <= decided_date + 90), count(*) FILTER (WHERE bad_on <= decided_date + 180),
               count(*) FILTER (WHERE bad_on <= decided_date + 270), count(*) FILTER (WHERE bad_on <= decided_date + 365)
        FROM drawn GROUP BY 1 ORDER BY 1 DESC LIMIT 8""",
        {"day": as_of},
    )
    return [
        [
            quarter.isoformat(),
            count,
            *(
                bads / count if newest + timedelta(days=days) <= as_of else None
                for days, bads in zip(MILESTONES, hits, strict=True)
            ),
        ]
        for quarter, count, newest, *hits in reversed(rows)
    ]


def _overrides(as_of: date) -> dict[str, int]:
    """Count a quarter's final decisions: all, by a person, of these approved; and refusals that a review changed."""
    [decided] = _ask(
        """SELECT count(*), count(decided_by_id),
               count(decided_by_id) FILTER (WHERE outcome IN ('APPROVE', 'COUNTER_OFFER'))
        FROM credit_decision WHERE is_final AND decided_date > %(since)s AND decided_date <= %(day)s""",
        {"day": as_of, "since": as_of - RECENT},
    )
    [reviewed] = _ask(
        """SELECT count(*), count(*) FILTER (WHERE status = 'CHANGED') FROM credit_reviewrequest
        WHERE status <> 'OPEN' AND answered_date > %(since)s AND answered_date <= %(day)s""",
        {"day": as_of, "since": as_of - RECENT},
    )
    names = ("decided", "by_person", "approved_by_person", "reviewed", "changed_by_review")
    return dict(zip(names, (*decided, *reviewed), strict=True))


def _groups(as_of: date) -> list[list[Any]]:
    """By group of a quarter's final decisions: [kind of group, group, decisions, approved]. Never part of a score."""
    return [
        [kind, group, count, approved]
        for kind, group, count, approved in _ask(
            """WITH decided AS (
                SELECT b.kind AS segment, d.outcome <> 'DECLINE' AS approved,
                       CASE WHEN i.birth_date IS NULL THEN '' ELSE
                         CASE width_bucket(extract(year FROM age(d.decided_date, i.birth_date)), ARRAY[25, 35, 45, 55]::numeric[])
                           WHEN 0 THEN '-24' WHEN 1 THEN '25-34' WHEN 2 THEN '35-44' WHEN 3 THEN '45-54' ELSE '55-' END END AS age,
                       left(coalesce(i.region_code, ''), 2) AS region
                FROM credit_decision d JOIN credit_application a ON a.id = d.application_id
                JOIN accounts_borrower b ON b.id = a.borrower_id LEFT JOIN accounts_identity i ON i.borrower_id = b.id
                WHERE d.is_final AND d.decided_date > %(since)s AND d.decided_date <= %(day)s
            )
            SELECT 'segment', segment, count(*), count(*) FILTER (WHERE approved) FROM decided GROUP BY 2
            UNION ALL SELECT 'age', age, count(*), count(*) FILTER (WHERE approved) FROM decided WHERE age <> '' GROUP BY 2
            UNION ALL SELECT 'region', region, count(*), count(*) FILTER (WHERE approved) FROM decided WHERE region <> '' GROUP BY 2
            ORDER BY 1 DESC, 2""",
            {"day": as_of, "since": as_of - RECENT},
        )
    ]


def _feeds(as_of: date) -> list[list[Any]]:
    """By kind of record: [kind, borrowers, median days since its newest day, borrowers older than 90 days]."""
    return [
        [kind, borrowers, float(median), stale]
        for kind, borrowers, median, stale in _ask(
            """WITH newest AS (
                SELECT kind, borrower_id, %(day)s - max(period_to) AS days FROM risk_evidencesource
                WHERE status <> 'IGNORED' AND period_to IS NOT NULL AND as_of <= %(day)s GROUP BY 1, 2
            )
            SELECT kind, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY days), count(*) FILTER (WHERE days > 90)
            FROM newest GROUP BY 1 ORDER BY 1""",
            {"day": as_of},
        )
    ]


def _ask(sql: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())

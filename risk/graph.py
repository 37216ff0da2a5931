"""The transfers graph: how the people pay their bills with whom a borrower shares partners of transfers.

Off unless the installation switches it on (`LENDPORTAL_TRANSFERS_GRAPH`), and even then only among borrowers who all agreed to
the use of social data: nobody's conduct is read for another's decision without their own agreement. Questions only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from django.db import connection

from risk.domain.events import Category, Floats
from risk.domain.rollup import month_number, month_start

MOST_SHARED = 20
"""A partner whom more borrowers than this know is a shop or a landlord, and ties nobody to anybody."""

# partners: the other sides of a year's transfers between people, known before the day. A neighbour counts once, however many
# partners are shared; the share of late bills is of whole months before the day, as for the borrower's own.
_NEIGHBOURS = """
WITH agreed AS (
    SELECT DISTINCT borrower_id FROM accounts_consent WHERE purpose = 'SOCIAL' AND withdrawn_at IS NULL
),
asked AS (SELECT a.borrower_id AS id FROM agreed a WHERE a.borrower_id = ANY(%(ids)s)),
mine AS (
    SELECT DISTINCT r.subject_id, r.counterparty FROM risk_evidencerow r JOIN asked a ON a.id = r.subject_id
    WHERE r.category = %(transfer)s AND r.counterparty <> 0 AND r.occurred_at >= %(since)s AND r.occurred_at < %(until)s
      AND r.known_at < %(until)s AND (r.superseded_at IS NULL OR r.superseded_at >= %(until)s)
),
theirs AS (
    SELECT DISTINCT r.subject_id, r.counterparty FROM risk_evidencerow r
    JOIN (SELECT DISTINCT counterparty FROM mine) m USING (counterparty)
    JOIN agreed a ON a.borrower_id = r.subject_id
    WHERE r.category = %(transfer)s AND r.occurred_at >= %(since)s AND r.occurred_at < %(until)s
      AND r.known_at < %(until)s AND (r.superseded_at IS NULL OR r.superseded_at >= %(until)s)
),
few AS (SELECT counterparty FROM theirs GROUP BY 1 HAVING count(*) BETWEEN 2 AND %(most)s),
pairs AS (
    SELECT DISTINCT m.subject_id, t.subject_id AS neighbour
    FROM mine m JOIN few USING (counterparty) JOIN theirs t USING (counterparty) WHERE t.subject_id <> m.subject_id
),
conduct AS (
    SELECT p.neighbour, sum(u.bill_late_count) / nullif(sum(u.bill_due_count), 0) AS share
    FROM (SELECT DISTINCT neighbour FROM pairs) p JOIN risk_monthlyrollup u ON u.subject_id = p.neighbour
    WHERE u.month >= %(first)s AND u.month < %(last)s GROUP BY 1
)
SELECT p.subject_id, avg(least(c.share, 1)) FROM pairs p JOIN conduct c USING (neighbour) WHERE c.share IS NOT NULL GROUP BY 1"""


def neighbours_late_share(*, subject_ids: Sequence[int], as_of: date) -> Floats:
    """Give the mean share of late bills among each borrower's neighbours, shape (n,); NaN without agreed neighbours."""
    found = np.full(len(subject_ids), np.nan)
    place = {pk: at for at, pk in enumerate(subject_ids)}
    last = month_number(as_of)
    params: dict[str, Any] = {
        "ids": list(subject_ids), "transfer": int(Category.TRANSFER), "most": MOST_SHARED,
        "since": month_start(last - 12), "until": month_start(last), "first": month_start(last - 12), "last": month_start(last),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_NEIGHBOURS, params)
        for subject, share in cursor.fetchall():
            found[place[subject]] = float(share)
    return found

"""Fill in risk's form of facts, in bulk, in columns, never looking past `as_of`.

One path for a decision (n = 1), re-evaluation (n = 1,000,000) and the training export, so that training and
serving cannot drift apart. A feature whose consent is missing or withdrawn is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
from django.conf import settings
from django.db import connection

from accounts import queries as account_queries
from accounts.models import Borrower
from credit.queries import DEBTS
from loans import queries as loan_queries
from risk import queries as risk_queries
from risk.domain.events import SHANGHAI, Bytes, Floats, Integers
from risk.domain.facts import CONDUCT_NAMES, CONSENT_PURPOSES, ConductFacts, Consents, Facts, Segment
from risk.graph import neighbours_late_share

APPLICATION_WINDOW = timedelta(days=183)


@dataclass(frozen=True, slots=True)
class Collected:
    """Hold the facts of n borrowers with what the policy asks besides the score, in the same order."""

    borrower_ids: Integers
    facts: Facts
    conduct: ConductFacts
    consents: dict[int, frozenset[str]]
    monthly_income: list[Decimal | None]
    monthly_instalments: list[Decimal]

    def __len__(self) -> int:
        return len(self.borrower_ids)


def collect(
    *,
    borrower_ids: Sequence[int],
    as_of: date,
    business_margin: Decimal = Decimal(1),
    consents: dict[int, frozenset[str]] | None = None,
) -> Collected:
    """Collect facts of borrowers as of a date, each once, in the order given.

    `business_margin` is the part of a business's turnover that the policy counts as income; `consents` are the agreements
    of all of them, when they are at hand.
    """
    ids = np.asarray(borrower_ids, dtype=np.int64)
    assert len(np.unique(ids)) == len(ids), "each borrower once"
    listed = [int(pk) for pk in ids]
    if consents is None:
        consents = account_queries.active_consents(borrower_ids=listed)
    conduct = conduct_facts(borrower_ids=listed, as_of=as_of)
    facts = risk_queries.feature_matrix(
        as_of=as_of,
        consents=_consents(listed, consents),
        conduct=conduct,
        neighbours_late_share=_neighbours(listed, consents, as_of),
    )
    income = _income(facts, business_margin)
    service = np.nan_to_num(facts.column("other_debt_service_6m") * facts.column("income_mean_6m"))
    return Collected(
        borrower_ids=ids,
        facts=facts,
        conduct=conduct,
        consents={pk: frozenset(consents.get(pk, frozenset())) for pk in listed},
        monthly_income=income,
        # our own line is not counted: its instalments are part of the limit that is being sized
        monthly_instalments=[_money(float(elsewhere)) for elsewhere in service],
    )


def _neighbours(
    borrower_ids: Sequence[int], consents: dict[int, frozenset[str]], as_of: date
) -> Floats | None:
    """Ask the transfers graph, if this installation has it and anybody here agreed to it."""
    if not settings.TRANSFERS_GRAPH or not any("SOCIAL" in consents[pk] for pk in borrower_ids):
        return None
    return neighbours_late_share(subject_ids=borrower_ids, as_of=as_of)


def _consents(borrower_ids: Sequence[int], given: dict[int, frozenset[str]]) -> Consents:
    """Lay out the agreements as risk takes them: a flag for each borrower and purpose."""
    columns = {
        purpose.value: [purpose.value in given[pk] for pk in borrower_ids] for purpose in CONSENT_PURPOSES
    }
    return Consents.of(len(borrower_ids), **columns)


def conduct_facts(*, borrower_ids: Sequence[int], as_of: date) -> ConductFacts:
    """Say how borrowers behaved with us: loans' columns, joined with the line's use and the applications."""
    place = {pk: at for at, pk in enumerate(borrower_ids)}
    segment: Bytes = np.zeros(len(place), dtype=np.int8)
    age, used = np.full(len(place), np.nan), np.full(len(place), np.nan)
    asked = np.zeros(len(place))
    with connection.cursor() as cursor:
        cursor.execute(
            _WITH_US, {"ids": list(borrower_ids), "day": as_of, "since": as_of - APPLICATION_WINDOW}
        )
        for pk, kind, created_at, owed, limits, drawn, applications in cursor.fetchall():
            at = place[pk]
            segment[at] = Segment.BUSINESS if kind == Borrower.Kind.BUSINESS else Segment.PERSON
            since = created_at.astimezone(SHANGHAI).date()
            age[at] = max(
                0, (as_of.year - since.year) * 12 + as_of.month - since.month - (as_of.day < since.day)
            )
            asked[at] = applications
            if drawn:
                used[at] = min(10.0, float(owed / limits))
    known = _loan_columns(borrower_ids, as_of)
    known["utilisation"] = used
    known["applications_6m"] = asked
    known["account_age_months"] = age
    return ConductFacts.of(subject_ids=list(borrower_ids), segment=segment, **known)


# Use is exposure / limit over a borrower's open lines, of whoever ever drew on one. Applications before today: the one that is
# being decided does not count against itself.
_WITH_US = f"""
WITH line AS (
    SELECT id, borrower_id, "limit" FROM credit_creditline
    WHERE borrower_id = ANY(%(ids)s) AND status IN ('ACTIVE', 'FROZEN', 'SUSPENDED')
),
debt AS ({DEBTS.format(lines="IN (SELECT id FROM line)")}),
used AS (
    SELECT l.borrower_id, sum(coalesce(d.waiting + d.owed + d.held, 0)) AS owed, sum(l."limit") AS limits,
           bool_or(EXISTS (SELECT FROM credit_drawdown w WHERE w.line_id = l.id)) AS drawn
    FROM line l LEFT JOIN debt d ON d.line_id = l.id GROUP BY 1
),
applied AS (
    SELECT borrower_id, count(*) AS many FROM credit_application
    WHERE borrower_id = ANY(%(ids)s) AND submitted_date < %(day)s AND submitted_date >= %(since)s GROUP BY 1
)
SELECT b.id, b.kind, b.created_at, u.owed, u.limits, coalesce(u.drawn, false), coalesce(a.many, 0)
FROM accounts_borrower b LEFT JOIN used u ON u.borrower_id = b.id LEFT JOIN applied a ON a.borrower_id = b.id
WHERE b.id = ANY(%(ids)s)"""  # noqa: S608  no value is put into the text


def _loan_columns(borrower_ids: Sequence[int], as_of: date) -> dict[str, Floats]:
    columns = loan_queries.conduct(borrower_ids=borrower_ids, as_of=as_of)
    return {
        name: np.asarray(getattr(columns, name), dtype=np.float64)
        for name in CONDUCT_NAMES
        if hasattr(columns, name)
    }


def _income(facts: Facts, business_margin: Decimal) -> list[Decimal | None]:
    """Give income a month: what came in for a person, a part of the turnover for a business."""
    received, sales = facts.column("income_mean_6m"), facts.column("sales_mean_6m")
    business = facts.segment == Segment.BUSINESS
    turnover = np.fmax(received, sales)
    return [
        None if np.isnan(amount) else _money(float(amount)) * (business_margin if is_business else Decimal(1))
        for amount, is_business in zip(np.where(business, turnover, received), business, strict=True)
    ]


def _money(amount: float) -> Decimal:
    """Read a figure of the evidence as whole yuan: it bounds a limit and is never booked."""
    return Decimal(int(amount))

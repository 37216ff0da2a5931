"""What waits for a person: by the clock of the regime, with who works on it, and how similar cases went. Questions only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from accounts.models import WorkClaim
from credit.models import Application, ReviewRequest
from credit.queries import regime_now

APPLICATION = "credit.Application"
SOON_DAYS = 5
MOST = 200


@dataclass(frozen=True, slots=True)
class Waiting:
    """One application in the queue: until when it must be answered, and who works on it."""

    application: Application
    answer_by: date
    days_left: int
    holder: Any
    is_mine: bool

    @property
    def urgency(self) -> str:
        """Return LATE, SOON or CALM."""
        return "LATE" if self.days_left < 0 else "SOON" if self.days_left <= SOON_DAYS else "CALM"


def queue(*, user: Any, today: date, now: datetime) -> list[Waiting]:
    """List the applications that wait for a person, the nearest answer date first, then the oldest."""
    rows = list(
        Application.objects.filter(status="REFERRED")
        .select_related("borrower", "product")
        .order_by("submitted_date", "submitted_at", "id")[:MOST]
    )
    claims = WorkClaim.objects.filter(object_type=APPLICATION, held_until__gt=now).select_related("held_by")
    held = {claim.object_ref: claim.held_by for claim in claims}
    clock = timedelta(days=regime_now().adverse_notice_days)
    found = []
    for row in rows:
        holder = held.get(str(row.ref))
        answer_by = row.submitted_date + clock
        is_mine = holder is not None and holder.pk == user.pk
        found.append(Waiting(row, answer_by, (answer_by - today).days, holder, is_mine))
    return found


def reviews() -> Any:
    """List the borrowers who asked for a person, the nearest answer date first."""
    rows = ReviewRequest.objects.filter(status="OPEN").select_related("borrower")
    return rows.order_by("answer_by_date", "id")[:MOST]


_SIMILAR = """
SELECT a.ref, a.submitted_date, a.status, a.requested_amount, d.pd, d."limit", d.decided_by_id IS NOT NULL,
       (SELECT count(*) FROM credit_creditline c JOIN credit_drawdown w ON w.line_id = c.id WHERE c.application_id = a.id),
       (SELECT max(l.worst_days_past_due) FROM credit_creditline c JOIN credit_drawdown w ON w.line_id = c.id
        JOIN loans_loan l ON l.id = w.loan_id WHERE c.application_id = a.id),
       EXISTS (SELECT FROM credit_creditline c JOIN credit_drawdown w ON w.line_id = c.id
               JOIN loans_loan l ON l.id = w.loan_id WHERE c.application_id = a.id AND l.status = 'WRITTEN_OFF')
FROM credit_application a
JOIN credit_decision d ON d.application_id = a.id AND d.is_final
WHERE a.id <> %(id)s AND a.product_id = %(product)s AND a.status IN ('APPROVED', 'DECLINED') AND a.borrower_id <> %(borrower)s
ORDER BY abs(coalesce(d.pd, 1) - %(pd)s) + abs(ln(a.requested_amount / %(amount)s)) * 0.05, a.id DESC LIMIT 5
"""


@dataclass(frozen=True, slots=True)
class SimilarCase:
    """One decided application that looked alike, and what became of it. Nobody's name is told."""

    ref: Any
    submitted_date: date
    status: str
    asked: Decimal
    pd: Decimal | None
    limit: Decimal
    by_person: bool
    loans: int
    worst_days: int | None
    written_off: bool


def similar_cases(*, application: Application, pd: Decimal | None) -> list[SimilarCase]:
    """Return the five decided applications for the same product that are nearest by probability and amount."""
    names: dict[str, Any] = {
        "id": application.pk,
        "product": application.product_id,
        "borrower": application.borrower_id,
        "pd": pd if pd is not None else Decimal("0.1"),
        "amount": application.requested_amount,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SIMILAR, names)
        return [SimilarCase(*row) for row in cursor.fetchall()]

"""Questions about automatic payment: what comes next, and what became of each try."""

from __future__ import annotations

from datetime import date

from django.db.models import QuerySet

from credit.models import CreditLine
from loans.models import Collection, Loan


def open_lines(*, borrower_id: int) -> QuerySet[CreditLine]:
    """List the lines of a borrower that were opened and are not closed."""
    return (
        CreditLine.objects.filter(borrower_id=borrower_id, opened_date__isnull=False)
        .exclude(status=CreditLine.Status.CLOSED)
        .order_by("pk")
    )


def next_auto_debits(*, line_id: int, as_of: date) -> list[Loan]:
    """List what the next tries would take: the loans with something to come, the nearest first."""
    return list(
        Loan.objects.filter(
            drawdown__line_id=line_id,
            status__in=Loan.LIVE,
            next_due_amount__gt=0,
            next_due_date__isnull=False,
        ).order_by("next_due_date", "pk")[:5]
    )


def auto_debit_tries(*, line_id: int, newest: int = 30) -> list[Collection]:
    """List the automatic tries on a line's loans, the newest first."""
    return list(
        Collection.objects.filter(
            loan__drawdown__line_id=line_id, idempotency_key__startswith="auto:"
        ).order_by("-pk")[:newest]
    )

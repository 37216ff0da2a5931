"""What lines owe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

OPEN_LOAN = ("PENDING", "ACTIVE", "OVERDUE")


ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Debt:
    """Hold what a line owes or has promised: principal, payouts under way, holds for shops; and the worst delay."""

    exposure: Decimal
    days_past_due: int
    held: Decimal = ZERO  # of the exposure: kept free for purchases


def debt_of_line(*, line_id: int) -> Debt:
    """Sum what a line owes, in one statement."""
    return debts_of_lines(line_ids=[line_id])[line_id]


DEBTS = """
SELECT line_id, sum(waiting) AS waiting, sum(owed) AS owed, sum(held) AS held, max(late) AS late FROM (
    SELECT d.line_id, CASE l.status WHEN 'PENDING' THEN d.amount ELSE 0 END AS waiting,
           CASE l.status WHEN 'PENDING' THEN 0 ELSE l.principal_outstanding END AS owed, 0 AS held, l.days_past_due AS late
    FROM credit_drawdown d JOIN loans_loan l ON l.id = d.loan_id
    WHERE d.line_id {lines} AND l.status IN ('PENDING', 'ACTIVE', 'OVERDUE')
    UNION ALL
    SELECT line_id, 0, 0, amount - taken - released, 0
    FROM credit_hold WHERE line_id {lines} AND status = 'OPEN'
) AS parts GROUP BY line_id
"""
_DEBTS = DEBTS.format(lines="= ANY(%(lines)s)")


def debts_of_lines(*, line_ids: Sequence[int]) -> dict[int, Debt]:
    """Sum what lines owe, in one statement: a loan waiting for its payout counts with its whole amount."""
    with connection.cursor() as cursor:
        cursor.execute(_DEBTS, {"lines": list(line_ids)})
        found = {
            line_id: Debt(exposure=waiting + owed + held, days_past_due=late, held=held)
            for line_id, waiting, owed, held, late in cursor
        }
    return {pk: found.get(pk, Debt(ZERO, 0)) for pk in line_ids}


def line_exposure(*, line_id: int) -> Decimal:
    """Give outstanding principal plus payouts under way plus holds of a line."""
    return debt_of_line(line_id=line_id).exposure

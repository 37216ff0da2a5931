"""What is near to counting against a business: signs of its trade, and of what it owes us; told before they count."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import F

from accounts.models import Borrower
from accounts.operations import NoticeOrder, queue_notices
from credit.models import CreditLine
from credit.queries import debts_of_lines
from loans.models import Loan
from risk.domain.cash_flow import CashFlow, Sign, Warned, early_signs
from risk.evidence.trade import cash_flow

NEAR_LIMIT = Decimal("0.90")
DUE_WITHIN = timedelta(days=7)
CHUNK = 500

__all__ = ["Warned", "near_breaches", "warn_businesses"]


def near_breaches(*, borrower_id: int, flow: CashFlow, as_of: date) -> list[Warned]:
    """List every sign of a business on a day, the most urgent first."""
    return [*_due_above_balance(borrower_id, flow, as_of), *early_signs(flow), *_near_limit(borrower_id)]


def _due_above_balance(borrower_id: int, flow: CashFlow, as_of: date) -> list[Warned]:
    balance = next((row.balance_end for row in reversed(flow.months) if row.balance_end is not None), None)
    if balance is None:
        return []
    loans = Loan.objects.filter(
        borrower_id=borrower_id, status__in=Loan.LIVE, next_due_date__lte=as_of + DUE_WITHIN
    )
    due = sum(
        (amount or Decimal(0) for amount in loans.values_list("next_due_amount", flat=True)), Decimal(0)
    )
    return [Warned(Sign.DUE_ABOVE_BALANCE, int(due), int(balance))] if due > balance else []


def _near_limit(borrower_id: int) -> list[Warned]:
    lines = list(CreditLine.objects.filter(borrower_id=borrower_id, status__in=["ACTIVE", "FROZEN"]))
    debts = debts_of_lines(line_ids=[line.pk for line in lines])
    used = sum((debt.exposure for debt in debts.values()), Decimal(0))
    limit = sum((line.limit for line in lines), Decimal(0))
    if limit and used / limit >= NEAR_LIMIT:
        return [Warned(Sign.NEAR_LIMIT, int(used / limit * 100), int(NEAR_LIMIT * 100))]
    return []


def warn_businesses(*, as_of: date) -> int:
    """Tell owners of businesses with a line, once a month and sign, what is near to counting; give how many are new.

    A seventh of them is looked at each day, each once a week: the night does not grow with the book's businesses.
    """
    ids = list(
        Borrower.objects.annotate(turn=F("pk") % 7)
        .filter(
            kind=Borrower.Kind.BUSINESS,
            status=Borrower.Status.ACTIVE,
            lines__status__in=["ACTIVE", "FROZEN"],
            turn=as_of.toordinal() % 7,
        )
        .order_by("pk")
        .values_list("pk", flat=True)
        .distinct()
    )
    new = 0
    for start in range(0, len(ids), CHUNK):
        orders = [order for pk in ids[start : start + CHUNK] for order in _orders(pk, as_of)]
        with transaction.atomic():
            new += queue_notices(orders=orders)
    return new


def _orders(borrower_id: int, as_of: date) -> list[NoticeOrder]:
    flow = cash_flow(borrower_id=borrower_id, as_of=as_of)
    orders = []
    for found in near_breaches(borrower_id=borrower_id, flow=flow, as_of=as_of):
        is_feed = found.sign in (Sign.FEED_AGING, Sign.FEED_STALE)
        orders.append(
            NoticeOrder(
                borrower_id=borrower_id,
                kind="feed_is_aging" if is_feed else "business_sign",
                # of a feed once for its newest day; of other signs once a month
                dedup_key=f"sign:{borrower_id}:{found.sign}:{flow.newest if is_feed else as_of.strftime('%Y-%m')}",
                params={"days": found.seen, "limit": found.counts_from, "sign": str(found.sign)},
                channels=("IN_APP", "EMAIL") if is_feed else ("IN_APP",),
            )
        )
    return orders

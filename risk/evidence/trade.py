"""Ask what the evidence says of a business's months, and on which day of the month money comes in."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

from risk.domain.cash_flow import CashFlow, Month, picture
from risk.domain.events import SHANGHAI, Category, EventKind
from risk.evidence.queries import period_covered
from risk.models import EvidenceRow, MonthlyRollup

MONTHS = 24
EDGE = 5  # days without a row at the edge of a file; a shop that closes on Sundays has some
_COLUMNS = (
    "month", "sales_amount", "sales_count", "sales_red_amount", "purchase_amount", "purchase_count", "income_amount",
    "income_count", "trade_in_amount", "spend_amount", "spend_count", "trade_out_amount", "balance_end",
    "top_customer_share", "top_supplier_share",
)  # fmt: skip


def cash_flow(*, borrower_id: int, as_of: date) -> CashFlow:
    """Give the picture of the last 24 whole months before a day."""
    this_month = as_of.replace(day=1)
    rows = (
        MonthlyRollup.objects.filter(
            subject_id=borrower_id, month__lt=this_month, month__gte=this_month - timedelta(days=31 * MONTHS)
        )
        .order_by("month")
        .values(*_COLUMNS)
    )
    covered = period_covered(borrower_id=borrower_id, as_of=as_of)
    months = [_month(row) for row in rows if _is_whole(row["month"], covered.begin, covered.end)][-MONTHS:]
    return picture(months, newest=covered.end, as_of=as_of)


def _is_whole(month: date, begin: date | None, end: date | None) -> bool:
    """Tell whether papers speak of a month from its first days to its last: half a month is no bad month."""
    following = (month + timedelta(days=32)).replace(day=1)
    begins = begin is None or begin <= month + timedelta(days=EDGE)
    return begins and (end is None or end >= following - timedelta(days=1 + EDGE))


def _month(row: dict[str, float]) -> Month:
    invoiced, bought = row["sales_count"] > 0, row["purchase_count"] > 0
    came, went = row["income_amount"] + row["trade_in_amount"], row["spend_amount"] + row["trade_out_amount"]
    return Month(
        month=row["month"],  # type: ignore[arg-type]
        sales=_yuan(row["sales_amount"] - row["sales_red_amount"]) if invoiced else None,
        purchases=_yuan(row["purchase_amount"]) if bought else None,
        money_in=_yuan(came) if came else None,
        money_out=_yuan(went) if went else None,
        balance_end=_yuan(row["balance_end"]),
        top_customer=_share(row["top_customer_share"]),
        top_supplier=_share(row["top_supplier_share"]),
    )


def _yuan(value: float) -> Decimal | None:
    return None if math.isnan(value) else Decimal(str(round(value, 2)))


def _share(value: float) -> Decimal | None:
    return None if math.isnan(value) else Decimal(str(round(value, 4)))


def pay_day(*, borrower_id: int, as_of: date) -> int | None:
    """Give the day of the month on which wages came in most often in the last half year; None when it is unclear."""
    rows = EvidenceRow.objects.filter(
        subject_id=borrower_id,
        superseded_at=None,
        kind=int(EventKind.PAYMENT),
        category=int(Category.SALARY),
        amount__gt=0,
        occurred_at__date__gt=as_of - timedelta(days=184),
        occurred_at__date__lte=as_of,
    ).values_list("occurred_at", flat=True)
    days = Counter(moment.astimezone(SHANGHAI).day for moment in rows)
    if not days:
        return None
    day, times = min(days.items(), key=lambda pair: (-pair[1], pair[0]))
    # wages move by weekends: three neighbouring days count as one
    near = sum(count for other, count in days.items() if abs(other - day) <= 2)
    return day if times >= 2 or near >= 3 else None

"""Compute a report of the portfolio and keep it."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta

from django.db import connection, transaction

from credit.models import PortfolioReport
from credit.portfolio.reports import REPORTS, UnableToReport
from regimes.errors import N_

STUCK = timedelta(minutes=5)
AT_ONCE = 100_000  # loans; a larger book is computed by a worker while the page shows progress
Status = PortfolioReport.Status


def check_day(*, name: str, as_of: date, business_date: date) -> None:
    """Refuse a report that there is not, and a day that has not come."""
    if name not in REPORTS:
        raise UnableToReport("report_unknown", N_("There is no such report."), field="name")
    if as_of > business_date or as_of.year < 2000:
        raise UnableToReport(
            "as_of_invalid",
            N_("Choose a day until %(date)s."),
            field="as_of",
            params={"date": business_date.isoformat()},
        )


def claim_report(
    *, name: str, as_of: date, business_date: date, now: datetime, is_fresh: bool = False
) -> tuple[PortfolioReport, bool]:
    """Return the kept report, and whether the caller must compute it now.

    One caller at a time computes one report; a computation that stopped is taken over after five minutes.
    """
    check_day(name=name, as_of=as_of, business_date=business_date)
    with transaction.atomic():
        row, is_new = PortfolioReport.objects.get_or_create(
            name=name, as_of=as_of, business_date=business_date, defaults={"started_at": now}
        )
        if is_new:
            return row, True
        row = PortfolioReport.objects.select_for_update(of=("self",)).get(pk=row.pk)
        stale = row.status == Status.RUNNING and row.started_at < now - STUCK
        if (is_fresh and row.status != Status.RUNNING) or stale or row.status == Status.FAILED:
            row.status, row.started_at = Status.RUNNING, now
            row.save(update_fields=["status", "started_at"])
            return row, True
        return row, False


def compute_report(*, report_id: int, now: datetime) -> PortfolioReport:
    """Compute a claimed report; a failure is kept as one, so that the page can say so."""
    row = PortfolioReport.objects.get(pk=report_id)
    begun = time.perf_counter()
    try:
        tables = REPORTS[row.name].make(row.as_of, row.as_of == row.business_date)
    except Exception:
        PortfolioReport.objects.filter(pk=row.pk).update(status=Status.FAILED, finished_at=now)
        raise
    row.tables = [table.to_dict() for table in tables]
    row.status, row.finished_at = Status.DONE, now
    row.seconds = round(time.perf_counter() - begun, 3)
    row.save(update_fields=["tables", "status", "finished_at", "seconds"])
    return row


def is_large_book() -> bool:
    """Tell whether the book is so large that a page should not wait for a report, by the planner's estimate."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'loans_loan'")
        return bool(cursor.fetchone()[0] > AT_ONCE)

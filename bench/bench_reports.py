"""Time the portfolio's reports over a large book: `python -m bench.bench_reports [--loans 1000000]`.

The book is the one of `bench_night`: forty seeds made by the real operations, copied set-wise with everything that belongs to
them, looked at five months later, so that instalments have fallen due. Each report is computed afresh as of today and as of a
month ago, and then read back as a page reads it from its cache. The bare pass over the instalments is what every lateness needs.
"""

from __future__ import annotations

import argparse
import time
from datetime import timedelta

from bench.bench_night import copy_loans, own_database, seed_loans

GOAL_FRESH_S, GOAL_CACHED_S = 10.0, 0.3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loans", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with own_database():
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(
                "SET statement_timeout = 0"
            )  # a million loans are not filled within a page's patience
        begun = time.perf_counter()
        seeds = seed_loans()
        copy_loans(seeds, arguments.loans)
        print(f"{arguments.loans:,} loans filled in {time.perf_counter() - begun:.0f} s", flush=True)
        measure()


def measure() -> None:
    """Print each report's seconds, fresh and from the cache."""
    from django.db import connection
    from django.utils import timezone

    from credit.models import PortfolioReport
    from credit.operations.portfolio import claim_report, compute_report
    from credit.portfolio import REPORTS
    from credit.portfolio.reports import tables_of
    from ledger.operations import advance_business_date
    from ledger.queries import business_date

    advance_business_date(to=business_date() + timedelta(days=150))
    today = business_date()
    with connection.cursor() as cursor:
        begun = time.perf_counter()
        cursor.execute("SELECT count(*), min(due_date), sum(outstanding) FROM loans_instalment")
        (rows, _first, _sum) = cursor.fetchone()
        print(f"bare pass over {rows:,} instalments: {time.perf_counter() - begun:.2f} s", flush=True)
    print(f"{'report':<12} {'as of':<11} {'fresh, s':>9} {'cached, s':>9}")
    worst, slowest = 0.0, 0.0
    for name in REPORTS:
        for day in (today, today - timedelta(days=30)):
            row, _mine = claim_report(name=name, as_of=day, business_date=today, now=timezone.now())
            begun = time.perf_counter()
            compute_report(report_id=row.pk, now=timezone.now())
            fresh = time.perf_counter() - begun
            begun = time.perf_counter()
            tables_of(PortfolioReport.objects.get(pk=row.pk).tables)
            cached = time.perf_counter() - begun
            worst, slowest = max(worst, fresh), max(slowest, cached)
            print(f"{name:<12} {day} {fresh:>9.2f} {cached:>9.4f}", flush=True)
    print(
        f"slowest fresh {worst:.2f} s (goal {GOAL_FRESH_S:.0f}), cached {slowest:.4f} s (goal {GOAL_CACHED_S})"
    )


if __name__ == "__main__":
    main()

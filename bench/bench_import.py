"""Time the import of a book: `python -m bench.bench_import [--loans 10000]`, three payments a loan, four loans a customer.

Goal: 10,000 loans with their payments in under five minutes, books proved.
"""

from __future__ import annotations

import argparse
import time
from datetime import date, timedelta

from bench.bench_night import own_database

GOAL_S = 300.0
TODAY = date(2026, 6, 20)


def made(loans: int) -> dict[str, bytes]:
    """Make up the four files."""
    from credit.imports.files import COLUMNS

    rows: dict[str, list[str]] = {name: [",".join(columns)] for name, columns in COLUMNS.items()}
    people = (loans + 3) // 4
    for n in range(people):
        rows["customers"].append(f"c{n},p{n}@example.org,Pat Number,PASSPORT,E{10_000_000 + n},1990-05-06")
        rows["lines"].append(f"l{n},c{n},50000.00,0.144,2025-01-10")
    for n in range(loans):
        start = TODAY - timedelta(days=150 + n % 20)
        rows["loans"].append(f"n{n},l{n // 4},6000.00,0.144,0.216,EQUAL_INSTALMENT,12,{start.isoformat()}")
        for month in range(3):
            day = start + timedelta(days=31 * (month + 1) + n % 5)
            rows["payments"].append(f"n{n},{day.isoformat()},540.{n % 90 + 10},p{month}")
    return {name: "\n".join(lines).encode() for name, lines in rows.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loans", type=int, default=10_000)
    arguments = parser.parse_args()
    with own_database():
        from datetime import UTC, datetime

        from accounts.models import User
        from credit.operations.imports import import_book
        from ledger.operations import open_books

        open_books(first_date=TODAY)
        actor = User.objects.create_user(email="bench@example.org", password=None, is_staff=True)
        files = made(arguments.loans)
        begun = time.perf_counter()
        cpu = time.process_time()
        report = import_book(
            files=files, actor=actor, as_of=TODAY, now=datetime(2026, 6, 20, tzinfo=UTC), is_dry=False
        )
        spent = time.perf_counter() - begun
        print(
            f"{report.loans:,} loans, {report.payments:,} payments, {report.customers:,} customers: {spent:.1f} s "
            f"({time.process_time() - cpu:.1f} s of our processor), books proved; goal {GOAL_S:.0f} s"
        )


if __name__ == "__main__":
    main()

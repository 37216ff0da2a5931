"""Ask every invariant of the books; nothing else is a clean book."""

from __future__ import annotations

from datetime import date

from ledger.operations import advance_business_date
from lendportal.management.commands.check_books import check
from loans.operations import accrue, age_loans


def live_until(day: date) -> None:
    """Do what the nights up to a day do to loans and books."""
    age_loans(as_of=day)
    accrue(as_of=day)
    advance_business_date(to=day)


def assert_books() -> None:
    broken = [row for row in check(strict=False) if row["rows"] or row["error"]]
    assert not broken, broken

"""What a draw would do to a borrower's months: instalments before and after, beside the income that the records show."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection

from credit.domain.lessons import (
    AT_THE_END,
    FIRST,
    FULL,
    HEAVY,
    LATE_BEFORE,
    LONG,
    SEVERAL,
    SHORT_OF_RECORDS,
)
from credit.models import CreditLine
from credit.queries.gate import DUE_BY_MONTH, Gate
from loans.domain.quotes import quote
from loans.domain.terms import LoanTerms
from loans.models import Loan
from risk import queries as risk_queries
from risk.domain.registry import FEATURE_AT

ZERO = Decimal(0)
FINE, TIGHT = (
    Decimal("0.33"),
    Decimal("0.50"),
)  # of the income: below the first it is fine, above the second too much


@dataclass(frozen=True, slots=True)
class Affordability:
    """Hold the heaviest month before and after a draw. `income` is None when the records do not show it."""

    income: Decimal | None
    before: Decimal
    after: Decimal
    month: date

    @property
    def share_before(self) -> Decimal | None:
        return self.before / self.income if self.income else None

    @property
    def share_after(self) -> Decimal | None:
        return self.after / self.income if self.income else None

    def to_dict(self) -> dict[str, str | None]:
        """Write it as a draw keeps it: amounts, parts of the income, the month."""
        shares = (self.share_before, self.share_after)
        return {
            "monthly_income": None if self.income is None else f"{self.income:.2f}",
            "before": f"{self.before:.2f}",
            "after": f"{self.after:.2f}",
            "share_before": None if shares[0] is None else f"{shares[0]:.4f}",
            "share_after": None if shares[1] is None else f"{shares[1]:.4f}",
            "month": self.month.isoformat(),
        }

    @property
    def level(self) -> str:
        """Name how heavy the month is: fine, tight, heavy, or unknown."""
        share = self.share_after
        if share is None:
            return "unknown"
        return "fine" if share <= FINE else "tight" if share <= TIGHT else "heavy"


def income_of(*, borrower_id: int, as_of: date) -> Decimal | None:
    """Return the income (a business: the turnover) a month that the newest assessment saw, in whole yuan."""
    assessment = risk_queries.latest_assessment(subject_id=borrower_id, as_of=as_of)
    return None if assessment is None else _income(assessment.facts)


def _income(facts: bytes | memoryview | None) -> Decimal | None:
    """Read the income off the facts of an assessment."""
    if not facts:
        return None
    values = risk_queries.read_facts(facts)
    seen = [
        float(values[FEATURE_AT[name]])
        for name in ("income_mean_6m", "sales_mean_6m")
        if FEATURE_AT[name] < len(values)
    ]
    known = [value for value in seen if not math.isnan(value) and value > 0]
    return Decimal(int(max(known))) if known else None


def affordability_with(*, borrower_id: int, terms: LoanTerms, as_of: date) -> Affordability:
    """Return the heaviest month to come, without and with a loan of these terms."""
    rows = [(item.due_date, item.due.total) for item in quote(terms, as_of=as_of).instalments]
    return affordability(borrower_id=borrower_id, rows=rows, as_of=as_of)


def affordability(*, borrower_id: int, rows: Iterable[tuple[date, Decimal]], as_of: date) -> Affordability:
    """Return the heaviest month to come, without and with the instalments (day, amount) of a draw."""
    with connection.cursor() as cursor:
        cursor.execute(DUE_BY_MONTH, {"borrower": borrower_id, "as_of": as_of})
        months: dict[date, Decimal] = dict(cursor.fetchall())
    return _heaviest(months, rows, income_of(borrower_id=borrower_id, as_of=as_of))


def affordability_seen(*, gate: Gate, rows: Iterable[tuple[date, Decimal]]) -> Affordability:
    """Return the same from what a draw asked under the line's lock."""
    return _heaviest(gate.months, rows, _income(gate.facts))


def _heaviest(
    due: Mapping[date, Decimal], rows: Iterable[tuple[date, Decimal]], income: Decimal | None
) -> Affordability:
    months = dict(due)
    before = max(months.values(), default=ZERO)
    for day, amount in rows:
        month = day.replace(day=1)
        months[month] = months.get(month, ZERO) + amount
    heaviest = max(months, key=lambda month: (months[month], -month.toordinal()))
    return Affordability(income, before, months[heaviest], heaviest)


@dataclass(frozen=True, slots=True)
class Past:
    """Hold what a borrower has had with us, and which pieces the visitor has read."""

    loans: int = 0
    running: int = 0
    was_late: bool = False
    read: frozenset[str] = frozenset()


_PAST = """
SELECT count(*), count(*) FILTER (WHERE status = ANY(%s)), coalesce(bool_or(worst_days_past_due > 0), false),
       (SELECT coalesce(array_agg(code), '{}') FROM credit_lessonread WHERE user_id = %s)
FROM loans_loan WHERE borrower_id = %s
"""


def past_of(*, borrower_id: int, user_id: int | None) -> Past:
    """Ask in one statement for what decides what somebody should read before a draw."""
    with connection.cursor() as cursor:
        cursor.execute(_PAST, [list(Loan.LIVE), user_id, borrower_id])
        loans, running, was_late, read = cursor.fetchone()
    return Past(loans, running, was_late, frozenset(read))


def situations_of(
    *, line: CreditLine, found: Affordability, method: str, count: int, left: Decimal, past: Past
) -> set[str]:
    """Name what is true of this borrower and this draw, for choosing what to read."""
    wanted = {
        FIRST: not past.loans,
        HEAVY: found.level in ("tight", "heavy"),
        SHORT_OF_RECORDS: found.level == "unknown",
        FULL: left < line.limit / 5,
        LATE_BEFORE: past.was_late,
        LONG: count >= 24,
        AT_THE_END: method in ("INTEREST_FIRST", "BULLET", "FLEXIBLE"),
        SEVERAL: past.running > 1,
    }
    return {name for name, is_true in wanted.items() if is_true}

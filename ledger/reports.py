"""What an accountant reads: movements of every account, one account posting by posting, and what a close waits for.

Amounts are signed with debits positive, so that every column of a trial balance adds up to zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db import connection

from ledger.domain.chart import BY_CODE, DEBIT_KINDS, ChartRow, Role
from ledger.domain.closing import CloseCheck, day_before, month_before
from ledger.domain.money import ZERO
from ledger.invariants import INVARIANTS
from ledger.models import BookDate
from ledger.queries import BooksNotOpen
from regimes.errors import N_, InvalidInput, NotFound

LARGEST_PAGE = 5000


class UnableToReport(InvalidInput):
    """Refuse a period that no report can be made of."""


class UnableToFindAccount(NotFound):
    """Refuse an account that is not in the chart."""


@dataclass(frozen=True, slots=True)
class TrialMovement:
    """Show one account over a period: opening + debit - credit = closing."""

    code: str
    role: str
    name: str
    kind: str
    currency: str
    opening: Decimal
    debit: Decimal
    credit: Decimal
    closing: Decimal

    @property
    def closing_debit(self) -> Decimal:
        """Return the closing balance when it is a debit."""
        return max(self.closing, ZERO)

    @property
    def closing_credit(self) -> Decimal:
        """Return the closing balance when it is a credit, as a positive amount."""
        return max(-self.closing, ZERO)

    @property
    def own_side(self) -> Decimal:
        """Return the closing balance, positive on the account's own side."""
        return self.closing if BY_CODE[self.code].kind in DEBIT_KINDS else -self.closing


@dataclass(frozen=True, slots=True)
class TrialTotals:
    """Show the feet of a trial balance in one currency: opening and closing are zero, debits equal credits."""

    currency: str
    opening: Decimal
    debit: Decimal
    credit: Decimal
    closing: Decimal
    closing_debit: Decimal
    closing_credit: Decimal

    @property
    def balances(self) -> bool:
        """Tell whether every column meets."""
        return not self.opening and not self.closing and self.debit == self.credit


# closed days from their totals, open days from postings; a day is in one of the two, never in both
_SUMS = """
WITH books AS (SELECT coalesce((SELECT closed_through FROM ledger_bookdate), '-infinity'::date) AS closed),
sums AS (
    SELECT b.account_id, b.currency, b.booked_date, b.debit, b.credit FROM ledger_dailybalance b, books
    WHERE b.booked_date <= least(books.closed, %(to)s)
    UNION ALL
    SELECT p.account_id, j.currency, j.booked_date,
           sum(p.amount) FILTER (WHERE p.direction = 'D'), sum(p.amount) FILTER (WHERE p.direction = 'C')
    FROM books, ledger_journal j JOIN ledger_posting p ON p.journal_id = j.id
    WHERE j.booked_date > books.closed AND j.booked_date <= %(to)s GROUP BY 1, 2, 3
)
"""

_MOVEMENTS = (
    _SUMS
    + """
SELECT a.code, s.currency,
       coalesce(sum(coalesce(s.debit, 0) - coalesce(s.credit, 0)) FILTER (WHERE s.booked_date < %(from)s), 0),
       coalesce(sum(s.debit) FILTER (WHERE s.booked_date >= %(from)s), 0),
       coalesce(sum(s.credit) FILTER (WHERE s.booked_date >= %(from)s), 0)
FROM sums s JOIN ledger_account a ON a.id = s.account_id GROUP BY 1, 2 ORDER BY 2, 1
"""
)


def trial_movements(*, from_date: date, to_date: date) -> list[TrialMovement]:
    """Return every account that was ever posted to, with its opening, its turnover and its closing."""
    _check_period(from_date, to_date)
    with connection.cursor() as cursor:
        cursor.execute(_MOVEMENTS, {"from": from_date, "to": to_date})
        found = cursor.fetchall()
    rows = []
    for code, currency, opening, debit, credit in found:
        row = BY_CODE[code]
        closing = opening + debit - credit
        rows.append(
            TrialMovement(code, row.role, row.name, row.kind, currency, opening, debit, credit, closing)
        )
    return rows


def trial_totals(*, rows: Sequence[TrialMovement]) -> list[TrialTotals]:
    """Return the feet of a trial balance, one a currency."""
    fields = ("opening", "debit", "credit", "closing", "closing_debit", "closing_credit")
    ordered = sorted(rows, key=lambda row: row.currency)
    return [
        TrialTotals(currency, *(sum((getattr(row, field) for row in members), ZERO) for field in fields))
        for currency, members in (
            (key, list(group)) for key, group in groupby(ordered, lambda row: row.currency)
        )
    ]


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """Show one posting of an account, with the balance after it."""

    debit: Decimal
    credit: Decimal
    balance: Decimal
    posting_id: int
    journal_id: int
    booked_date: date
    value_date: date
    kind: str
    source: str
    leg: str
    description: str
    loan_id: int | None
    portfolio: str


@dataclass(frozen=True, slots=True)
class AccountLedger:
    """Show an account posting by posting: opening + what the lines moved = closing."""

    account: ChartRow
    currency: str
    opening: Decimal
    lines: tuple[LedgerLine, ...]
    closing: Decimal
    next_after: tuple[date, int] | None  # where the next page begins; None when this is the last

    @property
    def next_mark(self) -> str:
        """Return the beginning of the next page as text for an address, or nothing."""
        return f"{self.next_after[0].isoformat()}.{self.next_after[1]}" if self.next_after else ""


def general_ledger_page(
    *,
    code: str,
    from_date: date,
    to_date: date,
    currency: str = "CNY",
    loan_id: int | None = None,
    portfolio: str | None = None,
    after: tuple[date, int] | None = None,
    limit: int = 200,
) -> AccountLedger:
    """Return a page of an account's postings between two booked days, in the order of booking."""
    _check_period(from_date, to_date)
    if code not in BY_CODE:
        raise UnableToFindAccount("not_found", N_("There is nothing here, or it is not yours."))
    account = BY_CODE[code]
    limit = max(1, min(limit, LARGEST_PAGE))
    asked: dict[str, Any] = {
        "account": account.account_id, "currency": currency, "from": from_date, "to": to_date, "loan": loan_id,
        "portfolio": portfolio, "limit": limit + 1, "after_date": after[0] if after else None,
        "after_id": after[1] if after else None,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_OPENING_OF_PART if loan_id is not None or portfolio is not None else _OPENING, asked)
        opening = cursor.fetchone()[0]
        if after is not None:
            cursor.execute(_MOVED_BEFORE_PAGE, asked)
            opening += cursor.fetchone()[0]
        cursor.execute(_LINES, asked)
        found = cursor.fetchall()
    lines, running = [], opening
    for row in found[:limit]:
        debit, credit = (row[-1], ZERO) if row[-2] == "D" else (ZERO, row[-1])
        running += debit - credit
        lines.append(LedgerLine(debit, credit, running, *row[:10]))
    more = (lines[-1].booked_date, lines[-1].posting_id) if len(found) > limit else None
    return AccountLedger(account, currency, opening, tuple(lines), running, more)


_OPENING = (
    _SUMS
    + """
SELECT coalesce(sum(coalesce(s.debit, 0) - coalesce(s.credit, 0)), 0) FROM sums s
WHERE s.account_id = %(account)s AND s.currency = %(currency)s AND s.booked_date < %(from)s
"""
)
_PART = """
FROM ledger_posting p JOIN ledger_journal j ON j.id = p.journal_id
WHERE p.account_id = %(account)s AND j.currency = %(currency)s
  AND (%(loan)s::bigint IS NULL OR p.loan_id = %(loan)s)
  AND (%(portfolio)s::text IS NULL OR p.portfolio = %(portfolio)s)
"""
_SIGNED = "SELECT coalesce(sum(CASE p.direction WHEN 'D' THEN p.amount ELSE -p.amount END), 0)"
_OPENING_OF_PART = _SIGNED + _PART + "AND j.booked_date < %(from)s"
_MOVED_BEFORE_PAGE = (
    _SIGNED
    + _PART
    + "AND j.booked_date >= %(from)s AND (j.booked_date, p.id) <= (%(after_date)s, %(after_id)s)"
)
_LINES = f"""
SELECT p.id, j.id, j.booked_date, j.value_date, j.kind, j.source, j.leg, j.description, p.loan_id, p.portfolio,
       p.direction, p.amount
{_PART} AND j.booked_date BETWEEN %(from)s AND %(to)s
  AND (%(after_id)s::bigint IS NULL OR (j.booked_date, p.id) > (%(after_date)s, %(after_id)s))
ORDER BY j.booked_date, p.id LIMIT %(limit)s
"""


def general_ledger_lines(
    *, code: str, from_date: date, to_date: date, currency: str = "CNY", loan_id: int | None = None
) -> Iterator[LedgerLine]:
    """Return every posting of an account in a period, page by page, for an export."""
    after = None
    while True:
        page = general_ledger_page(
            code=code, from_date=from_date, to_date=to_date, currency=currency, loan_id=loan_id, after=after,
            limit=LARGEST_PAGE,
        )  # fmt: skip
        yield from page.lines
        after = page.next_after
        if after is None:
            return


def _check_period(from_date: date, to_date: date) -> None:
    if from_date > to_date:
        raise UnableToReport(
            "period_backwards",
            N_("The first day must not be after the last day, %(date)s."),
            field="from_date",
            params={"date": to_date.isoformat()},
        )


CLOSE_STEPS = len(INVARIANTS)  # how often `close_checklist` says that it is one further


def close_checklist(*, month_end: date, step: Callable[[], None] = lambda: None) -> list[CloseCheck]:
    """Return what the books themselves ask before a month is closed; other rooms add their own. `step` hears of progress."""
    books = BookDate.objects.filter(pk=1).first()
    if books is None:
        raise BooksNotOpen("books_not_open", N_("The books are not open yet."))
    begun = books.closed_through or day_before(books.first_date)
    previous = month_before(month_end)
    balances = _balances_through(month_end)
    broken = _broken(step)
    return [
        CloseCheck(
            "month_over", N_("The month is over"), books.business_date > month_end, str(books.business_date)
        ),
        CloseCheck("month_in_order", N_("The month before is closed"), begun >= previous, str(begun)),
        CloseCheck("books_hold", N_("The ledger's invariants hold"), not broken, ", ".join(broken)),
        CloseCheck(
            "trial_balances", N_("The trial balance adds up to zero"), not sum(balances.values(), ZERO)
        ),
        *(
            CloseCheck(f"{role.lower()}_empty", title, not balances[role], f"{balances[role]:.2f}")
            for role, title in (
                (Role.SUSPENSE, N_("Suspense is empty")),
                (Role.CASH_IN_TRANSIT, N_("No cash is in transit")),
            )
        ),
    ]


def _balances_through(day: date) -> dict[Role, Decimal]:
    found = dict.fromkeys(Role, ZERO)
    for row in trial_movements(from_date=day, to_date=day):
        found[Role(row.role)] += row.closing
    return found


def _broken(step: Callable[[], None]) -> list[str]:
    broken = []
    for invariant in INVARIANTS:
        with connection.cursor() as cursor:
            cursor.execute(invariant.sql)
            if cursor.fetchone() is not None:
                broken.append(invariant.id)
        step()
    return broken

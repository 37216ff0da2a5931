"""Questions to the books. Balances are sums: of closed days from their totals, of open days from postings."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from ledger.domain.chart import BY_CODE, BY_ROLE, DEBIT_KINDS, AccountKind, ChartRow, Role
from ledger.domain.closing import next_to_close
from ledger.models import BookDate
from regimes.errors import N_, Refusal


class BooksNotOpen(Refusal):
    """Refuse an answer while the books were never opened."""


def business_date() -> date:
    """Return the day that the books are open for."""
    with connection.cursor() as cursor:  # every request asks this
        cursor.execute("SELECT business_date FROM ledger_bookdate WHERE id = 1")
        found = cursor.fetchone()
    if found is None:
        raise BooksNotOpen("books_not_open", N_("The books are not open yet."))
    day: date = found[0]
    return day


def next_month_to_close() -> date:
    """Return the last day of the first month that is not closed."""
    books = BookDate.objects.filter(pk=1).first()
    if books is None:
        raise BooksNotOpen("books_not_open", N_("The books are not open yet."))
    return next_to_close(first_date=books.first_date, closed_through=books.closed_through)


def closed_through() -> date | None:
    """Return the last day of the closed period, or None while none is closed."""
    return BookDate.objects.filter(pk=1).values_list("closed_through", flat=True).first()


def books_are_open() -> bool:
    """Tell whether the books were opened."""
    return BookDate.objects.filter(pk=1).exists()


@dataclass(frozen=True, slots=True)
class TrialRow:
    """Show one account's sums through a day. `balance` is positive on the account's own side."""

    code: str
    role: str
    name: str
    kind: str
    currency: str
    debit: Decimal
    credit: Decimal
    balance: Decimal


def _chart_row(role: str | None, code: str | None) -> ChartRow:
    return BY_CODE[code] if code is not None else BY_ROLE[Role(str(role))]


def _own_side(row: ChartRow, debit: Decimal, credit: Decimal) -> Decimal:
    return debit - credit if row.kind in DEBIT_KINDS else credit - debit


def balance(
    *,
    role: str | None = None,
    code: str | None = None,
    as_of: date | None = None,
    loan_id: int | None = None,
    portfolio: str | None = None,
    currency: str = "CNY",
) -> Decimal:
    """Return the balance of an account on its own side, of all or of one loan or portfolio."""
    row = _chart_row(role, code)
    where = ["p.account_id = %s", "j.currency = %s"]
    params: list[Any] = [row.account_id, currency]
    if as_of is not None:
        where.append("j.booked_date <= %s")
        params.append(as_of)
    if loan_id is not None:
        where.append("p.loan_id = %s")
        params.append(loan_id)
    if portfolio is not None:
        where.append("p.portfolio = %s")
        params.append(portfolio)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT coalesce(sum(p.amount) FILTER (WHERE p.direction = 'D'), 0),
                       coalesce(sum(p.amount) FILTER (WHERE p.direction = 'C'), 0)
                FROM ledger_posting p JOIN ledger_journal j ON j.id = p.journal_id
                WHERE {" AND ".join(where)}""",  # noqa: S608  the parts above are constants
            params,
        )
        debit, credit = cursor.fetchone()
    return _own_side(row, debit, credit)


TRIAL = """
WITH books AS (SELECT coalesce((SELECT closed_through FROM ledger_bookdate), '-infinity'::date) AS closed),
sums AS (
    SELECT b.account_id, b.currency, b.debit, b.credit FROM ledger_dailybalance b, books
    WHERE b.booked_date <= least(books.closed, %(as_of)s)
    UNION ALL
    SELECT p.account_id, j.currency,
           CASE p.direction WHEN 'D' THEN p.amount ELSE 0 END, CASE p.direction WHEN 'C' THEN p.amount ELSE 0 END
    FROM books, ledger_journal j JOIN ledger_posting p ON p.journal_id = j.id
    WHERE j.booked_date > books.closed AND j.booked_date <= %(as_of)s
)
SELECT a.code, s.currency, sum(s.debit), sum(s.credit)
FROM sums s JOIN ledger_account a ON a.id = s.account_id GROUP BY 1, 2 ORDER BY 1, 2
"""


def trial_balance(*, as_of: date) -> list[TrialRow]:
    """Return every account that was ever posted to, with its sums through a booked day."""
    with connection.cursor() as cursor:
        cursor.execute(TRIAL, {"as_of": as_of})
        found = cursor.fetchall()
    rows = []
    for code, currency, debit, credit in found:
        row = BY_CODE[code]
        rows.append(
            TrialRow(
                code, row.role, row.name, row.kind, currency, debit, credit, _own_side(row, debit, credit)
            )
        )
    return rows


def loan_balances(*, loan_ids: Collection[int]) -> dict[int, dict[str, Decimal]]:
    """Return for each loan the balances of its own postings, by role, debits positive, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT p.loan_id, a.role, sum(CASE p.direction WHEN 'D' THEN p.amount ELSE -p.amount END)
               FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
               WHERE p.loan_id = ANY(%s) GROUP BY 1, 2""",
            [list(loan_ids)],
        )
        found = cursor.fetchall()
    balances: dict[int, dict[str, Decimal]] = {loan_id: {} for loan_id in loan_ids}
    for loan_id, role, amount in found:
        balances[loan_id][role] = amount
    return balances


@dataclass(frozen=True, slots=True)
class Entry:
    """Show one posting with its journal, for a statement."""

    journal_id: int
    booked_date: date
    value_date: date
    kind: str
    source: str
    role: str
    direction: str
    amount: Decimal
    balance: Decimal


def general_ledger(
    *, code: str, from_date: date, to_date: date, loan_id: int | None = None, limit: int = 1000
) -> list[Entry]:
    """Return the postings of an account between two booked days, with the running balance (debits positive)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT * FROM (
                 SELECT j.id, j.booked_date, j.value_date, j.kind, j.source, a.role, p.direction, p.amount,
                        sum(CASE p.direction WHEN 'D' THEN p.amount ELSE -p.amount END)
                            OVER (ORDER BY j.booked_date, p.id) AS running
                 FROM ledger_posting p JOIN ledger_journal j ON j.id = p.journal_id
                 JOIN ledger_account a ON a.id = p.account_id
                 WHERE a.code = %(code)s AND (%(loan)s::bigint IS NULL OR p.loan_id = %(loan)s)
                   AND j.booked_date <= %(to)s
               ) AS entries WHERE booked_date >= %(from)s ORDER BY booked_date, running LIMIT %(limit)s""",
            {"code": code, "loan": loan_id, "from": from_date, "to": to_date, "limit": limit},
        )
        return [Entry(*row) for row in cursor.fetchall()]


def loan_entries(*, loan_id: int) -> list[Entry]:
    """Return every posting of one loan in the order of booking, with the running balance of its account."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT j.id, j.booked_date, j.value_date, j.kind, j.source, a.role, p.direction, p.amount,
                      sum(CASE p.direction WHEN 'D' THEN p.amount ELSE -p.amount END)
                          OVER (PARTITION BY p.account_id ORDER BY p.id)
               FROM ledger_posting p JOIN ledger_journal j ON j.id = p.journal_id
               JOIN ledger_account a ON a.id = p.account_id
               WHERE p.loan_id = %s ORDER BY p.id""",
            [loan_id],
        )
        return [Entry(*row) for row in cursor.fetchall()]


def is_debit_account(*, code: str) -> bool:
    """Tell whether an account grows by debits."""
    return BY_CODE[code].kind in (AccountKind.ASSET, AccountKind.EXPENSE)

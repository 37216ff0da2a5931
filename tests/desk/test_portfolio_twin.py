"""Vintages and roll rates of a book that the twin lived, against pandas on the twin's own loan-month table.

The book is written from the table (a loan starts on a 15th, is due on the 15ths, what is late is paid on a 12th, what is lost is
written off on a 25th, and reports are asked on a 10th), and the recomputation never sees an instalment: months and states alone.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.db import transaction

from credit.domain.policy import read_policy
from credit.portfolio import REPORTS
from credit.twin.diary import LOAN_MONTH_COLUMNS
from credit.twin.economy import draw_economy
from credit.twin.lending import Twin
from loans.models import Instalment, Loan, LoanEventRow
from tests.credit.domain.test_policy import CEILING, document
from tests.credit.twin.test_twin import SCORE
from tests.loans import factories

pd = pytest.importorskip("pandas")
pytestmark = [pytest.mark.django_db, pytest.mark.cluster]
MONTHS, CLOSED, LOST = 12, 5, 6


def day(month: int, of_month: int) -> date:
    """Turn a month of the twin into a day."""
    return date(2025 + month // 12, month % 12 + 1, of_month)


@pytest.fixture(scope="module")
def table() -> Any:
    """The loan-month table, with how many instalments each loan is behind and how many were paid."""
    economy = draw_economy(borrowers=900, months=MONTHS, seed=11, shock_month=4)
    twin = Twin(economy, policy=read_policy(document(), ceiling=CEILING), ceiling=CEILING, score=SCORE, keep_loan_months=True)  # fmt: skip
    twin.run()
    rows = pd.DataFrame(twin.diary.loan_months(), columns=LOAN_MONTH_COLUMNS).sort_values(["loan", "month"])
    lost = rows.groupby("loan").written_off.cumsum() > 0
    rows = rows[~lost | (rows.written_off > 0)].copy()  # recoveries come after the loan's end
    rows["ran"] = rows.month - rows.opened_month
    rows["behind"] = (rows.days_past_due // 30).clip(upper=rows.ran)
    rows["is_lost"] = rows.written_off > 0
    rows["is_closed"] = (rows.principal_owed == 0) & ~rows.is_lost
    # a loan that owes something has an instalment left, so one that outruns its term is behind by the months since
    most = rows.term_months - (~rows.is_closed).astype(int)
    rows["paid"] = (rows.ran - rows.behind).clip(lower=0).clip(upper=most)
    rows["behind"] = (rows.ran - rows.paid).where(~rows.is_closed, 0).clip(upper=4)
    assert (rows.groupby("loan").paid.diff().fillna(0) >= 0).all(), "nobody takes a payment back"
    assert len(rows) > 2_000
    assert rows.is_lost.any()
    assert (rows.behind == 2).any()
    return rows


@pytest.fixture(scope="module")
def lived(table: Any, django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), transaction.atomic():
        _write(table, factories.open_loan())  # a loan that waits for its payout is in no report
        yield
        transaction.set_rollback(True)


def _write(table: Any, seed: Loan) -> None:
    loans, rows, events = [], [], []
    for number, life in table.groupby("loan"):
        opened, term = int(life.opened_month.iloc[0]), int(life.term_months.iloc[0])
        end = life.iloc[-1]
        closed = day(int(end.month), 15) if end.is_closed else None
        status = "WRITTEN_OFF" if end.is_lost else "CLOSED" if end.is_closed else "OVERDUE" if end.behind else "ACTIVE"  # fmt: skip
        loan = Loan(borrower_id=seed.borrower_id, bank_account_id=seed.bank_account_id, terms=seed.terms, repayment_method=seed.repayment_method,
                    principal=int(end.principal) / 100, instalment_count=term, start_date=day(opened, 15), annual_rate=seed.annual_rate,
                    portfolio="TWIN", status=status, closed_date=closed, penalty_year=365, grace_days=0)  # fmt: skip
        loan.reference = uuid.uuid5(uuid.NAMESPACE_OID, f"twin-{number}")
        loans.append(loan)
        for k in range(1, term + 1):
            month = next((int(m) for m, p in zip(life.month, life.paid, strict=True) if p >= k), None)
            if month is None and end.is_closed:
                month = int(end.month)
            due = opened + k
            paid = None if month is None else day(month, 15 if due >= month else 12)
            rows.append((loan, k, day(due, 15), paid, 0 if paid or end.is_lost else 1))
        if end.is_lost:
            events.append((loan, day(int(end.month), 25)))
    Loan.objects.bulk_create(loans, batch_size=500)
    Instalment.objects.bulk_create(
        [Instalment(loan_id=loan.pk, number=k, from_date=due, due_date=due, paid_date=paid, outstanding=left) for loan, k, due, paid, left in rows],
        batch_size=1000,
    )  # fmt: skip
    LoanEventRow.objects.bulk_create(
        [LoanEventRow(loan_id=loan.pk, sequence=1, kind="WRITE_OFF", value_date=on, booked_date=on, amount=0, data={}, reference=f"lost-{loan.pk}") for loan, on in events]
    )  # fmt: skip


def test_roll_rates_of_the_twin_equal_pandas(lived: None, table: Any) -> None:
    seen: set[tuple[int, int]] = set()
    for month in (4, 9, 13, 18):
        now = table[table.month == month].set_index("loan")
        was = (
            table[table.month == month - 1].set_index("loan").behind.reindex(now.index).fillna(0).astype(int)
        )
        before = table[(table.month == month - 1) & (table.is_lost | table.is_closed)].loan
        now = now[~now.index.isin(before) & (now.opened_month < month)]
        ends = now.behind.where(~now.is_closed, CLOSED).where(~now.is_lost, LOST)
        counts = pd.crosstab(was.loc[now.index], ends)
        _shares, numbers = REPORTS["roll"].make(day(month + 1, 10), False)
        found = {(y, x): n for y, row in enumerate(numbers.rows) for x, n in enumerate(row[2:]) if n}
        assert found == {(y, x): int(counts.loc[y, x]) for y in counts.index for x in counts.columns if counts.loc[y, x]}, month  # fmt: skip
        seen |= set(found)
    assert {(0, 0), (0, 1), (1, 2), (0, CLOSED), (2, LOST)} <= seen, "the book has every kind of move"


def test_vintages_of_the_twin_equal_pandas(lived: None, table: Any) -> None:
    for last in (8, 16):
        known = table[table.month <= last]
        loans = table[table.opened_month <= last].groupby("loan").opened_month.first()
        bad = known[(known.behind >= 2) | known.is_lost].groupby("loan").ran.min().reindex(loans.index)
        (report,) = REPORTS["vintages"].make(day(last + 1, 10), False)
        rows = {row[0]: row for row in report.rows}
        assert len(rows) == loans.nunique()
        for opened, members in loans.groupby(loans):
            row = rows[day(int(opened), 1).isoformat()[:7]]
            months = bad.loc[members.index]
            assert row[1:3] == [len(members), int(months.notna().sum())]
            for ran, share in enumerate(row[3:]):
                if share is not None:
                    assert share == pytest.approx(float((months <= ran).mean()), abs=1e-6), (opened, ran)

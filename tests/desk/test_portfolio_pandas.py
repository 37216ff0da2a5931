"""A second opinion on vintages and roll rates: plain pandas on the loan-month table, in an environment of its own."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from credit.portfolio import REPORTS
from credit.portfolio.reports import BAD_DAYS, month_before
from loans.models import Instalment, Loan
from tests.desk.test_portfolio import TODAY, book  # noqa: F401  the fixture

pd = pytest.importorskip("pandas")
pytestmark = [pytest.mark.django_db, pytest.mark.cluster]


def loan_days(days: list[date]):  # type: ignore[no-untyped-def]
    """Return one row a loan and day: how late it was, from instalments as they stand."""
    rows = pd.DataFrame(
        Instalment.objects.values_list("loan_id", "due_date", "paid_date", "outstanding"),
        columns=["loan_id", "due", "paid", "outstanding"],
    )
    loans = pd.DataFrame(Loan.objects.values_list("id", "start_date", "status", "closed_date"), columns=["loan_id", "start", "status", "closed"])  # fmt: skip
    lost = dict(Loan.objects.filter(events__kind="WRITE_OFF").values_list("id", "events__value_date"))
    rows["settled"] = [
        date.max if left > 0 else paid if isinstance(paid, date) else lost.get(loan, date.min)
        for loan, paid, left in zip(rows.loan_id, rows.paid, rows.outstanding, strict=True)
    ]
    frames = []
    for day in days:
        late = rows[(rows.due < day) & (rows.settled > day)].groupby("loan_id").due.min()
        frame = loans.assign(
            day=day, days=[(day - late[k]).days if k in late.index else 0 for k in loans.loan_id]
        )
        frame["lost"] = [lost.get(k, date.max) <= day for k in frame.loan_id]
        frame["paid_off"] = [isinstance(c, date) and c <= day for c in frame.closed]
        frames.append(frame)
    return pd.concat(frames)


def bucket(days: int) -> int:
    return int(pd.cut([days], [-1, 0, 30, 60, 90, 10**6], labels=False)[0])


def test_roll_rates_equal_pandas(book: list[Loan]) -> None:  # noqa: F811
    for as_of in (TODAY, date(2026, 7, 15)):
        table = loan_days([month_before(as_of), as_of]).set_index(["loan_id", "day"])
        was, now = table.xs(month_before(as_of), level="day"), table.xs(as_of, level="day")
        running = was[~was.lost & ~was.paid_off]
        now = now.loc[running.index]
        ends = [6 if lost else 5 if off else bucket(d) for lost, off, d in zip(now.lost, now.paid_off, now.days, strict=True)]  # fmt: skip
        counts = pd.crosstab(pd.Series([bucket(d) for d in running.days]), pd.Series(ends))
        _rates, numbers = REPORTS["roll"].make(as_of, as_of == TODAY)
        found = {(y, x): n for y, row in enumerate(numbers.rows) for x, n in enumerate(row[2:]) if n}
        assert found == {(y, x): int(counts.loc[y, x]) for y in counts.index for x in counts.columns if counts.loc[y, x]}  # fmt: skip


def test_vintages_equal_pandas(book: list[Loan]) -> None:  # noqa: F811
    start = min(loan.start_date for loan in book)
    every = [start + timedelta(days=n) for n in range((TODAY - start).days + 1)]
    table = loan_days(every)
    first = table[table.days > BAD_DAYS].groupby("loan_id").day.min()
    frame = pd.DataFrame({"start": {loan.pk: loan.start_date for loan in book}})
    frame["vintage"] = [s.isoformat()[:7] for s in frame.start]
    frame["month"] = [
        (first[k].year - s.year) * 12 + first[k].month - s.month - (first[k].day < s.day) if k in first.index else None
        for k, s in frame.start.items()
    ]  # fmt: skip
    (report,) = REPORTS["vintages"].make(TODAY, True)
    for row in report.rows:
        mine = frame[frame.vintage == row[0]]
        assert row[1] == len(mine)
        for month, share in enumerate(row[3:]):
            if share is not None:
                assert share == pytest.approx(float((mine.month <= month).mean()), abs=1e-6)

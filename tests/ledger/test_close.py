"""Closing a month: what it asks for, and that it is for good."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from ledger import operations, queries
from ledger.closing import close_month, reopen_period
from ledger.domain.chart import Role
from ledger.domain.closing import CloseCheck, is_month_end, month_before, month_end, next_to_close
from ledger.models import BookDate, DailyBalance, Journal
from ledger.operations import PostingLine
from ledger.reports import close_checklist
from regimes.errors import Refusal

FIRST, END = date(2026, 3, 2), date(2026, 3, 31)


def post(
    source: str, day: date, debit: Role = Role.LOAN_PRINCIPAL, credit: Role = Role.CASH_AT_BANK
) -> Journal:
    lines = [PostingLine(debit, "D", Decimal("12.34")), PostingLine(credit, "C", Decimal("12.34"))]
    return operations.post_journal(
        source=source, leg="EVENT", kind="TEST", value_date=day, booked_date=day, postings=lines
    )


@pytest.fixture
def books(db: None) -> None:
    operations.open_books(first_date=FIRST)
    post("test:1", FIRST)
    post("test:2", END)
    operations.advance_business_date(to=date(2026, 4, 1))


def code_of(day: date, **values: object) -> tuple[str, object]:
    with pytest.raises(Refusal) as refused:
        close_month(month_end=day, **values)  # type: ignore[arg-type]
    return refused.value.code, refused.value.params.get("check")


def test_it_refuses_before_the_books_are_open(db: None) -> None:
    assert code_of(END)[0] == "books_not_open"


def test_it_refuses_a_day_that_ends_no_month(books: None) -> None:
    assert code_of(date(2026, 3, 30))[0] == "not_a_month_end"


def test_it_refuses_a_month_that_is_not_over(books: None) -> None:
    assert code_of(date(2026, 4, 30)) == ("close_check_failed", "month_over")
    assert BookDate.objects.get().closed_through is None


def test_it_refuses_to_leave_a_month_out(books: None) -> None:
    operations.advance_business_date(to=date(2026, 5, 1))
    assert code_of(date(2026, 4, 30)) == ("close_check_failed", "month_in_order")


@pytest.mark.parametrize("role", [Role.SUSPENSE, Role.CASH_IN_TRANSIT])
def test_it_refuses_while_something_is_in_between(books: None, role: Role) -> None:
    post("test:3", END, debit=role)
    assert code_of(END) == ("close_check_failed", f"{role.lower()}_empty")
    post("test:4", date(2026, 4, 1), debit=Role.CASH_AT_BANK, credit=role)
    assert code_of(END)[1] == f"{role.lower()}_empty", "April's clearing does not clear March"
    post("test:5", END, debit=Role.CASH_AT_BANK, credit=role)
    post("test:6", date(2026, 4, 1), debit=role)
    assert close_month(month_end=END).closed_through == END


def test_it_refuses_over_a_planted_error_in_the_books(books: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE ledger_posting SET amount = amount + 0.01 WHERE id = (SELECT min(id) FROM ledger_posting)"
        )
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert code_of(END) == ("close_check_failed", "books_hold")
    found = {check.code: check for check in close_checklist(month_end=END)}
    assert "I1" in found["books_hold"].found
    assert not found["trial_balances"].holds


def test_it_refuses_what_a_room_above_waits_for(books: None) -> None:
    seen = []

    def night(day: date) -> list[CloseCheck]:
        seen.append(day)
        return [CloseCheck("night", "Worked", holds=False, found="3 loans")]

    assert code_of(END, checks=[night]) == ("close_check_failed", "night")
    assert seen == [END]


def test_nothing_is_booked_into_a_closed_month(books: None) -> None:
    close_month(month_end=END)
    with pytest.raises(Refusal) as refused:
        post("late:1", END)
    assert refused.value.code == "period_closed"
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO ledger_journal (ref, source, leg, kind, currency, value_date, booked_date, description, digest, written_in)
               VALUES (gen_random_uuid(), 'raw', 'E', 'T', 'CNY', %s, %s, '', '', 0)""",
            [END, END],
        )
    assert post("late:2", date(2026, 4, 1)).pk


def test_it_refuses_to_reopen(books: None) -> None:
    close_month(month_end=END)
    with pytest.raises(Refusal) as refused:
        reopen_period(month_end=END)
    assert refused.value.code == "period_stays_closed"
    for value in (None, date(2026, 2, 28)):
        with pytest.raises(DatabaseError), transaction.atomic():
            BookDate.objects.update(closed_through=value)
    assert queries.closed_through() == END


def test_it_closes_once_and_keeps_the_sums_of_its_days(books: None) -> None:
    assert all(check.holds for check in close_checklist(month_end=END))
    assert close_month(month_end=END).closed_through == END
    kept = list(
        DailyBalance.objects.order_by("pk").values_list("account_id", "booked_date", "debit", "credit")
    )
    assert len(kept) == 4
    assert close_month(month_end=END).closed_through == END
    assert (
        list(DailyBalance.objects.order_by("pk").values_list("account_id", "booked_date", "debit", "credit"))
        == kept
    )
    operations.advance_business_date(to=date(2026, 5, 1))
    assert close_month(month_end=date(2026, 4, 30)).closed_through == date(2026, 4, 30)


def test_months_end_where_the_calendar_says() -> None:
    assert [month_end(date(2028, month, 1)).day for month in range(1, 13)] == [
        31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31,
    ]  # fmt: skip
    assert month_before(date(2026, 1, 31)) == date(2025, 12, 31)
    assert (is_month_end(date(2026, 2, 28)), is_month_end(date(2028, 2, 28))) == (True, False)
    assert next_to_close(first_date=FIRST, closed_through=None) == END
    assert next_to_close(first_date=FIRST, closed_through=END) == date(2026, 4, 30)

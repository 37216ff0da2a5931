"""Journals: what may be posted, and what the database refuses whoever asks."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, IntegrityError, connection, transaction

from ledger import operations, queries
from ledger.domain.chart import CHART, Role
from ledger.domain.invariant import Invariant
from ledger.domain.journal import JournalDraft
from ledger.invariants import INVARIANTS
from ledger.models import Account, BookDate, DailyBalance, Journal, Posting
from ledger.operations import PostingLine
from regimes.errors import Refusal

DAY = date(2026, 3, 2)


def lines(debit: str = "100.00", credit: str = "100.00", **values: Any) -> list[PostingLine]:
    return [
        PostingLine(Role.LOAN_PRINCIPAL, "D", Decimal(debit), **values),
        PostingLine(Role.CASH_AT_BANK, "C", Decimal(credit), **values),
    ]


def post(source: str = "test:1", *, postings: list[PostingLine] | None = None, **values: Any) -> Journal:
    known: dict[str, Any] = {"leg": "EVENT", "kind": "TEST", "value_date": DAY, "booked_date": DAY}
    return operations.post_journal(source=source, postings=postings or lines(), **{**known, **values})


@pytest.fixture
def books(db: None) -> BookDate:
    return operations.open_books(first_date=DAY)


def broken() -> set[str]:
    found = set()
    with connection.cursor() as cursor:
        for invariant in INVARIANTS:
            assert isinstance(invariant, Invariant)
            cursor.execute(invariant.sql)
            if cursor.fetchall():
                found.add(invariant.id)
    return found


@pytest.mark.django_db
class TestChart:
    def test_the_migration_writes_what_the_code_says(self) -> None:
        rows = list(Account.objects.order_by("code").values_list("id", "role", "code", "kind", "name"))
        assert rows == [(row.account_id, row.role, row.code, row.kind, row.name) for row in CHART]

    def test_nothing_is_posted_before_the_books_are_open(self) -> None:
        with pytest.raises(Refusal) as refused:
            post()
        assert refused.value.code == "books_not_open"
        with pytest.raises(Refusal):
            queries.business_date()


class TestPosting:
    @pytest.mark.parametrize(
        ("postings", "code"),
        [
            (lines("100.00", "99.99"), "journal_unbalanced"),
            (lines()[:1], "journal_one_sided"),
            (lines("0.00", "0.00"), "amount_invalid"),
            (lines("-1.00", "-1.00"), "amount_invalid"),
            (lines("1.005", "1.005"), "amount_invalid"),
            (lines("NaN", "NaN"), "amount_invalid"),
            (lines("Infinity", "Infinity"), "amount_invalid"),
            (lines("1e15", "1e15"), "amount_invalid"),
            (
                [PostingLine("NOTHING", "D", Decimal(1)), PostingLine("NOTHING", "C", Decimal(1))],
                "account_unknown",
            ),
        ],
    )
    def test_it_refuses(self, books: BookDate, postings: list[PostingLine], code: str) -> None:
        with pytest.raises(Refusal) as refused:
            post(postings=postings)
        assert refused.value.code == code
        assert not Journal.objects.exists()

    def test_the_same_content_again_gives_the_first(self, books: BookDate) -> None:
        first = post()
        assert post().pk == first.pk
        assert Posting.objects.count() == 2

    @pytest.mark.parametrize(
        "other",
        [
            {"postings": lines("100.01", "100.01")},
            {"value_date": DAY - timedelta(days=1)},
            {"kind": "OTHER"},
            {"postings": lines(loan_id=7)},
        ],
    )
    def test_other_content_under_the_same_source_is_refused(
        self, books: BookDate, other: dict[str, Any]
    ) -> None:
        post()
        with pytest.raises(Refusal) as refused:
            post(**other)
        assert refused.value.code == "journal_source_reused"
        assert Journal.objects.count() == 1

    def test_a_batch_is_whole_or_not_at_all(self, books: BookDate) -> None:
        good = JournalDraft("test:a", "EVENT", "TEST", DAY, DAY, tuple(lines()))
        bad = JournalDraft("test:b", "EVENT", "TEST", DAY, DAY, tuple(lines("1.00", "2.00")))
        with pytest.raises(Refusal):
            operations.post_journals(drafts=[good, bad])
        assert not Journal.objects.exists()
        assert len(operations.post_journals(drafts=[good])) == 1

    def test_a_reversal_is_the_mirror_and_comes_once(self, books: BookDate) -> None:
        journal = post(postings=lines(loan_id=4))
        mirror = operations.reverse_journal(journal=journal, booked_date=DAY, reason="typed twice")
        assert operations.reverse_journal(journal=journal, booked_date=DAY, reason="again").pk == mirror.pk
        assert queries.balance(role="LOAN_PRINCIPAL", loan_id=4) == 0
        assert broken() == set()

    def test_balances_stand_on_the_accounts_own_side(self, books: BookDate) -> None:
        post(postings=lines("70.00", "70.00", loan_id=1))
        post("test:2", postings=lines("30.00", "30.00", loan_id=2))
        assert queries.balance(role="LOAN_PRINCIPAL") == Decimal("100.00")
        assert queries.balance(code="1001") == Decimal("-100.00")
        assert queries.loan_balances(loan_ids=[1, 2, 3])[3] == {}
        assert queries.loan_balances(loan_ids=[1])[1]["LOAN_PRINCIPAL"] == Decimal("70.00")
        rows = queries.trial_balance(as_of=DAY)
        assert sum(row.debit for row in rows) == sum(row.credit for row in rows) == Decimal("100.00")
        entries = queries.general_ledger(code="1101", from_date=DAY, to_date=DAY)
        assert [entry.balance for entry in entries] == [Decimal("70.00"), Decimal("100.00")]


class TestGuards:
    """What the database refuses, with no Python in the way."""

    def write(self, sql: str) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    @pytest.mark.parametrize("table", ["ledger_journal", "ledger_posting"])
    @pytest.mark.parametrize("sql", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
    def test_history_stands(self, books: BookDate, table: str, sql: str) -> None:
        post()
        self.write("SELECT 1")
        with pytest.raises(DatabaseError, match="append-only"):
            self.write(sql.format(table))

    HEAD = (
        "INSERT INTO ledger_journal (ref, source, leg, kind, currency, value_date, booked_date, description, digest, written_in)"
        " VALUES (gen_random_uuid(), 'raw', 'x', 'TEST', 'CNY', '{day}', '{day}', '', '', 0) RETURNING id"
    )

    def raw(self, day: date, *postings: tuple[str, str]) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(self.HEAD.format(day=day))
            journal = cursor.fetchone()[0]
            for side, amount in postings:
                cursor.execute(
                    "INSERT INTO ledger_posting (journal_id, account_id, direction, amount, portfolio) VALUES (%s, 1001, %s, %s, '')",
                    [journal, side, amount],
                )
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    def test_a_balanced_journal_may_come_line_by_line(self, books: BookDate) -> None:
        self.raw(DAY, ("D", "1.00"), ("D", "2.00"), ("C", "3.00"))

    @pytest.mark.parametrize(
        "postings",
        [
            (),
            (("D", "1.00"),),
            (("D", "1.00"), ("C", "1.01")),
            (("D", "-1.00"), ("C", "-1.00")),
            (("D", "0"), ("C", "0")),
            (("D", "NaN"), ("C", "NaN")),
            (("X", "1.00"), ("C", "1.00")),
        ],
    )
    def test_anything_else_does_not_commit(
        self, books: BookDate, postings: tuple[tuple[str, str], ...]
    ) -> None:
        with pytest.raises(IntegrityError):
            self.raw(DAY, *postings)

    def test_a_closed_period_takes_nothing(self, books: BookDate) -> None:
        operations.advance_business_date(to=DAY + timedelta(days=40))
        operations.close_period(through=DAY + timedelta(days=10))
        with pytest.raises(Refusal) as refused:
            post()
        assert refused.value.code == "period_closed"
        with pytest.raises(IntegrityError):
            self.raw(DAY, ("D", "1.00"), ("C", "1.00"))
        self.raw(DAY + timedelta(days=11), ("D", "1.00"), ("C", "1.00"))

    def test_the_dates_run_forward(self, books: BookDate) -> None:
        operations.advance_business_date(to=DAY + timedelta(days=3))
        with pytest.raises(Refusal) as refused:
            operations.advance_business_date(to=DAY)
        assert refused.value.code == "business_date_backwards"
        with pytest.raises(Refusal) as refused:
            operations.close_period(through=DAY + timedelta(days=3))
        assert refused.value.code == "period_not_over"
        with pytest.raises(IntegrityError):
            self.write(f"UPDATE ledger_bookdate SET business_date = '{DAY}'")


def test_closed_days_are_sums_and_open_days_are_postings(books: BookDate) -> None:
    post(postings=lines("10.00", "10.00"))
    operations.advance_business_date(to=DAY + timedelta(days=5))
    later = DAY + timedelta(days=4)
    post("test:2", postings=lines("5.00", "5.00"), booked_date=later)
    before = queries.trial_balance(as_of=later)
    operations.close_period(through=DAY)
    assert DailyBalance.objects.filter(booked_date=DAY).count() == 2
    assert queries.trial_balance(as_of=later) == before
    assert operations.roll_up(through=later) == 2
    assert operations.roll_up(through=later) == 0
    assert broken() == set()


@pytest.mark.django_db(transaction=True)
def test_postings_are_not_added_to_a_journal_of_another_transaction() -> None:
    operations.open_books(first_date=DAY)
    journal = post()
    with pytest.raises(IntegrityError), transaction.atomic():
        Posting.objects.create(journal=journal, account_id=1001, direction="D", amount=Decimal("1.00"))


@pytest.mark.django_db(transaction=True)
def test_twenty_threads_and_one_source() -> None:
    operations.open_books(first_date=DAY)
    barrier = threading.Barrier(20)
    found: list[int] = []
    wrong: list[BaseException] = []

    def work() -> None:
        try:
            barrier.wait()
            found.append(post().pk)
        except (Refusal, DatabaseError, ObjectDoesNotExist) as error:
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(set(found)) == 1
    assert Posting.objects.count() == 2

"""A book with something of everything; each planted corruption is found and named by `check_books --strict --json`."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction

from ledger import operations as ledger_operations
from ledger.operations import PostingLine, advance_business_date, close_period
from lendportal.management.commands.check_books import invariants
from tests.books.plants import PLANTS, Plant
from tests.factories import NOW, BusinessFactory, UserFactory
from tests.loans.factories import START

pytestmark = pytest.mark.django_db  # a savepoint within the book of the module
LAST = date(2026, 5, 20)


@pytest.fixture(scope="module")
def book(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Lend, collect, decide, reverse and close; taken back after the module's last test."""
    from tests.credit.factories import bring_first_versions

    with django_db_blocker.unblock(), transaction.atomic():
        bring_first_versions()
        _late_loan()
        _line_with_two_draws()
        _reversed_journal()
        _shop_sales()
        _advances()
        BusinessFactory(owner=UserFactory())
        _nights()
        _approved_proposal()
        yield
        transaction.set_rollback(True)


def _late_loan() -> None:
    """A loan with a payment and a collection, both too small; nothing is paid after."""
    from loans import operations
    from tests.loans import factories

    loan = factories.active_loan()
    factories.repay(loan, "30.00", on=START)
    collection = operations.start_collection(
        loan_id=loan.pk, amount=Decimal("5.00"), choice=None, idempotency_key="k", bank_account_id=loan.bank_account_id,
        actor=None, as_of=START,
    )  # fmt: skip
    operations.confirm_collection(
        collection_id=collection.pk, provider_reference="bank-c", amount=Decimal("5.00"), currency="CNY", as_of=START, now=NOW
    )  # fmt: skip


def _line_with_two_draws() -> None:
    """An officer approves; one draw is paid out, one waits."""
    from tests.credit.test_applications import apply, decide, person
    from tests.credit.test_draw_down import draw
    from tests.loans.factories import confirm

    application = apply(person())
    decision = decide(application, UserFactory(is_staff=True))
    line = decision.application.borrower.lines.get()
    confirm(draw(line).loan)
    draw(line, idempotency_key="key-2")


def _advances() -> None:
    """A business draws all that is advanced on two invoices."""
    from tests.credit.factories import make_line
    from tests.credit.working.trade import arrive, draw, give, invoice_row, register
    from tests.factories import BankAccountFactory, ConsentFactory, IdentityFactory

    owner = UserFactory()
    IdentityFactory(borrower__user=owner)
    business = BusinessFactory(owner=owner)
    for purpose in ("CREDIT_DECISION", "BUSINESS"):
        ConsentFactory(borrower=business, purpose=purpose)
    BankAccountFactory(borrower=business)
    line = make_line(borrower=business, limit=50_000, family="BUSINESS")
    numbers = ("26332000000012345678", "26332000000012345679")
    give(line, [invoice_row(number=number) for number in numbers])
    for number in numbers:
        arrive(
            draw(line, "INVOICE_ADVANCE", "8000.00", key=number, invoice=register(line, number=number).ref)
        )


def _reversed_journal() -> None:
    """An entry by hand and its reversal."""
    from ledger.domain.journal import Direction

    journal = ledger_operations.post_journal(
        source="manual:1", leg="1", kind="MANUAL", value_date=START, booked_date=START,
        postings=[
            PostingLine(role="CASH_AT_BANK", direction=Direction.DEBIT, amount=Decimal("10.00")),
            PostingLine(role="SUSPENSE", direction=Direction.CREDIT, amount=Decimal("10.00")),
        ],
    )  # fmt: skip
    ledger_operations.reverse_journal(journal=journal, booked_date=START, reason="typed twice")


def _shop_sales() -> None:
    """A shop sells at no interest to the buyer, takes a part back, and is paid."""
    from merchants import operations
    from tests.merchants.shop import agree, capture, make_buyer, make_checkout, make_merchant, refund
    from tests.merchants.test_orders import arrive

    merchant = make_merchant()
    operations.set_plan(merchant=merchant, instalment_count=6, subvention_rate=Decimal("0.03"), actor=None)
    order = agree(make_checkout(merchant), make_buyer(), zero=True)
    capture(order)
    refund(order, "100.00")
    [settled] = operations.settle_merchants(as_of=START, now=NOW)
    arrive(settled.transfer)


def _nights() -> None:
    """Age and accrue twice, set aside for losses, close April."""
    from loans import operations

    for day in (date(2026, 4, 30), LAST):
        advance_business_date(to=day)
        operations.age_loans(as_of=day)
        operations.accrue(as_of=day)
    operations.post_provisions(as_of=LAST)
    advance_business_date(to=date(2026, 5, 21))
    close_period(through=date(2026, 4, 30))


def _approved_proposal() -> None:
    """A role given by two people."""
    from tests.accounts.test_proposals import approved, people

    approved(*people(), as_of=LAST)


def proved() -> tuple[int, dict[str, Any]]:
    """Run the command as an operator does; return its exit and what it printed."""
    told = io.StringIO()
    code = 0
    try:
        call_command("check_books", "--strict", "--json", stdout=told)
    except CommandError as stopped:
        code = stopped.returncode
    return code, json.loads(told.getvalue())


def switch_off_guards(sql: str) -> None:
    """Do what a hand with the password would do first: no triggers, no checks, no keys on the table."""
    tables = re.findall(r"(?:UPDATE|INSERT INTO|DELETE FROM) (\w+)", sql)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            """SELECT conrelid::regclass::text, conname FROM pg_constraint
               WHERE contype IN ('c', 'u') AND conrelid = ANY(%s::regclass[])""",
            [tables],
        )
        for table, name in cursor.fetchall():
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        cursor.execute(  # unique keys with a condition are indexes alone
            """SELECT indexrelid::regclass::text FROM pg_index i
               WHERE indisunique AND NOT indisprimary AND indpred IS NOT NULL AND indrelid = ANY(%s::regclass[])""",
            [tables],
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP INDEX {name}")


def test_the_clean_book_holds(book: None) -> None:
    code, told = proved()
    assert [row for row in told["invariants"] if row["rows"] or row["error"]] == []
    assert (code, told["holds"]) == (0, True)


def test_every_invariant_has_a_plant() -> None:
    stated = [invariant.id for invariant in invariants(strict=True)]
    assert len(set(stated)) == len(stated), "an id is used twice"
    assert {plant.found_by for plant in PLANTS} == set(stated)
    assert len(PLANTS) >= 25


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{plant.found_by}: {plant.why}")
def test_a_planted_corruption_is_found_and_named(book: None, plant: Plant) -> None:
    with transaction.atomic():
        switch_off_guards(plant.sql)
        with connection.cursor() as cursor:
            cursor.execute(plant.sql)
            assert cursor.rowcount, "nothing was planted"
            cursor.execute("SET LOCAL session_replication_role = origin")
        code, told = proved()
        transaction.set_rollback(True)
    assert (code, told["holds"]) == (1, False)
    assert not [row for row in told["invariants"] if row["error"]], "a statement that fails has found nothing"
    found = {row["id"]: row["rows"] for row in told["invariants"] if row["rows"]}
    assert plant.found_by in found, sorted(found)

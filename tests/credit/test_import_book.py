"""A book brought over from another system: every row's problem in a dry run, all or nothing, books that hold."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Borrower, User
from credit.models import CreditLine, Drawdown
from credit.operations.imports import BookRefused, ImportReport, import_book
from ledger.operations import advance_business_date, open_books
from ledger.queries import business_date
from lendportal.management.commands.check_books import check
from loans.domain.engine import fold
from loans.models import Loan
from loans.operations import accrue, age_loans, record_repayment
from loans.operations.events import read_events
from tests.credit.factories import bring_first_versions
from tests.factories import NOW, UserFactory

pytestmark = pytest.mark.django_db
TODAY = date(2026, 6, 20)
HEADS = {
    "customers": "customer_id,email,full_name,document,number,birth_date",
    "lines": "line_id,customer_id,limit,annual_rate,opened_date",
    "loans": "loan_id,line_id,principal,annual_rate,penalty_rate,method,instalments,start_date",
    "payments": "loan_id,date,amount,reference",
}
ROWS = {
    "customers": ["c1,mei@example.com,Mei Chen,PASSPORT,E12345678,1990-05-06", "c2,jun@example.com,Jun Li,PASSPORT,E12345679,1985-01-02"],
    "lines": ["l1,c1,20000.00,0.144,2025-01-10", "l2,c2,8000.00,0.18,2025-03-01"],
    "loans": [
        "n1,l1,6000.00,0.144,0.216,EQUAL_INSTALMENT,6,2026-01-15",
        "n2,l1,3000.00,0.144,0.216,EQUAL_PRINCIPAL,12,2026-06-02",
        "n3,l2,4000.00,0.18,0.27,INTEREST_FIRST,3,2026-02-01",
    ],
    "payments": ["n1,2026-02-15,1042.71,p1", "n1,2026-03-20,1050.00,p2", "n3,2026-03-01,55.23,p1"],
}  # fmt: skip


def files(**change: list[str]) -> dict[str, bytes]:
    return {name: "\n".join([HEADS[name], *change.get(name, rows)]).encode() for name, rows in ROWS.items()}


@pytest.fixture
def officer() -> User:
    bring_first_versions()
    open_books(first_date=TODAY)
    if business_date() < TODAY:
        advance_business_date(to=TODAY)
    return UserFactory(is_staff=True)


def show(refusal: BookRefused) -> str:
    return "; ".join(str(problem) for problem in refusal.problems)


def run(officer: User, *, is_dry: bool = False, **change: list[str]) -> ImportReport:
    try:
        return import_book(files=files(**change), actor=officer, as_of=TODAY, now=NOW, is_dry=is_dry)
    except BookRefused as refusal:
        print(show(refusal))  # what a failing test shows
        raise


def told(officer: User, **change: list[str]) -> list[tuple[str, int, str]]:
    with pytest.raises(BookRefused) as no:
        run(officer, is_dry=True, **change)
    assert Loan.objects.count() == Borrower.objects.filter(user__email__endswith="@example.com", user__is_staff=False).count() == 0  # fmt: skip
    return [(p.file, p.line, p.code) for p in no.value.problems]


def breaches() -> list[Any]:
    return [row for row in check() if row["rows"] or row["error"]]


def test_every_row_s_problem_is_told_at_once_and_nothing_is_written(officer: User) -> None:
    loans = [
        "n1,l1,6000.00,0.144,0.216,EQUAL_INSTALMENT,6,2026-01-15",
        "n1,l1,6000.00,0.144,0.216,EQUAL_INSTALMENT,6,2026-01-15",
        "n2,l9,3000.00,0.144,0.216,BALLOON,0,2026-13-02",
        "n4,l9,3000.00,0.144,0.216,BULLET,3,2026-05-02",
        "=cmd(),l1,NaN,0.144,0.216,BULLET,3,2026-05-02",
        "n5,l2,9000.00,0.18,0.27,BULLET,3,2026-02-01",
        "n6,l2,100.00,0.18,0.27,BULLET,3,2027-02-01",
    ]
    payments = [
        "n1,2026-02-15,1042.71,p1",
        "n1,2026-02-16,5.00,p1",
        "n1,2026-01-01,5.00,p3",
        "n8,2026-02-15,1.00,p1",
    ]
    customers = [*ROWS["customers"], "c3,not an address,X Y,PASSPORT,E12345670,1990-05-06", "c4,kid@example.com,Kid Li,PASSPORT,E12345671,2020-01-01"]  # fmt: skip
    found = told(officer, loans=loans, payments=payments, customers=customers)
    assert ("loans", 3, "duplicate") in found
    assert {("loans", 4, code) for code in ("method_invalid", "instalments_invalid", "date_invalid")} <= set(
        found
    )
    assert ("loans", 5, "unknown_id") in found
    assert {("loans", 6, "id_invalid"), ("loans", 6, "amount_invalid")} <= set(found)
    assert ("loans", 7, "over_limit") in found
    assert ("loans", 8, "date_future") in found
    assert ("payments", 3, "duplicate") in found
    assert ("payments", 5, "unknown_id") in found
    assert any(file == "loans" and line == 2 for file, line, _code in found), "money before the payout"
    assert {line for file, line, _code in found if file == "customers"} == {4, 5}


@pytest.mark.parametrize(
    ("content", "code"),
    [("\ufeff".encode("utf-16"), "not_utf8"), (b"", "file_empty"), (b"loan_id\n", "column_missing")],
)
def test_a_file_that_is_none_is_told(officer: User, content: bytes, code: str) -> None:
    with pytest.raises(BookRefused) as no:
        import_book(files={**files(), "payments": content}, actor=officer, as_of=TODAY, now=NOW)
    assert [(p.file, p.code) for p in no.value.problems] == [("payments", code)]
    assert Loan.objects.count() == 0


def test_a_dry_run_writes_nothing_and_the_import_all_of_it(officer: User) -> None:
    dry = run(officer, is_dry=True)
    assert (dry.customers, dry.lines, dry.loans, dry.payments, dry.is_dry) == (2, 2, 3, 3, True)
    assert Loan.objects.count() == 0
    real = run(officer)
    assert (real.loans, real.principal_outstanding) == (3, dry.principal_outstanding)
    assert CreditLine.objects.count() == 2
    assert Drawdown.objects.count() == 3
    assert breaches() == []
    with pytest.raises(BookRefused) as no:
        run(officer)
    assert {p.code for p in no.value.problems} >= {"login_taken"}
    assert Loan.objects.count() == 3


def test_what_came_in_lives_on_like_what_was_lived_here(officer: User) -> None:
    run(officer)
    loans = list(Loan.objects.order_by("pk"))
    for loan in loans:
        state = fold(loan.agreed, read_events(loan_id=loan.pk), value_date=TODAY)
        assert (loan.principal_outstanding, loan.status) == (state.principal_outstanding, state.status.value)
    assert {loan.status for loan in loans} == {"OVERDUE", "ACTIVE"}
    tomorrow = date(2026, 6, 21)
    advance_business_date(to=tomorrow)
    age_loans(as_of=tomorrow)
    accrue(as_of=tomorrow)
    late = next(loan for loan in loans if loan.status == "OVERDUE")
    record_repayment(loan_id=late.pk, amount=Decimal("500.00"), value_date=tomorrow, reference="new", as_of=tomorrow)  # fmt: skip
    assert breaches() == []

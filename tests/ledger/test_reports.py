"""Trial balance and general ledger: every figure twice, before and after a close."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from ledger import operations, queries
from ledger.closing import close_month
from ledger.domain.chart import CHART, Role
from ledger.operations import PostingLine
from ledger.reports import general_ledger_lines, general_ledger_page, trial_movements, trial_totals
from regimes.errors import Refusal

FIRST = date(2026, 3, 2)
ROLES = (
    Role.LOAN_PRINCIPAL,
    Role.CASH_AT_BANK,
    Role.INTEREST_RECEIVABLE,
    Role.INTEREST_INCOME,
    Role.BORROWER_CREDIT,
)
Told = tuple[date, Role, Decimal]


@pytest.fixture
def told(db: None) -> list[Told]:
    """Sixty journals of two currencies over sixty days, and what they were, kept outside of the books."""
    operations.open_books(first_date=FIRST)
    chance = random.Random(3)
    kept: list[Told] = []
    for index in range(60):
        day = FIRST + timedelta(days=index)
        operations.advance_business_date(to=day)
        debit, credit = chance.sample(ROLES, 2)
        amount = Decimal(chance.randint(1, 10**6)) / 100
        currency = "USD" if index % 10 == 9 else "CNY"
        lines = [
            PostingLine(debit, "D", amount, loan_id=index % 3 or None, portfolio="A" if index % 2 else "B"),
            PostingLine(credit, "C", amount),
        ]
        operations.post_journal(
            source=f"t:{index}",
            leg="E",
            kind="TEST",
            value_date=day,
            booked_date=day,
            postings=lines,
            currency=currency,
        )
        if currency == "CNY":
            kept += [(day, debit, amount), (day, credit, -amount)]
    return kept


def expected(told: list[Told], role: Role, first: date, last: date) -> tuple[Decimal, Decimal, Decimal]:
    opening = sum((a for d, r, a in told if r == role and d < first), Decimal(0))
    inside = [a for d, r, a in told if r == role and first <= d <= last]
    return (
        opening,
        sum((a for a in inside if a > 0), Decimal(0)),
        -sum((a for a in inside if a < 0), Decimal(0)),
    )


PERIODS = [
    (FIRST, FIRST),
    (date(2026, 3, 1), date(2026, 3, 31)),
    (date(2026, 3, 20), date(2026, 4, 10)),
    (date(2026, 4, 1), date(2026, 4, 30)),
    (date(2026, 5, 1), date(2027, 1, 1)),
]


def test_it_refuses_a_period_that_runs_backwards(told: list[Told]) -> None:
    for report in (trial_movements, lambda **dates: general_ledger_page(code="1001", **dates)):
        with pytest.raises(Refusal) as refused:
            report(from_date=FIRST, to_date=FIRST - timedelta(days=1))
        assert refused.value.code == "period_backwards"


def test_it_refuses_an_account_that_is_not_there(told: list[Told]) -> None:
    with pytest.raises(Refusal) as refused:
        general_ledger_page(code="9999", from_date=FIRST, to_date=FIRST)
    assert refused.value.code == "not_found"


@pytest.mark.parametrize("is_closed", [False, True])
@pytest.mark.parametrize("period", PERIODS)
def test_the_trial_balance_says_what_was_posted(
    told: list[Told], period: tuple[date, date], is_closed: bool
) -> None:
    if is_closed:
        close_month(month_end=date(2026, 3, 31))
    rows = trial_movements(from_date=period[0], to_date=period[1])
    by_role = {row.role: row for row in rows if row.currency == "CNY"}
    for role in ROLES:
        opening, debit, credit = expected(told, role, *period)
        row = by_role.get(role)
        if row is None:
            assert (opening, debit, credit) == (0, 0, 0)
            continue
        assert (row.opening, row.debit, row.credit) == (opening, debit, credit), role
        assert row.closing == opening + debit - credit
        assert row.own_side == queries.balance(role=role, as_of=period[1])
    assert {foot.currency for foot in trial_totals(rows=rows)} <= {"CNY", "USD"}
    for foot in trial_totals(rows=rows):
        assert foot.balances
        assert foot.closing_debit == foot.closing_credit


def test_a_planted_error_makes_the_feet_differ(told: list[Told]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE ledger_posting SET amount = amount + 0.01 WHERE id = (SELECT min(id) FROM ledger_posting)"
        )
        cursor.execute("SET LOCAL session_replication_role = origin")
    foot = trial_totals(rows=trial_movements(from_date=FIRST, to_date=date(2026, 5, 1)))[0]
    assert not foot.balances
    assert abs(foot.closing) == Decimal("0.01")


@pytest.mark.parametrize("is_closed", [False, True])
@pytest.mark.parametrize("period", PERIODS)
def test_the_general_ledger_runs_from_opening_to_closing(
    told: list[Told], period: tuple[date, date], is_closed: bool
) -> None:
    if is_closed:
        close_month(month_end=date(2026, 3, 31))
    for row in CHART:
        opening, debit, credit = expected(told, row.role, *period)
        page = general_ledger_page(code=row.code, from_date=period[0], to_date=period[1])
        assert page.opening == opening
        assert page.closing == opening + debit - credit
        assert sum(line.debit for line in page.lines) == debit
        assert page.next_after is None
        assert [line.balance for line in page.lines][-1:] in ([], [page.closing])


def test_pages_follow_each_other_without_gap_or_overlap(told: list[Told]) -> None:
    whole = general_ledger_page(code="1001", from_date=FIRST, to_date=date(2026, 5, 1))
    found, after = [], None
    while True:
        page = general_ledger_page(
            code="1001", from_date=FIRST, to_date=date(2026, 5, 1), limit=3, after=after
        )
        found += page.lines
        after = page.next_after
        if after is None:
            break
        assert page.next_mark == f"{after[0].isoformat()}.{after[1]}"
    assert tuple(found) == whole.lines
    assert list(general_ledger_lines(code="1001", from_date=FIRST, to_date=date(2026, 5, 1))) == found


def test_one_loan_and_one_portfolio_are_parts_of_the_whole(told: list[Told]) -> None:
    close_month(month_end=date(2026, 3, 31))
    dates = {"from_date": date(2026, 4, 1), "to_date": date(2026, 4, 30)}
    parts = [general_ledger_page(code="1101", portfolio=name, **dates) for name in ("A", "B", "")]
    whole = general_ledger_page(code="1101", **dates)
    assert sum(part.opening for part in parts) == whole.opening
    assert sum(part.closing for part in parts) == whole.closing
    loan = general_ledger_page(code="1101", loan_id=1, **dates)
    assert {line.loan_id for line in loan.lines} <= {1}
    assert loan.closing == queries.balance(code="1101", loan_id=1, as_of=dates["to_date"])

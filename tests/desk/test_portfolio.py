"""The portfolio's reports against the loans themselves: every figure again, loan by loan, by another road."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from accounts import operations as accounts
from credit.models import PortfolioReport
from credit.operations.portfolio import claim_report, compute_report
from credit.portfolio import REPORTS, UnableToReport, drill
from credit.portfolio.reports import BAD_DAYS, month_before
from ledger import queries as ledger_queries
from ledger.operations import advance_business_date
from lendportal.desk.policy import FINANCE
from loans import operations
from loans.domain.engine import fold
from loans.domain.events import EventKind
from loans.models import Loan
from loans.operations.events import read_events
from tests.factories import NOW, UserFactory
from tests.loans import factories
from tests.world import TOTP_SECRET

pytestmark = pytest.mark.django_db
TODAY = date(2026, 9, 15)
DAYS = (TODAY, date(2026, 7, 15), date(2026, 5, 1))


@pytest.fixture(scope="module")
def book(django_db_setup: None, django_db_blocker: Any) -> Iterator[list[Loan]]:
    """Ten loans: never paid, paid in time, paid late and caught up, paid off, written off, a third paid."""
    from tests.credit.factories import bring_first_versions

    with django_db_blocker.unblock(), transaction.atomic():
        bring_first_versions()
        loans = [factories.active_loan() for _ in range(10)]
        for place, loan in enumerate(loans):
            _live(place, loan)
        advance_business_date(to=TODAY)
        operations.age_loans(as_of=TODAY)
        operations.accrue(as_of=TODAY)
        yield [Loan.objects.get(pk=loan.pk) for loan in loans]
        transaction.set_rollback(True)


def _live(place: int, loan: Loan) -> None:
    rows = list(loan.instalments.order_by("number"))
    for number, row in enumerate(rows):
        late = (0, 40, 75)[place % 3] if place not in (0, 5) else None
        if late is None or (place == 7 and number > 0):
            continue
        day = row.due_date + timedelta(days=late)
        if day > TODAY:
            continue
        advance_business_date(to=max(day, ledger_queries.business_date()))
        owed = fold(loan.agreed, read_events(loan_id=loan.pk), value_date=day).due.total
        if owed > 0:
            operations.record_repayment(
                loan_id=loan.pk, amount=owed, value_date=day, reference=f"paid-{number}", as_of=ledger_queries.business_date()
            )  # fmt: skip
    if place == 5:
        advance_business_date(to=max(date(2026, 8, 1), ledger_queries.business_date()))
        lost = factories.event(EventKind.WRITE_OFF, on=date(2026, 8, 1))
        operations.add_event(loan_id=loan.pk, event=lost, as_of=ledger_queries.business_date())


def truth(loan: Loan, day: date) -> tuple[int, Decimal]:
    """Fold a loan on a day: how late it was, and what principal it owed."""
    state = fold(loan.agreed, read_events(loan_id=loan.pk), value_date=day)
    return state.days_past_due, state.principal_outstanding


def place_of(days: int) -> int:
    return next(n for n, least in ((4, 91), (3, 61), (2, 31), (1, 1), (0, 0)) if days >= least)


@pytest.mark.parametrize("day", DAYS)
def test_balances_are_the_folds(book: list[Loan], day: date) -> None:
    loans, owed = Counter[int](), Counter[int]()
    for loan in book:
        days, principal = truth(loan, day)
        if principal > 0:
            loans[place_of(days)] += 1
            owed[place_of(days)] += principal  # type: ignore[assignment]
    money, numbers = REPORTS["balances"].make(day, day == TODAY)
    assert numbers.rows[-1][2:] == [loans[n] for n in range(5)]
    assert [Decimal(cell) for cell in money.rows[-1][2:7]] == [Decimal(owed[n]) for n in range(5)]
    found, more = drill(cell={"of": "standing", "bucket": "4"}, as_of=day, is_today=day == TODAY)
    assert len(found) == loans[4]
    assert more is None


@pytest.mark.parametrize("day", DAYS[:2])
def test_roll_rates_are_the_folds(book: list[Loan], day: date) -> None:
    moves: Counter[tuple[int, int]] = Counter()
    for loan in book:
        was, principal = truth(loan, month_before(day))
        if principal <= 0:
            continue
        state = fold(loan.agreed, read_events(loan_id=loan.pk), value_date=day)
        end = 6 if state.status == "WRITTEN_OFF" else 5 if state.status == "CLOSED" else place_of(state.days_past_due)  # fmt: skip
        moves[place_of(was), end] += 1
    rates, numbers = REPORTS["roll"].make(day, day == TODAY)
    assert {(y, x): n for y, row in enumerate(numbers.rows) for x, n in enumerate(row[2:]) if n} == dict(
        moves
    )
    for row in rates.rows:
        assert row[1] == 0 or abs(sum(row[2:]) - 1) < 1e-5
    (was, becomes), count = moves.most_common(1)[0]
    cell = {"of": "roll", "was": str(was), "becomes": str(becomes)}
    assert len(drill(cell=cell, as_of=day, is_today=day == TODAY)[0]) == count


def test_vintages_are_the_folds(book: list[Loan]) -> None:
    ever: Counter[int] = Counter()
    for loan in book:
        day = loan.start_date
        while day <= TODAY:
            if truth(loan, day)[0] > BAD_DAYS:
                months = (day.year - loan.start_date.year) * 12 + day.month - loan.start_date.month
                ever[months - (1 if day.day < loan.start_date.day else 0)] += 1
                break
            day += timedelta(days=1)
    (table,) = REPORTS["vintages"].make(TODAY, True)
    (row,) = table.rows
    assert row[1] == len(book)
    assert row[2] == sum(ever.values())
    total = 0
    for month, share in enumerate(row[3:]):
        total += ever[month]
        assert share == pytest.approx(total / len(book), abs=1e-6)


def test_what_is_planned_is_what_instalments_ask(book: list[Loan]) -> None:
    (table,) = REPORTS["cash-flow"].make(TODAY, True)
    asked = sum(
        (row.outstanding.total for loan in book if loan.is_live
         for row in fold(loan.agreed, read_events(loan_id=loan.pk), value_date=TODAY).instalments
         if row.due_date > TODAY),
        Decimal(0),
    )  # fmt: skip
    assert sum(Decimal(row[5]) for row in table.rows) == asked


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_each_report_is_kept_and_computed_anew(book: list[Loan], name: str) -> None:
    row, mine = claim_report(name=name, as_of=TODAY, business_date=TODAY, now=NOW)
    assert mine
    assert claim_report(name=name, as_of=TODAY, business_date=TODAY, now=NOW)[1] is False
    compute_report(report_id=row.pk, now=NOW)
    assert claim_report(name=name, as_of=TODAY, business_date=TODAY, now=NOW)[1] is False
    assert claim_report(name=name, as_of=TODAY, business_date=TODAY, now=NOW, is_fresh=True)[1] is True
    late = NOW + timedelta(minutes=6)
    assert claim_report(name=name, as_of=TODAY, business_date=TODAY, now=late)[1] is True


def test_it_refuses_days_reports_and_cells_that_are_none(book: list[Loan]) -> None:
    for change in ({"name": "x"}, {"as_of": TODAY + timedelta(days=1)}, {"as_of": date(1999, 1, 1)}):
        with pytest.raises(UnableToReport):
            claim_report(**{"name": "roll", "as_of": TODAY, "business_date": TODAY, "now": NOW, **change})
    for cell in ({}, {"of": "roll"}, {"of": "standing", "bucket": "9"}, {"of": "vintage", "vintage": "x"}):
        with pytest.raises(UnableToReport):
            drill(cell=cell, as_of=TODAY, is_today=True)


def test_the_pages_show_plots_files_and_loans(book: list[Loan], django_assert_max_num_queries: Any) -> None:
    user = UserFactory(is_staff=True)
    accounts.enrol_totp(user=user, secret=TOTP_SECRET)
    user.groups.add(Group.objects.get(name=FINANCE))
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    assert client.get(reverse("admin:portfolio")).status_code == 200
    for name in REPORTS:
        url = reverse("admin:portfolio_report", args=[name])
        assert client.get(url).status_code == 200, name
        with django_assert_max_num_queries(20):
            page = client.get(url)
        assert "Computed at" in page.content.decode(), name
    url = reverse("admin:portfolio_report", args=["balances"])
    assert "<svg" in client.get(url).content.decode()
    assert client.get(url, {"as_of": "2031-01-01"}).status_code == 400
    assert client.get(url, {"as_of": "soon"}).status_code == 400
    assert client.post(url).status_code == 302
    sheet = load_workbook(io.BytesIO(client.get(url, {"format": "xlsx"}).content)).active
    assert sheet is not None
    assert sheet.cell(1, 1).value == "Portfolio"
    assert "PAR30" in client.get(url, {"format": "csv"}).content.decode("utf-8-sig")
    loans = client.get(reverse("admin:portfolio_loans"), {"of": "standing", "bucket": "4"}).content.decode()
    assert f"/loan/{book[0].pk}/" in loans
    assert client.get(reverse("admin:portfolio_loans"), {"of": "moon"}).status_code == 400
    assert PortfolioReport.objects.filter(status="DONE").count() == len(REPORTS)

"""Finance at the desk: who may look, who may close, and that pages and files say what the books say."""

from __future__ import annotations

import csv
import io
import uuid
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from accounts.models import AuditEntry
from ledger import operations as ledger_operations
from ledger.invariants import INVARIANTS
from ledger.models import BookDate
from ledger.queries import balance
from loans import operations
from loans.models import Loan, MonthClose, ProvisionRun
from tests.factories import NOW
from tests.loans import factories
from tests.loans.factories import START
from tests.world import World

pytestmark = pytest.mark.django_db
END, TODAY = date(2026, 3, 31), date(2026, 4, 1)


def as_role(user: Any, *roles: str) -> Client:
    user.groups.set(Group.objects.filter(name__in=roles))
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


@pytest.fixture
def loan(world: World) -> Loan:
    """A loan worked through March, with a payment of the 10th that was learned on the 20th."""
    loan = factories.active_loan()
    ledger_operations.advance_business_date(to=date(2026, 3, 20))
    factories.repay(loan, "50.00", on=date(2026, 3, 10), as_of=date(2026, 3, 20))
    ledger_operations.advance_business_date(to=END)
    operations.age_loans(as_of=END)
    operations.accrue(as_of=END)
    ledger_operations.advance_business_date(to=TODAY)
    return loan


@pytest.fixture
def finance(world: World) -> Client:
    return as_role(world.bob, "Finance")


def pages(loan: Loan) -> list[str]:
    return [
        reverse("admin:trial_balance"),
        reverse("admin:general_ledger", args=["1101"]),
        reverse("admin:close_month"),
        reverse("admin:provisions"),
        reverse("admin:loan_statement", args=[loan.ref]),
        reverse("admin:loan_as_known", args=[loan.ref]),
        reverse("admin:loan_changes", args=[loan.ref, 2]),
    ]


def test_it_refuses_borrowers_strangers_and_other_roles(world: World, loan: Loan) -> None:
    clients = [Client(), as_role(world.alice), as_role(world.erin), as_role(world.erin, "Risk analyst")]
    for url in pages(loan):
        for client in clients:
            assert client.get(url).status_code in (302, 403), url


def test_it_refuses_an_auditor_who_would_write(world: World, loan: Loan) -> None:
    auditor = as_role(world.erin, "Auditor")
    for url in pages(loan):
        assert auditor.get(url).status_code == 200, url
    assert auditor.post(reverse("admin:close_month"), {"month_end": END}).status_code == 403
    assert auditor.post(reverse("admin:provisions"), {"as_of": END}).status_code == 403
    assert "Close the month" not in auditor.get(reverse("admin:close_month")).content.decode()
    assert not ProvisionRun.objects.exists()


@pytest.mark.parametrize(
    "query",
    [
        "from_date=2026-02-30&to_date=2026-03-01",
        "from_date=2026-03-05&to_date=2026-03-01",
        "from_date=１&to_date=",
        "from_date=0001-01-01",
    ],
)
def test_it_refuses_days_that_are_none(finance: Client, loan: Loan, query: str) -> None:
    for name, args in (
        ("trial_balance", []),
        ("general_ledger", ["1101"]),
        ("provisions", []),
        ("loan_statement", [loan.ref]),
    ):
        assert finance.get(f"{reverse(f'admin:{name}', args=args)}?{query}").status_code == 400, name
    assert finance.get(f"{reverse('admin:loan_as_known', args=[loan.ref])}?value_date=x").status_code == 400


def test_it_refuses_what_is_not_there(finance: Client, loan: Loan) -> None:
    for url in (
        reverse("admin:general_ledger", args=["9999"]),
        reverse("admin:loan_statement", args=[uuid.uuid4()]),
        reverse("admin:loan_changes", args=[loan.ref, 99]),
        f"{reverse('admin:trial_balance')}?format=exe",
        f"{reverse('admin:general_ledger', args=['1101'])}?after=2026-03-01.x",
        f"{reverse('admin:general_ledger', args=['1101'])}?after=nonsense.1",
    ):
        assert finance.get(url).status_code == 404, url


def ask(client: Client, act: str, month: object = END) -> Any:
    return client.post(reverse("admin:close_month"), {"month_end": month, "act": act})


def work() -> None:
    """Do what a worker does when it is woken."""
    operations.work_closes(now=NOW)


def test_it_refuses_to_close_a_month_that_waits_for_something(finance: Client, loan: Loan) -> None:
    assert ask(finance, "close").status_code == 302
    assert BookDate.objects.get().closed_through is None, "no page proves the ledger itself"
    work()
    page = finance.get(reverse("admin:close_month")).content.decode()
    assert "was not closed" in page
    assert "provisions_posted" in page
    assert BookDate.objects.get().closed_through is None
    assert ask(finance, "close", "soon").status_code == 404
    assert ask(finance, "close", "2026-04-30").status_code == 409


def test_one_close_at_a_time(finance: Client, loan: Loan) -> None:
    assert ask(finance, "look").status_code == 302
    for act in ("look", "close"):
        answer = ask(finance, act)
        assert answer.status_code == 409
        assert "being proved for this month already" in answer.content.decode()
    page = finance.get(reverse("admin:close_month")).content.decode()
    assert "Waits for a worker" in page
    assert 'http-equiv="refresh"' in page
    assert "Look again" not in page
    work()
    assert 'http-equiv="refresh"' not in finance.get(reverse("admin:close_month")).content.decode()
    assert ask(finance, "look").status_code == 302, "what is done holds nobody up"
    assert MonthClose.objects.count() == 2


def test_progress_is_seen_while_the_books_are_proved(
    finance: Client, loan: Loan, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(finance, "look")
    seen: list[int] = []

    def checks(month_end: date) -> list[Any]:
        seen.append(MonthClose.objects.get().steps_done)
        page = finance.get(reverse("admin:close_month")).content.decode()
        assert f"step {seen[0]} of {MonthClose.objects.get().steps}" in page
        return []

    monkeypatch.setattr("loans.operations.closing.close_checks", checks)
    work()
    assert seen == [len(INVARIANTS)]
    row = MonthClose.objects.get()
    assert (row.status, row.steps_done) == ("DONE", row.steps)


def test_two_workers_close_once_and_a_killed_one_is_taken_over(finance: Client, loan: Loan) -> None:
    ask(finance, "look")
    row = MonthClose.objects.get()
    MonthClose.objects.update(status="RUNNING", claimed_at=NOW)
    assert operations.work_close(close_id=row.pk, now=NOW + timedelta(minutes=29)) is None
    assert operations.work_closes(now=NOW + timedelta(minutes=29)) == 0
    assert operations.work_closes(now=NOW + timedelta(minutes=31)) == 1
    assert operations.work_close(close_id=row.pk, now=NOW + timedelta(minutes=99)) is None


def test_a_proof_that_breaks_off_says_so_and_closes_nothing(
    finance: Client, loan: Loan, monkeypatch: pytest.MonkeyPatch
) -> None:
    finance.post(reverse("admin:provisions"), {"as_of": END})
    ask(finance, "close")
    monkeypatch.setattr("loans.operations.closing.close_month", lambda **_: 1 / 0)
    work()
    assert MonthClose.objects.get().status == "FAILED"
    assert "broke off" in finance.get(reverse("admin:close_month")).content.decode()
    assert BookDate.objects.get().closed_through is None
    assert ask(finance, "look").status_code == 302


def test_it_posts_provisions_and_closes_the_month(finance: Client, loan: Loan) -> None:
    url = reverse("admin:provisions")
    assert finance.post(url, {"as_of": "2026-04-02"}).status_code == 409
    assert finance.post(url, {"as_of": "x"}).status_code == 400
    assert finance.post(url, {"as_of": END}).status_code == 302
    page = finance.get(f"{url}?from_date={START}&to_date={END}").content.decode()
    assert f"{-balance(role='PROVISION_ALLOWANCE'):,.2f}" in page
    assert ask(finance, "look").status_code == 302
    work()
    assert BookDate.objects.get().closed_through is None, "who looks closes nothing"
    assert "Close the month for good" in finance.get(reverse("admin:close_month")).content.decode()
    assert ask(finance, "close").status_code == 302
    work()
    assert BookDate.objects.get().closed_through == END
    assert (
        "Nothing can be booked in that month any more"
        in finance.get(reverse("admin:close_month")).content.decode()
    )
    assert ask(finance, "close").status_code == 409, "it is closed"
    assert set(AuditEntry.objects.values_list("action", flat=True)) >= {
        "ledger.close_period",
        "loans.post_provisions",
    }
    late = finance.post(url, {"as_of": END})
    assert late.status_code in (302, 409), "nothing changed, or the period is closed"
    assert "30 Apr 2026" in finance.get(reverse("admin:close_month")).content.decode()


def test_the_trial_balance_and_its_files_say_the_same(finance: Client, loan: Loan) -> None:
    url = f"{reverse('admin:trial_balance')}?from_date={START}&to_date={END}"
    page = finance.get(url).content.decode()
    principal = balance(role="LOAN_PRINCIPAL", as_of=END)
    assert f"{principal:,.2f}" in page
    assert "Total: debits equal credits" in page
    answer = finance.get(f"{url}&format=csv")
    text = answer.getvalue().decode("utf-8-sig")
    rows = {row["Account"]: row for row in csv.DictReader(io.StringIO(text))}
    assert Decimal(rows["1101"]["Closing"]) == principal
    assert sum(Decimal(row["Closing"]) for row in rows.values()) == 0
    sheet = load_workbook(io.BytesIO(finance.get(f"{url}&format=xlsx").content)).active
    told = {row[0].value: row[6].value for row in sheet.iter_rows(min_row=2)}
    assert Decimal(str(told["1101"])) == principal
    assert answer["Content-Disposition"] == f'attachment; filename="trial-balance-{END}.csv"'


def test_the_general_ledger_runs_to_the_balance(finance: Client, loan: Loan) -> None:
    url = f"{reverse('admin:general_ledger', args=['1101'])}?from_date={START}&to_date={END}"
    assert f"{balance(role='LOAN_PRINCIPAL'):,.2f}" in finance.get(url).content.decode()
    text = finance.get(f"{url}&format=csv").getvalue().decode("utf-8-sig")
    assert Decimal(list(csv.DictReader(io.StringIO(text)))[-1]["Balance"]) == balance(role="LOAN_PRINCIPAL")
    assert finance.get(f"{url}&format=xlsx").status_code == 200


def test_a_loan_is_seen_as_it_was_known(finance: Client, loan: Loan) -> None:
    url = reverse("admin:loan_as_known", args=[loan.ref])
    before = finance.get(f"{url}?value_date=2026-03-15&known_on=2026-03-15").content.decode()
    after = finance.get(f"{url}?value_date=2026-03-15&known_on=2026-03-20").content.decode()
    assert "You paid" not in before
    assert "1,200.00" in before
    assert "You paid" in after
    assert "backdated" in after
    early = finance.get(f"{url}?value_date=2026-03-01&known_on=2026-03-01")
    assert early.status_code == 200
    assert "Nothing was known of this loan then." in early.content.decode()


def test_it_shows_what_a_backdated_payment_changed(finance: Client, loan: Loan) -> None:
    url = reverse("admin:loan_changes", args=[loan.ref, 2])
    page = finance.get(url).content.decode()
    assert "True on 10 Mar 2026, learned on 20 Mar 2026." in page
    assert "1001 Cash at bank" in page
    assert "50.00" in page
    text = finance.get(f"{url}?format=csv").getvalue().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    paid = [Decimal(row["After"]) - Decimal(row["Before"]) for row in rows if row["Figure"].endswith("paid")]
    assert sum(paid) == Decimal("50.00")


def test_the_statement_closes_at_the_payoff(finance: Client, loan: Loan) -> None:
    from loans.queries import payoff

    url = reverse("admin:loan_statement", args=[loan.ref])
    page = finance.get(f"{url}?from_date={START}&to_date={TODAY}").content.decode()
    assert f"{payoff(loan_id=loan.pk, as_of=TODAY).total:,.2f}" in page
    for kind in ("csv", "xlsx"):
        assert finance.get(f"{url}?format={kind}").status_code == 200


def test_pages_speak_chinese_and_hold_their_number_of_queries(
    finance: Client, loan: Loan, django_assert_max_num_queries: Any
) -> None:
    from django.utils import translation

    operations.post_provisions(as_of=TODAY - timedelta(days=1))
    with translation.override("zh-hans"):
        for url in pages(loan):
            with django_assert_max_num_queries(40):
                answer = finance.get(url, headers={"accept-language": "zh-hans"})
            assert answer.status_code == 200
        page = finance.get(
            reverse("admin:trial_balance"), headers={"accept-language": "zh-hans"}
        ).content.decode()
    assert "试算平衡表" in page
    assert "Opening" not in page


def test_the_start_page_leads_there(finance: Client, loan: Loan) -> None:
    page = finance.get(reverse("admin:index")).content.decode()
    assert reverse("admin:trial_balance") in page
    shown = finance.get(reverse("admin:loans_loan_change", args=[loan.pk])).content.decode()
    assert reverse("admin:loan_statement", args=[loan.ref]) in shown

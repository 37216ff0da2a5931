"""Collections: who may be called when, promises, and the pages."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts import operations as accounts
from accounts.models import User
from ledger.operations import advance_business_date
from lendportal.desk.policy import COLLECTOR
from loans import casework, operations
from loans.domain.casework import DEFAULT, CaseFacts, Obstacle, next_step, obstacle, read_strategy
from loans.models import Loan, Promise
from regimes.errors import Refusal
from tests.factories import UserFactory
from tests.loans import factories
from tests.world import TOTP_SECRET

pytestmark = pytest.mark.django_db
DAY = date(2026, 5, 20)
NOON = datetime(2026, 5, 20, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture
def collector() -> User:
    user = UserFactory(is_staff=True)
    accounts.enrol_totp(user=user, secret=TOTP_SECRET)
    user.groups.add(Group.objects.get(name=COLLECTOR))
    return user


@pytest.fixture
def late() -> Loan:
    """A loan of which nothing was paid, seen on a day after its first due date."""
    loan = factories.active_loan()
    advance_business_date(to=DAY)
    operations.age_loans(as_of=DAY)
    loan.refresh_from_db()
    assert loan.days_past_due > 30
    return loan


def call(loan: Loan, user: User, *, now: datetime = NOON, **more: Any) -> Any:
    given = {"is_debtor": True, "is_effective": True, "note": "", **more}
    return operations.call_debtor(loan_id=loan.pk, actor=user, as_of=DAY, now=now, **given)


def code(act: Any) -> str:
    with pytest.raises(Refusal) as no:
        act()
    return no.value.code


def promise(loan: Loan, user: User, amount: str = "50.00", days: int = 3) -> Promise:
    return operations.take_promise(
        loan_id=loan.pk, amount=Decimal(amount), pay_by_date=DAY + timedelta(days=days), note="", actor=user, as_of=DAY
    )  # fmt: skip


def test_it_refuses_calls_that_the_rules_forbid(late: Loan, collector: User) -> None:
    assert code(lambda: call(late, collector, is_debtor=False)) == "debtor_only"
    assert code(lambda: call(late, collector, now=NOON.replace(hour=23))) == "quiet_hours"
    for minute in range(3):
        call(late, collector, now=NOON + timedelta(minutes=minute))
    assert code(lambda: call(late, collector)) == "too_many_contacts"


def test_it_refuses_while_a_promise_runs_or_hardship_waits(late: Loan, collector: User) -> None:
    promise(late, collector)
    assert code(lambda: call(late, collector)) == "promise_runs"
    Promise.objects.all().delete()
    operations.hardship.request_hardship(
        loan_id=late.pk, reason="JOB", wish="TALK", actor=None, as_of=DAY, text="lost my work"
    )
    assert code(lambda: call(late, collector)) == "hardship_waits"


def test_it_refuses_the_own_loan_and_one_that_is_not_late(collector: User, late: Loan) -> None:
    late.borrower.user = collector
    late.borrower.save(update_fields=["user"])
    assert code(lambda: call(late, collector)) == "own_item"
    assert code(lambda: promise(late, collector)) == "own_item"
    late.borrower.user = None
    facts = CaseFacts("CURRENT", 0, None, None, False, False)
    assert obstacle(facts, is_debtor=True, as_of=DAY) is Obstacle.NOT_OVERDUE


def test_it_refuses_promises_that_nobody_can_keep(late: Loan, collector: User) -> None:
    assert code(lambda: promise(late, collector, days=60)) == "promise_too_late"
    assert code(lambda: promise(late, collector, days=-1)) == "promise_too_late"
    assert code(lambda: promise(late, collector, amount="0.001")) == "amount_invalid"
    promise(late, collector)
    assert code(lambda: promise(late, collector)) == "promise_runs"


def test_promises_are_kept_or_broken_by_money(late: Loan, collector: User) -> None:
    kept = promise(late, collector, amount="40.00")
    factories.repay(late, "40.00", on=DAY)
    assert operations.settle_promises(as_of=DAY) == 1
    broken = promise(late, collector, amount="70.00", days=2)
    factories.repay(late, "69.99", on=DAY)
    assert operations.settle_promises(as_of=DAY + timedelta(days=2)) == 0
    assert operations.settle_promises(as_of=DAY + timedelta(days=3)) == 1
    assert operations.settle_promises(as_of=DAY + timedelta(days=3)) == 0
    kept.refresh_from_db()
    broken.refresh_from_db()
    assert (kept.status, broken.status) == ("KEPT", "BROKEN")
    assert casework.promise_record() == {"KEPT": 1, "BROKEN": 1}


@pytest.mark.parametrize(
    ("facts", "kind", "wait"),
    [
        (CaseFacts("DPD_1_30", 2, None, None, False, False), "WAIT", 0),
        (CaseFacts("DPD_1_30", 2, None, None, True, False), "CALL", 0),
        (CaseFacts("DPD_1_30", 8, DAY - timedelta(days=1), None, False, False), "CALL", 2),
        (CaseFacts("DPD_1_30", 8, None, DAY + timedelta(days=4), False, False), "WAIT", 5),
        (CaseFacts("DPD_31_60", 50, None, None, False, True), "WAIT", 0),
        (CaseFacts("DPD_31_60", 50, None, None, False, False), "PLAN", 0),
        (CaseFacts("DPD_91_PLUS", 200, None, None, False, False), "WRITE_OFF", 0),
    ],
)
def test_the_next_step_follows_the_strategy(facts: CaseFacts, kind: str, wait: int) -> None:
    step = next_step(facts, read_strategy(DEFAULT), as_of=DAY)
    assert (step.kind.value, (step.from_date - DAY).days) == (kind, wait)


@pytest.mark.parametrize("change", [{"DPD_1_30": {}}, {"MOON": {}}, {"DPD_1_30": {"steps": [[9, "CALL"], [3, "WAIT"]], "every": 3, "promise_days": 3}}, {"DPD_1_30": {"steps": [[1, "THREATEN"]], "every": 3, "promise_days": 3}}])  # fmt: skip
def test_it_refuses_a_strategy_that_is_none(change: dict[str, Any]) -> None:
    assert code(lambda: read_strategy({**DEFAULT, **change})) in ("strategy_invalid", "unknown_field")


def test_the_pages_show_and_guard_a_case(
    late: Loan, collector: User, django_assert_max_num_queries: Any
) -> None:
    client = Client(headers={"accept-language": "en"})
    client.force_login(collector)
    with django_assert_max_num_queries(20):
        page = client.get(reverse("admin:collections"), {"bucket": late.bucket})
    assert str(late.ref) in page.content.decode()
    assert (
        str(late.ref) not in client.get(reverse("admin:collections"), {"bucket": "DPD_1_30"}).content.decode()
    )
    url = reverse("admin:collection_case", args=[late.ref])
    with django_assert_max_num_queries(20):
        assert client.get(url).status_code == 200
    other = client.post(url, {"act": "call", "whom": "OTHER", "reached": "yes"})
    assert other.status_code == 409
    assert "no relatives" in other.content.decode()
    given = {"act": "promise", "amount": "50.00", "pay_by_date": (DAY + timedelta(days=2)).isoformat()}
    assert client.post(url, {**given, "amount": "x"}).status_code == 400
    assert client.post(url, given).status_code == 302
    assert "A promise runs" in client.get(url).content.decode()
    colleague = UserFactory(is_staff=True)
    accounts.enrol_totp(user=colleague, secret=TOTP_SECRET)
    colleague.groups.add(Group.objects.get(name=COLLECTOR))
    second = Client(headers={"accept-language": "en"})
    second.force_login(colleague)
    assert "A colleague works" in second.post(url, {"act": "call", "whom": "DEBTOR", "reached": "yes"}).content.decode()  # fmt: skip

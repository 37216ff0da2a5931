"""Money that nobody claimed: held once, paid on its loan by two people as of the day it came, or sent back; the books follow."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from accounts import operations as accounts
from accounts.models import Proposal
from ledger.operations import advance_business_date
from ledger.queries import balance
from lendportal.management.commands.check_books import check
from loans.bank_file import compare
from loans.domain.events import EventKind, LoanEvent
from loans.models import BankFile, BankFileLine, Loan, SuspenseItem, SuspenseMatch
from loans.operations import accrue, add_event, age_loans, reverse_event
from loans.operations.bank_file import import_bank_file
from loans.operations.suspense import hold_line
from loans.suspense import held, items, left_of
from regimes.errors import Refusal
from tests.desk.test_kinds import approve, changed, officer, refusal, two
from tests.desk.test_work_pages import at_desk, bank_csv
from tests.loans import factories
from tests.loans.factories import START

pytestmark = pytest.mark.django_db
DAY, TODAY = date(2026, 3, 10), date(2026, 3, 20)


@pytest.fixture
def loan() -> Loan:
    loan = factories.active_loan()
    advance_business_date(to=TODAY)
    age_loans(as_of=TODAY)
    accrue(as_of=TODAY)
    return loan


def file(*rows: str) -> BankFile:
    return import_bank_file(name=f"{uuid.uuid4()}.csv", content=bank_csv(*rows), actor=officer("Finance"))


@pytest.fixture
def item(loan: Loan) -> SuspenseItem:
    line = file(f"{DAY},x-17,60.00,rent of nobody").lines.get()
    return hold_line(line_id=line.pk, actor=officer("Finance"), as_of=TODAY)


def money(item: SuspenseItem, loan: Loan, amount: str) -> dict[str, Any]:
    return {"item_ref": str(item.ref), "loan_ref": str(loan.ref), "amount": amount}


def breaches() -> list[Any]:
    return [(row["id"], row["rows"][:2], row["error"]) for row in check() if row["rows"] or row["error"]]


def test_a_movement_is_held_once_and_only_when_it_came_in(item: SuspenseItem) -> None:
    again = file(f"{DAY},x-17,60.00,the same in another file", f"{DAY},x-18,-5.00,out")
    for line, code in zip(again.lines.order_by("number"), ("held_already", "money_went_out"), strict=True):
        with pytest.raises(Refusal) as no:
            hold_line(line_id=line.pk, actor=officer("Finance"), as_of=TODAY)
        assert no.value.code == code
    assert compare(file=again).counts == {"HELD": 1, "UNKNOWN": 1}
    assert balance(role="SUSPENSE") == held().items == Decimal("60.00")
    assert breaches() == []


def test_it_refuses_more_than_is_left_and_a_loan_that_owes_nothing(item: SuspenseItem, loan: Loan) -> None:
    assert refusal("suspense_match", money(item, loan, "60.01"), as_of=TODAY) == "more_than_left"
    assert refusal("suspense_match", {"item_ref": "x", "loan_ref": str(loan.ref), "amount": "1.00"}, as_of=TODAY) == "not_found"  # fmt: skip
    pending = factories.open_loan()
    assert refusal("suspense_match", money(item, pending, "1.00"), as_of=TODAY) == "loan_not_paid_out"
    back = {"item_ref": str(item.ref), "amount": "60.01", "bank_reference": "b-1"}
    assert refusal("suspense_return", back, as_of=TODAY) == "more_than_left"
    assert not SuspenseMatch.objects.exists()


def test_what_was_taken_meanwhile_is_refused_at_the_second_person(item: SuspenseItem, loan: Loan) -> None:
    first, second = (
        accounts.propose(kind="suspense_match", payload=money(item, loan, amount), maker=officer("Finance"), reason="his", as_of=TODAY, now=factories.NOW)
        for amount in ("40.00", "30.00")
    )  # fmt: skip
    approve(first, officer("Finance"), as_of=TODAY)
    with pytest.raises(Refusal) as no:
        approve(second, officer("Finance"), as_of=TODAY)
    assert no.value.code == "more_than_left"
    assert [(row.amount, row.kind) for row in SuspenseMatch.objects.all()] == [(Decimal("40.00"), "LOAN")]


def test_a_part_pays_the_loan_as_of_its_day_and_the_rest_goes_back(item: SuspenseItem, loan: Loan) -> None:
    cash = balance(role="CASH_AT_BANK")
    proposal = two("suspense_match", money(item, loan, "45.00"), as_of=TODAY)
    assert changed(proposal)["Left in suspense"] == ("60.00", "15.00")
    event = SuspenseMatch.objects.get().event
    assert event is not None
    assert (event.kind, event.value_date, event.amount, event.booked_date) == ("REPAYMENT", DAY, Decimal("45.00"), TODAY)  # fmt: skip
    assert balance(role="CASH_AT_BANK") == cash, "the bank had the money all along"
    back = two("suspense_return", {"item_ref": str(item.ref), "amount": "15.00", "bank_reference": "b-1"}, as_of=TODAY)  # fmt: skip
    assert changed(back)["Left in suspense"] == ("15.00", "0.00")
    assert balance(role="SUSPENSE") == 0
    assert balance(role="CASH_AT_BANK") == cash - 15
    assert not items().filter(left__gt=0)
    assert breaches() == []


def test_a_payment_taken_back_is_in_suspense_again_and_can_find_another_loan(
    item: SuspenseItem, loan: Loan
) -> None:
    cash = balance(role="CASH_AT_BANK")
    two("suspense_match", money(item, loan, "45.00"), as_of=TODAY)
    match = SuspenseMatch.objects.get()
    assert match.event is not None
    reverse_event(
        loan_id=loan.pk, reference=match.event.reference, reversal_reference="oops", as_of=TODAY, actor=None, reason="another Li"
    )  # fmt: skip
    assert balance(role="SUSPENSE") == held().items == left_of(item) == Decimal("60.00")
    assert balance(role="CASH_AT_BANK") == cash, "the bank had the money all along"
    assert not Loan.objects.get(pk=loan.pk).events.filter(reference="oops", amount__gt=0)
    assert breaches() == []
    assert "in suspense again" in at_desk("Finance").get(reverse("admin:suspense")).content.decode()
    two("suspense_match", money(item, loan, "60.00"), as_of=TODAY)
    assert balance(role="SUSPENSE") == held().items == 0
    assert breaches() == []


def test_money_that_the_bank_took_back_is_not_in_suspense(item: SuspenseItem, loan: Loan) -> None:
    two("suspense_match", money(item, loan, "60.00"), as_of=TODAY)
    event = SuspenseMatch.objects.get().event
    assert event is not None
    taken = LoanEvent(EventKind.CHARGE_BACK, TODAY, "back", 0, TODAY, Decimal("60.00"), {"repayment": event.reference})  # fmt: skip
    add_event(loan_id=loan.pk, event=taken, as_of=TODAY)
    assert balance(role="SUSPENSE") == held().items == left_of(item) == 0
    assert breaches() == []


def test_finance_walks_from_the_bank_s_file_to_the_loan(loan: Loan) -> None:
    found = file(f"{DAY},x-17,60.00,rent")
    client, url = at_desk("Finance"), reverse("admin:suspense")
    line = BankFileLine.objects.get()
    assert f'value="{line.pk}"' in client.get(reverse("admin:bank_file", args=[found.ref])).content.decode()
    assert at_desk("Auditor").post(url, {"line": line.pk}).status_code == 403
    assert client.post(url, {"line": "1e9"}).status_code == 404
    assert client.post(url, {"line": line.pk}).status_code == 302
    assert client.post(url, {"line": line.pk}).status_code == 409
    page = client.get(url).content.decode()
    item = SuspenseItem.objects.get()
    assert f"suspense_match/?item_ref={item.ref}&amp;amount=60.00" in page
    form = reverse("admin:propose", args=["suspense_match"])
    assert "Loan (reference)" in client.get(form, {"item_ref": item.ref}).content.decode()
    answer = client.post(form, {**money(item, loan, "60.00"), "reason": "She wrote to us."})
    assert answer.status_code == 302
    proposal = Proposal.objects.get()
    decide = reverse("admin:proposal", args=[proposal.ref])
    other = at_desk("Finance")
    seen = other.get(decide).content.decode()
    assert "Left in suspense" in seen
    digest = seen.partition('name="seen" value="')[2][:64]
    assert client.post(decide, {"decision": "approve", "seen": digest}).status_code == 403
    assert other.post(decide, {"decision": "approve", "seen": digest}).status_code == 302
    assert "Found their place last" in other.get(url).content.decode()
    assert held().booked == 0


def test_many_items_are_pages_of_fifty_by_key(loan: Loan, django_assert_max_num_queries: Any) -> None:
    found = file(*(f"{DAY},many-{n},1.00,x" for n in range(120)))
    for line in found.lines.all():
        hold_line(line_id=line.pk, actor=officer("Finance"), as_of=TODAY)
    client, url, seen = at_desk("Finance"), reverse("admin:suspense"), 0
    client.get(url)
    while url:
        with django_assert_max_num_queries(20):
            page = client.get(url).content.decode()
        seen += page.count("many-")
        after = page.partition('href="?after=')[2].partition('"')[0]
        url = f"{reverse('admin:suspense')}?after={after}" if after else ""
    assert seen == 120
    assert START < DAY

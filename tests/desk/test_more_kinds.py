"""The other kinds of acts that need two people: accounts, recoveries, how cases are worked, shops; and that none is left out."""

from __future__ import annotations

import re
from copy import deepcopy
from decimal import Decimal
from pathlib import Path

import pytest

from accounts.models import BankAccount
from lendportal.desk.policy import CHECKED
from loans.domain.casework import DEFAULT
from loans.models import CollectionStrategy
from tests.desk.test_kinds import _of, changed, officer, refusal, two
from tests.factories import BankAccountFactory
from tests.loans import factories
from tests.merchants.shop import make_merchant

pytestmark = pytest.mark.django_db


def test_an_account_is_released_by_two_people_neither_of_them_its_owner() -> None:
    account = BankAccountFactory(verified_at=None)
    wanted = {"account_ref": str(account.ref)}
    assert refusal("payout_account", {"account_ref": "nobody"}) == "not_found"
    owner = officer("Support", "Credit officer")
    account.borrower.user = owner
    account.borrower.save(update_fields=["user"])
    from accounts import operations
    from regimes.errors import Refusal
    from tests.factories import AS_OF, NOW

    with pytest.raises(Refusal) as no:
        operations.propose(
            kind="payout_account", payload=wanted, maker=owner, reason="mine", as_of=AS_OF, now=NOW
        )
    assert no.value.code == "own_item"
    proposal = two("payout_account", wanted)
    assert changed(proposal)["Payouts to this account"][0] == "held"
    assert BankAccount.objects.get(pk=account.pk).verified_at is not None
    assert refusal("payout_account", wanted) == "account_verified"


def test_money_on_a_loan_that_was_given_up_is_booked_as_recovered() -> None:
    loan = factories.active_loan()
    wanted = _of(loan, amount="30.00")
    assert refusal("recovery", wanted, as_of=factories.START) == "loan_not_written_off"
    two("write_off", _of(loan), as_of=factories.START)
    proposal = two("recovery", wanted, as_of=factories.START)
    assert changed(proposal)["Recovered after the write-off"] == ("0.00", "30.00")


def test_cases_are_worked_by_another_strategy_as_it_was_signed() -> None:
    document = deepcopy(dict(DEFAULT))
    document["DPD_1_30"]["every"] = 2
    assert refusal("collection_strategy", {"document": {"DPD_1_30": {}}}) != ""
    proposal = two("collection_strategy", {"document": document})
    assert list(changed(proposal)) == ["DPD_1_30"]
    row = CollectionStrategy.objects.get()
    assert (row.version, row.document["DPD_1_30"]["every"], row.actor) == (1, 2, proposal.checker)
    assert refusal("collection_strategy", {"document": document}) == "nothing_changes"


def test_a_shop_is_suspended_and_let_sell_again() -> None:
    shop = make_merchant()
    wanted = {"merchant": str(shop.ref), "status": "SUSPENDED"}
    two("merchant_status", wanted)
    shop.refresh_from_db()
    assert shop.status == "SUSPENDED"
    assert refusal("merchant_status", wanted) == "nothing_changes"
    two("merchant_status", {**wanted, "status": "ACTIVE"})
    fee = {"merchant": str(shop.ref), "categories": ["PHONES"], "fee_rate": "0.03", "settlement_days": 2}
    assert changed(two("merchant_approval", fee))["Fee"] == ("0.0200", "0.0300")
    shop.refresh_from_db()
    assert (shop.status, shop.fee_rate) == ("ACTIVE", Decimal("0.03"))


def test_a_payee_is_registered_and_a_product_offered_by_two_people() -> None:
    from credit.models import Payee, Product
    from tests.credit.factories import bring_first_versions

    bring_first_versions()
    account = BankAccountFactory()
    wanted = {"name": " Renai  Clinic", "scenario": "MEDICAL", "account_ref": str(account.ref)}
    assert refusal("payee", {**wanted, "scenario": "WAR"}) == "scenario_invalid"
    assert refusal("payee", {**wanted, "account_ref": "x"}) == "not_found"
    held = BankAccountFactory(verified_at=None)
    assert refusal("payee", {**wanted, "account_ref": str(held.ref)}) == "bank_account_unverified"
    proposal = two("payee", wanted)
    payee = Payee.objects.get()
    assert (payee.name, payee.account, payee.registered_by) == ("Renai Clinic", account, proposal.maker)
    assert refusal("payee", wanted) == "payee_known"

    changes = {"evidence_above": "500", "payee_rule": "REQUIRED", "sub_limit": "2000.00"}
    version = {"code": "medical", "changes": changes}
    assert (
        refusal("product_version", {"code": "medical", "changes": {"sub_limit": "1.00"}})
        == "product_field_invalid"
    )
    assert refusal("product_version", {"code": "medical", "changes": {"colour": "red"}}) == "unknown_field"
    proposal = two("product_version", version)
    assert changed(proposal)["evidence_above"] == ("", "500.00")
    offered = Product.objects.get(code="medical", is_active=True)
    assert (offered.version, offered.sub_limit, offered.payee_rule) == (2, Decimal(2_000), "REQUIRED")
    assert (offered.proposed_by, offered.activated_by) == (proposal.maker, proposal.checker)
    assert refusal("product_version", version) == "nothing_changes"


def test_a_paper_is_read_by_an_officer_and_the_reading_is_in_the_trail() -> None:
    from django.test import Client
    from django.urls import reverse

    from accounts.models import AuditEntry
    from credit import operations
    from tests.credit.factories import make_line
    from tests.credit.test_uses import PDF
    from tests.desk.test_work_pages import at_desk
    from tests.factories import AS_OF

    line = make_line()
    kept = operations.upload_purpose_evidence(
        line=line, scenario="MEDICAL", file_name="a.pdf", content=PDF, actor=None, as_of=AS_OF
    )
    address = reverse("admin:purpose_paper", args=[kept.ref])
    desk, outside = at_desk("Credit officer"), Client()
    reader = desk.user  # type: ignore[attr-defined]
    outside.force_login(line.borrower.user)
    answer = desk.get(address)
    assert (answer.content, answer["Content-Disposition"][:10]) == (PDF, "attachment")
    assert AuditEntry.objects.filter(action="person.viewed", object_ref=str(line.ref), actor=reader).exists()
    assert outside.get(address).status_code in (302, 403, 404)


def test_a_role_is_given_and_taken_by_two_people() -> None:
    person = officer()
    wanted = {"user_ref": str(person.ref), "role": "Collector", "is_granted": True}
    assert changed(two("role_grant", wanted))["Roles"] == ("", "Collector")
    assert refusal("role_grant", wanted) == "role_as_is"
    two("role_grant", {**wanted, "is_granted": False})
    assert not person.groups.exists()


def test_every_kind_is_carried_through_somewhere() -> None:
    done = set()
    for path in Path("tests").rglob("test_*.py"):
        done |= set(re.findall(r'\btwo\(\s*"(\w+)"', path.read_text()))
    assert set(CHECKED) - done == set()

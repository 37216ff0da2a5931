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

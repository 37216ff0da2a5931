"""A buyer without a line is decided in the shop's checkout by a trained model, agrees, and the shop is promised its money."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from credit.demo.people import name_of, settle_in
from credit.models import Application, CreditLine
from merchants.models import Merchant
from risk.models import Assessment
from risk.operations import connect_sandbox_person
from tests.api.conftest import Caller
from tests.credit.conftest import model, trained_rows  # noqa: F401  the trained model of the credit room's tests
from tests.factories import AS_OF, NOW, UserFactory
from tests.merchants.shop import Till, make_checkout


def buyer(persona: str, *, seed: int) -> tuple[Caller, Any]:
    """Make somebody with two years of records, agreements and an account, and no line."""
    user = UserFactory()
    person = settle_in(user=user, name=name_of(seed), order=seed, as_of=AS_OF, now=NOW)
    connect_sandbox_person(borrower_id=person.pk, persona=persona, seed=seed, as_of=AS_OF, now=NOW)
    return Caller(user), person


@pytest.mark.django_db
@pytest.mark.usefixtures("model")
def test_a_buyer_is_decided_by_the_model_and_agrees(merchant: Merchant, till: Till) -> None:
    checkout = make_checkout(merchant, "500.00", now=timezone.now())
    caller, person = buyer("steady", seed=3)
    path = f"/purchases/{checkout.ref}"
    assert caller.get(path).json()["plans"] == [], "without a line there is nothing to agree to"
    decided = caller.post(f"{path}/decide", {"borrower": str(person.ref), "occupation": "EMPLOYED"})
    assert decided.status_code == 201, decided.json()
    assert (decided.json()["status"], decided.json()["decision"]["outcome"]) == ("APPROVED", "APPROVE")
    assessed = Assessment.objects.get(subject_id=person.pk)
    assert 0 < float(assessed.pd) < 0.2
    assert assessed.model is not None
    seen = caller.get(path).json()
    plan = seen["plans"][0]
    assert float(seen["available"]) >= 500
    agreed = caller.post(
        f"{path}/agree",
        {
            "borrower": str(person.ref),
            "instalment_count": plan["instalment_count"],
            "zero_interest": plan["zero_interest"],
            "bank_account": str(person.bank_accounts.get().ref),
            "terms_version": plan["terms_version"],
        },
    )
    assert (agreed.status_code, agreed.json()["status"]) == (200, "AUTHORISED"), agreed.json()
    assert till.get(f"/checkouts/{checkout.ref}").json()["status"] == "AUTHORISED"
    line = CreditLine.objects.get(borrower=person)
    assert line.application.decisions.count() == 1


@pytest.mark.django_db
@pytest.mark.usefixtures("model")
def test_a_buyer_whom_the_model_finds_too_risky_reads_why_and_the_order_stays_open(
    merchant: Merchant, till: Till
) -> None:
    checkout = make_checkout(merchant, "500.00", now=timezone.now())
    outcomes = set()
    for seed in range(1, 6):
        caller, person = buyer("risky", seed=seed)
        answer = caller.post(
            f"/purchases/{checkout.ref}/decide", {"borrower": str(person.ref), "occupation": "EMPLOYED"}
        )
        assert answer.status_code == 201, answer.json()
        found = answer.json()
        outcomes.add(found["status"])
        if found["status"] == "DECLINED":
            assert found["decision"]["reasons"], "a refusal names its reasons"
            assert all(reason["text"] for reason in found["decision"]["reasons"])
            assert caller.get(f"/purchases/{checkout.ref}").json()["plans"] == []
    assert "DECLINED" in outcomes
    assert Application.objects.filter(status="DECLINED").exists()
    assert till.get(f"/checkouts/{checkout.ref}").json()["status"] == "OPEN"

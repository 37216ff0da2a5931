"""Repaying through the pages: what is due, a part, everything; once, and only by who may."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from loans.models import Collection, Loan
from tests.loans.factories import active_loan
from tests.web.conftest import Scene, signed_in
from tests.web.pages import hidden, words


@pytest.fixture
def loan(scene: Scene) -> Loan:
    return active_loan(account=scene.world.alice_account)


def page_of(client: Client, loan: Loan) -> dict[str, str]:
    return hidden(client.get(reverse("loans:repay", args=[loan.ref])).content)


def pay(client: Client, loan: Loan, scene: Scene, **fields: str):  # type: ignore[no-untyped-def]
    posted = {
        "part": "DUE",
        "choice": "PAY_AHEAD",
        "bank_account": str(scene.world.alice_account.ref),
        **fields,
    }
    return client.post(reverse("loans:repay", args=[loan.ref]), posted)


@pytest.mark.parametrize("typed", ["", "0", "-5", "1.005", "1e3", "５", " 5", "+5", "NaN", "1000000000000"])
def test_it_refuses_a_part_that_is_no_amount(scene: Scene, alice: Client, loan: Loan, typed: str) -> None:
    answer = pay(alice, loan, scene, **page_of(alice, loan), part="PART", amount=typed)
    assert answer.status_code == 400
    assert "field-error" in answer.content.decode() or "alert-bad" in answer.content.decode()
    assert not Collection.objects.exists()


def test_it_refuses_strangers_other_accounts_and_fields_of_ones_own_making(
    scene: Scene, alice: Client, loan: Loan
) -> None:
    fields = page_of(alice, loan)
    charlie = signed_in(scene.world.charlie)
    assert charlie.get(reverse("loans:loan", args=[loan.ref])).status_code == 404
    assert pay(charlie, loan, scene, **fields).status_code == 404
    assert (
        pay(alice, loan, scene, **fields | {"bank_account": str(scene.world.shop_account.ref)}).status_code
        == 400
    )
    assert pay(alice, loan, scene, **fields, status="CONFIRMED").status_code == 400
    assert pay(alice, loan, scene, **fields | {"key": "not-a-key"}).status_code == 400
    assert not Collection.objects.exists()


def test_it_refuses_amounts_that_changed_since_the_page_was_opened(
    scene: Scene, alice: Client, loan: Loan
) -> None:
    fields = page_of(alice, loan) | {"quoted": "2026-02-01:1.00:2.00"}
    answer = pay(alice, loan, scene, **fields, part="ALL")
    assert answer.status_code == 409
    assert "The amounts changed since you opened this page." in words(answer.content)
    again = hidden(answer.content)
    assert again["key"] == fields["key"], "what was typed is kept"
    assert pay(alice, loan, scene, **again, part="ALL").status_code == 302


def test_it_orders_one_payment_however_often_it_is_pressed(
    scene: Scene, alice: Client, loan: Loan, woken: list[tuple[str, int]]
) -> None:
    fields = page_of(alice, loan)
    answers = [pay(alice, loan, scene, **fields) for _ in range(3)]
    ordered = Collection.objects.get()
    assert {answer.url for answer in answers} == {reverse("loans:collection", args=[ordered.ref])}
    assert ordered.amount == loan.instalments.get(number=1).outstanding
    assert woken[0] == ("loans.tasks.wake_collection", ordered.pk)
    other = pay(alice, loan, scene, **fields, part="PART", amount="5.00")
    assert other.status_code == 422, "the same key for another payment"
    assert Collection.objects.count() == 1


def test_everything_is_the_payoff_to_the_cent(scene: Scene, alice: Client, loan: Loan) -> None:
    assert pay(alice, loan, scene, **page_of(alice, loan), part="ALL").status_code == 302
    assert Collection.objects.get().amount == Decimal("1200.00"), "no night has passed, so no interest"


def test_the_way_of_a_payment_is_said_in_each_state(scene: Scene, alice: Client, loan: Loan) -> None:
    where = pay(alice, loan, scene, **page_of(alice, loan)).url
    for status, said in (
        ("SENT", "Your payment is on its way"),
        ("UNKNOWN", "nothing is taken twice"),
        ("REFUSED", "The bank did not pay"),
    ):
        Collection.objects.update(status=status)
        assert said in words(alice.get(where).content)
    assert signed_in(scene.world.charlie).get(where).status_code == 404


def test_a_loan_shows_each_instalment_and_what_closes_it(scene: Scene, alice: Client, loan: Loan) -> None:
    text = words(alice.get(reverse("loans:loan", args=[loan.ref])).content)
    for row in loan.instalments.all():
        assert f"{row.due_date:%Y-%m-%d}" in text
        assert f"{row.outstanding:,.2f}" in text
    assert "To be finished today ¥1,200.00" in text

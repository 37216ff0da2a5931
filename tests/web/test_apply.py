"""Applying through the pages, and the page of each outcome."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from credit.domain.reasons import reason
from credit.models import Application, CreditLine, Decision, Policy, Product, ReviewRequest
from tests.credit.factories import bring_first_versions
from tests.factories import NOW
from tests.web.conftest import Scene, signed_in
from tests.web.pages import words
from tests.world import World


@pytest.fixture
def charlie(world: World) -> Client:
    bring_first_versions()
    return signed_in(world.charlie)


def post(client: Client, world: World, **fields: object):  # type: ignore[no-untyped-def]
    right = {
        "product_code": "everyday",
        "requested_amount": "5000",
        "purpose": "RENT",
        "occupation": "EMPLOYED",
    }
    return client.post(reverse("credit:apply", args=[world.charlie_person.ref]), right | fields)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"requested_amount": "0"}, "between"),
        ({"requested_amount": "-1"}, "such as 1500.00"),
        ({"requested_amount": "49.99"}, "between"),
        ({"requested_amount": "9999999"}, "between"),
        ({"requested_amount": "100.005"}, "such as 1500.00"),
        ({"purpose": ""}, "Choose a purpose"),
        ({"purpose": "SECURITIES"}, "SECURITIES"),
        ({"purpose": "<script>alert(1)</script>"}, "field-error"),
        ({"occupation": ""}, "Say what you do"),
        ({"occupation": "WIZARD"}, "WIZARD"),
        ({"score": "1"}, "does not take the field"),
        ({"limit": "300000"}, "does not take the field"),
        ({"decision": "APPROVE"}, "does not take the field"),
    ],
)
def test_it_refuses_at_the_field(charlie: Client, world: World, fields: dict[str, str], said: str) -> None:
    answer = post(charlie, world, **fields)
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert "<script>alert" not in answer.content.decode()
    assert not Application.objects.exists()


def test_it_refuses_while_a_step_is_missing_and_names_it(charlie: Client, world: World) -> None:
    page = charlie.get(reverse("credit:apply", args=[world.charlie_person.ref]))
    assert "Give a statement" in words(page.content)
    answer = post(charlie, world)
    assert answer.status_code == 409
    assert "before you apply" in words(answer.content)


def decided(world: World, outcome: str, **values: object) -> Application:
    """Put a decided application into the database, as an outcome's page finds it."""
    product, policy = Product.objects.get(code="everyday"), Policy.objects.get(state="ACTIVE")
    final = outcome != "REFER"
    status = {"APPROVE": "APPROVED", "COUNTER_OFFER": "APPROVED", "DECLINE": "DECLINED", "REFER": "REFERRED"}[
        outcome
    ]
    application = Application.objects.create(
        borrower=world.charlie_person,
        product=product,
        policy=policy,
        requested_amount=9000,
        purpose="RENT",
        status=status,
        submitted_date=world.as_of,
        submitted_at=NOW,
        decided_date=world.as_of if final else None,
    )
    Decision.objects.create(
        application=application,
        number=1,
        is_final=final,
        outcome=outcome,
        policy=policy,
        decided_date=world.as_of,
        decided_at=NOW,
        inputs={},
        **{"reasons": [reason("overdue_past", days=40).to_dict()], **values},
    )
    return application


def test_a_refusal_says_the_true_reasons_what_changes_it_and_the_right_to_a_person(
    charlie: Client, world: World
) -> None:
    application = decided(world, "DECLINE")
    where = reverse("credit:application", args=[application.ref])
    text = words(charlie.get(where).content)
    assert "A payment of yours with us was 40 days late within the last 12 months." in text
    assert "Pay each instalment by its due date." in text
    assert "You can apply again from" in text
    assert "Your right to a person" in text
    review = reverse("credit:review", args=[application.decisions.get().ref])
    assert signed_in(world.alice).post(review, {"text": ""}).status_code == 404
    assert charlie.post(review, {"text": "x" * 2001}).status_code == 400
    assert charlie.post(review, {"text": "My bank was closed."}).status_code == 302
    assert charlie.post(review, {"text": "Again."}).status_code == 302
    assert ReviewRequest.objects.get().text == "My bank was closed."
    assert "A person is looking at it again." in words(charlie.get(where).content)


def test_after_a_refusal_home_says_so_and_from_when_instead_of_inviting(
    charlie: Client, world: World
) -> None:
    application = decided(world, "DECLINE")
    home = reverse("credit:home", args=[world.charlie_person.ref])
    content = charlie.get(home).content
    text = words(content)
    assert "No limit for now" in text
    assert "You can apply again from" in text
    assert reverse("credit:application", args=[application.ref]) in content.decode()
    assert reverse("credit:apply", args=[world.charlie_person.ref]) not in content.decode()
    Application.objects.update(decided_date=world.as_of - timedelta(days=200))
    assert "No limit for now" not in words(charlie.get(home).content)


def test_a_referral_says_what_happens_next_and_can_be_withdrawn(charlie: Client, world: World) -> None:
    application = decided(world, "REFER", reasons=[reason("evidence_stale").to_dict()])
    where = reverse("credit:application", args=[application.ref])
    assert "A person will look at your application" in words(charlie.get(where).content)
    assert signed_in(world.alice).get(where).status_code == 404
    assert signed_in(world.alice).post(reverse("credit:withdraw", args=[application.ref])).status_code == 404
    assert charlie.post(reverse("credit:withdraw", args=[application.ref])).status_code == 302
    assert "You withdrew this application" in words(charlie.get(where).content)


def test_a_counter_offer_is_accepted_by_its_owner_alone(scene: Scene) -> None:
    world, client = scene.world, signed_in(scene.world.charlie)
    application = decided(
        world,
        "COUNTER_OFFER",
        limit=Decimal(4000),
        annual_rate=Decimal("0.15"),
        grade="C",
        reasons=[reason("limit_by_income", multiple=2).to_dict()],
    )
    line = CreditLine.objects.create(
        borrower=world.charlie_person,
        family="PERSONAL",
        limit=4000,
        annual_rate=Decimal("0.15"),
        status="OFFERED",
        application=application,
        offer_until=world.as_of,
        valid_until=scene.line.valid_until,
        next_review_date=world.as_of,
    )
    text = words(client.get(reverse("credit:application", args=[application.ref])).content)
    assert "¥ 4,000" in text or "¥4,000" in text
    assert "Why less than you asked for" in text
    accept = reverse("credit:accept", args=[line.ref])
    assert signed_in(world.alice).post(accept).status_code == 404
    assert client.get(accept).status_code == 405
    assert client.post(accept).status_code == 302
    line.refresh_from_db()
    assert line.status == "ACTIVE"


def test_the_borrowers_own_freeze_stops_draws_and_can_be_lifted(scene: Scene, alice: Client) -> None:
    assert alice.post(reverse("credit:freeze", args=[scene.line.ref])).status_code == 302
    scene.line.refresh_from_db()
    assert scene.line.status == "FROZEN"
    home = words(alice.get(reverse("credit:home", args=[scene.world.alice_person.ref])).content)
    assert "Your limit is frozen" in home
    assert alice.post(reverse("credit:unfreeze", args=[scene.line.ref])).status_code == 302
    scene.line.refresh_from_db()
    assert scene.line.status == "ACTIVE"
    assert (
        signed_in(scene.world.charlie).post(reverse("credit:freeze", args=[scene.line.ref])).status_code
        == 404
    )

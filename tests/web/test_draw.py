"""Drawing through the pages: choose, read, sign; nothing twice, nothing unread."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from credit.models import Drawdown
from loans.models import Loan, Payout
from tests.web.conftest import Scene, signed_in
from tests.web.pages import hidden, words


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Coordinates]:
    """Stop the clock before anybody logs in: reading time and offers are measured by it."""
    with time_machine.travel("2026-03-02T02:00:00Z", tick=False) as stopped:
        yield stopped


@pytest.fixture
def alice(clock: time_machine.Coordinates, scene: Scene) -> Client:
    return signed_in(scene.world.alice)


def choice(scene: Scene, **changes: object) -> dict[str, object]:
    return {
        "scenario": "EVERYDAY",
        "amount": "1200.00",
        "instalment_count": 12,
        "repayment_method": "EQUAL_INSTALMENT",
        "purpose": "DAILY_GOODS",
        "bank_account": str(scene.world.alice_account.ref),
        **changes,
    }


def cost(client: Client, scene: Scene, **changes: object):  # type: ignore[no-untyped-def]
    return client.get(reverse("credit:cost", args=[scene.line.ref]), choice(scene, **changes))


def sign(client: Client, scene: Scene, page: object, **changes: object):  # type: ignore[no-untyped-def]
    fields = {"seal": hidden(page.content)["seal"], "agree": "on", **changes}  # type: ignore[attr-defined]
    return client.post(reverse("credit:confirm", args=[scene.line.ref]), fields)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "0",
        "-1",
        "NaN",
        "Infinity",
        "1e5",
        "1_000",
        "３００",
        " 5 ",
        "+5",
        "0x10",
        "1.005",
        "100000000000000",
        "null",
        "[]",
    ],
)
def test_it_refuses_an_amount_that_is_none(scene: Scene, alice: Client, typed: str) -> None:
    answer = cost(alice, scene, amount=typed)
    assert answer.status_code == 400
    assert "field-error" in answer.content.decode()
    assert not Drawdown.objects.exists()


def test_it_refuses_more_than_is_available_and_keeps_what_was_typed(scene: Scene, alice: Client) -> None:
    answer = cost(alice, scene, amount="20000.01")
    assert answer.status_code == 409
    assert "You can draw up to ¥20,000.00." in words(answer.content)
    assert 'value="20000.01"' in answer.content.decode()


def test_it_refuses_a_forbidden_purpose_and_fields_of_its_own_making(scene: Scene, alice: Client) -> None:
    assert cost(alice, scene, purpose="SECURITIES").status_code == 400
    assert cost(alice, scene, limit="999999").status_code == 400
    assert cost(alice, scene, instalment_count="1.5").status_code == 400
    assert cost(alice, scene, instalment_count="999").status_code == 400


def test_it_refuses_strangers_and_viewers(scene: Scene, alice: Client) -> None:
    assert cost(signed_in(scene.world.charlie), scene).status_code == 404
    viewer = signed_in(scene.world.vic)
    assert viewer.get(reverse("credit:draw", args=[scene.shop_line.ref])).status_code == 403
    assert viewer.get(reverse("credit:history", args=[scene.shop_line.ref])).status_code == 200
    other = cost(alice, scene, bank_account=str(scene.world.shop_account.ref))
    assert other.status_code == 400


def test_it_refuses_a_signature_before_the_table_could_be_read(scene: Scene, alice: Client) -> None:
    answer = sign(alice, scene, cost(alice, scene))
    assert answer.status_code == 409
    assert "more seconds to read the table" in words(answer.content)
    assert not Drawdown.objects.exists()


def test_it_refuses_a_signature_without_the_tick(
    scene: Scene, alice: Client, clock: time_machine.Coordinates
) -> None:
    page = cost(alice, scene)
    clock.shift(10)
    answer = sign(alice, scene, page, agree="")
    assert answer.status_code == 400
    assert "Tick this first" in words(answer.content)


def test_it_refuses_a_seal_of_another_or_of_nobody(scene: Scene, alice: Client) -> None:
    page = cost(alice, scene)
    confirm = reverse("credit:confirm", args=[scene.line.ref])
    assert alice.post(confirm, {"seal": "made up", "agree": "on"}).status_code == 409
    assert alice.post(confirm, {"agree": "on"}).status_code == 409
    assert sign(signed_in(scene.world.charlie), scene, page).status_code == 404
    assert not Drawdown.objects.exists()


def test_it_refuses_an_old_offer_and_shows_it_anew(
    scene: Scene, alice: Client, clock: time_machine.Coordinates
) -> None:
    page = cost(alice, scene)
    clock.shift(21 * 60)
    answer = sign(alice, scene, page)
    assert answer.status_code == 409
    assert "open for over 20 minutes" in words(answer.content)
    clock.shift(6)
    assert sign(alice, scene, answer).status_code == 302
    assert Drawdown.objects.count() == 1


def test_it_refuses_a_table_that_is_no_longer_true(
    scene: Scene, alice: Client, clock: time_machine.Coordinates
) -> None:
    page = cost(alice, scene)
    scene.line.annual_rate = Decimal("0.18")
    scene.line.save(update_fields=["annual_rate"])
    clock.shift(10)
    answer = sign(alice, scene, page)
    assert answer.status_code == 409
    assert "The terms changed. Please read them." in words(answer.content)
    assert not Drawdown.objects.exists()


def test_it_shows_the_annual_rate_first_and_every_instalment(scene: Scene, alice: Client) -> None:
    answer = cost(alice, scene)
    text = words(answer.content)
    assert answer.status_code == 200
    assert text.index("Annual rate, everything included (IRR)") < text.index("Everything that you pay")
    assert (
        text.index("Everything that you pay") < text.index("If you pay late") < text.index("Each instalment")
    )
    figures = [
        Decimal(found)
        for found in re.findall(r"<td class=\"strong\">([0-9.,]+)</td>", answer.content.decode())
    ]
    assert len(figures) == 12
    assert f"You pay back ¥{sum(figures):,.2f}" in text


def test_it_draws_once_however_often_it_is_pressed(
    scene: Scene, alice: Client, clock: time_machine.Coordinates, woken: list[tuple[str, int]]
) -> None:
    page = cost(alice, scene)
    clock.shift(6)
    answers = [sign(alice, scene, page) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {302}
    assert {answer.url for answer in answers} == {
        reverse("credit:drawdown", args=[Drawdown.objects.get().ref])
    }
    drawdown = Drawdown.objects.get()
    assert drawdown.amount == Decimal("1200.00")
    assert Loan.objects.count() == Payout.objects.count() == 1
    assert woken[0] == ("loans.tasks.wake_payout", Payout.objects.get().pk)
    waiting = alice.get(answers[0].url)
    assert "Your money is on its way" in words(waiting.content)
    assert b'http-equiv="refresh"' in waiting.content, "without script the page looks again by itself"
    part = alice.get(answers[0].url, headers={"HX-Request": "true"})
    assert part.content.lstrip().startswith(b"<div")
    assert b"hx-get" in part.content


def test_the_status_page_says_what_became_of_the_money(
    scene: Scene, alice: Client, clock: time_machine.Coordinates
) -> None:
    page = cost(alice, scene)
    clock.shift(6)
    where = sign(alice, scene, page).url
    said = {}
    for status in ("SENT", "UNKNOWN", "PARKED"):
        Payout.objects.update(status=status)
        answer = alice.get(where)
        assert answer.status_code == 200
        assert b"hx-get" in answer.content
        said[status] = words(answer.content)
    assert "We are asking the bank" in said["UNKNOWN"]
    Payout.objects.update(status="REFUSED")
    refused = alice.get(where)
    assert "The bank refused the payment" in words(refused.content)
    assert b"hx-get" not in refused.content
    assert signed_in(scene.world.charlie).get(where).status_code == 404


def test_comparing_needs_no_script(scene: Scene, alice: Client) -> None:
    page = alice.get(reverse("credit:draw", args=[scene.line.ref]), choice(scene, purpose=""))
    assert b"field-error" not in page.content, "comparing is not sending"
    assert b'value="1200.00"' in page.content
    text = words(page.content)
    assert page.status_code == 200
    for name in ("Equal instalments", "Equal principal", "Everything at the end"):
        assert name in text
    assert "¥1,200.00 over 12 months" in text
    part = alice.get(
        reverse("credit:compare", args=[scene.line.ref]), choice(scene), headers={"hx-request": "true"}
    )
    assert part.content.lstrip().startswith(b'<section class="card card-flush" id="compare"')

"""Help with a loan, ways of prepaying and the calendar link through the API, as the pages do them."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from loans.models import HardshipRequest
from loans.operations import offer_hardship_plan
from tests.api.conftest import API, Scene
from tests.factories import AS_OF, StaffFactory

pytestmark = pytest.mark.django_db
ASKED = {"reason": "JOB", "wish": "LOWER", "text": "The mill closed.", "affordable": "90.00"}


def signed(user: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def send(client: Client, path: str, body: Any = None) -> Any:
    return client.post(f"{API}{path}", data=body or {}, content_type="application/json")


def test_it_refuses_what_is_wrong_and_what_is_somebody_else_s(scene: Scene) -> None:
    alice, charlie, loan = signed(scene.world.alice), signed(scene.world.charlie), scene.loan
    assert alice.get(f"{API}/loans/{loan.ref}/hardship").json()["code"] == "no_request"
    for body, field in (
        ({**ASKED, "reason": "BORED"}, "reason"),
        ({**ASKED, "affordable": 90}, "affordable"),
        ({**ASKED, "now": "x"}, "now"),
    ):
        answer = send(alice, f"/loans/{loan.ref}/hardship", body)
        assert answer.status_code == 400, answer.content
        assert field in answer.content.decode()
    assert send(charlie, f"/loans/{loan.ref}/hardship", ASKED).status_code == 404
    assert charlie.get(f"{API}/loans/{loan.ref}/prepayment?amount=100.00").status_code == 404
    assert send(charlie, "/calendar", {"borrower": str(scene.world.alice_person.ref)}).status_code == 404
    assert not HardshipRequest.objects.exists()


def test_a_request_is_made_once_answered_and_the_plan_accepted(scene: Scene) -> None:
    alice, loan = signed(scene.world.alice), scene.loan
    made = send(alice, f"/loans/{loan.ref}/hardship", ASKED)
    assert made.status_code == 201, made.content
    assert (made.json()["status"], made.json()["affordable"], made.json()["plans"]) == ("OPEN", "90.00", [])
    assert send(alice, f"/loans/{loan.ref}/hardship", ASKED).json()["ref"] == made.json()["ref"], "asked once"
    first = offer(made.json()["ref"], 2)
    assert send(alice, f"/plans/{first.ref}/decline").json()["status"] == "OPEN"
    second = offer(made.json()["ref"], 4)
    assert send(signed(scene.world.charlie), f"/plans/{second.ref}/accept").status_code == 404
    done = send(alice, f"/plans/{second.ref}/accept").json()
    assert (done["status"], [plan["status"] for plan in done["plans"]]) == (
        "ACCEPTED",
        ["ACCEPTED", "DECLINED"],
    )
    assert send(alice, f"/plans/{second.ref}/accept").status_code == 200, "accepting twice is once"
    assert len(alice.get(f"{API}/loans/{loan.ref}").json()["instalments"]) == 16
    assert send(alice, f"/hardship/{made.json()['ref']}/withdraw").status_code == 409


def offer(ref: str, more: int) -> Any:
    row = HardshipRequest.objects.get(ref=ref)
    return offer_hardship_plan(
        request_id=row.pk, measures=[{"kind": "EXTENSION", "extra_instalments": more}], actor=StaffFactory(), as_of=AS_OF
    )  # fmt: skip


def test_the_three_ways_of_prepaying_are_compared(scene: Scene) -> None:
    alice, loan = signed(scene.world.alice), scene.loan
    rows = alice.get(f"{API}/loans/{loan.ref}/prepayment?amount=600.00").json()
    by = {row["choice"]: row for row in rows}
    assert set(by) == {"PAY_AHEAD", "FEWER_INSTALMENTS", "SMALLER_INSTALMENTS"}
    assert by["FEWER_INSTALMENTS"]["instalments_left"] < by["SMALLER_INSTALMENTS"]["instalments_left"]
    assert Decimal(by["FEWER_INSTALMENTS"]["saved"]) > Decimal(by["SMALLER_INSTALMENTS"]["saved"]) > 0
    assert alice.get(f"{API}/loans/{loan.ref}/prepayment").status_code == 400
    assert alice.get(f"{API}/loans/{loan.ref}/prepayment?amount=-1").status_code == 400


def test_a_calendar_link_is_shown_once_and_closed(scene: Scene) -> None:
    alice, of = signed(scene.world.alice), {"borrower": str(scene.world.alice_person.ref)}
    assert alice.get(f"{API}/calendar", of).status_code == 404
    made = send(alice, "/calendar", of)
    assert made.status_code == 201
    link = made.json()["url"].partition("testserver")[2]
    assert "BEGIN:VCALENDAR" in Client().get(link).content.decode()
    assert alice.get(f"{API}/calendar", of).json()["url"] == ""
    assert send(alice, "/calendar/revoke", of).status_code == 200
    assert Client().get(link).status_code == 404
    assert send(alice, "/calendar/revoke", of).status_code == 404
    assert alice.get(f"{API}/calendar", {"borrower": str(uuid.uuid4())}).status_code == 404

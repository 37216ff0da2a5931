"""The desk: what an officer sees, decides and cannot do."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry
from credit import operations
from credit.models import Application, CreditLine, ReviewRequest
from ledger import operations as ledger_operations
from risk import operations as risk_operations
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer(world: World) -> Client:
    """Bob at the desk, with an authenticator app and the role of a credit officer."""
    world.bob.groups.add(Group.objects.get(name="Credit officer"))
    client = Client()
    client.force_login(world.bob)
    return client


@pytest.fixture
def referred(world: World) -> Application:
    """Alice applies while no model is installed: nothing can be scored, so a person decides."""
    ledger_operations.open_books(first_date=world.as_of)
    risk_operations.connect_sandbox_person(
        borrower_id=world.alice_person.pk, persona="steady", as_of=world.as_of, now=world.now
    )
    return operations.submit_application(
        borrower=world.alice_person,
        product_code="everyday",
        requested_amount=Decimal("5000.00"),
        purpose="DAILY_GOODS",
        actor=world.alice,
        as_of=world.as_of,
        now=world.now,
    )


def _decide(client: Client, application: Application, **form: str) -> object:
    return client.post(reverse("admin:review", args=[application.ref]), form)


def test_it_refuses_a_borrower_and_a_stranger(world: World) -> None:
    for client in (Client(), _logged_in(world.alice)):
        answer = client.get(reverse("admin:index"))
        assert answer.status_code in (302, 403)


def test_it_refuses_an_officer_without_the_role(world: World, referred: Application) -> None:
    answer = _logged_in(world.erin).get(reverse("admin:review", args=[referred.ref]))
    assert answer.status_code == 403


def test_it_refuses_a_decision_without_a_note_or_with_a_wrong_limit(
    officer: Client, referred: Application
) -> None:
    for form in ({"outcome": "APPROVE", "limit": "5000"}, {"outcome": "APPROVE", "limit": "1e5", "note": "fine"},
                 {"outcome": "APPROVE", "note": "fine"}, {"note": "fine"}):  # fmt: skip
        answer = _decide(officer, referred, **form)
        assert answer.status_code == 400, form  # type: ignore[attr-defined]
    referred.refresh_from_db()
    assert referred.status == "REFERRED"


def test_it_refuses_a_second_decision(officer: Client, referred: Application) -> None:
    assert _decide(officer, referred, outcome="DECLINE", note="no income").status_code == 302  # type: ignore[attr-defined]
    assert _decide(officer, referred, outcome="APPROVE", limit="5000", note="why not").status_code == 409  # type: ignore[attr-defined]


def test_it_shows_the_queue_and_decides(officer: Client, referred: Application, world: World) -> None:
    page = officer.get(reverse("admin:queue"))
    assert page.status_code == 200
    assert str(referred.ref) in page.content.decode()
    review = officer.get(reverse("admin:review", args=[referred.ref])).content.decode()
    assert "5,000.00" in review
    assert _decide(officer, referred, outcome="APPROVE", limit="3000", note="steady job").status_code == 302  # type: ignore[attr-defined]
    referred.refresh_from_db()
    assert referred.status == "APPROVED"
    line = CreditLine.objects.get(borrower=world.alice_person)
    assert line.limit == Decimal("3000.00")
    assert AuditEntry.objects.filter(actor=world.bob).exists()


def test_it_freezes_and_releases_a_line(officer: Client, referred: Application, world: World) -> None:
    _decide(officer, referred, outcome="APPROVE", limit="3000", note="steady job")
    line = CreditLine.objects.get(borrower=world.alice_person)
    if line.status == "OFFERED":
        operations.accept_offer(line_id=line.pk, actor=world.alice, as_of=world.as_of)
    assert officer.post(reverse("admin:freeze", args=[line.ref, "freeze"]), {}).status_code == 400
    assert (
        officer.post(reverse("admin:freeze", args=[line.ref, "freeze"]), {"reason": "lost phone"}).status_code
        == 302
    )
    line.refresh_from_db()
    assert line.status == "FROZEN"
    assert (
        officer.post(reverse("admin:freeze", args=[line.ref, "unfreeze"]), {"reason": "found"}).status_code
        == 302
    )
    line.refresh_from_db()
    assert line.status == "ACTIVE"
    assert officer.get(reverse("admin:credit_creditline_change", args=[line.pk])).status_code == 200


def test_it_answers_who_asked_for_a_person(officer: Client, referred: Application, world: World) -> None:
    _decide(officer, referred, outcome="DECLINE", note="no income")
    decision = referred.decisions.get(is_final=True)
    asked = operations.request_review(
        borrower=world.alice_person,
        actor=world.alice,
        as_of=world.as_of,
        decision=decision,
        text="I do have a job",
    )
    assert "I do have a job" in officer.get(reverse("admin:queue")).content.decode()
    world.erin.groups.add(Group.objects.get(name="Credit officer"))
    page = _logged_in(world.erin).post(
        reverse("admin:answer", args=[asked.ref]), {"outcome": "UPHELD", "answer": "We looked at it again."}
    )
    assert page.status_code == 302
    assert ReviewRequest.objects.get(pk=asked.pk).status == "UPHELD"


def test_only_an_administrator_moves_the_business_date(
    officer: Client, referred: Application, world: World
) -> None:
    url = reverse("admin:business_date")
    assert officer.get(url).status_code == 403
    world.erin.groups.add(Group.objects.get(name="Administrator"))
    erin = _logged_in(world.erin)
    assert erin.post(url, {"to": "2020-01-01"}).status_code == 400
    assert erin.post(url, {"to": date(2026, 3, 4).isoformat()}).status_code == 302
    assert "4 Mar 2026" in erin.get(url, headers={"accept-language": "en"}).content.decode()


def test_every_table_opens_and_none_can_be_written(world: World, referred: Application) -> None:
    world.bob.is_superuser = True
    world.bob.save(update_fields=["is_superuser"])
    client = _logged_in(world.bob)
    for model, registered in admin.site._registry.items():
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        if model._meta.app_label not in ("accounts", "ledger", "loans", "risk", "credit"):
            continue
        assert client.get(reverse(f"admin:{name}_changelist")).status_code == 200, name
        assert client.get(reverse(f"admin:{name}_add")).status_code == 403, name
        row = model._default_manager.order_by("-pk").first()
        if row is not None:
            assert client.get(reverse(f"admin:{name}_change", args=[row.pk])).status_code == 200, name
            assert (
                client.post(reverse(f"admin:{name}_delete", args=[row.pk]), {"post": "yes"}).status_code
                == 403
            )
        assert registered.actions is None


def test_start_page_and_queue_hold_their_number_of_queries(
    officer: Client, referred: Application, django_assert_max_num_queries: object
) -> None:
    for url in (reverse("admin:index"), reverse("admin:queue")):
        with django_assert_max_num_queries(20):  # type: ignore[operator]
            assert officer.get(url).status_code == 200


def test_an_unknown_application_is_not_found(officer: Client) -> None:
    assert officer.get(reverse("admin:review", args=[uuid.uuid4()])).status_code == 404


def _logged_in(user: object) -> Client:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    return client

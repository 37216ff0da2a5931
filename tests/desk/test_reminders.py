"""What reminders brought about, at the desk."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from credit.models import ReminderTrial
from ledger import operations as ledger_operations
from tests.web.pages import words
from tests.world import World

pytestmark = pytest.mark.django_db


def client_of(user) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def test_it_refuses_who_may_not_see_credit(world: World) -> None:
    ledger_operations.open_books(first_date=world.as_of)
    assert client_of(world.alice).get(reverse("admin:reminders")).status_code == 302
    assert client_of(world.bob).get(reverse("admin:reminders")).status_code == 403


def test_the_operator_reads_instalments_cured(world: World) -> None:
    ledger_operations.open_books(first_date=world.as_of)
    world.bob.groups.add(Group.objects.get(name="Risk analyst"))
    for number in range(40):
        ReminderTrial.objects.create(
            borrower=world.alice_person, instalment_id=number, due_date=world.as_of, rung="T", stage="DUE",
            group="LEARNED" if number % 2 else "HOLD_OUT", arm="SMS@19" if number % 2 else "SMS@10",
            assigned_date=world.as_of, window_end_date=world.as_of, outcome="CURED" if number % 2 else "MISSED",
            settled_date=world.as_of,
        )  # fmt: skip
    page = words(client_of(world.bob).get(reverse("admin:reminders"), {"days": "30"}).content)
    assert "+100.0 points against the hold-out" in page
    assert "text message, 19:00 Chosen by what worked 20 20 100.00%" in page
    assert "Not enough is known yet" in page

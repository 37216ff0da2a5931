"""The borrower's own brakes, through the page."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from credit.models import SelfExclusion
from tests.web.conftest import AS_OF, Scene, signed_in
from tests.web.pages import words


def url(scene: Scene) -> str:
    return reverse("credit:control", args=[scene.line.ref])


@pytest.mark.parametrize(
    "fields",
    [
        {"act": "cap", "cap": "1e3"},
        {"act": "cap", "cap": "1250"},
        {"act": "cap", "cap": ""},
        {"act": "exclude", "until_date": "2027-03-02"},
        {"act": "exclude", "until_date": "soon", "sure": "on"},
        {"act": "exclude", "until_date": AS_OF.isoformat(), "sure": "on"},
        {"act": "cap", "cap": "1000", "limit": "300000"},
    ],
)
def test_it_refuses_at_the_field(scene: Scene, alice: Client, fields: dict[str, str]) -> None:
    answer = alice.post(url(scene), fields)
    assert answer.status_code == 400
    assert b"field-error" in answer.content or b"alert-bad" in answer.content
    scene.line.refresh_from_db()
    assert scene.line.own_cap is None
    assert not SelfExclusion.objects.exists()


def test_strangers_brake_nothing(scene: Scene) -> None:
    charlie = signed_in(scene.world.charlie)
    assert charlie.get(url(scene)).status_code == 404
    assert charlie.post(url(scene), {"act": "cap", "cap": "1000"}).status_code == 404


def test_a_cap_lowers_the_limit_at_once_and_is_lifted(scene: Scene, alice: Client) -> None:
    alice.post(url(scene), {"act": "cap", "cap": "1000"})
    scene.line.refresh_from_db()
    assert scene.line.limit == Decimal(1000)
    assert "Your cap is ¥1,000.00" in words(alice.get(url(scene)).content)
    alice.post(url(scene), {"act": "lift"})
    scene.line.refresh_from_db()
    assert scene.line.limit == Decimal(20_000)


def test_an_exclusion_stops_draws_and_ends_on_its_day_alone(scene: Scene, alice: Client) -> None:
    until = AS_OF + timedelta(days=60)
    alice.post(url(scene), {"act": "exclude", "until_date": until.isoformat(), "sure": "on"})
    assert "Nothing is lent to you" in words(alice.get(url(scene)).content)
    draw = reverse("credit:draw", args=[scene.line.ref])
    assert "alert-warn" in alice.get(draw).content.decode()
    alice.post(url(scene), {"act": "end"})
    assert SelfExclusion.objects.get().ended_date is None

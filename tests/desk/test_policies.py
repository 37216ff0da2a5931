"""A policy is edited by forms, refused where it is wrong, and put in force by a second person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts.models import Proposal, User
from credit.domain.policy_schema import policy_schema
from credit.models import Policy
from ledger import operations as ledger_operations
from tests.world import World

pytestmark = pytest.mark.django_db


def analyst(user: User) -> Client:
    user.groups.add(Group.objects.get(name="Risk analyst"))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def page(world: World) -> str:
    ledger_operations.open_books(first_date=world.as_of)
    return reverse("admin:policy_new", args=[1])


def typed(client: Client, page: str, **changed: str) -> dict[str, Any]:
    """Give what the form holds when it is opened, with some of it typed over."""
    form = client.get(page).context["form"]
    data = {name: form[name].value() for name in form.fields}
    data = {name: value for name, value in data.items() if value not in (None, False)}
    return {**data, "note": "Lend a little less", **changed}


def test_it_refuses_whoever_is_no_analyst(world: World, page: str) -> None:
    client = Client()
    client.force_login(world.erin)
    assert client.get(page).status_code == 403
    assert client.post(page, {}).status_code == 403


@pytest.mark.parametrize(
    ("field", "value", "where"),
    [
        ("cut_offs.approve_below", "1.2", "cut_offs.approve_below"),
        ("cut_offs.refer_below", "0.01", "cut_offs.refer_below"),
        ("exploration.share", "0.04", "exploration.share"),
        ("grades.1.pd_below", "0.01", "grades.1.pd_below"),
        ("grades.0.limit", "300000.01", "grades.0.limit"),
        ("grades.4.annual_rate", "0.2401", "grades.4.annual_rate"),
        ("grades.4.annual_rate", "12 %", "grades.4.annual_rate"),
        ("reevaluation.most_cut", "1e5", "reevaluation.most_cut"),
        ("note", "", "note"),
    ],
)
def test_it_refuses_what_is_wrong_at_its_field(
    world: World, page: str, field: str, value: str, where: str
) -> None:
    client = analyst(world.bob)
    answer = client.post(page, typed(client, page, **{field: value}))
    assert answer.status_code == 400
    assert list(answer.context["form"].errors) == [where]
    assert Policy.objects.count() == 1


def test_a_second_person_puts_it_in_force_and_the_first_cannot(world: World, page: str) -> None:
    maker, checker = analyst(world.bob), analyst(world.erin)
    answer = maker.post(page, typed(maker, page, **{"grades.0.limit": "150000", "name": "Careful"}))
    assert answer.status_code == 302, answer.context["form"].errors
    drafted = Policy.objects.get(version=2)
    assert (drafted.state, drafted.document["grades"][0]["limit"], drafted.document["name"]) == (
        "DRAFT",
        "150000",
        "Careful",
    )
    before = Policy.objects.get(version=1).document
    changed = {name for name in before if before[name] != drafted.document[name]}
    assert changed == {"grades", "name"}, "what was not typed over is as it was"
    maker.post(answer["Location"], {"version": "2", "reason": "Too many losses at the top"})
    proposal = Proposal.objects.get()
    own = maker.post(reverse("admin:proposal", args=[proposal.ref]), {"decision": "approve", "seen": "x"})
    assert own.status_code in (403, 409)
    shown = checker.get(reverse("admin:proposal", args=[proposal.ref]))
    assert ("grades[0].limit", "200000", "150000") in shown.context["changes"]
    done = checker.post(
        reverse("admin:proposal", args=[proposal.ref]), {"decision": "approve", "seen": shown.context["seen"]}
    )
    assert done.status_code == 302
    assert list(Policy.objects.order_by("version").values_list("state", flat=True)) == ["RETIRED", "ACTIVE"]


def test_the_economics_of_profit_are_switched_on_by_the_form(world: World, page: str) -> None:
    client = analyst(world.bob)
    figures = {
        "funding_rate": "0.03", "capital_share": "0.1", "capital_rate": "0.1", "person_loss": "0.6",
        "business_loss": "0.5", "drawn_at_default": "0.8", "need_multiple": "3", "account_cost": "5",
        "loss_weight": "0.5",
    }  # fmt: skip
    data = typed(
        client, page, uses_profit="on", **{f"profit.{name}": value for name, value in figures.items()}
    )
    answer = client.post(page, data)
    assert answer.status_code == 302, answer.context["form"].errors
    assert Policy.objects.get(version=2).document["profit"] == figures


def test_the_schema_in_the_documents_is_the_one_that_is_read() -> None:
    written = json.loads(Path("docs/policy.schema.json").read_text("utf-8"))
    assert written == policy_schema()
    seed = json.loads(Path("credit/seed/policy_v1.json").read_text("utf-8"))
    jsonschema.validate(seed, written)
    for wrong in ({**seed, "more": 1}, {**seed, "group_limit": 300_000}, {**seed, "grades": []}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, written)

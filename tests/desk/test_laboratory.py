"""The laboratory's pages: asked, answered, shared, submitted; in both languages; to whom."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from credit.models import Experiment, Policy
from credit.queries import active_policy, ceiling_now, rules_of
from tests.credit.factories import bring_first_versions
from tests.credit.laboratory.rows import drawn, write
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def decided(world: World) -> None:
    bring_first_versions()
    write(drawn(400), rules=rules_of(active_policy()), ceiling=ceiling_now(), first=world.as_of)


def at_desk(user: Any, role: str, language: str = "en") -> Client:
    user.groups.add(Group.objects.get(name=role))
    client = Client(headers={"accept-language": language})
    client.force_login(user)
    return client


def fields(client: Client) -> dict[str, Any]:
    """Read the form as a browser would send it."""
    form = client.get(reverse("admin:new_experiment")).context["form"]
    found = {name: form[name].value() for name in form.fields}
    return {name: "" if value is None else value for name, value in found.items() if value is not False}


def ask(client: Client, **changed: Any) -> Any:
    sent = {
        **fields(client),
        "name": "Stricter",
        "last_date": "2026-06-01",
        **{k.replace("__", "."): v for k, v in changed.items()},
    }
    return client.post(reverse("admin:new_experiment"), sent)


@pytest.mark.parametrize("role", ["Support", "Finance"])
def test_who_may_not_use_it_cannot_ask(world: World, decided: None, role: str) -> None:
    client = at_desk(world.bob, role)
    assert client.get(reverse("admin:new_experiment")).status_code == 403
    assert client.post(reverse("admin:new_experiment"), {}).status_code == 403
    assert not Experiment.objects.exists()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"cut_offs__approve_below": "0.2"}, "out of range"),
        ({"grades__4__annual_rate": "0.5"}, "costs more a year than the regime allows"),
        ({"last_date": "2020-01-01"}, "before the first"),
        ({"limits_by": "PROFIT", "profit__person_loss": ""}, "Enter a number"),
        ({"reevaluation__most_cut": "ten"}, "must be a number"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_kept(
    world: World, decided: None, changed: dict, words: str
) -> None:
    answer = ask(at_desk(world.bob, "Risk analyst"), **changed)
    assert answer.status_code in (400, 422), answer.status_code
    assert words in unescape(answer.content.decode())
    assert not Experiment.objects.exists()


@pytest.mark.parametrize(("language", "words"), [("en", "Who flips, and why"), ("zh-hans", "谁的结果改变了")])
def test_it_is_asked_and_answered_with_tables_and_plots(
    world: World, decided: None, language: str, words: str
) -> None:
    client = at_desk(world.bob, "Risk analyst", language)
    answer = ask(client, cut_offs__approve_below="0.04", grades__0__annual_rate="0.09")
    assert answer.status_code == 302, unescape(answer.content.decode())[:2000]
    page = client.get(answer["Location"])
    text = unescape(page.content.decode())
    assert words in text
    assert text.count("<svg") >= 4
    experiment = Experiment.objects.get()
    assert experiment.result["rows"] == 400
    assert experiment.result["checked"]["differ"] == 0
    assert [str(old) for _label, old, _new in page.context["changed"]] == ["0.08", "0.0864"]
    listed = client.get(reverse("admin:laboratory")).content.decode()
    assert "Stricter" in listed


def test_nothing_changed_gives_nothing_to_submit(world: World, decided: None) -> None:
    client = at_desk(world.bob, "Risk analyst")
    page = client.get(ask(client)["Location"])
    assert page.context["found"]["flips"] == []
    assert not page.context["may_submit"]


def test_only_what_is_shared_is_seen_by_others_and_another_person_activates(
    world: World, decided: None
) -> None:
    maker, other = at_desk(world.bob, "Risk analyst"), at_desk(world.erin, "Risk analyst")
    url = ask(maker, limits_by="PROFIT")["Location"]
    assert other.get(url).status_code == 404
    assert other.post(url, {"act": "submit"}).status_code == 404
    maker.post(url, {"act": "share"})
    assert other.get(url).status_code == 200
    maker.post(url, {"act": "unshare"})
    assert other.get(url).status_code == 404
    said = maker.post(url, {"act": "submit"}, follow=True)
    assert "Another person must activate it" in unescape(said.content.decode())
    policy = Policy.objects.get(state="DRAFT")
    assert policy.document["profit"]["person_loss"] == "0.60"
    assert other.get(url).status_code == 200
    again = maker.post(url, {"act": "submit"}, follow=True)
    assert "submitted already" in unescape(again.content.decode())
    assert maker.post(url, {"act": "burn"}).status_code == 404


def test_an_experiment_can_be_changed_further(world: World, decided: None) -> None:
    client = at_desk(world.bob, "Risk analyst")
    ask(client, cut_offs__approve_below="0.03")
    ref = Experiment.objects.get().ref
    form = client.get(reverse("admin:new_experiment"), {"from": ref}).context["form"]
    assert form["cut_offs.approve_below"].value() == "0.03"
    assert client.get(reverse("admin:new_experiment"), {"from": "nonsense"}).status_code == 404


def test_a_large_period_is_left_to_a_worker(
    world: World, decided: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from credit import tasks
    from lendportal.desk import laboratory

    woken: list[bool] = []
    monkeypatch.setattr(laboratory, "AT_ONCE", 100)
    monkeypatch.setattr(tasks.run_experiments, "delay", lambda: woken.append(True))
    client = at_desk(world.bob, "Risk analyst")
    page = client.get(ask(client)["Location"])
    assert woken == [True]
    assert 'http-equiv="refresh"' in page.content.decode()
    assert tasks.run_experiments() == 1
    assert Experiment.objects.get().status == "DONE"


def test_what_was_submitted_goes_through_shadow_and_trial_by_two_people(world: World, decided: None) -> None:
    maker, other = at_desk(world.bob, "Risk analyst"), at_desk(world.erin, "Risk analyst")
    url = ask(maker, cut_offs__approve_below="0.05")["Location"]
    assert maker.post(url, {"act": "shadow"}).status_code == 404, "nothing was submitted yet"
    maker.post(url, {"act": "submit"})
    plan = {"act": "shadow", "share_percent": "20", "base_rate": "0.05", "difference": "0.02"}
    assert "Enter a number" in unescape(
        maker.post(url, {**plan, "difference": "x"}, follow=True).content.decode()
    )
    maker.post(url, plan)
    assert "with a power of 8" in unescape(maker.get(url).content.decode())
    said = maker.post(url, {"act": "live"}, follow=True)
    assert "Another person must let your trial decide" in unescape(said.content.decode())
    other.post(url, {"act": "live"})
    assert other.get(url).context["report"].decided == (400, 0), "the side in force counts from that day"
    other.post(url, {"act": "stop"})
    assert other.get(url).context["trial"].get_verdict_display() == "Stopped by a person"

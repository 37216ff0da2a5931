"""The analyst's page of the model: what it shows, to whom, in both languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from ledger.operations import open_books
from risk import operations as risk_operations
from risk import queries as risk_queries
from risk.domain.registry import FEATURE_AT
from risk.models import ModelVersion, MonitoringRun
from risk.synthetic.matrix import draw_sample
from risk.synthetic.population import World as Population
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def kept(django_db_setup: None, django_db_blocker: Any) -> list[dict[str, Any]]:
    from django.db import transaction

    from tests.factories import NOW

    with django_db_blocker.unblock(), transaction.atomic():
        risk_operations.train_on_synthetic_people(size=1_500, seed=7, now=NOW, install=True)
        rows = list(ModelVersion.objects.values())
        transaction.set_rollback(True)
    return rows


@pytest.fixture
def watched(world: World, kept: list[dict[str, Any]]) -> MonitoringRun:
    """Score three hundred whose income fell, and know how fifty of them went."""
    ModelVersion.objects.bulk_create(ModelVersion(**row) for row in kept)
    risk_queries.forget_loaded_models()
    facts = draw_sample(Population(size=300, seed=9)).facts
    values = facts.values.copy()
    values[:, FEATURE_AT["income_mean_6m"]] *= 0.3
    facts = replace(facts, as_of=world.as_of, values=values)
    rows = risk_operations.assess(
        subject_ids=facts.subject_ids.tolist(), facts=facts, as_of=world.as_of, purpose="REEVALUATION"
    )
    outcomes = {row.pk: place % 4 == 0 for place, row in enumerate(rows)}
    run = risk_operations.monitor(as_of=world.as_of, outcomes=outcomes)
    assert run is not None
    return run


def at_desk(world: World, role: str, language: str = "en") -> Client:
    world.bob.groups.add(Group.objects.get(name=role))
    client = Client(headers={"accept-language": language})
    client.force_login(world.bob)
    return client


def test_an_analyst_sees_what_moved(world: World, watched: MonitoringRun) -> None:
    page = at_desk(world, "Risk analyst").get(reverse("admin:monitoring"))
    assert page.status_code == 200
    text = unescape(page.content.decode())
    assert "Income a month over the last 6 months: today's applicants differ" in text
    assert "observed over expected is outside 0.8 to 1.25" in text
    assert "75 defaulted" in text
    known, drift = watched.report["outcome"]["auc"], watched.report["drift"]
    assert f"{known[0]:.3f}" in text
    assert f"{known[1]:.3f} – {known[2]:.3f}" in text
    assert f"{drift['income_mean_6m']['psi']:.3f}" in text
    assert text.index("Income a month over the last 6 months</th>") < text.index("A business borrows</th>")
    assert text.count("<rect") >= 10 + len(drift)
    assert "style=" not in text[text.index('id="content-main"') :]


def test_each_day_can_be_looked_at_and_a_day_that_is_none_is_the_latest(
    world: World, watched: MonitoringRun
) -> None:
    calm = risk_operations.monitor(as_of=world.as_of - timedelta(days=1))
    assert calm is not None
    assert calm.report["rows"] == 0
    client = at_desk(world, "Risk analyst")
    before = client.get(reverse("admin:monitoring"), {"as_of": calm.as_of.isoformat()}).content.decode()
    assert "None: nothing has moved" in before
    assert "Nobody was scored in these days" in before
    for wrong in ("2020-01-01", "yesterday", "<script>"):
        assert client.get(reverse("admin:monitoring"), {"as_of": wrong}).context["run"] == watched


def test_it_speaks_chinese(world: World, watched: MonitoringRun) -> None:
    text = at_desk(world, "Risk analyst", "zh-hans").get(reverse("admin:monitoring")).content.decode()
    assert "各特征的变化（PSI）" in text
    assert "当前客群与模型训练时的客群已有明显差异" in text


def test_only_who_may_see_risk_sees_it(world: World) -> None:
    assert at_desk(world, "Support").get(reverse("admin:monitoring")).status_code == 403
    world.bob.groups.clear()
    empty = at_desk(world, "Risk analyst").get(reverse("admin:monitoring"))
    assert "The model was not looked at yet" in empty.content.decode()


def test_the_start_page_counts_the_alarms(world: World, watched: MonitoringRun) -> None:
    open_books(first_date=world.as_of)
    start = at_desk(world, "Risk analyst").get(reverse("admin:index")).content.decode()
    assert f'href="{reverse("admin:monitoring")}"' in start
    assert len(watched.alarms) >= 2
    assert f">{len(watched.alarms)}<" in start

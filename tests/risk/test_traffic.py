"""A challenger decides for its share, the same borrowers each time, and stops by itself when it does harm."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from accounts.models import AuditEntry
from risk import operations, queries
from risk.domain.traffic import arms, evidence_of_harm, place_of
from risk.models.registry import Assessment, ModelStateChange, ModelVersion
from tests.risk.conftest import NOW
from tests.risk.test_registry import artefacts, assess, installed, kept_rows, people, trust, two_people  # noqa: F401


def test_places_are_spread_evenly_and_independently():
    ids = np.arange(1, 200_001)
    first, second = place_of(ids, salt=3), place_of(ids, salt=4)
    assert 0 <= first.min() < 5
    assert 9_995 < first.max() <= 9_999
    shares = np.bincount(first // 1_000) / len(ids)
    assert np.abs(shares - 0.1).max() < 0.004
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.01


def test_widening_a_trial_keeps_everybody_who_was_in_it():
    ids = np.arange(50_000)
    narrow, wide = arms(ids, [(3, 10)]) == 0, arms(ids, [(3, 30)]) == 0
    assert abs(narrow.mean() - 0.10) < 0.01
    assert wide[narrow].all()
    two = arms(ids, [(3, 10), (4, 10)])
    assert ((two == 0) == narrow).all()  # a second trial takes nobody from the first
    assert (arms(ids, [(4, 10)])[two == 1] == 0).all()


def test_the_sequential_test_is_calm_without_a_difference_and_sure_with_one():
    rng = np.random.default_rng(8)
    fired = 0
    for _ in range(300):
        ours, theirs = rng.random(1_500) < 0.05, rng.random(1_500) < 0.05
        looks = range(100, 1_501, 100)
        fired += any(
            evidence_of_harm(
                bads=int(ours[:n].sum()), rows=n, champion_bads=int(theirs[:n].sum()), champion_rows=n
            )
            >= 20
            for n in looks
        )
    assert fired / 300 <= 0.05
    assert evidence_of_harm(bads=150, rows=1_500, champion_bads=75, champion_rows=1_500) > 20
    assert evidence_of_harm(bads=20, rows=1_500, champion_bads=75, champion_rows=1_500) == 0


@pytest.fixture
def on_trial(installed):  # noqa: F811
    """Put the scorecard on trial for half of all borrowers, by two people."""
    maker, checker = two_people()
    card = installed[1]
    change = operations.propose_state(
        version_id=card.pk, to_state="CHALLENGER", proposed_by=maker, now=NOW, traffic_percent=50
    )
    operations.decide_state(change_id=change.pk, approve=True, decided_by=checker, now=NOW)
    return installed


@pytest.mark.parametrize(
    ("state", "percent", "code"),
    [
        ("CHALLENGER", 51, "traffic_out_of_range"),
        ("CHALLENGER", -1, "traffic_out_of_range"),
        ("CHAMPION", 10, "traffic_for_challengers"),
        ("CHALLENGER", None, "state_not_allowed"),
    ],
)
def test_it_refuses_a_share_that_is_none(installed, state, percent, code):  # noqa: F811
    maker, _checker = two_people()
    with pytest.raises(operations.UnableToChangeModel) as refusal:
        operations.propose_state(
            version_id=installed[1].pk, to_state=state, proposed_by=maker, now=NOW, traffic_percent=percent
        )
    assert refusal.value.code == code
    assert not ModelStateChange.objects.filter(version=installed[1], traffic_percent__isnull=False).exists()


def test_its_share_is_scored_by_it_each_time(on_trial, sample):
    trees, card = on_trial
    facts = people(sample, 300)
    first, again = assess(facts), assess(facts)
    by = [row.model_id for row in first if row.pd is not None]
    assert by == [row.model_id for row in again if row.pd is not None]
    assert 0.35 < np.mean([model == card.pk for model in by]) < 0.65
    assert not any(row.is_fallback for row in first)
    alone = assess(facts, model_version=card)
    for one, row in zip(alone, first, strict=True):
        if row.model_id == card.pk:
            assert (one.pd, one.reasons) == (row.pd, row.reasons)
    assert queries.replay(assessments=Assessment.objects.all())["differences"] == []
    assert [row.subject_id for row in first] == facts.subject_ids.tolist()
    assert queries.champion() == trees


def test_a_challenger_that_does_not_load_leaves_its_share_to_the_champion(on_trial, sample, monkeypatch):
    load = queries.loaded_model

    def broken(*, version):
        if version.pk == on_trial[1].pk:
            raise operations.UnableToLoadModel("bad_digest", "broken")
        return load(version=version)

    monkeypatch.setattr("risk.queries.loaded_model", broken)
    assert {row.model_id for row in assess(people(sample, 60)) if row.pd is not None} == {on_trial[0].pk}


def test_a_challenger_whose_lines_go_worse_loses_its_share_by_itself(on_trial, sample):
    trees, card = on_trial
    day = date(2026, 11, 1)
    rows = [row for row in assess(people(sample, 1_200)) if row.pd is not None]
    rng = np.random.default_rng(4)
    fair = {row.pk: bool(rng.random() < 0.06) for row in rows}
    run = operations.monitor(as_of=day, outcomes=fair)
    card.refresh_from_db()
    assert card.traffic_percent == 50
    worse = {row.pk: bool(rng.random() < (0.30 if row.model_id == card.pk else 0.05)) for row in rows}
    run = operations.monitor(as_of=day + timedelta(days=1), outcomes=worse)
    card.refresh_from_db()
    assert (card.state, card.traffic_percent) == ("CHALLENGER", 0)
    assert f"challenger_stopped:{card.name}" in run.alarms
    assert AuditEntry.objects.filter(action="risk.challenger.stop", object_ref=str(card.ref)).count() == 1
    assert {row.model_id for row in assess(people(sample, 60)) if row.pd is not None} == {trees.pk}


def test_a_model_in_shadow_scores_each_night_and_decides_nothing(installed, sample):  # noqa: F811
    maker, checker = two_people()
    change = operations.propose_state(
        version_id=installed[1].pk, to_state="SHADOW", proposed_by=maker, now=NOW
    )
    operations.decide_state(change_id=change.pk, approve=True, decided_by=checker, now=NOW)
    facts = people(sample, 60)
    decided = [row for row in assess(facts) if row.pd is not None]
    assert operations.score_shadows(as_of=facts.as_of) == len(decided)
    assert operations.score_shadows(as_of=facts.as_of) == 0
    assert {row.model_id for row in decided} == {installed[0].pk}


def test_an_alarm_is_told_when_it_begins_and_when_it_ends(installed, sample, caplog):  # noqa: F811
    from risk.domain.registry import FEATURE_AT

    facts = sample.facts.take(np.arange(400))
    values = facts.values.copy()
    values[:, FEATURE_AT["income_mean_6m"]] *= 0.3
    day = date(2026, 11, 2)
    assess(replace(facts, as_of=day, values=values))
    first = operations.monitor(as_of=day)
    assert "drift:income_mean_6m" in first.report["began"]
    again = operations.monitor(as_of=day + timedelta(days=1))
    assert again.alarms == first.alarms
    assert (again.report["began"], again.report["ended"]) == ([], [])
    late = operations.monitor(as_of=day + timedelta(days=40))
    assert late.alarms == []
    assert late.report["ended"] == first.alarms
    assert ModelVersion.objects.filter(state="CHAMPION").count() == 1

"""The commands: train, install, replay, load; and monitoring."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import override_settings

from risk import operations, queries
from risk.domain.registry import FEATURE_AT
from risk.engine import read_folder
from risk.models.registry import Assessment, ModelState, ModelStateChange, ModelVersion, MonitoringRun
from tests.risk.conftest import unguarded


@pytest.fixture(scope="module")
def trained_home(django_db_setup, django_db_blocker, tmp_path_factory):
    """Train by the command once; keep its rows, its folder and its key, and let the database forget them."""
    home = tmp_path_factory.mktemp("trained")
    with django_db_blocker.unblock(), transaction.atomic(), override_settings(PORTAL_HOME=home / "home"):
        queries.forget_loaded_models()
        call_command("train_risk_model", people=2_500, seed=7, install=True, out=home / "model")
        rows = [list(model.objects.values()) for model in (ModelVersion, ModelStateChange)]
        transaction.set_rollback(True)
    return home, rows


@pytest.fixture
def installed(db, trained_home, tmp_path, settings):
    home, rows = trained_home
    settings.PORTAL_HOME = home / "home"
    queries.forget_loaded_models()
    for model, kept in zip((ModelVersion, ModelStateChange), rows, strict=True):
        model.objects.bulk_create(model(**row) for row in kept)
    return Path(shutil.copytree(home / "model", tmp_path / "model"))


def assess(sample, count=60, poorer=1.0):
    values = sample.facts.values[:count].copy()
    values[:, FEATURE_AT["income_mean_6m"]] *= poorer
    facts = replace(sample.facts.take(np.arange(count)), as_of=date(2026, 11, 1), values=values)
    return operations.assess(
        subject_ids=facts.subject_ids.tolist(), facts=facts, as_of=facts.as_of, purpose="REEVALUATION"
    )


def test_it_trains_installs_assesses_and_replays(installed, sample, capsys):
    assert queries.champion().kind == "LIGHTGBM"
    assert queries.fallback_scorecards().count() == 1
    report = json.loads((installed / "report.json").read_text())
    assert report["bads"] > 50
    assert "<svg" in (installed / "card.html").read_text()
    assess(sample)
    call_command("replay_decisions")
    assert "60 replayed, 0 differ" in capsys.readouterr().out
    with unguarded():
        Assessment.objects.filter(pk=Assessment.objects.first().pk).update(score=301)
    with pytest.raises(SystemExit) as exit_:
        call_command("replay_decisions")
    assert exit_.value.code == 1


TOUCHED = [
    ("model.txt", lambda b: b[:-100], "bad_digest"),
    ("model.txt", lambda b: b + b" ", "bad_digest"),
    ("manifest.json", lambda b: b.replace(b'"seed":7', b'"seed":8'), "bad_signature"),
    ("manifest.sig", lambda b: b[::-1], "bad_signature"),
    ("manifest.sig", None, "file_missing"),
]


def test_it_refuses_a_folder_that_was_touched(installed, capsys):
    before = ModelVersion.objects.count()
    assert read_folder(installed / "trees").manifest_sha256 == queries.champion().manifest_sha256
    for file, how, code in TOUCHED:
        path = installed / "trees" / file
        whole = path.read_bytes()
        path.unlink() if how is None else path.write_bytes(how(whole))
        with pytest.raises(SystemExit) as exit_:
            call_command("load_risk_model", str(installed / "trees"))
        assert exit_.value.code == 2
        assert code in capsys.readouterr().err
        path.write_bytes(whole)
    assert ModelVersion.objects.count() == before
    assert queries.champion() is not None


def test_monitoring_alarms_on_drift_and_on_a_forecast_that_failed(installed, sample):
    rows = assess(sample, 400)
    calm = operations.monitor(as_of=date(2026, 11, 2))
    assert calm.report["rows"] == 400
    assert not [a for a in calm.alarms if a == "drift:score"]
    everyone_bad = {row.pk: True for row in rows}
    again = operations.monitor(as_of=date(2026, 11, 2), outcomes=everyone_bad)
    assert "calibration:observed_over_expected" in again.alarms
    assert MonitoringRun.objects.count() == 1
    with unguarded():
        Assessment.objects.all().delete()
    assess(sample, 400, poorer=0.3)
    assert any(a == "drift:income_mean_6m" for a in operations.monitor(as_of=date(2026, 11, 2)).alarms)
    ModelVersion.objects.filter(state=ModelState.CHAMPION).update(state=ModelState.RETIRED)
    assert operations.monitor(as_of=date(2026, 11, 3)) is None


def test_it_refuses_to_train_on_nobody(db, capsys):
    with pytest.raises(SystemExit) as exit_:
        call_command("train_risk_model", people=10)
    assert exit_.value.code == 2

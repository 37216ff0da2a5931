"""Models at the desk: another state and a share of borrowers, each proposed by one analyst and approved by another."""

from __future__ import annotations

import pytest

from risk.models import ModelVersion
from tests.desk.test_kinds import changed, refusal, two
from tests.risk.test_registry import artefacts, installed, kept_rows, trust  # noqa: F401  fixtures

pytestmark = pytest.mark.django_db


def test_a_model_goes_to_another_state_and_decides_for_a_share(installed) -> None:  # noqa: F811
    version = ModelVersion.objects.exclude(state="CHAMPION").get()
    wanted = {"manifest_sha256": version.manifest_sha256}
    two("model_activation", {**wanted, "to_state": "SHADOW"})
    assert refusal("model_activation", {**wanted, "to_state": "CHAMPION"}) == "state_not_allowed"
    assert refusal("model_traffic", {**wanted, "traffic_percent": 51}) == "traffic_out_of_range"
    proposal = two("model_traffic", {**wanted, "traffic_percent": 5})
    assert changed(proposal)["Borrowers that it decides for"] == ("0 %", "5 %")
    version.refresh_from_db()
    assert (version.state, version.traffic_percent) == ("CHALLENGER", 5)
    champion = two("model_activation", {**wanted, "to_state": "CHAMPION"})
    assert changed(champion)["The model that decides"][1] == version.name
    assert ModelVersion.objects.get(state="CHAMPION").pk == version.pk

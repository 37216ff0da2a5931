"""What moves a model, and what lets a challenger decide for a share of borrowers: two analysts, or nothing happens."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from accounts import operations
from accounts.models import AuditEntry, Proposal
from ledger.operations import open_books
from regimes.errors import Refusal
from risk import queries as risk_queries
from risk.models import ModelStateChange, ModelVersion
from tests.desk.test_kinds import approve, changed, officer, refusal, two
from tests.desk.test_monitoring import at_desk, kept  # noqa: F401
from tests.factories import AS_OF, NOW
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def trees(kept: list[dict[str, Any]]) -> ModelVersion:  # noqa: F811
    """Install the two models; give the one that decides."""
    ModelVersion.objects.bulk_create(ModelVersion(**row) for row in kept)
    risk_queries.forget_loaded_models()
    return ModelVersion.objects.get(state="CHAMPION")


@pytest.fixture
def card(trees: ModelVersion) -> ModelVersion:
    """Give the scorecard, a challenger that decides for nobody."""
    found = ModelVersion.objects.get(kind="SCORECARD")
    assert (found.state, found.traffic_percent) == ("CHALLENGER", 0)
    return found


def share(card: ModelVersion, percent: Any) -> dict[str, Any]:
    return {"manifest_sha256": card.manifest_sha256, "traffic_percent": percent}


def decides_for(card: ModelVersion) -> tuple[str, int]:
    card.refresh_from_db()
    return card.state, card.traffic_percent


@pytest.mark.parametrize(
    ("percent", "code"),
    [
        (51, "traffic_out_of_range"),
        (-1, "traffic_out_of_range"),
        ("a tenth", "number_invalid"),
        ("7.5", "number_invalid"),
        (None, "required"),
    ],
)
def test_it_refuses_a_share_that_is_none(card: ModelVersion, percent: Any, code: str) -> None:
    assert refusal("model_traffic", share(card, percent)) == code
    assert decides_for(card) == ("CHALLENGER", 0)
    assert not Proposal.objects.exists()


def test_it_refuses_a_share_for_the_champion_for_a_stranger_and_for_what_is_the_case(
    card: ModelVersion, trees: ModelVersion
) -> None:
    assert refusal("model_traffic", share(trees, 10)) == "state_not_allowed"
    assert refusal("model_traffic", {"manifest_sha256": "0" * 64, "traffic_percent": 10}) == "not_found"
    assert refusal("model_traffic", share(card, 0)) == "nothing_changes"
    assert refusal("model_traffic", {**share(card, 5), "state": "CHAMPION"}) == "unknown_field"
    ModelVersion.objects.filter(pk=card.pk).update(state="CANDIDATE")
    assert refusal("model_traffic", share(card, 10)) == "state_not_allowed"


def test_one_analyst_alone_gives_a_challenger_nothing(card: ModelVersion) -> None:
    maker = officer("Risk analyst")
    proposal = operations.propose(
        kind="model_traffic", payload=share(card, 20), maker=maker, reason="try it", as_of=AS_OF, now=NOW
    )
    assert decides_for(card) == ("CHALLENGER", 0)
    with pytest.raises(Refusal) as own:
        approve(proposal, maker)
    assert own.value.code == "own_proposal"
    with pytest.raises(Refusal) as stranger:
        approve(proposal, officer("Finance"))
    assert stranger.value.http_status == 403
    assert decides_for(card) == ("CHALLENGER", 0)
    assert not ModelStateChange.objects.exists()
    with pytest.raises(Refusal) as twice:
        operations.propose(
            kind="model_traffic", payload=share(card, 20), maker=officer("Risk analyst"), reason="me too",
            as_of=AS_OF, now=NOW,
        )  # fmt: skip
    assert twice.value.code == "already_proposed"


def test_two_analysts_let_it_decide_for_a_share_widen_it_and_take_it_back(card: ModelVersion) -> None:
    first = two("model_traffic", share(card, 20))
    assert changed(first) == {"Borrowers that it decides for": ("0 %", "20 %")}
    assert decides_for(card) == ("CHALLENGER", 20)
    change = ModelStateChange.objects.get(version=card)
    assert (change.decision, change.traffic_percent) == ("APPROVED", 20)
    assert change.proposed_by_id == first.maker_id != change.decided_by_id == first.checker_id
    told = AuditEntry.objects.filter(action__startswith="proposal.").order_by("pk")
    assert list(told.values_list("action", flat=True)) == ["proposal.made", "proposal.executed"]
    two("model_traffic", share(card, 50))
    assert decides_for(card) == ("CHALLENGER", 50)
    two("model_traffic", share(card, 0))
    assert decides_for(card) == ("CHALLENGER", 0)


def test_a_model_in_the_shadow_becomes_a_challenger_with_its_share(card: ModelVersion) -> None:
    ModelVersion.objects.filter(pk=card.pk).update(state="SHADOW")
    proposal = two("model_traffic", share(card, 10))
    assert changed(proposal) == {
        "State of the model": ("SHADOW", "CHALLENGER"),
        "Borrowers that it decides for": ("0 %", "10 %"),
    }
    assert decides_for(card) == ("CHALLENGER", 10)


def test_a_model_whose_bytes_changed_meanwhile_gets_no_share(card: ModelVersion) -> None:
    maker, checker = officer("Risk analyst"), officer("Risk analyst")
    proposal = operations.propose(
        kind="model_traffic", payload=share(card, 20), maker=maker, reason="try it", as_of=AS_OF, now=NOW
    )
    from tests.risk.conftest import unguarded

    with unguarded():
        ModelVersion.objects.filter(pk=card.pk).update(model_text=b"{}")
    with pytest.raises(Refusal) as no:
        approve(proposal, checker)
    assert no.value.code == "bad_digest"
    assert decides_for(card) == ("CHALLENGER", 0)
    assert Proposal.objects.get().status == "OPEN"


def test_a_champion_changes_by_two_analysts(card: ModelVersion, trees: ModelVersion) -> None:
    payload = {"manifest_sha256": card.manifest_sha256, "to_state": "CHAMPION"}
    assert refusal("model_activation", {**payload, "to_state": "KING"}) == "choice_invalid"
    assert refusal("model_activation", {**payload, "to_state": "CANDIDATE"}) == "state_not_allowed"
    proposal = two("model_activation", payload)
    assert changed(proposal)["The model that decides"] == (trees.name, card.name)
    trees.refresh_from_db()
    assert (trees.state, decides_for(card)[0]) == ("RETIRED", "CHAMPION")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_an_analyst_proposes_a_share_on_the_page(world: World, card: ModelVersion, language: str) -> None:
    open_books(first_date=world.as_of)
    client = at_desk(world, "Risk analyst", language)
    where = reverse("admin:propose", args=["model_traffic"])
    assert client.get(where).status_code == 200
    wrong = client.post(where, {**share(card, 70), "reason": "try it"})
    assert wrong.status_code == 400
    assert not Proposal.objects.exists()
    done = client.post(where, {**share(card, 15), "reason": "try it"})
    assert done.status_code == 302
    proposal = Proposal.objects.get()
    assert (proposal.kind, proposal.maker_id) == ("model_traffic", world.bob.pk)
    assert decides_for(card) == ("CHALLENGER", 0)


@pytest.mark.parametrize(
    ("language", "says"), [("en", "Slope of the calibration"), ("zh-hans", "校准斜率")], ids=["en", "zh"]
)
def test_the_page_of_a_version_tells_how_it_was_judged(
    world: World, trees: ModelVersion, language: str, says: str
) -> None:
    client = at_desk(world, "Risk analyst", language)
    text = client.get(reverse("admin:risk_modelversion_change", args=[trees.pk])).content.decode()
    late = trees.report["out_of_time"]
    assert says in text
    assert f"AUC {late['auc']:.4f}" in text
    assert f"{late['price_of_signs']:+.4f}" in text.replace("&#x27;", "'")
    assert trees.report["data_sha256"] in text
    assert f"{trees.report['fairness']['sex']['air']:.3f}" in text

"""Models come in signed, move by two people, and never fail open."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from django.db import transaction

from accounts.models import User
from risk import operations, queries
from risk.domain.facts import Facts
from risk.domain.registry import FEATURE_AT, FEATURES
from risk.engine import Artefact, UnableToLoadModel, load, seal, try_in_child
from risk.engine.making import make_artefacts
from risk.models.registry import Assessment, ModelState, ModelStateChange, ModelVersion
from risk.operations.shadow import GRADE_EDGES
from tests.risk.conftest import NOW, unguarded

SEED = bytes(range(32))
OTHER = bytes(range(1, 33))


@pytest.fixture(scope="module")
def artefacts(trained, data):
    return make_artefacts(trained, data, lgd={0: 0.6, 1: 0.55}, label_policy="90+", signing_seed=SEED)


@pytest.fixture
def trust(monkeypatch):
    from risk.engine.artefact import public_bytes

    keys = (public_bytes(SEED),)
    monkeypatch.setattr("risk.queries.trusted_keys", lambda: keys)
    monkeypatch.setattr("risk.operations.registry.trusted_keys", lambda: keys)
    queries.forget_loaded_models()
    return keys


@pytest.fixture(scope="module")
def kept_rows(artefacts, django_db_setup, django_db_blocker):
    """Register and install once by the real road; keep the rows, and let the database forget them."""
    from risk.engine.artefact import public_bytes

    keys = (public_bytes(SEED),)
    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock(), transaction.atomic():
        patch.setattr("risk.operations.registry.trusted_keys", lambda: keys)
        trees, card = artefacts
        first = operations.register_model(artefact=trees, name="trees", report={})
        second = operations.register_model(artefact=card, name="card", report={})
        operations.install_first_models(champion=first, fallback=second, now=NOW)
        rows = [list(model.objects.order_by("pk").values()) for model in (ModelVersion, ModelStateChange)]
        transaction.set_rollback(True)
    return rows


@pytest.fixture
def installed(db, kept_rows, trust):
    for model, rows in zip((ModelVersion, ModelStateChange), kept_rows, strict=True):
        model.objects.bulk_create(model(**row) for row in rows)
    return tuple(ModelVersion.objects.order_by("pk"))


def people(sample, count=40) -> Facts:
    facts = sample.facts.take(np.arange(count))
    return replace(facts, as_of=date(2026, 11, 1))


def assess(facts, **kwargs):
    return operations.assess(
        subject_ids=facts.subject_ids.tolist(),
        facts=facts,
        as_of=facts.as_of,
        purpose="APPLICATION",
        **kwargs,
    )


def tampered(artefact: Artefact) -> dict[str, Artefact]:
    text, manifest, signature = artefact.model_text, artefact.manifest, artefact.signature
    flipped = bytearray(text)
    flipped[len(text) // 2] ^= 1
    flipped_manifest = bytearray(manifest)
    flipped_manifest[100] ^= 1
    flipped_signature = bytearray(signature)
    flipped_signature[5] ^= 1
    return {
        "flipped": replace(artefact, model_text=bytes(flipped)),
        "truncated": replace(artefact, model_text=text[: len(text) // 2]),
        "one byte longer": replace(artefact, model_text=text + b"\n"),
        "empty": replace(artefact, model_text=b""),
        "manifest flipped": replace(artefact, manifest=bytes(flipped_manifest)),
        "signature flipped": replace(artefact, signature=bytes(flipped_signature)),
        "signature short": replace(artefact, signature=signature[:10]),
    }


@pytest.mark.parametrize(
    "how",
    [
        "flipped",
        "truncated",
        "one byte longer",
        "empty",
        "manifest flipped",
        "signature flipped",
        "signature short",
    ],
)
@pytest.mark.parametrize("which", [0, 1])
def test_it_refuses_to_parse_a_changed_model(artefacts, trust, how, which, monkeypatch):
    monkeypatch.setattr("risk.engine.loaded._Trees", lambda text: pytest.fail("parsed before it was trusted"))
    monkeypatch.setattr("risk.engine.loaded.Scorecard.of_json", lambda text: pytest.fail("parsed"))
    with pytest.raises(UnableToLoadModel) as refusal:
        load(tampered(artefacts[which])[how], trusted=trust)
    assert refusal.value.code in {"bad_digest", "bad_signature"}


def test_it_refuses_a_model_signed_by_another_key(artefacts, trust):
    import json

    other = seal(
        model_text=artefacts[0].model_text, manifest=json.loads(artefacts[0].manifest), signing_seed=OTHER
    )
    with pytest.raises(UnableToLoadModel) as refusal:
        load(other, trusted=trust)
    assert refusal.value.code == "bad_signature"


def test_a_signed_model_that_does_not_repeat_its_golden_rows_is_refused(artefacts, trust):
    import json

    manifest = json.loads(artefacts[0].manifest)
    manifest["golden"]["pd"][0] += 1e-9
    manifest["golden"]["raw"][0] += 1e-9
    odd = seal(model_text=artefacts[0].model_text, manifest=manifest, signing_seed=SEED)
    for loader in (load, try_in_child):
        with pytest.raises(UnableToLoadModel) as refusal:
            loader(odd, trusted=trust)
        assert refusal.value.code == "golden_rows_differ"


def test_signed_rubbish_dies_in_the_child_and_not_here(artefacts, trust):
    import json

    text = artefacts[0].model_text
    odd = seal(
        model_text=text[: len(text) // 2], manifest=json.loads(artefacts[0].manifest), signing_seed=SEED
    )
    with pytest.raises(UnableToLoadModel) as refusal:
        try_in_child(odd, trusted=trust)
    assert refusal.value.code == "child_failed"


def test_a_model_for_other_features_is_refused(artefacts, trust):
    import json

    manifest = json.loads(artefacts[0].manifest)
    manifest["features"] = manifest["features"][::-1]
    odd = seal(model_text=artefacts[0].model_text, manifest=manifest, signing_seed=SEED)
    with pytest.raises(UnableToLoadModel) as refusal:
        load(odd, trusted=trust)
    assert refusal.value.code == "wrong_features"


def test_it_assesses_with_the_champion_and_replays_to_the_bit(installed, sample):
    facts = people(sample)
    rows = assess(facts)
    assert [row.subject_id for row in rows] == facts.subject_ids.tolist()
    assert all(
        row.outcome == "SCORED" and row.model_id == installed[0].pk and not row.is_fallback for row in rows
    )
    assert all(1 <= len(row.reasons) <= 4 for row in rows)
    queries.forget_loaded_models()
    found = queries.replay(assessments=Assessment.objects.all())
    assert found["replayed"] == len(rows)
    assert found["differences"] == []
    assert found["largest"] == 0.0


def test_replay_finds_a_changed_probability_and_changed_reasons(installed, sample):
    rows = assess(people(sample, 10))
    with unguarded():
        Assessment.objects.filter(pk=rows[3].pk).update(pd=rows[3].pd + 1e-9)
        Assessment.objects.filter(pk=rows[5].pk).update(reasons=[])
        Assessment.objects.filter(pk=rows[6].pk).update(reasons=[{"code": "income", "share": 1.0}])
    found = queries.replay(assessments=Assessment.objects.all())
    assert str(rows[3].ref) in found["differences"]
    assert str(rows[6].ref) in found["differences"] or rows[6].reasons == [{"code": "income", "share": 1.0}]


def test_a_broken_champion_falls_back_to_the_scorecard(installed, sample):
    with unguarded():
        ModelVersion.objects.filter(pk=installed[0].pk).update(model_text=b"tree")
    queries.forget_loaded_models()
    rows = assess(people(sample, 5))
    assert all(
        row.outcome == "SCORED" and row.is_fallback and row.model_id == installed[1].pk for row in rows
    )


def test_no_model_that_can_be_trusted_means_unscored(installed, sample):
    with unguarded():
        ModelVersion.objects.update(signature=bytes(64))
    queries.forget_loaded_models()
    rows = assess(people(sample, 5))
    assert {(row.outcome, row.unscored_code, row.pd, row.model_id) for row in rows} == {
        ("UNSCORED", "no_model", None, None)
    }


def test_no_model_at_all_means_unscored(db, sample):
    rows = assess(people(sample, 3))
    assert {row.unscored_code for row in rows} == {"no_model"}


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda v: np.full_like(v, np.nan), "no_evidence"),
        (
            lambda v: np.where(np.arange(v.shape[1]) == FEATURE_AT["gambling_share_6m"], 55.0, v),
            "out_of_range",
        ),
        (
            lambda v: np.where(np.arange(v.shape[1]) == FEATURE_AT["income_mean_6m"], np.inf, v),
            "out_of_range",
        ),
        (
            lambda v: np.where(np.arange(v.shape[1]) == FEATURE_AT["days_past_due_now"], -1.0, v),
            "out_of_range",
        ),
    ],
)
def test_facts_that_do_not_suffice_are_never_scored(installed, sample, spoil, code):
    facts = people(sample, 4)
    rows = assess(replace(facts, values=np.ascontiguousarray(spoil(facts.values))))
    assert {(row.outcome, row.unscored_code) for row in rows} == {("UNSCORED", code)}


def test_stale_evidence_is_never_scored(installed, sample):
    facts = people(sample, 30)
    old = replace(facts, evidence_age_months=np.full(30, 4.0))
    rows = assess(old)
    new_customers = np.isnan(facts.column("months_on_book"))
    assert {rows[i].unscored_code for i in np.flatnonzero(new_customers)} == {"stale_evidence"}


def test_it_refuses_facts_of_other_borrowers(installed, sample):
    facts = people(sample, 3)
    with pytest.raises(operations.UnableToAssess) as refusal:
        operations.assess(subject_ids=[1, 2, 99], facts=facts, as_of=facts.as_of, purpose="APPLICATION")
    assert refusal.value.code == "facts_of_others"


def test_recourse_is_verified_and_flips_the_outcome(installed, sample):
    facts = people(sample, 400)
    rows = assess(facts)
    threshold = float(np.quantile([row.pd for row in rows], 0.7))
    model = queries.loaded_model(version=installed[0])
    offered = 0
    for row in rows:
        if row.pd <= threshold:
            continue
        changes = queries.recourse_for(assessment=row, threshold=threshold)
        if not changes:
            continue
        offered += 1
        vector = queries.facts_of(assessment=row)
        for change in changes:
            feature = FEATURES[FEATURE_AT[change.feature]]
            assert feature.actionable
            assert (change.wanted - change.current) * feature.sign < 0
            vector[FEATURE_AT[change.feature]] = change.wanted
        again = model.score(vector[None, :], np.array([row.segment], dtype=np.int8)).pd[0]
        assert again <= threshold
        assert len(changes) <= 3
    assert offered >= 20


def two_people():
    return (
        User.objects.create(email="maker@example.com"),
        User.objects.create(email="checker@example.com"),
    )


def test_a_model_moves_only_by_two_people(installed, artefacts, data, trained, trust):
    maker, checker = two_people()
    again = make_artefacts(trained, data, lgd={0: 0.5, 1: 0.5}, label_policy="90+", signing_seed=SEED)[0]
    version = operations.register_model(artefact=again, name="new", report={}, made_by=maker)
    with pytest.raises(operations.UnableToChangeModel) as refusal:
        operations.propose_state(version_id=version.pk, to_state="CHAMPION", proposed_by=maker, now=NOW)
    assert refusal.value.code == "state_not_allowed"
    for state in ("SHADOW", "CHALLENGER", "CHAMPION"):
        change = operations.propose_state(version_id=version.pk, to_state=state, proposed_by=maker, now=NOW)
        with pytest.raises(operations.UnableToChangeModel) as refusal:
            operations.decide_state(change_id=change.pk, approve=True, decided_by=maker, now=NOW)
        assert refusal.value.code == "own_item"
        operations.decide_state(change_id=change.pk, approve=True, decided_by=checker, now=NOW)
        with pytest.raises(operations.UnableToChangeModel) as refusal:
            operations.decide_state(change_id=change.pk, approve=True, decided_by=checker, now=NOW)
        assert refusal.value.code == "already_decided"
    assert queries.champion().pk == version.pk
    assert ModelVersion.objects.get(pk=installed[0].pk).state == ModelState.RETIRED
    back = operations.roll_back(proposed_by=maker, decided_by=checker, now=NOW, note="drift")
    assert back.pk == installed[0].pk
    assert queries.champion().pk == installed[0].pk


def test_the_database_itself_refuses_one_person_as_maker_and_checker(installed):
    from django.db import IntegrityError

    maker, _checker = two_people()
    with pytest.raises(IntegrityError), transaction.atomic():
        ModelStateChange.objects.create(
            version=installed[0],
            from_state="CHAMPION",
            to_state="RETIRED",
            manifest_sha256="",
            decision="APPROVED",
            proposed_by=maker,
            decided_by=maker,
            proposed_at=NOW,
            decided_at=NOW,
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        ModelVersion.objects.filter(pk=installed[1].pk).update(state="CHAMPION")


def test_first_models_are_installed_once(installed, trained, data):
    with pytest.raises(operations.UnableToChangeModel) as refusal:
        operations.install_first_models(champion=installed[0], fallback=installed[1], now=NOW)
    assert refusal.value.code == "not_first"


GUARDED = [
    (ModelVersion, {"model_text": b"tree"}),
    (ModelVersion, {"manifest": b"{}"}),
    (ModelVersion, {"signature": bytes(64)}),
    (ModelVersion, {"model_sha256": "0" * 64}),
    (ModelVersion, {"report": {"auc": 0.99}}),
    (ModelVersion, {"card_html": "<p>better</p>"}),
    (ModelVersion, None),
    (ModelStateChange, {"decision": "REFUSED"}),
    (ModelStateChange, {"note": "never happened"}),
    (ModelStateChange, None),
    (Assessment, {"score": 850}),
    (Assessment, {"facts": b""}),
    (Assessment, {"reasons": []}),
    (Assessment, None),
]


@pytest.mark.parametrize(
    ("model", "change"), GUARDED, ids=lambda v: v.__name__ if isinstance(v, type) else str(v)
)
def test_the_database_keeps_what_decided(installed, sample, model, change):
    from django.db import DatabaseError

    assess(people(sample, 2))
    rows = model.objects.filter(pk=model.objects.order_by("pk")[0].pk)
    before = rows.values().get()
    with pytest.raises(DatabaseError), transaction.atomic():
        rows.delete() if change is None else rows.update(**change)
    assert rows.values().get() == before


def test_state_and_traffic_are_all_of_a_model_that_moves(installed):
    ModelVersion.objects.filter(pk=installed[1].pk).update(state="SHADOW", traffic_percent=10)
    installed[1].refresh_from_db()
    assert (installed[1].state, installed[1].traffic_percent) == ("SHADOW", 10)


def test_a_model_on_trial_scores_what_was_scored_and_decides_nothing(installed, sample):
    facts = people(sample, 300)
    facts.evidence_age_months[::7] = np.nan
    decided = assess(facts)
    last = facts.as_of
    card = installed[1]
    report = operations.score_again(version=card, first_date=last, last_date=last, chunk=128)
    assert report.scored == len([row for row in decided if row.pd is not None])
    assert 0 < report.changed < report.scored
    again = operations.score_again(version=card, first_date=last, last_date=last)
    assert again.scored == 0
    shadow = {row.subject_id: row for row in Assessment.objects.filter(purpose="SHADOW")}
    one_by_one = {row.subject_id: row for row in assess(facts, model_version=card)}
    for row in decided:
        if row.pd is None:
            continue
        copied, alone = shadow[row.subject_id], one_by_one[row.subject_id]
        for name in (
            "pd",
            "score",
            "lgd",
            "segment",
            "registry_digest",
            "evidence_age_months",
            "outcome",
            "unscored_code",
            "is_fallback",
            "as_of",
        ):
            assert getattr(copied, name) == getattr(alone, name), name
        assert bytes(copied.facts) == bytes(alone.facts)
        moved = np.searchsorted(GRADE_EDGES, row.pd) != np.searchsorted(GRADE_EDGES, copied.pd)
        assert copied.reasons == (alone.reasons if moved else [])
    found = queries.replay(assessments=Assessment.objects.filter(purpose="SHADOW"))
    assert (found["replayed"], found["differences"]) == (report.scored, [])
    assert {row.ref.version for row in shadow.values()} == {4}
    assert len({row.ref for row in shadow.values()}) == len(shadow)
    assert queries.champion() == installed[0]
    assert queries.latest_assessment(subject_id=decided[0].subject_id, as_of=last).purpose != "SHADOW"


def test_nothing_is_scored_by_a_model_that_two_people_did_not_try(installed):
    ModelVersion.objects.filter(pk=installed[1].pk).update(state="CANDIDATE")
    installed[1].refresh_from_db()
    with pytest.raises(operations.UnableToAssess) as refusal:
        operations.score_again(version=installed[1], first_date=NOW.date(), last_date=NOW.date())
    assert refusal.value.code == "not_on_trial"

"""Stored decisions through the laboratory: nothing changes under their own policy, and all is told of another."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import Group

from accounts import operations as account_operations
from accounts.models import Proposal, User
from accounts.proposal_kinds import kind_of
from credit import operations
from credit.domain.policy import PolicyRules
from credit.domain.profit import REFERENCE
from credit.laboratory.columns import OUTCOMES
from credit.laboratory.replaying import Candidate, replay_decisions
from credit.laboratory.revisiting import replay_reevaluations
from credit.models import Decision, Experiment, LimitChange, Policy
from credit.queries import active_policy, ceiling_now, rules_of
from credit.replay import replay
from regimes.errors import Refusal
from tests.credit.factories import make_line
from tests.credit.laboratory.rows import drawn, write
from tests.factories import AS_OF, NOW, StaffFactory

pytestmark = pytest.mark.django_db
LAST = AS_OF + timedelta(days=60)


@pytest.fixture
def rules(books: None) -> PolicyRules:
    return rules_of(active_policy())


@pytest.fixture
def written(rules: PolicyRules) -> list[Decision]:
    return write(drawn(600), rules=rules, ceiling=ceiling_now())


def asked(candidate: Candidate, **values: Any) -> dict[str, Any]:
    return replay_decisions(candidate=candidate, first=AS_OF, last=LAST, **values)


@pytest.mark.parametrize("block", [600, 97])
def test_nothing_flips_under_the_policy_of_then(
    written: list[Decision], rules: PolicyRules, block: int
) -> None:
    found = asked(Candidate(rules), block=block, check=600)
    assert found["rows"] == 600
    assert found["flips"] == []
    assert found["limits"]["higher"] == found["limits"]["lower"] == 0
    assert found["sums"]["before"] == found["sums"]["after"]
    assert found["checked"] == {"rows": 600, "differ": 0}


def test_a_stricter_policy_is_told_with_who_flips_and_why(
    written: list[Decision], rules: PolicyRules
) -> None:
    strict = replace(rules, cut_offs=replace(rules.cut_offs, approve_below=Decimal("0.04")))
    found = asked(Candidate(strict), check=600)
    assert found["checked"]["differ"] == 0
    by_hand = [replay(decision=row, policy=strict) for row in Decision.objects.order_by("pk")]
    assert found["outcomes"]["after"] == {
        name: sum(str(one.outcome) == name for one in by_hand) for name in OUTCOMES
    }
    assert found["sums"]["after"]["limit"] == float(sum(one.limit for one in by_hand))
    [flip] = [flip for flip in found["flips"] if (flip["from"], flip["to"]) == ("APPROVE", "REFER")]
    assert flip["why"] == [["risk_near_cut_off", flip["count"]]]
    assert len(flip["examples"]) == min(8, flip["count"])
    example = Decision.objects.get(pk=flip["examples"][0])
    assert example.outcome == "APPROVE"
    assert Decimal("0.04") <= example.pd < Decimal("0.08")
    assert found["sums"]["after"]["loss"] < found["sums"]["before"]["loss"]
    assert sum(row[1] for row in found["months"]) == 600
    assert sum(group["count"] for group in found["fairness"]["kind"]["groups"]) == 600


def test_limits_by_profit_and_another_price_are_told_too(written: list[Decision], rules: PolicyRules) -> None:
    dearer = replace(
        rules,
        profit=REFERENCE,
        grades=tuple(
            replace(grade, annual_rate=grade.annual_rate + Decimal("0.02")) for grade in rules.grades
        ),
    )
    found = asked(Candidate(dearer), check=600)
    assert found["checked"]["differ"] == 0
    assert found["sums"]["after"]["mean_rate"] > found["sums"]["before"]["mean_rate"]
    answered = asked(Candidate(dearer, answers_prices=True))
    assert answered["sums"]["after"]["balance"] < found["sums"]["after"]["balance"], (
        "dearer loans lose customers"
    )
    assert answered["sums"]["before"] == found["sums"]["before"]


def test_only_the_period_and_only_the_engine_count(written: list[Decision], rules: PolicyRules) -> None:
    day = AS_OF + timedelta(days=2)
    assert replay_decisions(candidate=Candidate(rules), first=day, last=day)["rows"] == 50
    write(drawn(10), rules=rules, ceiling=ceiling_now(), decided_by=StaffFactory())
    assert asked(Candidate(rules))["rows"] == 600
    assert (
        replay_decisions(candidate=Candidate(rules), first=date(2020, 1, 1), last=date(2020, 1, 2))["rows"]
        == 0
    )


def test_decisions_of_two_regimes_keep_each_its_ceiling(rules: PolicyRules) -> None:
    write(drawn(100, seed=1), rules=rules, ceiling=ceiling_now())
    write(drawn(100, seed=2), rules=rules, ceiling=replace(ceiling_now(), person_limit=Decimal(5_000)))
    found = asked(Candidate(rules), check=200)
    assert found["rows"] == 200
    assert found["flips"] == []
    assert found["checked"] == {"rows": 200, "differ": 0}


def test_another_model_scores_the_stored_facts(model: None, rules: PolicyRules) -> None:
    from risk import operations as risk_operations
    from risk import queries as risk_queries
    from risk.models import ModelVersion
    from risk.synthetic.matrix import draw_sample
    from risk.synthetic.population import World

    facts = replace(draw_sample(World(size=60, seed=4)).facts, as_of=AS_OF)
    rows = risk_operations.assess(
        subject_ids=facts.subject_ids.tolist(), facts=facts, as_of=AS_OF, purpose="APPLICATION"
    )
    write(drawn(60), rules=rules, ceiling=ceiling_now(), assessments=rows)
    other = ModelVersion.objects.get(kind="SCORECARD")
    found = asked(Candidate(rules, model=other), check=60)
    assert found["checked"]["differ"] == 0
    loaded = risk_queries.loaded_model(version=other)
    known = [row for row in rows if row.pd is not None]
    chances = loaded.score(
        np.stack([risk_queries.facts_of(assessment=row) for row in known]),
        np.array([r.segment for r in known], np.int8),
    ).pd
    middle = [0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.10, 0.14, 0.20]
    counts = np.bincount(np.digitize(np.round(chances, 8), middle), minlength=11)
    assert [band[0] for band in found["bands"][:11]] == [
        pytest.approx(count, abs=60 - len(known)) for count in counts.tolist()
    ]


# ---- re-evaluations -------------------------------------------------------------------------------------------------


def look(
    line: Any, day: date, *, direction: str, old: int, new: int, pd: str, reasons: str = "x", **inputs: Any
) -> LimitChange:
    return LimitChange.objects.create(
        line=line, direction=direction, trigger="MONTHLY", old_limit=old, new_limit=new, reasons=[{"code": reasons}],
        recourse=[{"code": "x"}], period=f"{day:%Y-%m}", effective_date=day, next_review_date=day + timedelta(days=28),
        inputs={"pd": pd, "days_past_due": 0, "utilisation": "0.5", "on_time_streak": 6, **inputs},
    )  # fmt: skip


def test_looks_are_judged_again_from_what_was_stored(books: None, rules: PolicyRules) -> None:
    line = make_line(limit=10_000)
    first = AS_OF + timedelta(days=30)
    look(line, first, direction="KEEP", old=10_000, new=10_000, pd="0.005")
    frozen = look(
        line,
        first + timedelta(days=31),
        direction="FREEZE",
        old=10_000,
        new=10_000,
        pd="0.35",
        reasons="risk_freeze",
    )
    look(line, first + timedelta(days=62), direction="KEEP", old=10_000, new=10_000, pd="0.25")
    same = replay_reevaluations(candidate=Candidate(rules), first=AS_OF, last=LAST + timedelta(days=90))
    assert same["rows"] == 3
    assert same["before"]["FREEZE"] == same["after"]["FREEZE"] == 1
    looser = replace(rules, reevaluation=replace(rules.reevaluation, unfreeze_pd=Decimal("0.26")))
    found = replay_reevaluations(candidate=Candidate(looser), first=AS_OF, last=LAST + timedelta(days=90))
    assert found["flips"] == [{"from": "KEEP", "to": "UNFREEZE", "count": 1}]
    only = replay_reevaluations(
        candidate=Candidate(looser),
        first=frozen.effective_date + timedelta(days=1),
        last=LAST + timedelta(days=90),
    )
    assert only["flips"] == found["flips"], "whether a line was frozen is known from before the period"


# ---- experiments ----------------------------------------------------------------------------------------------------


def make(actor: User, **values: Any) -> Experiment:
    document = dict(Policy.objects.get(state="ACTIVE").document)
    document["cut_offs"] = {"approve_below": "0.05", "refer_below": "0.14"}
    return operations.make_experiment(
        **{
            "name": "Stricter", "note": "", "first_date": AS_OF, "last_date": LAST, "document": document, "model": None,
            "answers_prices": False, "actor": actor, "now": NOW, **values,
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"name": " "}, "required"),
        ({"last_date": AS_OF - timedelta(days=1)}, "period_invalid"),
        ({"first_date": date(2010, 1, 1)}, "period_invalid"),
        ({"document": {}}, "policy_field_missing"),
    ],
)
def test_it_refuses_an_experiment_that_cannot_be_run(books: None, values: dict, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        make(StaffFactory(), **values)
    assert refused.value.code == code
    assert not Experiment.objects.exists()


def analyst() -> User:
    user = StaffFactory()
    user.groups.add(Group.objects.get(name="Risk analyst"))
    return user


def submit(experiment: Experiment, actor: User) -> Policy:
    return operations.submit_experiment(experiment_id=experiment.pk, actor=actor, as_of=AS_OF, now=NOW)


def test_an_experiment_is_run_once_shared_and_submitted_and_another_person_activates(
    written: list[Decision],
) -> None:
    maker, checker = analyst(), analyst()
    experiment = make(maker)
    with pytest.raises(Refusal, match="Run the experiment"):
        submit(experiment, maker)
    done = operations.run_experiment(experiment_id=experiment.pk, now=NOW)
    assert done is not None
    assert done.status == "DONE", done.problem
    assert done.result["rows"] == 600
    assert operations.run_experiment(experiment_id=experiment.pk, now=NOW) is None
    with pytest.raises(Refusal) as refused:
        operations.share_experiment(experiment_id=experiment.pk, actor=checker, is_shared=True)
    assert refused.value.code == "not_yours"
    with pytest.raises(Refusal) as refused:
        submit(experiment, StaffFactory())
    assert refused.value.http_status == 403
    assert Policy.objects.count() == 1, "nothing is drafted by who may not propose"
    policy = submit(experiment, maker)
    experiment.refresh_from_db()
    assert experiment.is_shared, "the second person must see what it rests on"
    with pytest.raises(Refusal) as refused:
        submit(experiment, maker)
    assert refused.value.code == "already_submitted"
    proposal = Proposal.objects.get(kind="policy_activation")
    seen = account_operations.seen_digest(
        payload_sha256=proposal.payload_sha256,
        changes=kind_of(proposal.kind).diff(json.loads(proposal.payload), AS_OF),
    )
    for person, code in ((maker, "own_proposal"), (checker, "")):
        try:
            account_operations.approve(
                proposal_id=proposal.pk, seen=seen, checker=person, as_of=AS_OF, now=NOW
            )
        except Refusal as refusal:
            assert refusal.code == code  # noqa: PT017  the second of the two passes
    policy.refresh_from_db()
    assert policy.state == "ACTIVE"
    assert policy.document["cut_offs"]["approve_below"] == "0.05"


def test_it_refuses_to_submit_what_is_in_force(written: list[Decision]) -> None:
    maker = analyst()
    experiment = make(maker, document=Policy.objects.get(state="ACTIVE").document)
    operations.run_experiment(experiment_id=experiment.pk, now=NOW)
    with pytest.raises(Refusal) as refused:
        submit(experiment, maker)
    assert refused.value.code == "nothing_changes"


def test_a_sweep_runs_what_waits_and_what_a_killed_worker_left(written: list[Decision]) -> None:
    waiting, left, running = (make(StaffFactory()) for _ in range(3))
    Experiment.objects.filter(pk=left.pk).update(status="RUNNING", started_at=NOW - timedelta(hours=1))
    Experiment.objects.filter(pk=running.pk).update(status="RUNNING", started_at=NOW)
    assert operations.run_waiting_experiments(now=NOW) == 2
    assert list(Experiment.objects.order_by("pk").values_list("status", flat=True)) == [
        "DONE",
        "DONE",
        "RUNNING",
    ]
    assert waiting.pk < running.pk


def test_a_run_that_breaks_says_so(written: list[Decision]) -> None:
    experiment = make(StaffFactory())
    Experiment.objects.filter(pk=experiment.pk).update(document={"schema": 1})
    failed = operations.run_experiment(experiment_id=experiment.pk, now=NOW)
    assert failed is not None
    assert failed.status == "FAILED"
    assert "UnableToReadPolicy" in failed.problem

"""Trials of a policy: two people, a sticky side, a rule whose power is known before it starts."""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from credit import operations
from credit.laboratory.stopping import Plan, judge, plan_from, plan_trial
from credit.models import Policy, PolicyTrial
from credit.operations.trials import is_challenged
from credit.queries import active_policy
from regimes.errors import Refusal
from tests.factories import AS_OF, NOW, BorrowerFactory, StaffFactory

# ---- the rule -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("difference", "share"), [(0.01, 0.1), (0.02, 0.5)])
def test_a_plan_keeps_its_power_and_its_false_alarms(difference: float, share: float) -> None:
    plan = plan_trial(base_rate=0.05, difference=difference, share=share)
    assert 0.79 < plan.power < 0.83
    assert 0.045 < plan.false_alarms < 0.055
    rng, found = np.random.default_rng(4), {"null": 0, "worse": 0}
    for name, rate in (("null", 0.05), ("worse", 0.05 + difference)):
        for _ in range(400):
            found[name] += run(plan, rng, rate) != "NO_DIFFERENCE"
    assert abs(found["null"] / 400 - plan.false_alarms) < 0.035, "real counts behave as the plan says"
    assert abs(found["worse"] / 400 - plan.power) < 0.065


def run(plan: Plan, rng: np.random.Generator, rate: float) -> str:
    """Let lines mature look by look until the rule speaks."""
    sizes = [(math.ceil(n * (1 - plan.share)), math.ceil(n * plan.share)) for n in plan.matured]
    bad = np.zeros(2, dtype=int)
    before = (0, 0)
    for size in sizes:
        bad += [rng.binomial(size[0] - before[0], plan.base_rate), rng.binomial(size[1] - before[1], rate)]
        before = size
        verdict, _looks, _z = judge(plan, bad=(int(bad[0]), int(bad[1])), matured=size)
        if verdict:
            return verdict
    raise AssertionError("the last look always speaks")


def test_nothing_is_judged_before_the_first_look_and_the_first_bound_is_hard() -> None:
    plan = plan_from(plan_trial(base_rate=0.05, difference=0.02, share=0.5).as_dict())
    assert judge(plan, bad=(0, 50), matured=(100, 100)) == ("", 0, 0.0)
    half = plan.matured[0] // 2 + 1
    assert judge(plan, bad=(int(half * 0.05), int(half * 0.08)), matured=(half, half))[:2] == ("", 1)
    assert judge(plan, bad=(int(half * 0.05), int(half * 0.2)), matured=(half, half))[0] == "WORSE"
    assert judge(plan, bad=(int(half * 0.2), int(half * 0.05)), matured=(half, half))[0] == "BETTER"
    assert list(plan.bounds) == sorted(plan.bounds, reverse=True)


# ---- the trial ------------------------------------------------------------------------------------------------------


@pytest.fixture
def challenger(books: None) -> Policy:
    document = {**active_policy().document, "cut_offs": {"approve_below": "0.05", "refer_below": "0.14"}}
    return operations.draft_policy(document=document, note="stricter", actor=StaffFactory())


def shadow(policy: Policy, actor: Any, **values: Any) -> PolicyTrial:
    return operations.start_shadow(
        **{
            "policy_id": policy.pk, "share_percent": 30, "base_rate": Decimal("0.05"), "difference": Decimal("0.02"),
            "actor": actor, "as_of": AS_OF, "now": NOW, **values,
        }
    )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values",
    [{"share_percent": 0}, {"share_percent": 51}, {"difference": Decimal(0)}, {"base_rate": Decimal(1)}],
    ids=str,
)
def test_it_refuses_a_plan_that_finds_nothing(challenger: Policy, values: dict) -> None:
    with pytest.raises(Refusal):
        shadow(challenger, StaffFactory(), **values)
    assert not PolicyTrial.objects.exists()


@pytest.mark.django_db
def test_a_shadow_decides_nothing_and_another_person_lets_it_decide_for_its_share(challenger: Policy) -> None:
    maker, checker = StaffFactory(), StaffFactory()
    trial = shadow(challenger, maker)
    challenger.refresh_from_db()
    assert challenger.state == "PROPOSED", "what is on trial cannot be changed any more"
    people = BorrowerFactory.create_batch(200)
    assert {operations.policy_for(borrower=person).pk for person in people} == {active_policy().pk}
    with pytest.raises(Refusal) as refused:
        operations.go_live(trial_id=trial.pk, actor=maker, as_of=AS_OF)
    assert refused.value.code == "own_item"
    operations.go_live(trial_id=trial.pk, actor=checker, as_of=AS_OF)
    sides = [operations.policy_for(borrower=person).pk == challenger.pk for person in people]
    assert 35 < sum(sides) < 85, "about three in ten"
    assert sides == [operations.policy_for(borrower=person).pk == challenger.pk for person in people], (
        "and sticky"
    )
    trial.refresh_from_db()
    assert sides == [is_challenged(trial=trial, borrower=person) for person in people]
    for act in (operations.go_live, shadow):
        with pytest.raises(Refusal):
            act(challenger, checker) if act is shadow else act(trial_id=trial.pk, actor=checker, as_of=AS_OF)
    operations.stop_trial(trial_id=trial.pk, actor=maker, as_of=AS_OF)
    assert {operations.policy_for(borrower=person).pk for person in people} == {active_policy().pk}


@pytest.mark.django_db
def test_a_new_policy_in_force_ends_the_trial_held_against_the_old_one(challenger: Policy) -> None:
    trial = shadow(challenger, StaffFactory())
    operations.go_live(trial_id=trial.pk, actor=StaffFactory(), as_of=AS_OF)
    assert operations.stop_decided_trials(as_of=AS_OF) == 0
    operations.activate_policy(policy_id=challenger.pk, actor=StaffFactory(), now=NOW)
    assert operations.stop_decided_trials(as_of=AS_OF + timedelta(days=1)) == 1
    trial.refresh_from_db()
    assert (trial.stage, trial.verdict) == ("OVER", "STOPPED")

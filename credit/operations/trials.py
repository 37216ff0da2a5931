"""A policy on trial beside the one in force: in the shadow, then deciding for its share of borrowers, then over.

Shadow decides nothing: the laboratory decides the same applications again. Live, a borrower's side is drawn once from the
references of trial and borrower, and never changes. The stopping rule is fixed, with its power, before the first decision.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from accounts.models import Borrower, User
from accounts.operations import write_audit
from credit.domain.policy import read_policy
from credit.laboratory.stopping import judge, plan_from, plan_trial
from credit.models import Policy, PolicyTrial
from credit.operations.policies import propose_policy
from credit.queries import active_policy, ceiling_now
from regimes.errors import N_, InvalidInput, NotFound, Refusal

BAD_DAYS, MATURES = 30, timedelta(days=120)
"""A line is bad that was 30 days late within 120 days of its decision: soon known, and on the way to every loss."""
Stage, Verdict = PolicyTrial.Stage, PolicyTrial.Verdict


class UnableToTry(Refusal):
    """Refuse a step that the trial's stage does not allow."""


class UnableToPlan(InvalidInput):
    """Refuse a plan that could find nothing."""


@dataclass(frozen=True, slots=True)
class TrialReport:
    """Hold both sides of a live trial: the policy in force, then the challenger."""

    decided: tuple[int, int]
    approved: tuple[int, int]
    matured: tuple[int, int]
    bad: tuple[int, int]
    verdict: str
    looks: int
    z: float


def start_shadow(
    *,
    policy_id: int,
    share_percent: int,
    base_rate: Decimal,
    difference: Decimal,
    actor: User,
    as_of: date,
    now: datetime,
) -> PolicyTrial:
    """Begin a trial in the shadow with its stopping rule: the rate of bad lines, and the difference to be found."""
    if not 1 <= share_percent <= 50:
        raise UnableToPlan("share_invalid", N_("The share is 1 to 50 per cent."), field="share_percent")
    if not (0 < base_rate < 1 and Decimal("0.001") <= difference < 1 - base_rate):
        raise UnableToPlan(
            "difference_invalid",
            N_("The rate and the difference are parts of one, the difference at least 0.001."),
            field="difference",
        )
    with transaction.atomic():
        policy = Policy.objects.select_for_update(of=("self",)).filter(pk=policy_id).first()
        if policy is None:
            raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
        if policy.state not in (Policy.State.DRAFT, Policy.State.PROPOSED):
            raise UnableToTry("policy_state", N_("Only a policy that is not in force can be tried."))
        if PolicyTrial.objects.filter(policy=policy).exclude(stage=Stage.OVER).exists():
            raise UnableToTry("trial_open", N_("This policy is on trial already."))
        read_policy(policy.document, ceiling=ceiling_now())
        if policy.state == Policy.State.DRAFT:  # a draft could still be changed; what is proposed cannot
            propose_policy(policy_id=policy.pk, actor=actor, now=now)
        plan = plan_trial(base_rate=float(base_rate), difference=float(difference), share=share_percent / 100)
        trial = PolicyTrial(
            policy=policy,
            against=active_policy(),
            share_percent=share_percent,
            plan=plan.as_dict(),
            started_date=as_of,
            proposed_by=actor,
        )
        trial.save(force_insert=True)
        _audit(trial, actor, "trial.shadow")
    return trial


def go_live(*, trial_id: int, actor: User, as_of: date) -> PolicyTrial:
    """Let a challenger decide for its share; whoever began the trial cannot. One trial is live at a time."""
    with transaction.atomic():
        trial = _lock(trial_id)
        if trial.stage != Stage.SHADOW:
            raise UnableToTry("trial_stage", N_("This is not possible at the trial's present stage."))
        if trial.proposed_by_id == actor.pk:
            raise UnableToTry("own_item", N_("Another person must let your trial decide."))
        if trial.against_id != active_policy().pk:
            raise UnableToTry(
                "policy_changed", N_("Another policy came into force meanwhile. Begin the trial anew.")
            )
        if PolicyTrial.objects.filter(stage=Stage.LIVE).exists():
            raise UnableToTry("trial_live", N_("Another trial decides already. Wait for its end."))
        read_policy(trial.policy.document, ceiling=ceiling_now())
        trial.stage, trial.live_date, trial.approved_by = Stage.LIVE, as_of, actor
        trial.save(update_fields=["stage", "live_date", "approved_by"])
        _audit(trial, actor, "trial.live")
    return trial


def stop_trial(
    *, trial_id: int, actor: User | None, as_of: date, verdict: str = Verdict.STOPPED
) -> PolicyTrial:
    """End a trial at once; the policy in force decides for everybody again."""
    with transaction.atomic():
        trial = _lock(trial_id)
        if trial.stage == Stage.OVER:
            raise UnableToTry("trial_stage", N_("This is not possible at the trial's present stage."))
        trial.stage, trial.over_date, trial.verdict = Stage.OVER, as_of, verdict
        trial.save(update_fields=["stage", "over_date", "verdict"])
        _audit(trial, actor, "trial.over")
    return trial


def stop_decided_trials(*, as_of: date) -> int:
    """End the live trial when its rule says so, or when the policy it is held against left force; tell how many."""
    ended = 0
    for trial in PolicyTrial.objects.filter(stage=Stage.LIVE):
        found = trial_report(trial=trial, as_of=as_of)
        if found.verdict:
            stop_trial(trial_id=trial.pk, actor=None, as_of=as_of, verdict=found.verdict)
            ended += 1
        elif trial.against_id != active_policy().pk:
            stop_trial(trial_id=trial.pk, actor=None, as_of=as_of)
            ended += 1
    return ended


_IN_FORCE = """
SELECT p.id, p.document_sha256, p.state, t.id, t.ref, t.share_percent, t.against_id
  FROM credit_policy p LEFT JOIN credit_policytrial t ON t.policy_id = p.id AND t.stage = 'LIVE'
 WHERE p.state = 'ACTIVE' OR t.id IS NOT NULL"""


def policy_for(*, borrower: Borrower) -> Policy:
    """Give the policy that decides a borrower's application: the one in force, or the live challenger.

    Its document is read when it is asked for, and `rules_of` seldom asks: one narrow statement.
    """
    with connection.cursor() as cursor:
        cursor.execute(_IN_FORCE)
        rows = cursor.fetchall()
    current, challenger = None, None
    for *columns, trial_id, ref, share, against in rows:
        policy = Policy.from_db(None, ["id", "document_sha256", "state"], columns)
        if policy.state == Policy.State.ACTIVE:
            current = policy
        if trial_id is not None:
            challenger = policy, PolicyTrial(pk=trial_id, ref=ref, share_percent=share, against_id=against)
    if current is None:
        return active_policy()  # refuses, with the way on
    if challenger is None or challenger[1].against_id != current.pk:
        return current
    return challenger[0] if is_challenged(trial=challenger[1], borrower=borrower) else current


def is_challenged(*, trial: PolicyTrial, borrower: Borrower) -> bool:
    """Draw a borrower's side from both references: the same for as long as the trial lasts."""
    digest = hashlib.sha256(trial.ref.bytes + borrower.ref.bytes).digest()
    return int.from_bytes(digest[:8]) % 10_000 < trial.share_percent * 100


_SIDES = """
SELECT (d.policy_id = %(policy)s)::int, count(*), count(*) FILTER (WHERE d."limit" > 0),
       count(*) FILTER (WHERE d."limit" > 0 AND d.decided_date <= %(matured)s AND o.drawn),
       count(*) FILTER (WHERE d."limit" > 0 AND d.decided_date <= %(matured)s AND o.worst >= %(bad)s)
  FROM credit_decision d
  LEFT JOIN LATERAL (SELECT count(*) > 0 AS drawn, max(n.worst_days_past_due) AS worst
                       FROM credit_creditline l JOIN credit_drawdown w ON w.line_id = l.id JOIN loans_loan n ON n.id = w.loan_id
                      WHERE l.application_id = d.application_id AND n.status <> 'CANCELLED') o ON true
 WHERE d.policy_id IN (%(policy)s, %(against)s) AND d.decided_date >= %(since)s AND d.decided_by_id IS NULL
 GROUP BY 1"""


def trial_report(*, trial: PolicyTrial, as_of: date) -> TrialReport:
    """Count both sides of a live trial, and judge them by its rule."""
    values: dict[str, Any] = {
        "policy": trial.policy_id, "against": trial.against_id, "matured": as_of - MATURES, "bad": BAD_DAYS,
        "since": trial.live_date or as_of,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_SIDES, values)
        rows = {row[0]: row[1:] for row in cursor.fetchall()}
    sides = [rows.get(side, (0, 0, 0, 0)) for side in (0, 1)]
    decided, approved, matured, bad = ((sides[0][k], sides[1][k]) for k in range(4))
    verdict, looks, z = judge(plan_from(trial.plan), bad=bad, matured=matured)
    return TrialReport(decided, approved, matured, bad, verdict, looks, z)


def _lock(trial_id: int) -> PolicyTrial:
    found = (
        PolicyTrial.objects.select_for_update(of=("self",))
        .select_related("policy", "against")
        .filter(pk=trial_id)
        .first()
    )
    if found is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    return found


def _audit(trial: PolicyTrial, actor: User | None, action: str) -> None:
    write_audit(
        actor=actor,
        action=action,
        object_type="credit.PolicyTrial",
        object_ref=str(trial.ref),
        after={
            "policy": trial.policy.version,
            "against": trial.against.version,
            "stage": str(trial.stage),
            "share": trial.share_percent,
            "verdict": str(trial.verdict),
        },
    )

"""Experiments: asked, run, shared, submitted for activation by another person."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.operations import propose, write_audit
from credit.domain.policy import read_policy
from credit.laboratory.replaying import Candidate, replay_decisions
from credit.laboratory.revisiting import replay_reevaluations
from credit.models import Experiment, Policy
from credit.operations.policies import digest_of, draft_policy
from credit.queries import active_policy, ceiling_now
from regimes.errors import N_, InvalidInput, NotFound, Refusal
from risk.models import ModelVersion

log = logging.getLogger(__name__)
LONGEST = timedelta(days=5 * 366)
LOST_AFTER = timedelta(minutes=30)
"""A run that did not end by then was killed: it may be run again."""
Status = Experiment.Status


class UnableToExperiment(InvalidInput):
    """Refuse an experiment that cannot be run, naming the field."""


class UnableToChangeExperiment(Refusal):
    """Refuse a step that the experiment's state does not allow."""


def make_experiment(
    *,
    name: str,
    note: str,
    first_date: date,
    last_date: date,
    document: Mapping[str, Any],
    model: ModelVersion | None,
    answers_prices: bool,
    actor: User,
    now: datetime,
) -> Experiment:
    """Write down a question; it is run by `run_experiment`. The document is read against schema and regime first."""
    if not name.strip():
        raise UnableToExperiment("required", N_("Give the experiment a name."), field="name")
    if last_date < first_date:
        raise UnableToExperiment(
            "period_invalid", N_("The last day lies before the first."), field="last_date"
        )
    if last_date - first_date > LONGEST:
        raise UnableToExperiment("period_invalid", N_("Choose at most five years."), field="first_date")
    read_policy(document, ceiling=ceiling_now())
    with transaction.atomic():
        experiment = Experiment(
            name=name.strip()[:80],
            note=note.strip(),
            first_date=first_date,
            last_date=last_date,
            base=active_policy(),
            document=dict(document),
            model=model,
            answers_prices=answers_prices,
            made_by=actor,
            made_at=now,
        )
        experiment.save(force_insert=True)
        _audit(experiment, actor, "experiment.make")
    return experiment


def run_experiment(*, experiment_id: int, now: datetime) -> Experiment | None:
    """Run a waiting experiment, once; None if somebody else does. It writes nothing but its result."""
    free = Experiment.objects.filter(pk=experiment_id, status=Status.WAITING)
    lost = Experiment.objects.filter(pk=experiment_id, status=Status.RUNNING, started_at__lt=now - LOST_AFTER)
    if not (free | lost).update(status=Status.RUNNING, started_at=now):
        return None
    experiment = Experiment.objects.select_related("model").get(pk=experiment_id)
    try:
        candidate = Candidate(
            policy=read_policy(experiment.document, ceiling=ceiling_now()),
            model=experiment.model,
            answers_prices=experiment.answers_prices,
        )
        first, last = experiment.first_date, experiment.last_date
        result = replay_decisions(candidate=candidate, first=first, last=last)
        result["reevaluations"] = replay_reevaluations(candidate=candidate, first=first, last=last)
    except Exception as error:  # a run that breaks must not break the sweep, and must say so
        log.exception("experiment.failed")
        experiment.status, experiment.problem = Status.FAILED, f"{type(error).__name__}: {error}"[:500]
    else:
        experiment.status, experiment.result = Status.DONE, result
    experiment.finished_at = now
    experiment.save(update_fields=["status", "problem", "result", "finished_at"])
    return experiment


def run_waiting_experiments(*, now: datetime, most: int = 3) -> int:
    """Run what waits, and what a killed worker left; tell how many."""
    waiting = Experiment.objects.filter(status=Status.WAITING)
    left = Experiment.objects.filter(status=Status.RUNNING, started_at__lt=now - LOST_AFTER)
    ids = list((waiting | left).order_by("pk").values_list("pk", flat=True)[:most])
    return sum(run_experiment(experiment_id=pk, now=now) is not None for pk in ids)


def share_experiment(*, experiment_id: int, actor: User, is_shared: bool) -> Experiment:
    """Show an experiment to colleagues, or keep it to oneself again; its maker alone may."""
    with transaction.atomic():
        experiment = _lock(experiment_id)
        if experiment.made_by_id != actor.pk:
            raise UnableToChangeExperiment("not_yours", N_("Only who made this experiment can share it."))
        experiment.is_shared = is_shared
        experiment.save(update_fields=["is_shared"])
        _audit(experiment, actor, "experiment.share" if is_shared else "experiment.unshare")
    return experiment


def submit_experiment(*, experiment_id: int, actor: User, as_of: date, now: datetime) -> Policy:
    """Draft an experiment's document as the next policy and propose to put it in force; another person must approve."""
    with transaction.atomic():
        experiment = _lock(experiment_id)
        if experiment.status != Status.DONE:
            raise UnableToChangeExperiment(
                "experiment_not_done", N_("Run the experiment before you submit it.")
            )
        if experiment.submitted_id is not None:
            raise UnableToChangeExperiment("already_submitted", N_("This experiment was submitted already."))
        if digest_of(experiment.document) == active_policy().document_sha256:
            raise UnableToChangeExperiment("nothing_changes", N_("This policy is in force already."))
        policy = draft_policy(document=experiment.document, note=experiment.name, actor=actor)
        propose(
            kind="policy_activation",
            payload={"version": policy.version},
            maker=actor,
            reason=experiment.note or experiment.name,
            as_of=as_of,
            now=now,
        )
        experiment.submitted, experiment.is_shared = policy, True  # the second person must see it
        experiment.save(update_fields=["submitted", "is_shared"])
        _audit(experiment, actor, "experiment.submit")
    return policy


def _lock(experiment_id: int) -> Experiment:
    found = Experiment.objects.select_for_update(of=("self",)).filter(pk=experiment_id).first()
    if found is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    return found


def _audit(experiment: Experiment, actor: User, action: str) -> None:
    write_audit(
        actor=actor,
        action=action,
        object_type="credit.Experiment",
        object_ref=str(experiment.ref),
        after={"sha256": digest_of(experiment.document), "status": str(experiment.status)},
    )

"""The act of this room that needs two people: moving a model to another state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from accounts import proposal_kinds
from accounts.proposal_kinds import Act, Change, ProposalKind, Subject, read_fields
from regimes.errors import N_, InvalidInput, NotFound
from risk.models.registry import ChangeDecision, ModelState, ModelVersion
from risk.operations.errors import UnableToChangeModel
from risk.operations.registry import ALLOWED, check_traffic, decide_state, propose_state


def _version(payload: Mapping[str, Any]) -> ModelVersion:
    rows = ModelVersion.objects.defer("model_text", "card_html")
    found = rows.filter(manifest_sha256=payload["manifest_sha256"]).first()
    if found is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."), field="manifest_sha256")
    return found


def _read(payload: Mapping[str, Any]) -> dict[str, Any]:
    found = read_fields(payload, required=("manifest_sha256", "to_state"))
    if found["to_state"] not in ModelState.values:
        raise InvalidInput("choice_invalid", N_("Choose one from the list."), field="to_state")
    return {"manifest_sha256": _version(found).manifest_sha256, "to_state": str(found["to_state"])}


def _subject(payload: Mapping[str, Any]) -> Subject:
    version = _version(payload)
    return Subject("risk.ModelVersion", version.manifest_sha256, version.name)


def _check(payload: Mapping[str, Any], act: Act) -> None:
    version = _version(payload)
    if payload["to_state"] not in ALLOWED[version.state]:
        raise UnableToChangeModel(
            "state_not_allowed",
            N_("A model cannot go from %(from)s to %(to)s."),
            params={"from": version.state, "to": payload["to_state"]},
        )
    if version.changes.filter(decision=ChangeDecision.PENDING).exists():
        raise UnableToChangeModel(
            "change_pending", N_("A change of this model waits for a decision already.")
        )


def _diff(payload: Mapping[str, Any], as_of: date) -> Sequence[Change]:
    version = _version(payload)
    changes = [Change(N_("State of the model"), version.state, payload["to_state"])]
    if payload["to_state"] == ModelState.CHAMPION:
        current = ModelVersion.objects.filter(state=ModelState.CHAMPION).only("name").first()
        changes.append(Change(N_("The model that decides"), current.name if current else "", version.name))
    return changes


def _execute(payload: Mapping[str, Any], act: Act) -> None:
    change = propose_state(
        version_id=_version(payload).pk,
        to_state=payload["to_state"],
        proposed_by=act.maker,
        now=act.now,
        note=act.reason,
    )
    decide_state(change_id=change.pk, approve=True, decided_by=act.actor, now=act.now)


MODEL = ProposalKind(
    name="model_activation",
    title=N_("Move a model to another state"),
    read=_read,
    subject=_subject,
    check=_check,
    diff=_diff,
    execute=_execute,
)


def _read_traffic(payload: Mapping[str, Any]) -> dict[str, Any]:
    found = read_fields(payload, required=("manifest_sha256", "traffic_percent"))
    try:
        percent = int(str(found["traffic_percent"]))
    except ValueError:
        raise InvalidInput("number_invalid", N_("Enter a whole number."), field="traffic_percent") from None
    check_traffic(ModelState.CHALLENGER, percent)
    return {"manifest_sha256": _version(found).manifest_sha256, "traffic_percent": percent}


def _check_traffic(payload: Mapping[str, Any], act: Act) -> None:
    version = _version(payload)
    if version.state not in (ModelState.SHADOW, ModelState.CHALLENGER):
        raise UnableToChangeModel(
            "state_not_allowed",
            N_("A model cannot go from %(from)s to %(to)s."),
            params={"from": version.state, "to": ModelState.CHALLENGER},
        )
    if version.changes.filter(decision=ChangeDecision.PENDING).exists():
        raise UnableToChangeModel(
            "change_pending", N_("A change of this model waits for a decision already.")
        )


def _diff_traffic(payload: Mapping[str, Any], as_of: date) -> Sequence[Change]:
    version = _version(payload)
    changes = [
        Change(N_("State of the model"), str(version.state), str(ModelState.CHALLENGER)),
        Change(
            N_("Borrowers that it decides for"),
            f"{version.traffic_percent} %",
            f"{payload['traffic_percent']} %",
        ),
    ]
    return [change for change in changes if change.before != change.after]


def _execute_traffic(payload: Mapping[str, Any], act: Act) -> None:
    change = propose_state(
        version_id=_version(payload).pk,
        to_state=ModelState.CHALLENGER,
        proposed_by=act.maker,
        now=act.now,
        note=act.reason,
        traffic_percent=payload["traffic_percent"],
    )
    decide_state(change_id=change.pk, approve=True, decided_by=act.actor, now=act.now)


TRAFFIC = ProposalKind(
    name="model_traffic",
    title=N_("Let a challenger decide for a share of borrowers"),
    read=_read_traffic,
    subject=_subject,
    check=_check_traffic,
    diff=_diff_traffic,
    execute=_execute_traffic,
)


def register() -> None:
    """Offer the acts of this room."""
    proposal_kinds.register(MODEL)
    proposal_kinds.register(TRAFFIC)

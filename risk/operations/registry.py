"""The registry's changes: a model comes in as a candidate and moves only by two people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import User
from regimes.errors import N_
from risk.engine import Artefact, load, try_in_child
from risk.engine.keys import trusted_keys
from risk.models.registry import ChangeDecision, ModelState, ModelStateChange, ModelVersion
from risk.operations.errors import UnableToChangeModel

MOST_TRAFFIC = 50
ALLOWED: dict[str, tuple[str, ...]] = {
    ModelState.CANDIDATE: (ModelState.SHADOW, ModelState.REJECTED),
    ModelState.SHADOW: (ModelState.CHALLENGER, ModelState.REJECTED),
    ModelState.CHALLENGER: (ModelState.CHAMPION, ModelState.SHADOW, ModelState.RETIRED),
    ModelState.CHAMPION: (),
    ModelState.RETIRED: (ModelState.CHALLENGER, ModelState.CHAMPION),
    ModelState.REJECTED: (),
}


def register_model(
    *, artefact: Artefact, name: str, report: dict[str, Any], card_html: str = "", made_by: User | None = None
) -> ModelVersion:
    """Take a model in as a candidate, after it loaded in a child process and here."""
    trusted = trusted_keys()
    try_in_child(artefact, trusted=trusted)
    loaded = load(artefact, trusted=trusted)
    if ModelVersion.objects.filter(manifest_sha256=artefact.manifest_sha256).exists():
        raise UnableToChangeModel("already_registered", N_("This model is registered already."))
    return ModelVersion.objects.create(
        name=name,
        kind=loaded.kind,
        model_text=artefact.model_text,
        manifest=artefact.manifest,
        signature=artefact.signature,
        model_sha256=artefact.model_sha256,
        manifest_sha256=artefact.manifest_sha256,
        registry_digest=loaded.manifest["registry_digest"],
        report=report,
        card_html=card_html,
        made_by=made_by,
    )


def propose_state(
    *,
    version_id: int,
    to_state: str,
    proposed_by: User,
    now: datetime,
    note: str = "",
    traffic_percent: int | None = None,
) -> ModelStateChange:
    """Propose a change of state; another person decides it.

    `traffic_percent` is the share of borrowers, 0 to 50, whom a challenger is to decide for; a challenger's share changes
    by proposing CHALLENGER again with another one.
    """
    check_traffic(to_state, traffic_percent)
    with transaction.atomic():
        version = ModelVersion.objects.select_for_update(of=("self",)).get(pk=version_id)
        stays = version.state == to_state == ModelState.CHALLENGER and traffic_percent is not None
        if to_state not in ALLOWED[version.state] and not stays:
            raise UnableToChangeModel(
                "state_not_allowed",
                N_("A model cannot go from %(from)s to %(to)s."),
                params={"from": version.state, "to": to_state},
            )
        if version.changes.filter(decision=ChangeDecision.PENDING).exists():
            raise UnableToChangeModel(
                "change_pending", N_("A change of this model waits for a decision already.")
            )
        return ModelStateChange.objects.create(
            version=version,
            from_state=version.state,
            to_state=to_state,
            manifest_sha256=version.manifest_sha256,
            proposed_by=proposed_by,
            proposed_at=now,
            note=note,
            traffic_percent=traffic_percent,
        )


def check_traffic(to_state: str, percent: int | None) -> None:
    """Refuse a share that is none, or one for a model that is no challenger."""
    if percent is None:
        return
    if to_state != ModelState.CHALLENGER:
        raise UnableToChangeModel(
            "traffic_for_challengers", N_("Only a challenger decides for a share of borrowers.")
        )
    if not 0 <= percent <= MOST_TRAFFIC:
        raise UnableToChangeModel(
            "traffic_out_of_range",
            N_("A challenger decides for 0 to %(most)s percent of borrowers."),
            params={"most": MOST_TRAFFIC},
        )


def decide_state(*, change_id: int, approve: bool, decided_by: User, now: datetime) -> ModelStateChange:
    """Approve or refuse a proposed change; never one's own, and only while the model is as proposed."""
    with transaction.atomic():
        change = ModelStateChange.objects.select_for_update(of=("self",)).get(pk=change_id)
        version = ModelVersion.objects.select_for_update(of=("self",)).get(pk=change.version_id)
        if change.decision != ChangeDecision.PENDING:
            raise UnableToChangeModel("already_decided", N_("This change was decided already."))
        if change.proposed_by_id == decided_by.pk:
            raise UnableToChangeModel("own_item", N_("Somebody else must decide what you proposed."))
        if approve and (
            version.state != change.from_state or version.manifest_sha256 != change.manifest_sha256
        ):
            raise UnableToChangeModel("changed_since", N_("The model changed after this was proposed."))
        change.decision = ChangeDecision.APPROVED if approve else ChangeDecision.REFUSED
        change.decided_by, change.decided_at = decided_by, now
        change.save(update_fields=["decision", "decided_by", "decided_at"])
        if approve:
            _move(version, change.to_state, change.traffic_percent or 0)
        return change


def _move(version: ModelVersion, to_state: str, traffic_percent: int = 0) -> None:
    """Change the state and the share of borrowers; what may score must load, and a new champion retires the old one."""
    if to_state in {ModelState.CHAMPION, ModelState.CHALLENGER, ModelState.SHADOW}:
        artefact = artefact_of(version)
        try_in_child(artefact, trusted=trusted_keys())
        load(artefact, trusted=trusted_keys())
    if to_state == ModelState.CHAMPION:
        ModelVersion.objects.filter(state=ModelState.CHAMPION).update(
            state=ModelState.RETIRED, traffic_percent=0
        )
    version.state, version.traffic_percent = to_state, traffic_percent
    version.save(update_fields=["state", "traffic_percent"])


def artefact_of(version: ModelVersion) -> Artefact:
    """Give the exact bytes of a version."""
    return Artefact(bytes(version.model_text), bytes(version.manifest), bytes(version.signature))


def install_first_models(*, champion: ModelVersion, fallback: ModelVersion, now: datetime) -> None:
    """Put the first models of an installation to work; refused once any model ever was champion.

    A fresh installation has no second person yet. The rows say that this was the installation.
    """
    with transaction.atomic():
        if ModelStateChange.objects.filter(
            to_state=ModelState.CHAMPION, decision=ChangeDecision.APPROVED
        ).exists():
            raise UnableToChangeModel(
                "not_first", N_("There was a champion before: a new one takes two people.")
            )
        for version, state in ((champion, ModelState.CHAMPION), (fallback, ModelState.CHALLENGER)):
            ModelStateChange.objects.create(
                version=version,
                from_state=version.state,
                to_state=state,
                manifest_sha256=version.manifest_sha256,
                decision=ChangeDecision.APPROVED,
                is_installation=True,
                note="first models of this installation",
                proposed_at=now,
                decided_at=now,
            )
            _move(version, state)


def roll_back(*, proposed_by: User, decided_by: User, now: datetime, note: str) -> ModelVersion:
    """Bring back the champion before this one at once, by two people who act together."""
    if proposed_by.pk == decided_by.pk:
        raise UnableToChangeModel("own_item", N_("Somebody else must decide what you proposed."))
    with transaction.atomic():
        past = (
            ModelStateChange.objects.filter(
                to_state=ModelState.CHAMPION,
                decision=ChangeDecision.APPROVED,
                version__state=ModelState.RETIRED,
            )
            .order_by("-decided_at", "-pk")
            .select_related("version")
            .first()
        )
        if past is None:
            raise UnableToChangeModel("nothing_to_roll_back", N_("There is no earlier champion."))
        version = ModelVersion.objects.select_for_update(of=("self",)).get(pk=past.version_id)
        ModelStateChange.objects.create(
            version=version,
            from_state=version.state,
            to_state=ModelState.CHAMPION,
            manifest_sha256=version.manifest_sha256,
            decision=ChangeDecision.APPROVED,
            proposed_by=proposed_by,
            decided_by=decided_by,
            proposed_at=now,
            decided_at=now,
            note=note,
        )
        _move(version, ModelState.CHAMPION)
        return version

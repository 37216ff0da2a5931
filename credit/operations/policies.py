"""Policy versions: drafted and proposed by one person, activated by another, never changed afterwards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from accounts.models import User
from accounts.operations import write_audit
from credit.domain.policy import read_policy
from credit.models import Policy
from credit.operations.lines import UnableToActOnOwn
from credit.queries import ceiling_now
from regimes.errors import N_, NotFound, Refusal

State = Policy.State


class UnableToChangePolicy(Refusal):
    """Refuse a step that the policy's state does not allow."""


def digest_of(document: Mapping[str, Any]) -> str:
    """Hash a document in its canonical form."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def draft_policy(*, document: Mapping[str, Any], note: str, actor: User) -> Policy:
    """Store a new version as a draft, after reading it against the schema and the regime."""
    read_policy(document, ceiling=ceiling_now())
    with transaction.atomic():
        Policy.objects.select_for_update(of=("self",)).filter(
            state=State.ACTIVE
        ).first()  # one version number at a time
        newest = Policy.objects.aggregate(newest=Max("version"))["newest"] or 0
        policy = Policy(
            version=newest + 1,
            document=dict(document),
            document_sha256=digest_of(document),
            note=note,
            proposed_by=actor,
        )
        policy.save(force_insert=True)
        _audit(policy, actor, "policy.draft", note)
    return policy


def propose_policy(*, policy_id: int, actor: User, now: datetime) -> Policy:
    """Ask a second person to activate a draft."""
    with transaction.atomic():
        policy = _lock(policy_id)
        _require(policy, State.DRAFT)
        policy.state, policy.proposed_by, policy.proposed_at = State.PROPOSED, actor, now
        policy.save(update_fields=["state", "proposed_by", "proposed_at"])
        _audit(policy, actor, "policy.propose", policy.note)
    return policy


def activate_policy(*, policy_id: int, actor: User, now: datetime, note: str = "") -> Policy:
    """Put a proposed version in force; whoever proposed it cannot. Open applications keep theirs."""
    with transaction.atomic():
        current = Policy.objects.select_for_update(of=("self",)).filter(state=State.ACTIVE).first()
        policy = _lock(policy_id)
        _require(policy, State.PROPOSED)
        if policy.proposed_by_id == actor.pk:
            raise UnableToActOnOwn("own_item", N_("Another person must activate what you proposed."))
        if digest_of(policy.document) != policy.document_sha256:
            raise UnableToChangePolicy("policy_changed", N_("The document is not the one that was proposed."))
        read_policy(policy.document, ceiling=ceiling_now())
        if current is not None:
            current.state = State.RETIRED
            current.save(update_fields=["state"])
        policy.state, policy.activated_by, policy.activated_at = State.ACTIVE, actor, now
        policy.save(update_fields=["state", "activated_by", "activated_at"])
        _audit(policy, actor, "policy.activate", note)
    return policy


def _lock(policy_id: int) -> Policy:
    policy = Policy.objects.select_for_update(of=("self",)).filter(pk=policy_id).first()
    if policy is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    return policy


def _require(policy: Policy, state: str) -> None:
    if policy.state != state:
        raise UnableToChangePolicy("policy_state", N_("This is not possible in the policy's present state."))


def _audit(policy: Policy, actor: User, action: str, reason: str) -> None:
    write_audit(
        actor=actor,
        action=action,
        object_type="credit.Policy",
        object_ref=str(policy.ref),
        reason=reason,
        after={"version": policy.version, "state": policy.state, "sha256": policy.document_sha256},
    )

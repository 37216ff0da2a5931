"""The acts of this room that need two people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from accounts import proposal_kinds
from accounts.access import _as_uuid
from accounts.models import User
from accounts.operations.roles import change_role, role_or_refuse
from accounts.proposal_kinds import Act, Change, ProposalKind, Subject, read_fields
from regimes.errors import N_, InvalidInput, NotFound


def staff_by_ref(ref: object) -> User:
    """Return a user by reference, or refuse."""
    user = User.objects.filter(ref=_as_uuid(ref)).first()
    if user is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."), field="user_ref")
    return user


def _read_role(payload: Mapping[str, Any]) -> dict[str, Any]:
    found = read_fields(payload, required=("user_ref", "role", "is_granted"))
    if not isinstance(found["is_granted"], bool):
        raise InvalidInput("invalid", N_("Say yes or no."), field="is_granted")
    return {"user_ref": str(staff_by_ref(found["user_ref"]).ref), "role": str(found["role"]), "is_granted": found["is_granted"]}  # fmt: skip


def _role_subject(payload: Mapping[str, Any]) -> Subject:
    user = staff_by_ref(payload["user_ref"])
    return Subject("User", str(user.ref), user.masked_login, user_id=user.pk)


def _check_role(payload: Mapping[str, Any], act: Act) -> None:
    role_or_refuse(
        user=staff_by_ref(payload["user_ref"]), role=payload["role"], is_granted=payload["is_granted"]
    )


def _role_diff(payload: Mapping[str, Any], as_of: date) -> Sequence[Change]:
    held = set(staff_by_ref(payload["user_ref"]).groups.values_list("name", flat=True))
    after = held | {payload["role"]} if payload["is_granted"] else held - {payload["role"]}
    return [Change(N_("Roles"), ", ".join(sorted(held)), ", ".join(sorted(after)))] if after != held else []


def _execute_role(payload: Mapping[str, Any], act: Act) -> None:
    change_role(
        user=staff_by_ref(payload["user_ref"]),
        role=payload["role"],
        is_granted=payload["is_granted"],
        actor=act.actor,
        reason=act.reason,
    )


ROLE_GRANT = ProposalKind(
    name="role_grant",
    title=N_("Give or take a role"),
    read=_read_role,
    subject=_role_subject,
    check=_check_role,
    diff=_role_diff,
    execute=_execute_role,
)


def register() -> None:
    """Offer the acts of this room."""
    proposal_kinds.register(ROLE_GRANT)

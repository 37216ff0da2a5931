"""The acts of this room that need two people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from accounts import proposal_kinds
from accounts.models import BankAccount, User
from accounts.operations.banks import verify_bank_account
from accounts.operations.proposals import NotForYou
from accounts.operations.roles import BREAK_GLASS, break_glass, change_role, check_minutes, role_or_refuse
from accounts.proposal_kinds import Act, Change, ProposalKind, Subject, find_by_ref, read_fields
from regimes.errors import N_, InvalidInput


def staff_by_ref(ref: object) -> User:
    """Return a user by reference, or refuse."""
    return find_by_ref(User.objects.all(), ref, field="user_ref")


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


# ---- break-glass -----------------------------------------------------------------------------------------------------
def _read_glass(payload: Mapping[str, Any]) -> dict[str, Any]:
    found = read_fields(payload, required=("user_ref", "minutes"))
    return {
        "user_ref": str(staff_by_ref(found["user_ref"]).ref),
        "minutes": check_minutes(found["minutes"]),
    }


def _glass_subject(payload: Mapping[str, Any]) -> Subject:
    # no user_id: one asks for oneself; the other person is the one who must not be the same
    user = staff_by_ref(payload["user_ref"])
    return Subject("User", str(user.ref), user.masked_login)


def _check_glass(payload: Mapping[str, Any], act: Act) -> None:
    user = staff_by_ref(payload["user_ref"])
    if not (user.is_staff and user.is_active):
        raise InvalidInput("not_staff", N_("Only active staff can have a role."), field="user_ref")
    if act.actor.pk == user.pk and act.actor.pk != act.maker.pk:
        raise NotForYou("own_item", N_("You cannot decide about yourself. Ask a colleague."))


def _glass_diff(payload: Mapping[str, Any], as_of: date) -> Sequence[Change]:
    return [
        Change(N_("Role"), "", BREAK_GLASS),
        Change(N_("Minutes"), "", str(payload["minutes"])),
    ]


def _break_glass(payload: Mapping[str, Any], act: Act) -> Mapping[str, Any]:
    grant = break_glass(
        user=staff_by_ref(payload["user_ref"]),
        minutes=payload["minutes"],
        proposal_ref=act.reference,
        actor=act.actor,
        now=act.now,
        reason=act.reason,
    )
    return {"until": grant.ends_at.isoformat()}


GLASS = ProposalKind(
    name="break_glass",
    title=N_("Emergency access for a time"),
    read=_read_glass,
    subject=_glass_subject,
    check=_check_glass,
    diff=_glass_diff,
    execute=_break_glass,
)


# ---- an account that payouts go to -----------------------------------------------------------------------------------
def _account(payload: Mapping[str, Any]) -> BankAccount:
    rows = BankAccount.objects.select_related("borrower").filter(removed_at=None)
    return find_by_ref(rows, payload["account_ref"], field="account_ref")


def _read_account(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {"account_ref": str(_account(read_fields(payload, required=("account_ref",))).ref)}


def _account_subject(payload: Mapping[str, Any]) -> Subject:
    account = _account(payload)
    label = f"{account.borrower.display_name} · {account}"
    return Subject("BankAccount", str(account.ref), label, frozenset({account.borrower_id}))


def _check_account(payload: Mapping[str, Any], act: Act) -> None:
    if _account(payload).verified_at is not None:
        raise InvalidInput("account_verified", N_("This account can be used already."), field="account_ref")


def _account_diff(payload: Mapping[str, Any], as_of: date) -> Sequence[Change]:
    account = _account(payload)
    return [Change(N_("Payouts to this account"), N_("held"), str(account))]


def _verify_account(payload: Mapping[str, Any], act: Act) -> None:
    verify_bank_account(account_id=_account(payload).pk, reason=act.reason, actor=act.actor, now=act.now)


PAYOUT_ACCOUNT = ProposalKind(
    name="payout_account",
    title=N_("Release an account for payouts"),
    read=_read_account,
    subject=_account_subject,
    check=_check_account,
    diff=_account_diff,
    execute=_verify_account,
)


def register() -> None:
    """Offer the acts of this room."""
    for kind in (ROLE_GRANT, GLASS, PAYOUT_ACCOUNT):
        proposal_kinds.register(kind)

"""Give a member of staff a role, or take it away: executed by a second person's approval alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.contrib.auth.models import Group
from django.db import transaction

from accounts.models import Proposal, TemporaryRole, User
from accounts.operations.audit import write_audit
from regimes.errors import N_, InvalidInput, NotFound, Refusal

log = structlog.get_logger(__name__)
BREAK_GLASS = "Break-glass"
MOST_MINUTES = 240


class UnableToGrantRole(Refusal):
    """Refuse a role that the person cannot have, has already, or does not have."""


def change_role(*, user: User, role: str, is_granted: bool, actor: User, reason: str) -> User:
    """Add or remove one role; it acts from the person's next request on."""
    with transaction.atomic():
        locked = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
        group = role_or_refuse(user=locked, role=role, is_granted=is_granted)
        before = sorted(locked.groups.values_list("name", flat=True))
        if is_granted:
            locked.groups.add(group)
        else:
            locked.groups.remove(group)
        write_audit(
            actor=actor,
            action="role.granted" if is_granted else "role.taken",
            object_type="User",
            object_ref=locked.ref,
            before={"roles": before},
            after={"roles": sorted(locked.groups.values_list("name", flat=True))},
            reason=reason,
        )
    return locked


def role_or_refuse(*, user: User, role: str, is_granted: bool) -> Group:
    """Return the group of a role when the change makes sense."""
    group = Group.objects.filter(name=role).exclude(name=BREAK_GLASS).first()
    if group is None:
        raise NotFound("role_unknown", N_("There is no such role."), field="role")
    if is_granted and not (user.is_staff and user.is_active):
        raise UnableToGrantRole("not_staff", N_("Only active staff can have a role."), field="user_ref")
    if user.groups.filter(pk=group.pk).exists() == is_granted:
        raise UnableToGrantRole("role_as_is", N_("The person's roles are so already."), field="role")
    return group


def check_minutes(minutes: object) -> int:
    """Return for how long the glass is broken: 15 minutes to four hours."""
    if not isinstance(minutes, int) or isinstance(minutes, bool) or not 15 <= minutes <= MOST_MINUTES:
        raise InvalidInput(
            "minutes_invalid",
            N_("Choose from 15 to %(maximum)s minutes."),
            field="minutes",
            params={"maximum": MOST_MINUTES},
        )
    return minutes


def break_glass(
    *, user: User, minutes: int, proposal_ref: UUID | str, actor: User, now: datetime, reason: str
) -> TemporaryRole:
    """Give someone the emergency role for a time. Loud: the log warns, and the desk shows it to everybody."""
    check_minutes(minutes)
    if not (user.is_staff and user.is_active):
        raise UnableToGrantRole("not_staff", N_("Only active staff can have a role."), field="user_ref")
    with transaction.atomic():
        grant = TemporaryRole(
            user=user,
            role=BREAK_GLASS,
            proposal=Proposal.objects.get(ref=proposal_ref),
            starts_at=now,
            ends_at=now + timedelta(minutes=minutes),
        )
        grant.save(force_insert=True)
        write_audit(
            actor=actor,
            action="break_glass.given",
            object_type="User",
            object_ref=user.ref,
            after={"until": grant.ends_at.isoformat()},
            reason=reason,
        )
    log.warning("break_glass.given", user_ref=str(user.ref), minutes=minutes)
    return grant


def end_break_glass(*, grant_id: int, actor: User, now: datetime) -> TemporaryRole:
    """End an emergency role before its time; whoever has it, and any administrator, may."""
    with transaction.atomic():
        grant = TemporaryRole.objects.select_for_update(of=("self",)).filter(pk=grant_id).first()
        if grant is None:
            raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
        if grant.user_id != actor.pk and not actor.has_perm("accounts.approve_break_glass"):
            raise UnableToGrantRole("role_missing", N_("Your role does not allow this."))
        if grant.ended_at is None and grant.ends_at > now:
            grant.ended_at = now
            grant.save(update_fields=["ended_at"])
            write_audit(
                actor=actor, action="break_glass.ended", object_type="User", object_ref=grant.user.ref
            )
    return grant

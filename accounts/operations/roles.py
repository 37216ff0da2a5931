"""Give a member of staff a role, or take it away: executed by a second person's approval alone."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import transaction

from accounts.models import User
from accounts.operations.audit import write_audit
from regimes.errors import N_, NotFound, Refusal


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
    group = Group.objects.filter(name=role).first()
    if group is None:
        raise NotFound("role_unknown", N_("There is no such role."), field="role")
    if is_granted and not (user.is_staff and user.is_active):
        raise UnableToGrantRole("not_staff", N_("Only active staff can have a role."), field="user_ref")
    if user.groups.filter(pk=group.pk).exists() == is_granted:
        raise UnableToGrantRole("role_as_is", N_("The person's roles are so already."), field="role")
    return group

"""Emergency access: a role that two people gave for a time is asked at each request, and ends by the clock."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.utils import timezone

from accounts import queries
from lendportal.desk.roles import permissions_of


class TemporaryRoles(ModelBackend):
    """Add the permissions of emergency roles that are in force now. It logs nobody in."""

    def authenticate(self, request: Any, **credentials: Any) -> None:  # type: ignore[override]
        return None

    def get_user(self, user_id: int) -> None:
        return None

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return what the person may do now because of an emergency role.

        Django's own caches are named for the user and not for the backend, so they are not asked here.
        """
        if not user_obj.is_active or not getattr(user_obj, "is_staff", False) or obj is not None:
            return set()
        # kept for the one request that has loaded this user, not longer
        held: set[str] | None = getattr(user_obj, "_temporary_permissions", None)
        if held is None:
            grants = queries.temporary_roles(now=timezone.now(), user_id=user_obj.pk)
            rows = [row for grant in grants for row in permissions_of(grant.role)]
            held = {f"{row.content_type.app_label}.{row.codename}" for row in rows}
            user_obj._temporary_permissions = held
        return held

    def get_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return self.get_all_permissions(user_obj, obj)

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return set()

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return any(name.partition(".")[0] == app_label for name in self.get_all_permissions(user_obj))

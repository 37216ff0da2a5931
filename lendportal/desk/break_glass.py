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

    def _get_permissions(self, user_obj: Any, obj: Any, from_name: str) -> set[str]:
        if not user_obj.is_active or not user_obj.is_staff or obj is not None or from_name == "user":
            return set()
        # kept for the one request that has loaded this user, not longer
        held: set[str] | None = getattr(user_obj, "_temporary_permissions", None)
        if held is None:
            grants = queries.temporary_roles(now=timezone.now(), user_id=user_obj.pk)
            rows = [row for grant in grants for row in permissions_of(grant.role)]
            held = {f"{row.content_type.app_label}.{row.codename}" for row in rows}
            user_obj._temporary_permissions = held
        return held

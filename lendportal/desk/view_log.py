"""Every view of a person's affairs by staff is an entry of the audit trail: who looked, at what, when, on which page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from accounts.models import User
from accounts.operations import write_audit

ACTION = "person.viewed"


def note_view(request: HttpRequest, *, page: str, object_ref: Any, object_type: str = "") -> None:
    """Write one view to the trail."""
    if isinstance(request.user, User) and request.user.is_staff:
        write_audit(
            actor=request.user,
            action=ACTION,
            object_type=object_type or page,
            object_ref=str(object_ref)[:64],
            reason=f"desk: {page}",
        )

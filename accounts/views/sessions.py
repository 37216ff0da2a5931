"""Where one is logged in, and ending it there."""

from __future__ import annotations

import re
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.operations import write_audit
from accounts.pages import SignedIn, page, signed_in

# the first that fits names the browser and the system; nothing else of the text is shown
BROWSERS = (
    ("Edg", "Edge"),
    ("MicroMessenger", "WeChat"),
    ("Firefox", "Firefox"),
    ("Chrom", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "Mac"), ("Linux", "Linux"))  # fmt: skip


def device_name(user_agent: str) -> str:
    """Name a browser and system in words that its owner knows.

    >>> device_name("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1")
    'Safari, iPhone'
    """
    found = [
        next((name for mark, name in names if re.search(re.escape(mark), user_agent)), "")
        for names in (BROWSERS, SYSTEMS)
    ]
    return ", ".join(name for name in found if name)


@signed_in
def sessions(request: SignedIn) -> HttpResponse:
    """List every session of the visitor that still lives, this one first."""
    here = request.session.session_key
    rows: list[dict[str, Any]] = [
        {
            "id": row.pk,
            "device": device_name(row.user_agent) or _("Unknown device"),
            "ip": row.ip,
            "at": row.created_at,
            "is_here": row.session_key == here,
        }
        for row in UserSession.objects.purge_and_list(request.user)
    ]
    rows.sort(key=lambda row: (not row["is_here"], -row["at"].timestamp()))
    return page(request, "accounts/sessions.html", {"sessions": rows, "others": len(rows) > 1})


@require_POST
@signed_in
def end_session(request: SignedIn, session_id: int) -> HttpResponse:
    """End one other session of the visitor."""
    row = UserSession.objects.filter(user=request.user, pk=session_id).first()
    if row is not None and row.session_key != request.session.session_key:
        row.end()
        _written(request, 1)
    messages.success(request, _("That session is over."))
    return redirect("accounts:sessions")


@require_POST
@signed_in
def end_other_sessions(request: SignedIn) -> HttpResponse:
    """End every session of the visitor but this one."""
    others = UserSession.objects.filter(user=request.user).exclude(session_key=request.session.session_key)
    ended = 0
    for row in others:
        row.end()
        ended += 1
    _written(request, ended)
    messages.success(request, _("All other sessions are over."))
    return redirect("accounts:sessions")


def _written(request: SignedIn, ended: int) -> None:
    write_audit(
        actor=request.user, action="sessions.ended", object_type="User", object_ref=request.user.ref,
        after={"ended": ended},
    )  # fmt: skip

"""Known devices: a signed cookie that a browser gets when its user logs in.

Strangers who guess at somebody's password use up the strangers' tries. The owner's own browser has a counter of its own, so
nobody can lock an owner out by guessing wrong. The cookie proves nothing else and opens nothing.
"""

from __future__ import annotations

import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from accounts.crypto import blind_index

COOKIE = "known-device"
SALT = "accounts.known-device"
AGE_SECONDS = 180 * 24 * 3600


def _login_mark(login: str) -> str:
    return blind_index(purpose="device", value=login)[:32]


def known_device(*, request: HttpRequest, login: str) -> str | None:
    """Return the id of this browser if the owner of `login` logged in on it before."""
    try:
        mark, device = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=AGE_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return str(device) if mark == _login_mark(login) else None


def remember_device(*, response: HttpResponse, login: str) -> None:
    """Mark this browser as one on which the owner of `login` has logged in."""
    value = signing.dumps([_login_mark(login), secrets.token_urlsafe(12)], salt=SALT)
    response.set_cookie(
        COOKIE,
        value,
        max_age=AGE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )

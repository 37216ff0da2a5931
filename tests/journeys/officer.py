"""An officer and an administrator at the desk, with their authenticator apps."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct
import time
from typing import Any

from tests.journeys.conftest import Portal, _command
from tests.journeys.person import PASSWORD, Person
from tests.roof.processes import clean_environment

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
STAFF = """
import json
from django.contrib.auth.models import Group
from django.utils import timezone
from accounts import operations
for login, role in json.loads({who!r}).items():
    user = operations.open_account(login=login, password={password!r}, now=timezone.now(), is_staff=True, language="en")
    user.groups.add(Group.objects.get(name=role))
    operations.enrol_totp(user=user, secret={secret!r})
"""


def hire(portal: Portal, who: dict[str, str]) -> None:
    """Open staff accounts: log-in -> role."""
    port = portal.url.rpartition(":")[2]
    script = STAFF.format(who=json.dumps(who), password=PASSWORD, secret=SECRET)
    _command(clean_environment(PORTAL_HOME=portal.home, PORT=port), "shell", "-c", script)


def code() -> str:
    """Compute the code that an authenticator app shows now (RFC 6238)."""
    digest = hmac.new(
        base64.b32decode(SECRET), struct.pack(">Q", int(time.time()) // 30), hashlib.sha1
    ).digest()
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"


class Officer(Person):
    """A browser on a desk."""

    def __init__(self, browser: Any, portal: Portal, *, language: str) -> None:
        super().__init__(browser, portal, language=language, width=1280)

    def log_in(self, login: str) -> None:
        self.open("/accounts/login/")
        self.page.fill("[name=login]", login)
        self.page.fill("[name=password]", PASSWORD)
        self.submit()
        self.page.fill("[name=code]", code())
        self.submit()

    def desk(self, path: str = "") -> None:
        self.open(f"/desk/{path}")

    def said(self) -> str:
        return str(self.page.locator("#container").inner_text())

"""Every address of the borrower's doors, found in the table of addresses itself, so that a new page is tried without a line here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, get_resolver

ROOMS = ("accounts", "credit", "loans", "risk")
PUBLIC = [
    "/",
    "/calculator/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/style/",
    "/offline/",
]
# allauth's own pages for who is logged in
SIGNED_IN = [
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/2fa/",
    "/accounts/2fa/totp/activate/",
]
# what an address begins with -> whose reference it takes
OWNERS = {
    "for": "borrower",
    "lines": "line",
    "loans": "loan",
    "drawdowns": "drawdown",
    "payments": "collection",
    "applications": "application",
}
OTHER = {"code": "first-loan"}


def candidates(refs: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Give (name, address) of every address that can be filled in from references; which are pages, the answer says."""
    for pattern in get_resolver().url_patterns:
        name = getattr(pattern, "app_name", None)
        if name not in ROOMS:
            continue
        for item in pattern.url_patterns:  # type: ignore[union-attr]
            if isinstance(item, URLPattern) and item.name:
                route = str(item.pattern)
                filled = fill(route, refs)
                if filled is not None:
                    yield f"{name}:{item.name}", f"/{filled}"


def fill(route: str, refs: dict[str, Any]) -> str | None:
    """Put references into a route; None when one is not known."""
    first = route.partition("/")[0]

    def value(found: re.Match[str]) -> str:
        name = found[1]
        ref = refs.get(OWNERS.get(first, "")) if name == "ref" else OTHER.get(name)
        return str(ref) if ref is not None else "\0"

    filled = re.sub(r"<\w+:(\w+)>", value, route)
    return None if "\0" in filled else filled

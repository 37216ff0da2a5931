"""Which addresses we call for a shop: public ones, over https, and nothing inside."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import SplitResult, urlsplit

from regimes.errors import N_, InvalidInput

MOST_URL: Final = 500
_SHARED: Final = (
    ipaddress.ip_network("100.64.0.0/10"),  # carrier-grade NAT
    ipaddress.ip_network("192.0.0.0/24"),
    ipaddress.ip_network("198.18.0.0/15"),
    ipaddress.ip_network("64:ff9b::/96"),  # NAT64: an IPv4 address in disguise
    ipaddress.ip_network("64:ff9b:1::/48"),
    ipaddress.ip_network("2002::/16"),  # 6to4
    ipaddress.ip_network("2001::/32"),  # Teredo
)


class UnableToCallAddress(InvalidInput):
    """Refuse an address that we will not call or send a buyer to."""


def _refuse(field: str) -> UnableToCallAddress:
    return UnableToCallAddress(
        "url_invalid", N_("Enter a public https address, for example https://shop.example/hook."), field=field
    )


def read_url(raw: str, *, field: str, allow_local: bool = False) -> SplitResult:
    """Read an https address without user, fragment or odd characters.

    `allow_local` is the sandbox: http and this machine are allowed, for a shop that runs beside the portal.
    """
    if (
        not raw
        or len(raw) > MOST_URL
        or not raw.isascii()
        or any(mark.isspace() or mark in '\\"<>' for mark in raw)
    ):
        raise _refuse(field)
    try:
        parts = urlsplit(raw)
        port = parts.port
    except ValueError:
        raise _refuse(field) from None
    schemes = ("https", "http") if allow_local else ("https",)
    if (
        parts.scheme not in schemes
        or not parts.hostname
        or parts.username
        or parts.password
        or parts.fragment
    ):
        raise _refuse(field)
    if port == 0 or (not allow_local and port not in (None, 443, 8443)):
        raise _refuse(field)
    try:
        literal = ipaddress.ip_address(parts.hostname)
    except ValueError:
        if "." not in parts.hostname and not allow_local:
            raise _refuse(field) from None
        return parts
    if not allow_local and not is_public(str(literal)):
        raise _refuse(field)
    return parts


def is_public(address: str) -> bool:
    """Tell whether an address lies in the open internet.

    >>> [is_public(a) for a in ("93.184.216.34", "127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "100.64.0.1")]
    [True, False, False, False, False]
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if any(found.version == net.version and found in net for net in _SHARED):
        return False
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


def origin_of(parts: SplitResult) -> str:
    """Return scheme, host and port, as the list of a shop holds them."""
    return f"{parts.scheme}://{parts.netloc.lower()}"

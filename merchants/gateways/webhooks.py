"""Call a shop's address, and nothing that it could make us call instead.

The name is resolved once, every address of it is judged, and the connection goes to a judged address with the
certificate checked for the name: an answer that changes between the look and the call changes nothing. Redirects are
answers like any other. Five seconds and 64 kB are enough for "thank you".
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult

from merchants.domain.addresses import is_public

SECONDS = 5.0
MOST_ANSWER = 64 * 1024
Resolver = Callable[[str, int], list[str]]


class NotCallable(Exception):
    """The address must not be called, or cannot be."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the shop's server said."""

    status: int
    text: str
    milliseconds: int


def resolve(host: str, port: int) -> list[str]:
    """Ask the system for the addresses of a name."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NotCallable("name_unknown") from error
    return [str(row[4][0]) for row in found]


def pin(host: str, port: int, *, allow_local: bool, resolver: Resolver) -> str:
    """Return the one address that will be called: all addresses of the name must be public."""
    addresses = resolver(host, port)
    if not addresses:
        raise NotCallable("name_unknown")
    if not allow_local and not all(is_public(address) for address in addresses):
        raise NotCallable("address_not_public")
    return addresses[0]


class _Pinned(http.client.HTTPConnection):
    """A connection to an address that was judged, for a name."""

    def __init__(self, host: str, port: int, address: str, *, secure: bool) -> None:
        super().__init__(host, port, timeout=SECONDS)
        self.address, self.secure = address, secure

    def connect(self) -> None:
        self.sock = socket.create_connection((self.address, self.port), timeout=SECONDS)
        if self.secure:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host)


def post(
    parts: SplitResult,
    *,
    body: bytes,
    headers: Mapping[str, str],
    allow_local: bool,
    resolver: Resolver = resolve,
) -> Answer:
    """Send one event. Raises NotCallable where there is no answer."""
    host = parts.hostname or ""
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    address = pin(host, port, allow_local=allow_local, resolver=resolver)
    path = parts.path or "/"
    began = time.monotonic()
    connection = _Pinned(host, port, address, secure=secure)
    try:
        connection.request(
            "POST", path + (f"?{parts.query}" if parts.query else ""), body=body, headers=dict(headers)
        )
        response = connection.getresponse()
        if connection.sock is not None:
            connection.sock.settimeout(max(SECONDS - (time.monotonic() - began), 0.1))
        text = response.read(MOST_ANSWER)[:200].decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise NotCallable(type(error).__name__) from error
    finally:
        connection.close()
    return Answer(response.status, text, int((time.monotonic() - began) * 1000))

"""Keys of shops: a prefix to find the row by, 256 bits that only the shop has, and a signature for money.

    Authorization: Bearer lp_test_k3yprefix_<43 characters>
    X-Signature: t=1764403200,n=<nonce>,v1=<hex>

The signature is HMAC-SHA256, keyed by the SHA-256 of the whole key, over method, path with query, time, nonce and the
SHA-256 of the body, a line each.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from regimes.errors import N_, Refusal

PATTERN: Final = re.compile(r"lp_(live|test)_([a-z2-7]{12})_([A-Za-z0-9_-]{43})")
SIGNATURE: Final = re.compile(r"t=([0-9]{1,12}),n=([A-Za-z0-9_-]{8,64}),v1=([0-9a-f]{64})")
TOLERANCE_SECONDS: Final = 300
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"


class Scope(StrEnum):
    """Name what a key may do."""

    CHECKOUT = "checkout"  # start and cancel orders
    CAPTURE = "capture"  # capture and void
    REFUND = "refund"
    READ = "read"


class UnableToVerify(Refusal):
    """Refuse a caller who does not show a good key or signature. The answer gives no detail beyond its code."""

    http_status = 401


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as it is shown once."""

    text: str
    prefix: str
    digest: str


def make_key(*, live: bool) -> NewKey:
    """Make a key of 256 random bits."""
    prefix = "".join(secrets.choice(_LETTERS) for _ in range(12))
    text = f"lp_{'live' if live else 'test'}_{prefix}_{secrets.token_urlsafe(32)}"
    assert PATTERN.fullmatch(text), "a key has the form that is read"
    return NewKey(text, prefix, digest_of(text))


def digest_of(text: str) -> str:
    """Return what is stored of a key: it has 256 bits, so no slow hash is needed."""
    return hashlib.sha256(text.encode()).hexdigest()


def prefix_of(text: str) -> str | None:
    """Return the prefix of a well-formed key."""
    found = PATTERN.fullmatch(text)
    return found.group(2) if found else None


def sign_request(*, digest: str, method: str, path: str, body: bytes, timestamp: int, nonce: str) -> str:
    """Write the signature of a request; `path` has its query."""
    lines = [method.upper(), path, str(timestamp), nonce, hashlib.sha256(body).hexdigest()]
    return hmac.new(bytes.fromhex(digest), "\n".join(lines).encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as it was sent."""

    timestamp: int
    nonce: str
    value: str


def read_signature(header: str) -> Signature:
    """Read the header, or refuse."""
    found = SIGNATURE.fullmatch(header)
    if found is None:
        raise UnableToVerify("signature_invalid", N_("The signature is not valid."))
    return Signature(int(found.group(1)), found.group(2), found.group(3))


def check_signature(
    given: Signature, *, digest: str, method: str, path: str, body: bytes, now: float
) -> None:
    """Pass a signature of this very request, made within five minutes, or refuse it."""
    if abs(now - given.timestamp) > TOLERANCE_SECONDS:
        raise UnableToVerify(
            "signature_expired",
            N_("The time of the signature is more than five minutes off. Set your clock."),
        )
    wanted = sign_request(
        digest=digest, method=method, path=path, body=body, timestamp=given.timestamp, nonce=given.nonce
    )
    if not hmac.compare_digest(wanted, given.value):
        raise UnableToVerify("signature_invalid", N_("The signature is not valid."))

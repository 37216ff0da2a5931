"""Signatures of messages: `t=<seconds>,v1=<hex HMAC-SHA256 of "t.body">`, judged on the raw bytes."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence

TOLERANCE_SECONDS = 300
HEADER = "Gateway-Signature"
_FORM = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")


def sign(*, body: bytes, secret: str, timestamp: int) -> str:
    """Return the header of a message."""
    return f"t={timestamp},v1={_digest(body, secret, timestamp)}"


def is_genuine(*, body: bytes, header: str | None, secrets: Sequence[str], now: float) -> bool:
    """Tell whether a message was signed with a live secret within the tolerance. Says no without saying why."""
    found = _FORM.fullmatch(header or "")
    if found is None:
        return False
    timestamp = int(found[1])
    if abs(now - timestamp) > TOLERANCE_SECONDS:
        return False
    # every secret is tried, so that the time taken does not tell which one fits
    fits = [hmac.compare_digest(_digest(body, secret, timestamp), found[2]) for secret in secrets]
    return any(fits)


def _digest(body: bytes, secret: str, timestamp: int) -> str:
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()

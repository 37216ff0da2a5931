"""Believe an event only if the portal signed these very bytes a moment ago."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any

TOLERANCE_SECONDS = 300


class SignatureInvalid(Exception):
    """The event was not signed with the secret, or not lately."""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened. The same `id` may come twice: apply it once. `sequence` grows."""

    id: str
    type: str
    object: str
    sequence: int
    data: dict[str, Any]


def read_event(body: bytes, signature: str, *, secret: str, now: float | None = None) -> Event:
    """Read an event from the raw bytes of a request and its `X-Signature`, or raise SignatureInvalid."""
    parts = [part.partition("=")[::2] for part in signature.split(",")]
    times = [value for name, value in parts if name == "t"]
    if len(times) != 1 or not times[0].isdigit() or len(times[0]) > 12:
        raise SignatureInvalid("no time")
    if abs((time.time() if now is None else now) - int(times[0])) > TOLERANCE_SECONDS:
        raise SignatureInvalid("too old")
    wanted = hmac.new(secret.encode(), f"{times[0]}.".encode() + body, hashlib.sha256).hexdigest()
    if not any(name == "v1" and hmac.compare_digest(wanted, value) for name, value in parts):
        raise SignatureInvalid("not signed with this secret")
    content = json.loads(body)
    return Event(content["id"], content["type"], content["object"], content["sequence"], content["data"])

"""What shops are told, how it is signed, and when it is tried again."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

EVENTS: Final = (
    "checkout.authorised",
    "checkout.cancelled",
    "checkout.expired",
    "checkout.voided",
    "capture.created",
    "refund.created",
    "settlement.created",
    "settlement.paid",
    "settlement.failed",
    "test.ping",
)
# from the first failure on; the last try is a day after the event
WAITS: Final = tuple(
    timedelta(seconds=seconds) for seconds in (10, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 6 * 3600, 7 * 3600)
)
GIVES_UP_AFTER: Final = timedelta(hours=24)
MOST_FAILURES: Final = 50  # in a row over all events: the endpoint is switched off and the shop told


def next_wait(attempts: int) -> timedelta | None:
    """Return how long to wait after so many attempts; None when it is given up.

    >>> next_wait(1), next_wait(10) is None
    (datetime.timedelta(seconds=10), True)
    """
    assert attempts >= 1
    return WAITS[attempts - 1] if attempts <= len(WAITS) else None


def sign(body: bytes, *, secrets: Sequence[str], timestamp: int) -> str:
    """Write the signature header: one value a live secret, so that a shop can change its secret in peace."""
    message = f"{timestamp}.".encode() + body
    values = [hmac.new(secret.encode(), message, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={value}" for value in values)])

"""Read a message of the gateway, strictly: what is doubtful is refused, never guessed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ledger.domain.money import parse_amount
from regimes.errors import N_, InvalidInput, Refusal

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
VERSION = "1"
KINDS = frozenset(
    {
        "transfer.accepted",
        "transfer.succeeded",
        "transfer.failed",
        "transfer.returned",
        "debit.accepted",
        "debit.succeeded",
        "debit.failed",
        "debit.returned",
    }
)


class UnableToReadMessage(InvalidInput):
    """Refuse a message that was signed but cannot be read."""


@dataclass(frozen=True, slots=True)
class Message:
    """Hold one message. `amount` is None where it is no amount: the message is then parked, not refused."""

    event_id: str
    kind: str
    version: str
    reference: str
    provider_reference: str
    amount: Decimal | None
    currency: str
    reason: str
    payload: dict[str, Any]


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _depth(text: str) -> int:
    """Return how deep brackets are nested, without building anything; strings are skipped."""
    depth = deepest = 0
    inside = escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif inside:
            if character == "\\":
                escaped = True
            elif character == '"':
                inside = False
        elif character == '"':
            inside = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def read_message(body: bytes) -> Message:
    """Read a message whose signature was found genuine."""
    try:
        text = body.decode("utf-8")
        if _depth(text) > MAX_DEPTH:
            raise ValueError("too deep")
        payload = json.loads(text, object_pairs_hook=_pairs, parse_constant=_constant)
        if "\x00" in text or "\\u0000" in text:
            raise ValueError("NUL")
    except (ValueError, RecursionError) as error:
        raise UnableToReadMessage("json_invalid", N_("The message is not valid JSON.")) from error
    data = payload.get("data") if isinstance(payload, dict) else None
    names = [payload.get("id"), payload.get("type")] if isinstance(payload, dict) else []
    if (
        not names
        or not all(isinstance(name, str) and 0 < len(name) <= 40 for name in names)
        or not isinstance(data, dict)
    ):
        raise UnableToReadMessage("message_invalid", N_("The message lacks its id, its type or its data."))
    return Message(
        event_id=payload["id"],
        kind=payload["type"],
        version=str(payload.get("version", ""))[:8],
        reference=_text(data, "reference"),
        provider_reference=_text(data, "provider_reference"),
        amount=_amount(data),
        currency=_text(data, "currency"),
        reason=_text(data, "reason"),
        payload=payload,
    )


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    return value[:80] if isinstance(value, str) else ""


def _amount(data: dict[str, Any]) -> Decimal | None:
    try:
        return parse_amount(data.get("amount"), currency=str(data.get("currency")))
    except Refusal:
        return None

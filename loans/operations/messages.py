"""Take in what the gateway says: verified on the raw bytes, stored once, applied once, in whatever order it comes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F

from loans.gateways.message import KINDS, VERSION, Message, read_message
from loans.gateways.signature import is_genuine
from loans.models import Collection, GatewayMessage, Payout, Transfer
from loans.operations import movements
from loans.operations.collections import confirm_collection, refuse_collection, return_collection
from loans.operations.payouts import confirm_payout, refuse_payout, return_payout
from loans.operations.transfers import confirm_transfer, refuse_transfer
from regimes.errors import N_, Refusal

log = structlog.get_logger(__name__)
MAX_ATTEMPTS = 5


class UnableToVerify(Refusal):
    """Refuse a message that was not signed with a live secret. The answer gives no detail."""

    http_status = 401


def receive_gateway_message(
    *, provider: str, body: bytes, signatures: Sequence[str], now: datetime
) -> GatewayMessage:
    """Store a genuine message once. A repeat gives the first; what cannot be ours is stored parked."""
    genuine = len(signatures) == 1 and is_genuine(
        body=body, header=signatures[0], secrets=settings.GATEWAY_SECRETS, now=now.timestamp()
    )
    if not genuine:
        raise UnableToVerify("signature_invalid", N_("The signature is not valid."))
    message = read_message(body)
    state, reason = _judge(message)
    row, is_new = GatewayMessage.objects.get_or_create(
        provider=provider,
        event_id=message.event_id,
        defaults={
            "kind": message.kind,
            "raw": body.decode("utf-8"),
            "payload": message.payload,
            "state": state,
            "reason": reason,
            "received_at": now,
        },
    )
    if is_new and state == "PARKED":
        log.error("gateway_message_parked", event_id=message.event_id, reason=reason)
    return row


def _judge(message: Message) -> tuple[str, str]:
    """Tell what can be told without a lock: whether the message is about an order of ours, and its money."""
    if message.kind not in KINDS or message.version != VERSION:
        return "IGNORED", "unknown_type"
    row = find_movement(message)
    if row is None:
        return "PARKED", "unknown_reference"
    if message.amount is None or message.currency != row.currency:
        return "PARKED", "amount_mismatch"
    if message.kind != "debit.returned" and message.amount != row.amount:
        return "PARKED", "amount_mismatch"
    return "STORED", ""


def find_movement(message: Message) -> Payout | Collection | Transfer | None:
    """Return the order that a message is about, if it is ours."""
    try:
        reference = uuid.UUID(message.reference)
    except ValueError:
        return None
    if message.kind.startswith("transfer."):
        payout = Payout.objects.filter(gateway_reference=reference).first()
        return payout or Transfer.objects.filter(gateway_reference=reference).first()
    return Collection.objects.filter(gateway_reference=reference).first()


def apply_gateway_message(*, message_id: int, as_of: date, now: datetime) -> str:
    """Apply a stored message in one transaction, or park it with the reason. Return its state."""
    # counted before the work: a message that kills its worker is parked in the end, not tried for ever
    # in the same step it is claimed for a while: whoever comes at the same time walks away
    due = GatewayMessage.objects.filter(pk=message_id, state="STORED").exclude(next_attempt_at__gt=now)
    counted = due.update(attempts=F("attempts") + 1, next_attempt_at=now + movements.lease())
    if not counted:
        return GatewayMessage.objects.values_list("state", flat=True).get(pk=message_id)
    try:
        with transaction.atomic():
            return _apply_locked(message_id=message_id, as_of=as_of, now=now)
    except Refusal as refusal:
        return _park(message_id=message_id, reason=refusal.code, now=now)


def unpark_message(*, message_id: int) -> bool:
    """Let a parked message be tried once more: whatever it lacked may be there now."""
    parked = GatewayMessage.objects.filter(pk=message_id, state="PARKED")
    return bool(parked.update(state="STORED", attempts=0, next_attempt_at=None, reason=""))


def _apply_locked(*, message_id: int, as_of: date, now: datetime) -> str:
    row = GatewayMessage.objects.select_for_update().get(pk=message_id)
    if row.state != "STORED":
        return row.state
    if row.attempts > MAX_ATTEMPTS:
        raise movements.UnableToSettle("too_many_attempts", N_("The message could not be applied."))
    message = read_message(row.raw.encode())
    movement = find_movement(message)
    if movement is None:
        raise movements.UnableToSettle("unknown_reference", N_("There is no order with this reference."))
    _dispatch(message, movement, as_of=as_of, now=now)
    row.state, row.applied_at, row.next_attempt_at = "APPLIED", now, None
    row.save(update_fields=["state", "applied_at", "next_attempt_at"])
    return row.state


def _dispatch(
    message: Message, movement: Payout | Collection | Transfer, *, as_of: date, now: datetime
) -> None:
    assert message.amount is not None
    subject, _, what = message.kind.partition(".")
    outcome: dict[str, Any] = {
        "provider_reference": message.provider_reference,
        "amount": message.amount,
        "currency": message.currency,
        "as_of": as_of,
        "now": now,
    }
    if what == "accepted":
        movements.note_accepted(
            type(movement), pk=movement.pk, provider_reference=message.provider_reference, now=now
        )
    elif isinstance(movement, Transfer):
        _dispatch_transfer(what, movement, message, outcome)
    elif subject == "transfer" and what == "succeeded":
        confirm_payout(payout_id=movement.pk, **outcome)  # type: ignore[arg-type]
    elif subject == "transfer" and what == "failed":
        refuse_payout(payout_id=movement.pk, reason=message.reason, as_of=as_of, now=now)
    elif subject == "transfer":
        return_payout(payout_id=movement.pk, reference=message.event_id, as_of=as_of)
    elif what == "succeeded":
        confirm_collection(collection_id=movement.pk, **outcome)  # type: ignore[arg-type]
    elif what == "failed":
        refuse_collection(collection_id=movement.pk, reason=message.reason, now=now)
    else:
        return_collection(
            collection_id=movement.pk, reference=message.event_id, amount=message.amount, as_of=as_of
        )


def _dispatch_transfer(what: str, movement: Transfer, message: Message, outcome: dict[str, Any]) -> None:
    if what == "succeeded":
        confirm_transfer(transfer_id=movement.pk, **outcome)
    elif what == "failed":
        refuse_transfer(transfer_id=movement.pk, reason=message.reason, now=outcome["now"])
    else:
        raise movements.UnableToSettle(
            "transfer_returned", N_("A transfer came back from the bank. A person has to look at it.")
        )


def _park(*, message_id: int, reason: str, now: datetime) -> str:
    """Park a message for a person. A return that came before its success waits for it a while."""
    row = GatewayMessage.objects.get(pk=message_id)
    if reason in {"return_before_payout", "return_before_payment"} and row.attempts < MAX_ATTEMPTS:
        row.next_attempt_at = now + movements.delay(row.attempts)
        row.save(update_fields=["next_attempt_at"])
        return row.state
    changed = GatewayMessage.objects.filter(pk=message_id, state="STORED").update(
        state="PARKED", reason=reason[:80], next_attempt_at=None
    )
    if changed:
        log.error("gateway_message_parked", event_id=row.event_id, reason=reason)
    return "PARKED"


def due_messages(*, now: datetime, limit: int) -> list[int]:
    """Return stored messages that want to be applied, the oldest first."""
    rows = GatewayMessage.objects.filter(state="STORED").exclude(next_attempt_at__gt=now).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:limit])

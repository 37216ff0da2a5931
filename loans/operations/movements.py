"""What payouts and collections share: claim a row, commit, call the gateway, write down what it said.

A row is claimed by one conditional UPDATE; whoever changes no row walks away. `sent_at` is written with the
claim, before the call: a row that has it may have reached the bank, so whoever comes next asks first.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from loans.gateways import gateway
from loans.gateways.base import NotExecuted, Order, Outcome, OutcomeUnknown, Receipt
from loans.models import Collection, Payout, Transfer
from loans.models.payment import Movement
from regimes.errors import N_, Refusal

log = structlog.get_logger(__name__)
M = TypeVar("M", Payout, Collection, Transfer)

FIRST_DELAY = timedelta(seconds=4)
# the first hour is asked each minute at least, so that a bank that is back is heard; later each ten minutes
LONGEST_DELAY, SOON, LATER_DELAY = timedelta(seconds=60), 60, timedelta(minutes=10)
WAITING = ("PENDING", "SENT", "UNKNOWN")


class UnableToSettle(Refusal):
    """Refuse an outcome that contradicts what is known."""


def due(model: type[M], *, now: datetime, limit: int) -> list[int]:
    """Return the rows that want a call now, the longest waiting first."""
    wanted = Q(status__in=WAITING) & (Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now))
    lost = Q(status="CLAIMED", claimed_until__lt=now)
    rows = model.objects.filter(wanted | lost).order_by(F("next_attempt_at").asc(nulls_first=True), "pk")
    return list(rows.values_list("pk", flat=True)[:limit])


def hurry_movement(model: type[M], *, pk: int, now: datetime) -> bool:
    """Let the next sweep look at a movement that waits; it asks the bank by reference before it tries again."""
    waiting = model.objects.filter(pk=pk, status__in=WAITING)
    return bool(waiting.update(next_attempt_at=now))


def claim(model: type[M], *, pk: int, now: datetime) -> tuple[M, bool] | None:
    """Claim a row, or return None. The flag says whether an earlier call may have reached the bank."""
    seen = model.objects.select_related("bank_account").filter(pk=pk).first()
    if seen is None or not _is_due(seen, now):
        return None
    token = uuid.uuid4()
    changed = model.objects.filter(
        pk=pk, status=seen.status, claim=seen.claim, attempts=seen.attempts
    ).update(
        status="CLAIMED",
        claim=token,
        claimed_until=now + lease(),
        attempts=F("attempts") + 1,
        sent_at=seen.sent_at or now,
    )
    if not changed:
        return None
    may_have_been_sent = seen.sent_at is not None
    seen.claim, seen.attempts = token, seen.attempts + 1
    return seen, may_have_been_sent


def lease() -> timedelta:
    """Give how long a claim holds: more than the gateway's time-outs for a question and an order, each to connect and to answer."""
    return timedelta(seconds=4 * settings.GATEWAY_TIMEOUT + 10)


def _is_due(row: Movement, now: datetime) -> bool:
    if row.status == "CLAIMED":
        return row.claimed_until is not None and row.claimed_until < now
    return row.status in WAITING and (row.next_attempt_at is None or row.next_attempt_at <= now)


def ask_or_order(row: M, *, asks_first: bool, order: Callable[[Order], Receipt]) -> Receipt:
    """Ask by reference where an order may be on its way; order where the bank never heard of it."""
    if asks_first:
        known = gateway(row.gateway).look_up(str(row.gateway_reference))
        if known is not None:
            return known
    account = row.bank_account
    if account is None:
        raise UnableToSettle("bank_account_missing", N_("There is no bank account to use."))
    return order(
        Order(
            reference=str(row.gateway_reference),
            amount=row.amount,
            currency=row.currency,
            account_number=account.number,
            holder_name=account.holder_name,
            bank_name=account.bank_name,
        )
    )


def call(
    model: type[M], row: M, *, asks_first: bool, order: Callable[[Order], Receipt], now: datetime
) -> Receipt | None:
    """Call the gateway outside any transaction; what is no answer is written down here."""
    try:
        return ask_or_order(row, asks_first=asks_first, order=order)
    except NotExecuted as error:
        # nothing of this call arrived; an earlier one may have, and then the row stays unknown
        release(
            model,
            row,
            now=now,
            status="UNKNOWN" if asks_first else "PENDING",
            error=str(error),
            unsent=not asks_first,
        )
    except OutcomeUnknown as error:
        release(model, row, now=now, status="UNKNOWN", error=str(error))
    except Refusal as refusal:
        release(model, row, now=now, status="PARKED", error=refusal.code)
    return None


def release(
    model: type[M],
    row: M,
    *,
    now: datetime,
    status: str,
    error: str = "",
    unsent: bool = False,
    **values: Any,
) -> bool:
    """Give a claimed row back with the time of the next attempt, if the claim is still ours."""
    if unsent:
        values["sent_at"] = None
    changed = model.objects.filter(pk=row.pk, claim=row.claim, status="CLAIMED").update(
        status=status,
        claim=None,
        claimed_until=None,
        last_error=error[:200],
        next_attempt_at=now + delay(row.attempts),
        **values,
    )
    if error:
        log.warning("movement_not_settled", table=model._meta.db_table, id=row.pk, status=status, error=error)
    return bool(changed)


def delay(attempts: int) -> timedelta:
    """Return how long to wait: doubling up to a minute, later ten, with jitter so that a crowd does not come at once."""
    longest: timedelta = min(
        FIRST_DELAY * 2 ** min(attempts, 12), LONGEST_DELAY if attempts <= SOON else LATER_DELAY
    )
    return longest * (0.5 + random.random() / 2)  # noqa: S311  jitter, not a secret


def note_accepted(
    model: type[Payout] | type[Collection] | type[Transfer],
    *,
    pk: int,
    provider_reference: str,
    now: datetime,
) -> bool:
    """Note that the bank has the order. An order that ended stays ended."""
    changed = model.objects.filter(pk=pk, status__in=["PENDING", "CLAIMED", "UNKNOWN", "SENT"]).update(
        status="SENT",
        provider_reference=provider_reference,
        claim=None,
        claimed_until=None,
        last_error="",
        sent_at=now,
        next_attempt_at=now + delay(4),
    )
    return bool(changed)


def apply_receipt(
    model: type[M],
    row: M,
    receipt: Receipt,
    *,
    now: datetime,
    confirm: Callable[[Receipt], object],
    refuse: Callable[[str], object],
) -> None:
    """Write down what the gateway said of an order; what contradicts our row is parked for a person."""
    if receipt.outcome is Outcome.ACCEPTED:
        note_accepted(model, pk=row.pk, provider_reference=receipt.provider_reference, now=now)
        return
    try:
        if receipt.outcome is Outcome.SUCCEEDED:
            confirm(receipt)
        else:
            refuse(receipt.reason)
    except Refusal as refusal:
        release(model, row, now=now, status="PARKED", error=refusal.code)


def lock_movement(model: type[M], *, pk: int) -> M:
    """Lock a payout or collection; its loan is locked before."""
    return model.objects.select_for_update(of=("self",)).get(pk=pk)


def check_same(row: Movement, *, provider_reference: str, amount: Any, currency: str) -> bool:
    """Tell whether an outcome was applied before; refuse one that is about other money."""
    if row.amount != amount or row.currency != currency:
        raise UnableToSettle("amount_mismatch", N_("The gateway names another amount than we ordered."))
    if row.provider_reference and row.provider_reference != provider_reference:
        raise UnableToSettle("second_reference", N_("The gateway names a second transfer for one order."))
    if row.status == "REFUSED":
        raise UnableToSettle("outcome_contradicts", N_("The gateway had refused this order for good."))
    return bool(row.status == "CONFIRMED")


def settle(
    row: Movement, *, status: str, now: datetime, provider_reference: str | None, reason: str = ""
) -> None:
    """Write the end of a locked movement."""
    row.status, row.done_at, row.reason = status, now, reason[:80]
    row.claim, row.claimed_until, row.next_attempt_at, row.last_error = None, None, None, ""
    if provider_reference and not row.provider_reference:
        row.provider_reference = provider_reference
    with transaction.atomic():
        row.save(
            update_fields=[
                "status",
                "done_at",
                "reason",
                "claim",
                "claimed_until",
                "next_attempt_at",
                "last_error",
                "provider_reference",
            ]
        )

"""Wake-ups and sweepers. Rows are the truth: each of these may run twice, late, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from celery import shared_task
from django.utils import timezone

from ledger.queries import books_are_open, business_date
from loans import operations
from loans.models import Collection, Payout, Transfer

log = structlog.get_logger(__name__)
BATCH = 200


@shared_task(name="loans.tasks.wake_payout")
def wake_payout(payout_id: int, **kwargs: Any) -> None:
    """Send one payout now."""
    operations.send_payout(payout_id=payout_id, now=timezone.now(), as_of=business_date())


@shared_task(name="loans.tasks.wake_payouts")
def wake_payouts(payout_ids: list[int], **kwargs: Any) -> None:
    """Send payouts now, each by itself."""
    for payout_id in payout_ids:
        try:
            operations.send_payout(payout_id=payout_id, now=timezone.now(), as_of=business_date())
        except Exception:
            log.exception("wake_row_failed", id=payout_id)


@shared_task(name="loans.tasks.wake_collection")
def wake_collection(collection_id: int, **kwargs: Any) -> None:
    """Send one collection now."""
    operations.send_collection(collection_id=collection_id, now=timezone.now(), as_of=business_date())


@shared_task(name="loans.tasks.wake_webhook")
def wake_webhook(message_id: int, **kwargs: Any) -> None:
    """Apply one message of the gateway now."""
    operations.apply_gateway_message(message_id=message_id, as_of=business_date(), now=timezone.now())


@shared_task(name="loans.tasks.sweep_payouts")
def sweep_payouts(**kwargs: Any) -> int:
    """Send the payouts whose wake was lost, and ask after those whose answer never came."""
    return _sweep(
        lambda now: operations.due(Payout, now=now, limit=BATCH),
        lambda pk: operations.send_payout(payout_id=pk, now=timezone.now(), as_of=business_date()),
    )


@shared_task(name="loans.tasks.sweep_collections")
def sweep_collections(**kwargs: Any) -> int:
    """Do the same for collections."""
    return _sweep(
        lambda now: operations.due(Collection, now=now, limit=BATCH),
        lambda pk: operations.send_collection(collection_id=pk, now=timezone.now(), as_of=business_date()),
    )


@shared_task(name="loans.tasks.wake_transfer")
def wake_transfer(transfer_id: int, **kwargs: Any) -> None:
    """Send one transfer now."""
    operations.send_transfer(transfer_id=transfer_id, now=timezone.now(), as_of=business_date())


@shared_task(name="loans.tasks.sweep_transfers")
def sweep_transfers(**kwargs: Any) -> int:
    """Send the transfers whose wake was lost, and ask after those whose answer never came."""
    return _sweep(
        lambda now: operations.due(Transfer, now=now, limit=BATCH),
        lambda pk: operations.send_transfer(transfer_id=pk, now=timezone.now(), as_of=business_date()),
    )


@shared_task(name="loans.tasks.sweep_webhooks")
def sweep_webhooks(**kwargs: Any) -> int:
    """Apply the messages that were stored and not applied."""
    return _sweep(
        lambda now: operations.due_messages(now=now, limit=BATCH),
        lambda pk: operations.apply_gateway_message(message_id=pk, as_of=business_date(), now=timezone.now()),
    )


@shared_task(name="loans.tasks.work_closes", ignore_result=True, soft_time_limit=1740, time_limit=1800)
def work_closes(**kwargs: Any) -> int:
    """Prove the books of a month that somebody asked for, and close it."""
    return operations.work_closes(now=timezone.now()) if books_are_open() else 0


@shared_task(name="loans.tasks.settle_promises")
def settle_promises(**kwargs: Any) -> int:
    """See which promises to pay were kept."""
    return operations.settle_promises(as_of=business_date()) if books_are_open() else 0


def _sweep(find: Callable[[datetime], list[int]], work: Callable[[int], object]) -> int:
    """Work each row by itself: one bad row does not stop the others."""
    if not books_are_open():
        return 0
    done = 0
    for pk in find(timezone.now()):
        try:
            work(pk)
            done += 1
        except Exception:
            log.exception("sweep_row_failed", id=pk)
    return done

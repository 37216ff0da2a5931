"""Sweepers of this room. Rows are the truth: each of these may run twice, late, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import structlog
from celery import shared_task
from django.utils import timezone

from ledger.queries import books_are_open, business_date
from merchants import operations

log = structlog.get_logger(__name__)
BATCH = 200


def _each(rows: Iterable[int], work: Callable[[int], object]) -> int:
    """Work each row by itself: one bad row does not stop the others."""
    done = 0
    for pk in rows:
        try:
            work(pk)
            done += 1
        except Exception:
            log.exception("sweep_row_failed", id=pk)
    return done


@shared_task(name="merchants.tasks.wake_delivery")
def wake_delivery(delivery_id: int, **kwargs: Any) -> None:
    """Try one delivery now."""
    operations.send_delivery(delivery_id=delivery_id, now=timezone.now())


@shared_task(name="merchants.tasks.sweep_deliveries")
def sweep_deliveries(_row_id: int = 0, **kwargs: Any) -> int:
    """Try the deliveries that are due; an object's next event follows in the same sweep."""
    done = 0
    for _round in range(5):
        rows = operations.due_deliveries(now=timezone.now(), limit=BATCH)
        if not rows:
            break
        done += _each(rows, lambda pk: operations.send_delivery(delivery_id=pk, now=timezone.now()))
    return done


@shared_task(name="merchants.tasks.sweep_orders")
def sweep_orders(**kwargs: Any) -> int:
    """End the orders whose time is over, return credit that came late, and tell shops of settlements."""
    if not books_are_open():
        return 0
    now, as_of = timezone.now(), business_date()
    done = _each(
        operations.due_expiries(as_of=as_of, now=now, limit=BATCH),
        lambda pk: operations.expire_checkout(checkout_id=pk, as_of=as_of, now=now),
    )
    done += _each(
        operations.due_credits(limit=BATCH),
        lambda pk: operations.return_credit_of(loan_id=pk, as_of=as_of),
    )
    return done + operations.note_settlements(now=now)


@shared_task(name="merchants.tasks.settle")
def settle(**kwargs: Any) -> int:
    """Book interest of shops that was earned, and pay shops what is ripe."""
    if not books_are_open():
        return 0
    as_of = business_date()
    operations.earn_subventions(as_of=as_of)
    return len(operations.settle_merchants(as_of=as_of, now=timezone.now()))

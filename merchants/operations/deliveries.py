"""Deliver events to shops: claimed, sent outside any transaction, in the order of each object, tried for a day."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from merchants.domain.addresses import read_url
from merchants.domain.deliveries import GIVES_UP_AFTER, MOST_FAILURES, next_wait, sign
from merchants.gateways import webhooks
from merchants.models import Delivery, DeliveryAttempt, WebhookEndpoint, WebhookEvent
from regimes.errors import N_, Refusal

log = structlog.get_logger(__name__)
LEASE = timedelta(seconds=60)
VERSION = "1"


class UnableToReplay(Refusal):
    """Refuse to send again what is on its way, or to an endpoint that is off."""


def due_deliveries(*, now: datetime, limit: int) -> list[int]:
    """Return the deliveries that want a try: for each endpoint and object only the oldest that is not done."""
    waiting = Q(status="PENDING") & (Q(next_attempt_at=None) | Q(next_attempt_at__lte=now))
    lost = Q(status="CLAIMED", claimed_until__lt=now)
    earlier = Delivery.objects.filter(
        endpoint_id=OuterRef("endpoint_id"),
        object_ref=OuterRef("object_ref"),
        pk__lt=OuterRef("pk"),
        status__in=["PENDING", "CLAIMED"],
    )
    rows = Delivery.objects.filter(waiting | lost, ~Exists(earlier)).order_by(
        F("next_attempt_at").asc(nulls_first=True), "pk"
    )
    return list(rows.values_list("pk", flat=True)[:limit])


def envelope(event: WebhookEvent) -> bytes:
    """Write what is sent: the id is the same in every attempt, so a shop applies it once."""
    content = {
        "id": str(event.ref),
        "type": event.kind,
        "version": VERSION,
        "object": str(event.object_ref),
        "sequence": event.pk,
        "created_at": event.happened_at.isoformat(),
        "data": event.payload,
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def send_delivery(
    *, delivery_id: int, now: datetime, resolver: webhooks.Resolver = webhooks.resolve
) -> str | None:
    """Try one delivery. None if somebody else has it or an earlier one of the object is not done."""
    row = _claim(delivery_id, now)
    if row is None:
        return None
    body = envelope(row.event)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "lendportal-webhooks/1",
        "X-Event-ID": str(row.event.ref),
        "X-Signature": sign(body, secrets=_secrets(row.endpoint, now), timestamp=int(now.timestamp())),
    }
    attempt = DeliveryAttempt(delivery=row, number=row.attempts, sent_at=now)
    try:
        parts = read_url(row.endpoint.url, field="url", allow_local=settings.SANDBOX)
        answer = webhooks.post(
            parts, body=body, headers=headers, allow_local=settings.SANDBOX, resolver=resolver
        )
    except webhooks.NotCallable as error:
        attempt.error = str(error)[:120]
    except Refusal as refusal:
        attempt.error = refusal.code
    else:
        attempt.http_status, attempt.milliseconds = answer.status, answer.milliseconds
        attempt.answer = answer.text.replace("\x00", "")[:200]
    return _note(row, attempt, now)


def _claim(delivery_id: int, now: datetime) -> Delivery | None:
    seen = Delivery.objects.select_related("event", "endpoint").filter(pk=delivery_id).first()
    if seen is None or seen.pk not in _free(seen, now):
        return None
    token = uuid.uuid4()
    changed = Delivery.objects.filter(
        pk=seen.pk, status=seen.status, claim=seen.claim, attempts=seen.attempts
    ).update(status="CLAIMED", claim=token, claimed_until=now + LEASE, attempts=F("attempts") + 1)
    if not changed:
        return None
    seen.claim, seen.attempts, seen.status = token, seen.attempts + 1, "CLAIMED"
    return seen


def _free(row: Delivery, now: datetime) -> set[int]:
    """Return the row's key if it is its turn."""
    if row.status == "CLAIMED" and row.claimed_until is not None and row.claimed_until >= now:
        return set()
    if row.status not in ("PENDING", "CLAIMED"):
        return set()
    if row.status == "PENDING" and row.next_attempt_at is not None and row.next_attempt_at > now:
        return set()
    earlier = Delivery.objects.filter(
        endpoint_id=row.endpoint_id,
        object_ref=row.object_ref,
        pk__lt=row.pk,
        status__in=["PENDING", "CLAIMED"],
    )
    return set() if earlier.exists() else {row.pk}


def _secrets(endpoint: WebhookEndpoint, now: datetime) -> list[str]:
    secrets = [endpoint.secret]
    if endpoint.old_secret and endpoint.old_secret_until and now < endpoint.old_secret_until:
        secrets.append(endpoint.old_secret)
    return secrets


def _note(row: Delivery, attempt: DeliveryAttempt, now: datetime) -> str:
    """Write down what came of a try, and when the next one is."""
    good = attempt.http_status is not None and 200 <= attempt.http_status < 300
    changes: dict[str, Any] = {"claim": None, "claimed_until": None}
    if good:
        changes |= {"status": "DELIVERED", "done_at": now, "next_attempt_at": None}
    else:
        began = row.first_failed_at or now
        wait = next_wait(row.attempts)
        over = wait is None or now + wait > began + GIVES_UP_AFTER
        changes |= {
            "first_failed_at": began,
            "status": "FAILED" if over else "PENDING",
            "done_at": now if over else None,
            "next_attempt_at": None if wait is None or over else now + wait,
        }
    with transaction.atomic():
        attempt.save(force_insert=True)
        Delivery.objects.filter(pk=row.pk, claim=row.claim).update(**changes)
        _count(row.endpoint_id, good=good)
    return str(changes["status"])


def _count(endpoint_id: int, *, good: bool) -> None:
    endpoint = WebhookEndpoint.objects.filter(pk=endpoint_id)
    if good:
        endpoint.exclude(failures=0).update(failures=0)
        return
    endpoint.update(failures=F("failures") + 1)
    off = endpoint.filter(is_active=True, failures__gte=MOST_FAILURES).update(
        is_active=False, disabled_reason="too_many_failures"
    )
    if off:
        log.warning("webhook_endpoint_off", endpoint=endpoint_id)


def replay_delivery(*, delivery: Delivery, now: datetime) -> Delivery:
    """Send an event once more, at the wish of the shop; its id is the same as before."""
    with transaction.atomic():
        row = Delivery.objects.select_for_update(of=("self",)).select_related("endpoint").get(pk=delivery.pk)
        if row.status not in ("DELIVERED", "FAILED"):
            raise UnableToReplay("delivery_on_its_way", N_("This event is on its way already."))
        if not row.endpoint.is_active:
            raise UnableToReplay("endpoint_off", N_("This endpoint is switched off."))
        row.status, row.attempts, row.next_attempt_at = "PENDING", 0, None
        row.first_failed_at, row.done_at = None, None
        row.save(update_fields=["status", "attempts", "next_attempt_at", "first_failed_at", "done_at"])
    return row


def ping_endpoint(*, endpoint: WebhookEndpoint, now: datetime) -> Delivery:
    """Send a test event to one endpoint."""
    with transaction.atomic():
        event = WebhookEvent.objects.create(
            merchant_id=endpoint.merchant_id,
            kind="test.ping",
            object_ref=uuid.uuid4(),
            payload={"message": "It works."},
            happened_at=now,
        )
        return Delivery.objects.create(event=event, endpoint=endpoint, object_ref=event.object_ref)

"""Write down what a shop is to hear, in the transaction in which it happened."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from merchants.models import Delivery, Merchant, WebhookEndpoint, WebhookEvent


def record_event(
    *, merchant: Merchant, kind: str, object_ref: uuid.UUID, payload: dict[str, Any], now: datetime
) -> WebhookEvent:
    """Write an event and a delivery for each endpoint that listens; the sweeper and a wake send them."""
    event = WebhookEvent.objects.create(
        merchant=merchant, kind=kind, object_ref=object_ref, payload=payload, happened_at=now
    )
    rows = WebhookEndpoint.objects.filter(merchant=merchant, is_active=True).order_by("pk")
    Delivery.objects.bulk_create(
        Delivery(event=event, endpoint=endpoint, object_ref=object_ref)
        for endpoint in rows
        if not endpoint.events or kind in endpoint.events
    )
    return event

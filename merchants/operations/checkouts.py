"""A shop starts an order, and may take it back until the buyer agrees."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from merchants.domain.addresses import origin_of, read_url
from merchants.domain.categories import category_of
from merchants.domain.orders import cancel
from merchants.models import ApiKey, Checkout, Merchant
from merchants.operations.events import record_event
from merchants.shapes import checkout_shape
from regimes.errors import N_, InvalidInput, Refusal

PAGE_LIVES = timedelta(minutes=30)
MOST_ITEMS = 50
_ORDER_ID = re.compile(r"[^\x00-\x1f\x7f]{1,64}")


class UnableToCheckOut(InvalidInput):
    """Refuse an order that is not in form."""


class OrderReused(Refusal):
    """Refuse another order under a number that was used."""

    http_status = 422


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What a shop asks a buyer to agree to."""

    order_id: str
    amount: Decimal
    currency: str
    category: str
    description: str
    return_url: str
    cancel_url: str = ""
    items: Sequence[Mapping[str, Any]] = field(default_factory=tuple)

    def digest(self) -> str:
        """Hash the content, so that a repeat with other content is seen."""
        content = [
            self.order_id,
            f"{self.amount:.2f}",
            self.currency,
            self.category,
            self.description,
            self.return_url,
            self.cancel_url,
            [dict(item) for item in self.items],
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def create_checkout(
    *, merchant: Merchant, request: OrderRequest, key: ApiKey | None, now: datetime
) -> tuple[Checkout, bool]:
    """Write an order, or return the one of the same number and content. The flag says whether it is new."""
    _check(merchant, request)
    digest = request.digest()
    if (before := _before(merchant, request.order_id, digest)) is not None:
        return before, False
    try:
        with transaction.atomic():
            row = Checkout.objects.create(
                merchant=merchant,
                key=key,
                order_id=request.order_id,
                request_hash=digest,
                amount=request.amount,
                currency=request.currency,
                category=request.category,
                description=request.description,
                items=[dict(item) for item in request.items],
                return_url=request.return_url,
                cancel_url=request.cancel_url,
                fee_rate=merchant.fee_rate,
                expires_at=now + PAGE_LIVES,
            )
    except IntegrityError:  # the same number a moment ago
        found = _before(merchant, request.order_id, digest)
        assert found is not None, "a number that is taken has its order"
        return found, False
    return row, True


def _before(merchant: Merchant, order_id: str, digest: str) -> Checkout | None:
    found = Checkout.objects.filter(merchant=merchant, order_id=order_id).first()
    if found is not None and found.request_hash != digest:
        raise OrderReused(
            "order_id_reused", N_("This order number was used for another order."), field="order_id"
        )
    return found


def _check(merchant: Merchant, request: OrderRequest) -> None:
    if merchant.status != Merchant.Status.ACTIVE:
        raise MerchantNotActive("merchant_not_active", N_("This shop cannot sell on credit at the moment."))
    if not _ORDER_ID.fullmatch(request.order_id) or not request.order_id.strip():
        raise UnableToCheckOut(
            "order_id_invalid", N_("An order number has 1 to 64 characters."), field="order_id"
        )
    category_of(request.category, merchant.categories)
    if len(request.items) > MOST_ITEMS:
        raise UnableToCheckOut("too_many_items", N_("List at most 50 goods."), field="items")
    for name in ("return_url", "cancel_url"):
        address = getattr(request, name)
        if not address and name == "cancel_url":
            continue
        parts = read_url(address, field=name, allow_local=settings.SANDBOX)
        if origin_of(parts) not in merchant.return_origins:
            raise UnableToCheckOut(
                "return_url_unknown", N_("This address is not on the list of your shop."), field=name
            )


class MerchantNotActive(Refusal):
    """Refuse a shop that was suspended or not approved yet."""

    http_status = 403


def lock_checkout(*, checkout_id: int) -> Checkout:
    """Lock an order. Where its hold is touched too, the line and the hold are locked before."""
    return (
        Checkout.objects.select_for_update(of=("self",))
        .select_related("merchant", "hold")
        .get(pk=checkout_id)
    )


def cancel_checkout(*, checkout_id: int, now: datetime) -> Checkout:
    """End an order to which the buyer has not agreed; a repeat changes nothing."""
    with transaction.atomic():
        row = lock_checkout(checkout_id=checkout_id)
        before = row.status
        row.save(update_fields=row.take(cancel(row.money)))
        if row.status != before:
            record_event(
                merchant=row.merchant,
                kind="checkout.cancelled",
                object_ref=row.ref,
                payload=checkout_shape(row),
                now=now,
            )
    return row

"""This object of this shop, or 404: for the people of a shop and for its keys."""

from __future__ import annotations

import uuid
from typing import TypeVar

from django.db.models import Model, QuerySet

from accounts.access import own_borrower
from accounts.models import Borrower, User
from merchants.models import ApiKey, Checkout, Delivery, Merchant, Settlement, WebhookEndpoint
from regimes.errors import N_, NotFound

Row = TypeVar("Row", bound=Model)
MANAGERS = ("OWNER",)  # keys, endpoints, plans
CASHIERS = ("OWNER", "FINANCE")  # capture, void, refund
VIEWERS = ("OWNER", "FINANCE", "VIEWER")


def missing() -> NotFound:
    """Make the refusal of what is not there or not the asker's."""
    return NotFound("not_found", N_("There is nothing here, or it is not yours."))


def as_uuid(ref: object) -> uuid.UUID:
    """Read a reference, or refuse as missing."""
    try:
        return ref if isinstance(ref, uuid.UUID) else uuid.UUID(str(ref))
    except ValueError:
        raise missing() from None


def own_merchant(*, user: User, business_ref: object, roles: tuple[str, ...] = VIEWERS) -> Merchant:
    """Give the shop of a business for which the user acts, or refuse as missing."""
    business = own_borrower(user=user, ref=business_ref, roles=roles)
    found = (
        Merchant.objects.select_related("business", "settlement_account").filter(business=business).first()
    )
    if found is None:
        raise missing()
    return found


def _one(rows: QuerySet[Row], ref: object) -> Row:
    found = rows.filter(ref=as_uuid(ref)).first()
    if found is None:
        raise missing()
    return found


def checkout_of(*, merchant: Merchant, ref: object) -> Checkout:
    """Give an order of a shop."""
    return _one(Checkout.objects.select_related("merchant").filter(merchant=merchant), ref)


def key_of(*, merchant: Merchant, ref: object) -> ApiKey:
    """Give a key of a shop."""
    return _one(ApiKey.objects.select_related("merchant").filter(merchant=merchant), ref)


def endpoint_of(*, merchant: Merchant, ref: object) -> WebhookEndpoint:
    """Give an endpoint of a shop."""
    return _one(WebhookEndpoint.objects.select_related("merchant").filter(merchant=merchant), ref)


def delivery_of(*, merchant: Merchant, ref: object) -> Delivery:
    """Give a delivery to a shop."""
    rows = Delivery.objects.select_related("event", "endpoint").filter(event__merchant=merchant)
    return _one(rows, ref)


def open_page(*, ref: object) -> Checkout:
    """Give the order of a page for the buyer: whoever has the address may look at what is for sale."""
    return _one(Checkout.objects.select_related("merchant", "hold__line"), ref)


def buyer_page(*, user: User, ref: object) -> Checkout:
    """Give an order that this user agreed to, or that nobody agreed to yet; another's is not there."""
    found = open_page(ref=ref)
    if found.borrower_id is not None:
        borrower = Borrower.objects.get(pk=found.borrower_id)
        own_borrower(user=user, ref=borrower.ref)
    return found


def settlement_of(*, merchant: Merchant, ref: object) -> Settlement:
    """Give a settlement of a shop."""
    return _one(Settlement.objects.select_related("transfer").filter(merchant=merchant), ref)

"""Every write of shops and purchases, one verb a function."""

from merchants.operations.buying import (
    Purchase,
    UnableToBuy,
    authorise_checkout,
    decide_buyer,
)
from merchants.operations.checkouts import UnableToCheckOut, cancel_checkout, create_checkout
from merchants.operations.deliveries import (
    due_deliveries,
    ping_endpoint,
    replay_delivery,
    send_delivery,
)
from merchants.operations.endpoints import (
    UnableToChangeEndpoint,
    add_endpoint,
    remove_endpoint,
    rotate_secret,
)
from merchants.operations.keys import UnableToMakeKey, make_key, note_use, revoke_key, rotate_key
from merchants.operations.orders import (
    capture_checkout,
    due_credits,
    due_expiries,
    expire_checkout,
    refund_checkout,
    return_credit_of,
    void_checkout,
)
from merchants.operations.settling import (
    earn_subventions,
    note_settlements,
    retry_settlement,
    settle_merchant,
    settle_merchants,
)
from merchants.operations.shops import (
    UnableToApplyAsShop,
    apply_as_merchant,
    approve_merchant,
    set_merchant_status,
    set_plan,
)

__all__ = [
    "Purchase",
    "UnableToApplyAsShop",
    "UnableToBuy",
    "UnableToChangeEndpoint",
    "UnableToCheckOut",
    "UnableToMakeKey",
    "add_endpoint",
    "apply_as_merchant",
    "approve_merchant",
    "authorise_checkout",
    "cancel_checkout",
    "capture_checkout",
    "create_checkout",
    "decide_buyer",
    "due_deliveries",
    "due_credits",
    "due_expiries",
    "return_credit_of",
    "earn_subventions",
    "expire_checkout",
    "make_key",
    "note_settlements",
    "note_use",
    "ping_endpoint",
    "refund_checkout",
    "remove_endpoint",
    "replay_delivery",
    "retry_settlement",
    "revoke_key",
    "rotate_key",
    "rotate_secret",
    "send_delivery",
    "set_merchant_status",
    "set_plan",
    "settle_merchant",
    "settle_merchants",
    "void_checkout",
]

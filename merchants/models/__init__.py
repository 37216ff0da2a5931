"""Tables of shops and of what is bought there."""

from merchants.models.merchant import ApiKey, Merchant, MerchantPlan
from merchants.models.order import Capture, Checkout, Refund, RefundPart
from merchants.models.settlement import Settlement, SubventionBooking
from merchants.models.webhook import Delivery, DeliveryAttempt, WebhookEndpoint, WebhookEvent

__all__ = [
    "ApiKey",
    "Capture",
    "Checkout",
    "Delivery",
    "DeliveryAttempt",
    "Merchant",
    "MerchantPlan",
    "Refund",
    "RefundPart",
    "Settlement",
    "SubventionBooking",
    "WebhookEndpoint",
    "WebhookEvent",
]

"""Sell on credit with lendportal.

from lendportal_client import Shop
shop = Shop("https://portal.example", key="lp_live_...")
order = shop.create_checkout(order_id="1", amount="600.00", category="PHONES", description="A phone", return_url="https://shop.example/thanks")
# send the buyer to order.url; once the buyer agreed and the goods are on their way:
shop.capture(order.ref, key="ship-1")
"""

from lendportal_client.client import Problem, Shop
from lendportal_client.shapes import Capture, Checkout, Plan, Refund, Settlement
from lendportal_client.webhooks import Event, SignatureInvalid, read_event

__all__ = [
    "Capture",
    "Checkout",
    "Event",
    "Plan",
    "Problem",
    "Refund",
    "Settlement",
    "Shop",
    "SignatureInvalid",
    "read_event",
]

"""How an order, a capture, a refund and a settlement look outside: one form for the API and for webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:
    from merchants.models import Capture, Checkout, Refund, Settlement


def checkout_url(checkout: Checkout) -> str:
    """Return the address of the page where the buyer agrees."""
    return f"{settings.PUBLIC_URL.rstrip('/')}/pay/{checkout.ref}"


def checkout_shape(row: Checkout) -> dict[str, Any]:
    """Say an order. Nothing of the buyer is said beyond the plan."""
    plan = None
    if row.instalment_count is not None:
        plan = {
            "instalment_count": row.instalment_count,
            "zero_interest": row.subvention_rate > 0,
            "subvention_rate": f"{row.subvention_rate:.4f}",
        }
    return {
        "ref": str(row.ref),
        "order_id": row.order_id,
        "status": row.status,
        "amount": f"{row.amount:.2f}",
        "currency": row.currency,
        "category": row.category,
        "description": row.description,
        "captured": f"{row.captured:.2f}",
        "released": f"{row.released:.2f}",
        "refunded": f"{row.refunded:.2f}",
        "capturable": f"{row.money.left:.2f}",
        "refundable": f"{row.money.refundable:.2f}",
        "fee_rate": f"{row.fee_rate:.4f}",
        "plan": plan,
        "url": checkout_url(row),
        "expires_at": row.expires_at.isoformat(),
        "authorised_at": row.authorised_at.isoformat() if row.authorised_at else None,
        "capture_until": row.capture_until.isoformat() if row.capture_until else None,
    }


def capture_shape(row: Capture) -> dict[str, Any]:
    """Say a capture, with what the shop gets of it."""
    return {
        "ref": str(row.ref),
        "checkout": str(row.checkout.ref),
        "order_id": row.checkout.order_id,
        "reference": row.reference,
        "amount": f"{row.amount:.2f}",
        "currency": row.checkout.currency,
        "fee": f"{row.fee:.2f}",
        "subvention": f"{row.subvention:.2f}",
        "net": f"{row.amount - row.fee - row.subvention:.2f}",
        "captured_date": row.captured_date.isoformat(),
    }


def refund_shape(row: Refund) -> dict[str, Any]:
    """Say a refund, with what the shop pays for it."""
    return {
        "ref": str(row.ref),
        "checkout": str(row.checkout.ref),
        "order_id": row.checkout.order_id,
        "reference": row.reference,
        "amount": f"{row.amount:.2f}",
        "currency": row.checkout.currency,
        "fee_returned": f"{row.fee_returned:.2f}",
        "subvention_returned": f"{row.subvention_returned:.2f}",
        "reason": row.reason,
        "refunded_date": row.refunded_date.isoformat(),
    }


def settlement_shape(row: Settlement) -> dict[str, Any]:
    """Say a settlement, and where its money is."""
    return {
        "ref": str(row.ref),
        "settled_date": row.settled_date.isoformat(),
        "captured": f"{row.captured:.2f}",
        "refunded": f"{row.refunded:.2f}",
        "fees": f"{row.fees:.2f}",
        "subventions": f"{row.subventions:.2f}",
        "net": f"{row.net:.2f}",
        "currency": row.transfer.currency,
        "status": row.transfer.status,
    }

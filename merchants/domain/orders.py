"""What may happen to an order, and whose money it is, to the cent.

OPEN -> AUTHORISED | CANCELLED | EXPIRED
AUTHORISED -> CAPTURED | VOIDED | EXPIRED, by parts; CAPTURED -> refunds up to what was captured
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final

from ledger.domain.money import ZERO, round_money
from regimes.errors import N_, InvalidInput, Refusal


class OrderStatus(StrEnum):
    """Name the state of an order."""

    OPEN = "OPEN"  # the buyer has not agreed yet
    AUTHORISED = "AUTHORISED"
    CAPTURED = "CAPTURED"  # nothing is left to capture
    VOIDED = "VOIDED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


FINAL: Final = frozenset({OrderStatus.VOIDED, OrderStatus.EXPIRED, OrderStatus.CANCELLED})


class UnableToMoveOrder(Refusal):
    """Refuse what the state of an order does not allow."""


class UnableToUseAmount(InvalidInput):
    """Refuse an amount that is not positive money."""


@dataclass(frozen=True, slots=True)
class Order:
    """Hold the money of one order. `captured + released <= amount`, `refunded <= captured`."""

    status: OrderStatus
    amount: Decimal
    captured: Decimal = ZERO
    released: Decimal = ZERO
    refunded: Decimal = ZERO

    @property
    def left(self) -> Decimal:
        """Return what can still be captured."""
        return self.amount - self.captured - self.released if self.status is OrderStatus.AUTHORISED else ZERO

    @property
    def refundable(self) -> Decimal:
        """Return what can still be refunded."""
        return self.captured - self.refunded


def _positive(amount: Decimal) -> None:
    if amount <= 0:
        raise UnableToUseAmount("amount_invalid", N_("Enter an amount such as 1500.00."), field="amount")


def authorise(order: Order) -> Order:
    """Let the buyer agree."""
    if order.status is OrderStatus.AUTHORISED:
        raise UnableToMoveOrder("checkout_used", N_("This order was agreed to before."))
    _refuse_over(order)
    return replace(order, status=OrderStatus.AUTHORISED)


def _refuse_over(order: Order) -> None:
    if order.status is OrderStatus.EXPIRED:
        raise UnableToMoveOrder("checkout_expired", N_("This order has expired. Start it again in the shop."))
    if order.status is OrderStatus.CANCELLED:
        raise UnableToMoveOrder("checkout_cancelled", N_("This order was cancelled."))
    if order.status is OrderStatus.VOIDED:
        raise UnableToMoveOrder("checkout_voided", N_("The shop let go of this order."))
    if order.status is OrderStatus.CAPTURED:
        raise UnableToMoveOrder("checkout_captured", N_("Nothing is left to capture of this order."))


def capture(order: Order, amount: Decimal | None) -> Order:
    """Take part of what was authorised, or the rest (None)."""
    if amount is not None:
        _positive(amount)
    _refuse_over(order)
    if order.status is OrderStatus.OPEN:
        raise UnableToMoveOrder("checkout_not_authorised", N_("The buyer has not agreed yet."))
    amount = order.left if amount is None else amount
    if amount > order.left:
        raise UnableToMoveOrder(
            "capture_exceeds_authorisation",
            N_("Only %(left)s of this authorisation is left."),
            field="amount",
            params={"left": f"{order.left:.2f}"},
        )
    return _settled(replace(order, captured=order.captured + amount), OrderStatus.VOIDED)


def release(order: Order, *, status: OrderStatus = OrderStatus.VOIDED) -> Order:
    """Let go of what was not captured. `status` is what an order becomes of which nothing was captured."""
    _refuse_over(order)
    if order.status is OrderStatus.OPEN:
        raise UnableToMoveOrder("checkout_not_authorised", N_("The buyer has not agreed yet."))
    return _settled(replace(order, released=order.released + order.left), status)


def _settled(order: Order, otherwise: OrderStatus) -> Order:
    assert order.captured + order.released <= order.amount, "an order never captures more than was agreed"
    if order.left:
        return order
    return replace(order, status=OrderStatus.CAPTURED if order.captured else otherwise)


def cancel(order: Order) -> Order:
    """End an order to which the buyer has not agreed."""
    if order.status is OrderStatus.CANCELLED:
        return order
    if order.status is OrderStatus.AUTHORISED:
        raise UnableToMoveOrder("checkout_used", N_("This order was agreed to before."))
    _refuse_over(order)
    return replace(order, status=OrderStatus.CANCELLED)


def refund(order: Order, amount: Decimal) -> Order:
    """Give part of what was captured back to the buyer."""
    _positive(amount)
    if amount > order.refundable:
        raise UnableToMoveOrder(
            "refund_exceeds_capture",
            N_("Only %(left)s of what was captured can be refunded."),
            field="amount",
            params={"left": f"{order.refundable:.2f}"},
        )
    return replace(order, refunded=order.refunded + amount)


def share(whole: Decimal, rate: Decimal) -> Decimal:
    """Return a fee or a subvention on an amount.

    >>> share(Decimal("100.00"), Decimal("0.0255"))
    Decimal('2.55')
    """
    return round_money(whole * rate)


def returned(charged: Decimal, captured: Decimal, refunded: Decimal) -> Decimal:
    """Return how much of a charge is given back once so much of a capture is refunded: exact when all is.

    >>> returned(Decimal("1.00"), Decimal("3.00"), Decimal("1.00")), returned(Decimal("1.00"), Decimal("3.00"), Decimal("3.00"))
    (Decimal('0.33'), Decimal('1.00'))
    """
    return charged if refunded == captured else round_money(charged * refunded / captured)


def spread(amount: Decimal, rooms: Sequence[Decimal]) -> list[Decimal]:
    """Spread a refund over the captures, the newest first; the parts add up to the whole."""
    parts = [ZERO] * len(rooms)
    left = amount
    for index in range(len(rooms) - 1, -1, -1):
        parts[index] = min(left, rooms[index])
        left -= parts[index]
    assert not left, "a refund that passed fits the captures"
    return parts

"""What the API answers, as values. Amounts are Decimal; what a newer portal adds is passed over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@dataclass(frozen=True, slots=True)
class Plan:
    """What the buyer agreed to."""

    instalment_count: int
    zero_interest: bool
    subvention_rate: Decimal


@dataclass(frozen=True, slots=True)
class Checkout:
    """An order as it stands."""

    ref: str
    order_id: str
    status: str  # OPEN, AUTHORISED, CAPTURED, VOIDED, EXPIRED or CANCELLED
    amount: Decimal
    currency: str
    captured: Decimal
    released: Decimal
    refunded: Decimal
    capturable: Decimal
    refundable: Decimal
    plan: Plan | None
    url: str
    expires_at: datetime | None
    authorised_at: datetime | None
    capture_until: date | None

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Checkout:
        """Read an answer of the API."""
        plan = data.get("plan")
        return cls(
            ref=data["ref"],
            order_id=data["order_id"],
            status=data["status"],
            amount=Decimal(data["amount"]),
            currency=data["currency"],
            captured=Decimal(data["captured"]),
            released=Decimal(data["released"]),
            refunded=Decimal(data["refunded"]),
            capturable=Decimal(data["capturable"]),
            refundable=Decimal(data["refundable"]),
            plan=Plan(plan["instalment_count"], plan["zero_interest"], Decimal(plan["subvention_rate"]))
            if plan
            else None,
            url=data["url"],
            expires_at=_moment(data.get("expires_at")),
            authorised_at=_moment(data.get("authorised_at")),
            capture_until=_day(data.get("capture_until")),
        )


@dataclass(frozen=True, slots=True)
class Capture:
    """Goods that were sent, and what the shop gets for them."""

    ref: str
    checkout: str
    reference: str
    amount: Decimal
    fee: Decimal
    subvention: Decimal
    net: Decimal

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Capture:
        """Read an answer of the API."""
        money = {name: Decimal(data[name]) for name in ("amount", "fee", "subvention", "net")}
        return cls(ref=data["ref"], checkout=data["checkout"], reference=data["reference"], **money)


@dataclass(frozen=True, slots=True)
class Refund:
    """Goods that came back."""

    ref: str
    checkout: str
    reference: str
    amount: Decimal
    fee_returned: Decimal
    subvention_returned: Decimal

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Refund:
        """Read an answer of the API."""
        money = {name: Decimal(data[name]) for name in ("amount", "fee_returned", "subvention_returned")}
        return cls(ref=data["ref"], checkout=data["checkout"], reference=data["reference"], **money)


@dataclass(frozen=True, slots=True)
class Settlement:
    """One payment to the shop."""

    ref: str
    settled_date: date | None
    captured: Decimal
    refunded: Decimal
    fees: Decimal
    subventions: Decimal
    net: Decimal
    status: str

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Settlement:
        """Read an answer of the API."""
        names = ("captured", "refunded", "fees", "subventions", "net")
        money = {name: Decimal(data[name]) for name in names}
        return cls(ref=data["ref"], settled_date=_day(data["settled_date"]), status=data["status"], **money)

"""Which sales invoices are unpaid: payments and red-letter invoices of the same customer are matched by amount.

A payment settles the oldest open invoice of its customer over exactly its amount; a red-letter invoice takes back the newest.
What cannot be matched settles nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Sale:
    """Hold one invoice; `amount` below zero is a red-letter one. `customer` 0 is unknown."""

    identity: bytes
    day: date
    amount: Decimal
    customer: int
    tail: str = ""  # the last digits of its number
    is_taken_back: bool = False  # its own list says that a red-letter invoice took it back


@dataclass(frozen=True, slots=True)
class Paid:
    """Hold money that came from a customer."""

    day: date
    amount: Decimal
    customer: int


@dataclass(frozen=True, slots=True)
class Receivable:
    """Hold an invoice and what became of it."""

    sale: Sale
    paid: date | None = None
    is_cancelled: bool = False

    @property
    def is_open(self) -> bool:
        """Tell whether it is still to be paid."""
        return self.paid is None and not self.is_cancelled


def match(sales: Sequence[Sale], payments: Sequence[Paid]) -> list[Receivable]:
    """Say of every invoice whether it was paid or taken back, oldest first; red-letter ones are not listed.

    Pure; a payment and a red letter settle one invoice each, and an invoice is settled once.
    """
    listed = sorted((sale for sale in sales if sale.amount > 0), key=lambda sale: (sale.day, sale.identity))
    alike: dict[tuple[int, Decimal], list[Sale]] = {}
    for sale in listed:
        if sale.customer:
            alike.setdefault((sale.customer, sale.amount), []).append(sale)
    cancelled = _cancelled(alike, sales) | {sale.identity for sale in listed if sale.is_taken_back}
    paid: dict[bytes, date] = {}
    for payment in sorted(payments, key=lambda paid: paid.day):
        for sale in alike.get((payment.customer, payment.amount), ()):
            if sale.day <= payment.day and sale.identity not in paid and sale.identity not in cancelled:
                paid[sale.identity] = payment.day
                break
    return [Receivable(sale, paid.get(sale.identity), sale.identity in cancelled) for sale in listed]


def _cancelled(alike: Mapping[tuple[int, Decimal], Sequence[Sale]], sales: Sequence[Sale]) -> set[bytes]:
    """Find what red letters take back: an invoice whose list says so first, else the newest before the letter."""
    found: set[bytes] = set()
    for red in sorted(
        (sale for sale in sales if sale.amount < 0), key=lambda sale: (sale.day, sale.identity)
    ):
        able = [
            sale
            for sale in alike.get((red.customer, -red.amount), ())
            if sale.day <= red.day and sale.identity not in found
        ]
        if able:
            found.add(max(able, key=lambda sale: (sale.is_taken_back, sale.day, sale.identity)).identity)
    return found

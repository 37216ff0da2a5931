"""What a payment gateway must be able to do, whoever it is.

A gateway does one thing for one reference of ours. That makes a repeat harmless, and lets us ask what became
of an order whose answer never came.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol


class Outcome(StrEnum):
    """Name what a gateway says of an order."""

    ACCEPTED = "ACCEPTED"  # it will be done; a message follows
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"  # for good


@dataclass(frozen=True, slots=True)
class Order:
    """Ask for money to be moved to or from a borrower's bank account."""

    reference: str
    amount: Decimal
    currency: str
    account_number: str
    holder_name: str
    bank_name: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """Show what the gateway says of an order of ours."""

    reference: str
    provider_reference: str
    outcome: Outcome
    amount: Decimal
    currency: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BookLine:
    """Show one movement in the gateway's own book."""

    number: int
    kind: str  # transfer: to a borrower, debit: from one
    reference: str
    provider_reference: str
    status: str
    returned: bool
    amount: Decimal
    currency: str

    @property
    def cash(self) -> Decimal:
        """Return what the movement did to our account at the bank."""
        if self.status != Outcome.SUCCEEDED or self.returned:
            return Decimal(0)
        return self.amount if self.kind == "debit" else -self.amount


@dataclass(frozen=True, slots=True)
class BookPage:
    """Show some lines of the gateway's book, and the balance of all."""

    lines: tuple[BookLine, ...]
    balance: Decimal


class OutcomeUnknown(Exception):
    """The order may have been executed: ask by reference before anything else."""


class NotExecuted(Exception):
    """The order certainly did not reach the gateway: it may be sent again."""


class Gateway(Protocol):
    """Move money through one provider. Every method may raise OutcomeUnknown or NotExecuted."""

    def pay_out(self, order: Order) -> Receipt:
        """Send money to a borrower."""

    def collect(self, order: Order) -> Receipt:
        """Pull money from a borrower's account."""

    def look_up(self, reference: str) -> Receipt | None:
        """Return what the gateway knows of a reference; None if it never heard of it."""

    def book(self, *, after: int, limit: int) -> BookPage:
        """Return the movements after a number, in order, and the balance of the whole book."""

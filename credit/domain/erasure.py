"""Erasing a borrower: what stands against it, what must be kept all the same, why and for how long."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from regimes.errors import N_, Refusal


class UnableToErase(Refusal):
    """Refuse to erase while something stands against it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Hold what a borrower still has with us: counts and yuan."""

    open_loans: int = 0
    lost_loans: int = 0  # written off, and still owed
    under_way: int = 0  # payouts and collections whose end is not known
    owed_to_borrower: Decimal = Decimal(0)
    waiting_applications: int = 0
    legal_hold: bool = False
    last_owner_of: int = 0  # businesses that would be left without an owner


@dataclass(frozen=True, slots=True)
class Block:
    """Name one thing that stands against erasure, with the way on."""

    code: str
    message: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """Name what is kept, the reason in law, and for how many years after the end; 0 is without an end."""

    what: str
    why: str
    years: int


def blocks(standing: Standing) -> list[Block]:
    """List what stands against erasure; an empty list lets it happen."""
    found = []
    if standing.open_loans:
        found.append(
            Block("open_debt", N_("%(count)s loans are not repaid. Repay them, then ask again."), {"count": standing.open_loans})
        )  # fmt: skip
    if standing.lost_loans:
        found.append(
            Block("open_claim", N_("A loan was written off and is still owed. Talk to us about it."))
        )
    if standing.under_way:
        found.append(Block("money_under_way", N_("Money is under way. Ask again when it has arrived.")))
    if standing.owed_to_borrower:
        found.append(
            Block(
                "credit_balance", N_("We owe you %(amount)s. Let us pay it to you first: ask support."),
                {"amount": standing.owed_to_borrower},
            )
        )  # fmt: skip
    if standing.waiting_applications:
        found.append(
            Block("application_waiting", N_("An application waits for a decision. Withdraw it first."))
        )
    if standing.legal_hold:
        found.append(
            Block(
                "legal_hold",
                N_("The law makes us keep this data for now. We tell you as soon as that ends."),
            )
        )
    if standing.last_owner_of:
        found.append(
            Block(
                "last_owner",
                N_(
                    "You are the only owner of a business here. Name another owner, or erase the business first."
                ),
            )
        )
    return found


DECISION_YEARS: Final = 5
IDENTITY_YEARS: Final = 10
BOOKS_YEARS: Final = 30

TRAIL: Final = Kept(
    N_("The audit trail, in which you have no name and no number"), N_("Proof of what was done"), 0
)
KEPT_OF_BORROWERS: Final = (
    Kept(
        N_("Contracts, postings and receipts of your loans"),
        N_("Accounting law: books and vouchers"),
        BOOKS_YEARS,
    ),
    Kept(
        N_("Your identity document and bank accounts, sealed, out of everybody's sight"),
        N_("Anti-money-laundering law: who the customer was"),
        IDENTITY_YEARS,
    ),
    Kept(
        N_("Decisions with their reasons"), N_("So that a decision about you can be checked"), DECISION_YEARS
    ),
    Kept(N_("The consents that you gave"), N_("Proof of what was agreed"), DECISION_YEARS),
    TRAIL,
)
KEPT_OF_OTHERS: Final = (
    Kept(N_("The consents that you gave"), N_("Proof of what was agreed"), DECISION_YEARS),
    TRAIL,
)


def kept(*, ever_borrowed: bool) -> tuple[Kept, ...]:
    """List what is kept of somebody who did, or did not, borrow."""
    return KEPT_OF_BORROWERS if ever_borrowed else KEPT_OF_OTHERS


GOES: Final = (
    N_("Your papers: every statement, bill and invoice, and the monthly sums made from them"),
    N_("Your login: e-mail address, mobile number, password, passkeys, authenticator, sessions"),
    N_("Messages, contact wishes, credit passports with all their links"),
)

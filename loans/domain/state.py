"""What the engine answers: values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from ledger.domain.money import ZERO


class LoanStatus(StrEnum):
    """Name where a loan stands. Derived by the fold, never set."""

    PENDING = "PENDING"  # agreed, not paid out
    ACTIVE = "ACTIVE"
    OVERDUE = "OVERDUE"  # something is unpaid beyond its grace days
    CLOSED = "CLOSED"  # nothing is owed
    CANCELLED = "CANCELLED"  # withdrawn before any payout
    WRITTEN_OFF = "WRITTEN_OFF"


@dataclass(frozen=True, slots=True)
class Amounts:
    """Hold money by component."""

    principal: Decimal = ZERO
    interest: Decimal = ZERO
    fee: Decimal = ZERO
    penalty: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """Return the sum of the four components."""
        return self.principal + self.interest + self.fee + self.penalty

    def plus(self, other: Amounts) -> Amounts:
        """Add component by component."""
        return Amounts(
            self.principal + other.principal,
            self.interest + other.interest,
            self.fee + other.fee,
            self.penalty + other.penalty,
        )

    def minus(self, other: Amounts) -> Amounts:
        """Subtract component by component."""
        return Amounts(
            self.principal - other.principal,
            self.interest - other.interest,
            self.fee - other.fee,
            self.penalty - other.penalty,
        )


@dataclass(frozen=True, slots=True)
class InstalmentState:
    """Show one instalment: due rows are facts, later rows assume that each one before is paid on its day."""

    number: int
    from_date: date
    due_date: date
    due: Amounts
    paid: Amounts
    waived: Amounts
    written_off: Amounts
    balance_after: Decimal  # principal still to come after this instalment
    is_due: bool
    paid_date: date | None  # the day on which nothing was left, if so
    days_past_due: int

    @property
    def outstanding(self) -> Amounts:
        """Return what is still to pay of this instalment."""
        return self.due.minus(self.paid).minus(self.waived).minus(self.written_off)


@dataclass(frozen=True, slots=True)
class Allocation:
    """Show where the money of one event went. `credit` is what was left for the borrower."""

    ref: str
    kind: str
    value_date: date
    amount: Decimal
    parts: tuple[tuple[int, Amounts], ...]  # (instalment number, what it took)
    applied: Amounts
    credit: Decimal


@dataclass(frozen=True, slots=True)
class JournalLeg:
    """Imply one posting. (`event_key`, `leg`) is unique in a loan; the account is named by its role."""

    event_key: str  # ref of the event
    leg: str  # such as "principal", "cash"
    account_role: str  # LOAN_PRINCIPAL, CASH_IN_TRANSIT, INTEREST_RECEIVABLE ...
    debit: Decimal
    credit: Decimal
    value_date: date


@dataclass(frozen=True, slots=True)
class LoanState:
    """Show a loan as of a value date, as known at a sequence."""

    status: LoanStatus
    value_date: date
    known_sequence: int
    instalments: tuple[InstalmentState, ...]
    disbursed: Decimal
    principal_outstanding: Decimal  # due and not yet due
    accrued_interest: Decimal  # earned and not yet due, less what was paid ahead
    due: Amounts  # fallen due and unpaid, today included
    overdue: Amounts  # of it: due before today and beyond grace
    days_past_due: int
    next_due_date: date | None
    next_due: Amounts
    credit: Decimal  # money of the borrower
    paid: Amounts
    waived: Amounts
    written_off: Amounts
    recovered: Decimal
    refunded: Decimal
    interest_earned: Decimal  # through the value date, rounded as it would be posted
    penalty_earned: Decimal
    fees_charged: Decimal
    annual_rate: Decimal
    maturity_date: date | None
    closed_date: date | None
    allocations: tuple[Allocation, ...]


@dataclass(frozen=True, slots=True)
class PayoffQuote:
    """Show every component of what closes the loan on a day; paying `total` closes it to the cent."""

    value_date: date
    principal: Decimal
    interest: Decimal
    fee: Decimal
    penalty: Decimal
    credit: Decimal  # taken off
    total: Decimal


@dataclass(frozen=True, slots=True)
class Accrual:
    """Show what was earned from the payout through a date, cumulated and rounded to the minor unit."""

    through_date: date
    interest: Decimal
    penalty: Decimal

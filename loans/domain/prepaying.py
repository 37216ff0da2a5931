"""What money beyond the due does, in its three ways, before anybody pays it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ledger.domain.money import ZERO
from loans.domain.engine import append_event, fold
from loans.domain.events import EventKind, LoanEvent
from loans.domain.state import Allocation, LoanState
from loans.domain.terms import LoanTerms, PrepaymentPolicy


@dataclass(frozen=True, slots=True)
class Choice:
    """Show a loan after a payment, under one policy for what is more than due."""

    policy: PrepaymentPolicy
    state: LoanState
    left: Decimal  # still to pay if every instalment is paid on its day
    saved: Decimal  # interest and fees that fall away because of the payment
    allocation: Allocation

    @property
    def rows_left(self) -> int:
        """Return how many instalments still ask for something."""
        return sum(1 for row in self.state.instalments if row.outstanding.total)

    @property
    def last_date(self) -> date | None:
        """Return the day of the last payment that is still to come."""
        return max((row.due_date for row in self.state.instalments if row.outstanding.total), default=None)

    @property
    def later_amount(self) -> Decimal:
        """Return what the last but one instalment asks, which is what most of them ask; zero when nothing is left."""
        open_rows = [row.outstanding.total for row in self.state.instalments if row.outstanding.total]
        return open_rows[-2] if len(open_rows) > 1 else open_rows[0] if open_rows else ZERO


def left_to_pay(state: LoanState) -> Decimal:
    """Return what is still to pay if every instalment is paid on its day."""
    return sum((row.outstanding.total for row in state.instalments), ZERO)


def prepay_choices(
    terms: LoanTerms, events: Sequence[LoanEvent], *, amount: Decimal, value_date: date
) -> tuple[Choice, ...]:
    """Return the three ways for one payment, in the order of `PrepaymentPolicy`. Raises what paying raises."""
    before = left_to_pay(fold(terms, events, value_date=value_date))
    return tuple(
        _choice(terms, events, amount=amount, value_date=value_date, policy=policy, before=before)
        for policy in PrepaymentPolicy
    )


def _choice(
    terms: LoanTerms,
    events: Sequence[LoanEvent],
    *,
    amount: Decimal,
    value_date: date,
    policy: PrepaymentPolicy,
    before: Decimal,
) -> Choice:
    payment = LoanEvent(
        kind=EventKind.REPAYMENT,
        value_date=value_date,
        ref="preview",
        sequence=len(events) + 1,
        recorded_date=value_date,
        amount=amount,
        data={"prepayment": policy.value},
    )
    state = fold(terms, append_event(terms, events, payment), value_date=value_date)
    left = left_to_pay(state)
    allocation = next(item for item in state.allocations if item.ref == payment.ref)
    return Choice(
        policy=policy,
        state=state,
        left=left,
        saved=before - left - (amount - allocation.credit),
        allocation=allocation,
    )

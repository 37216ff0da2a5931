"""The schedule of a loan before anything happened: the same calculator that folds the events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext

from ledger.domain.money import EXACT, ZERO
from loans.domain.rows import F, I, P
from loans.domain.snapshot import planned_book
from loans.domain.terms import LoanTerms


@dataclass(frozen=True, slots=True)
class ScheduledInstalment:
    """Show one planned instalment."""

    number: int
    from_date: date
    due_date: date
    principal: Decimal
    interest: Decimal
    fee: Decimal
    balance_after: Decimal

    @property
    def total(self) -> Decimal:
        """Return what is asked on the due date."""
        return self.principal + self.interest + self.fee


def build_schedule(terms: LoanTerms) -> tuple[ScheduledInstalment, ...]:
    """Return the planned instalments of terms paid out whole on their start date."""
    with localcontext(EXACT):
        book = planned_book(terms)
        book.projecting = True
        while book.k < len(book.rows):
            book.fall_due()
        left = terms.principal
        schedule: list[ScheduledInstalment] = []
        for row in book.rows:
            left -= row.due[P]
            fee = row.charged(F, None) if row.charges else ZERO
            schedule.append(
                ScheduledInstalment(
                    row.number, row.from_date, row.due_date, row.due[P], row.due[I], fee, left
                )
            )
        assert not left, "the last instalment does not close the loan"
        return tuple(schedule)

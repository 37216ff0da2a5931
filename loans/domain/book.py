"""The running book of one loan: what money does to it, on top of what time does (`running.py`).

Money pays what is due in the order of the terms, then ahead by the policy; the rest is the borrower's credit.
The events that are not payments are in `changes.py`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from ledger.domain.money import ZERO
from loans.domain.plan import Plan
from loans.domain.rows import INDEX, F, I, N, P, Row
from loans.domain.running import Effect, Part, RunningBook
from loans.domain.terms import EarlyInterest, LoanTerms, PrepaymentPolicy

__all__ = ["Book", "Effect", "Part"]


class Book(RunningBook):
    """Hold one loan on one day, while it is folded."""

    def __init__(self, terms: LoanTerms) -> None:
        super().__init__(terms)
        self.plan = Plan(self)

    # -- money in -----------------------------------------------------------------------------------

    def pay(self, row: Row, component: int, amount: Decimal, day: date, parts: list[Part]) -> None:
        """Put money on one component of one row."""
        if component == P:
            if row.is_due:
                self.settle_penalty(row, day)
                self.arrears -= amount
            else:
                self.running -= amount
        row.paid[component] += amount
        row.touched = day
        parts.append(Part(row, component, amount))
        if component == P:
            self.rebase(day)  # a level found later today counts on the balance of tonight

    def due_rows(self, day: date) -> Iterator[Row]:
        """Yield the rows that may hold something due: from the oldest unpaid on, and charged ones."""
        while self.oldest < self.k:
            row = self.rows[self.oldest]
            if any(c.due_date > day for c in row.charges) or self.unpaid_total(row, day):
                break
            self.oldest += 1
        for index in range(self.oldest, self.k):
            yield self.rows[index]
        if self.charged:
            yield from [row for row in self.rows[self.k :] if row.charges]

    def pay_due(self, money: Decimal, day: date, parts: list[Part]) -> Decimal:
        """Pay what is due, instalment by instalment, in the order of the terms; return what is left."""
        order = [INDEX[component] for component in self.terms.allocation_order]
        for row in self.due_rows(day):
            for component in order:
                if not money:
                    return money
                part = min(money, self.unpaid(row, component, day))
                if part > 0:
                    self.pay(row, component, part, day, parts)
                    money -= part
        return money

    def payoff(self, day: date) -> list[Decimal]:
        """Return by component everything that closes the loan on a day; fees to come are spared."""
        if self.terms.early_interest is EarlyInterest.TO_PERIOD_END:
            self.earn_whole_period()
        owed = [self.running, max(self.running_interest(day), ZERO), ZERO, ZERO]
        for row in self.due_rows(day):
            owed[P] += self.unpaid(row, P, day)
            owed[I] += self.unpaid(row, I, day)
            for component in (F, N):
                asked = sum(
                    (c.amount for c in row.charges if c.component == component and not c.spared(day)),
                    ZERO,
                )
                if component == N and row.is_due:
                    asked += self.penalty_of(row, day)
                owed[component] += max(asked - row.settled(component), ZERO)
        return [max(part, ZERO) for part in owed]

    def earn_whole_period(self) -> None:
        """Earn the running period to its end, where the terms ask it of an early payment."""
        if self.k < len(self.rows) and self.base:
            self.close_segment(self.rows[self.k].due_date)

    def allocate(self, money: Decimal, day: date, policy: PrepaymentPolicy, parts: list[Part]) -> Decimal:
        """Pay what is due, then ahead by the policy; the rest is the borrower's credit.

        Credit from before is used with the money. Returns by how much the credit changed.
        """
        before = self.credit
        money += before
        self.credit = ZERO
        if money >= self.running + self.arrears and money >= sum(self.payoff(day)):
            for row in self.rows:
                if row.charges:
                    row.spare(day)
        money = self.pay_due(money, day, parts)
        if money:
            if self.terms.early_interest is EarlyInterest.TO_PERIOD_END:
                self.earn_whole_period()
            money = self.pay_early(money, day, policy, parts)
        self.credit = money
        self.rebase(day)
        return money - before

    def pay_early(self, money: Decimal, day: date, policy: PrepaymentPolicy, parts: list[Part]) -> Decimal:
        """Pay what is not due yet; return what is left."""
        if policy is PrepaymentPolicy.PAY_AHEAD:
            for index in range(self.k, len(self.rows)):
                if not money:
                    break
                if not self.rows[index].frozen:
                    money = self.pay_row_ahead(index, money, day, parts)
        for component in self.terms.advance_order:
            if component == "interest":
                money = self.pay_running_interest(money, day, parts)
            elif component == "principal":
                money = self.plan.prepay(money, day, policy, parts)
            else:
                money = self.pay_later_charges(INDEX[component], money, day, parts)
        # The order of the terms may name fewer than all components; nothing owed is left out.
        money = self.pay_running_interest(money, day, parts)
        money = self.pay_later_charges(F, money, day, parts)
        return self.pay_later_charges(N, money, day, parts)

    def pay_running_interest(self, money: Decimal, day: date, parts: list[Part]) -> Decimal:
        """Pay interest that is earned and not due yet."""
        part = min(money, self.running_interest(day))
        row = self.open_row() if part > 0 else None
        if row is None and part > 0 and self.k < len(self.rows):
            row = self.reopen_last()
        if row is None:
            return money
        self.pay(row, I, part, day, parts)
        return money - part

    def pay_later_charges(self, component: int, money: Decimal, day: date, parts: list[Part]) -> Decimal:
        """Pay charges that fall due later."""
        for row in self.rows:
            if money and row.charges:
                owed = row.charged(component, None) - row.settled(component)
                if component == N and row.is_due:
                    owed += self.penalty_of(row, day)
                part = min(money, owed)
                if part > 0:
                    self.pay(row, component, part, day, parts)
                    money -= part
        return money

    def pay_row_ahead(self, index: int, money: Decimal, day: date, parts: list[Part]) -> Decimal:
        """Settle one later row as far as the money goes."""
        row = self.rows[index]
        is_open_row = row is self.open_row()
        for component in self.terms.advance_order:
            part = INDEX[component]
            if part == I:
                room = self.running_interest(day) if is_open_row else ZERO
            elif part == P:
                room = self.plan.room_ahead(index, day)
            else:
                room = row.charged(part, None) - row.settled(part)
            put = min(money, room)
            if put > 0:
                self.pay(row, part, put, day, parts)
                money -= put
        self.freeze_if_settled(index, is_open_row, day)
        return money

    def freeze_if_settled(self, index: int, is_open_row: bool, day: date) -> None:
        """Close a later row whose instalment is wholly paid: its later interest moves to the next one."""
        row = self.rows[index]
        if not row.own_principal_paid or self.plan.room_ahead(index, day) > 0:
            return
        if is_open_row and self.running_interest(day) > 0:
            return
        if any(c.amount for c in row.charges) and any(
            row.charged(part, None) > row.settled(part) for part in (F, N)
        ):
            return
        self.freeze(row, is_open_row)

    def freeze(self, row: Row, is_open_row: bool) -> None:
        """Mark a later row as settled; the interest it took is no longer the next row's."""
        row.frozen = True
        self.plan.annuity = None
        if is_open_row:
            self.attributed += row.settled(I) - row.kept

    def reopen_last(self) -> Row:
        """Open the last row again, for a tranche or for interest that came after all was settled ahead."""
        row = self.rows[-1]
        row.frozen = False
        row.kept = row.settled(I)
        self.plan.invalidate(rates=True)
        return row

    def absorb_credit(self, day: date) -> list[Part]:
        """Use the borrower's credit for what has fallen due and for charges to come."""
        parts: list[Part] = []
        if self.credit:
            left = self.pay_due(self.credit, day, parts)
            left = self.pay_later_charges(F, left, day, parts)
            self.credit = self.pay_later_charges(N, left, day, parts)
            self.rebase(day)
        return parts

    def is_owed(self, day: date) -> bool:
        """Tell whether anything has fallen due and is unpaid."""
        return any(self.unpaid_total(row, day) for row in self.due_rows(day))

    def is_settled(self, day: date) -> bool:
        """Tell whether nothing at all is owed."""
        if not self.disbursed or self.running or self.arrears:
            return False
        return not sum(self.payoff(day))

    def projection(self, day: date) -> Book:
        """Copy the book and let the later rows fall due as if each was paid on its day."""
        other = copy.copy(self)
        other.rows = self.rows[: self.k] + [row.copy() for row in self.rows[self.k :]]
        other.plan = self.plan.bound_to(other)
        other.projecting = True
        other.rebase(day)
        while other.k < len(other.rows):
            other.fall_due()
        return other

"""The running book of one loan: accrue, let instalments fall due, allocate money.

The book moves forward through the days that matter. Between them nothing happens but interest, which is a
sum of `balance x rate x days` kept exact and rounded once a period. Principal is in one of two places:
`running` (not yet due, bears interest) or `arrears` (due and unpaid, bears penalty). Interest that is due
never bears anything. How an instalment's principal is found is in `plan.py`; the events that are not
payments are in `changes.py`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from ledger.domain.money import EXACT, ZERO, minor_unit
from loans.domain.day_count import actual_units, actual_year
from loans.domain.plan import Plan
from loans.domain.rows import INDEX, F, I, N, P, Row
from loans.domain.terms import (
    EarlyInterest,
    InterestRounding,
    LoanTerms,
    OverdueInterest,
    PrepaymentPolicy,
    RepaymentMethod,
    Rest,
)


class Part(NamedTuple):
    """Note that some money of one component went to or came from one row."""

    row: Row
    component: int
    amount: Decimal


@dataclass(slots=True)
class Effect:
    """Note what one event did: parts of rows, credit, and money that touched no row."""

    key: str
    kind: str
    value_date: date
    amount: Decimal
    parts: list[Part] = field(default_factory=list)  # paid; negative when taken back
    forgiven: list[Part] = field(default_factory=list)
    lost: list[Part] = field(default_factory=list)
    credit: Decimal = ZERO  # added to the borrower's credit
    fee_kept: Decimal = ZERO  # kept back from a payout, or given back by a withdrawal
    charged: list[Decimal] = field(default_factory=lambda: [ZERO, ZERO])  # fee, fixed penalty


class Book:
    """Hold one loan on one day, while it is folded."""

    def __init__(self, terms: LoanTerms) -> None:
        self.terms = terms
        self.unit = minor_unit(terms.currency)
        self.rounding = terms.rounding
        self.rows: list[Row] = []
        self.k = 0  # the first row that is not due yet
        self.oldest = 0  # no row before this one has anything unpaid
        self.running = ZERO
        self.arrears = ZERO
        self.credit = ZERO
        self.rate = terms.annual_rate
        self.disbursed = ZERO
        # interest of the running period
        self.segments = ZERO  # closed stretches: exact products, or money when rounded one by one
        self.segment_from = self.period_from = terms.start_date
        self.base = ZERO
        self.scale = (1, 1)
        self.carry = ZERO  # interest of earlier periods that moves to the next open row
        self.deferred = ZERO  # the same, on top of that row's instalment (grace, re-age)
        self.attributed = ZERO  # interest of this period that rows settled ahead have taken
        # totals
        self.interest_closed = ZERO  # earned in periods that are over
        self.paid_ever = [ZERO, ZERO, ZERO, ZERO]
        self.charged_ever = [ZERO, ZERO]  # fee, fixed penalty
        self.charged = False  # whether a charge may fall due on another day than its row
        self.recovered = ZERO
        self.refunded = ZERO
        self.effects: list[Effect] = []
        self.pauses: list[tuple[date, date]] = []
        self.closed_date: date | None = None
        self.written_off = False
        self.cancelled = False
        self.projecting = False
        self.penalty_year = actual_year(terms.day_count)
        self.plan = Plan(self)

    # -- money and time ---------------------------------------------------------------------------

    def round(self, amount: Decimal) -> Decimal:
        """Round to the minor unit as the terms say."""
        return amount.quantize(self.unit, self.rounding, EXACT)

    def units(self, start: date, end: date) -> int:
        """Count the day units of the running period between two days."""
        if end <= start:
            return 0
        return self.scale[0] * actual_units(self.terms.day_count, start, end)

    def exact_interest(self, through: date) -> Decimal:
        """Return the unrounded interest of the running period."""
        opened = self.base * self.rate * self.units(self.segment_from, through)
        if self.terms.interest_rounding is InterestRounding.EACH_SEGMENT:
            return self.segments + self.round(opened / self.scale[1])
        return (self.segments + opened) / self.scale[1]

    def earned(self, through: date) -> Decimal:
        """Return the interest of the running period as it would be posted."""
        return self.round(self.exact_interest(through))

    def close_segment(self, day: date) -> None:
        """Close the stretch of one balance and one rate."""
        opened = self.base * self.rate * self.units(self.segment_from, day)
        if self.terms.interest_rounding is InterestRounding.EACH_SEGMENT:
            opened = self.round(opened / self.scale[1])
        self.segments += opened
        self.segment_from = max(self.segment_from, day)

    def rebase(self, day: date, *, new_period: bool = False) -> None:
        """Let interest run on the balance of now."""
        base = self.running
        if self.terms.overdue_interest is OverdueInterest.CONTINUES and not self.projecting:
            base += self.arrears
        if self.terms.repayment_method is RepaymentMethod.FLAT and base:
            base = self.disbursed
        begun = day > self.period_from and not new_period
        waits = self.terms.rest is Rest.PERIOD and begun and self.base and base
        if base == self.base or waits:
            return
        self.close_segment(day)
        self.base = base

    def open_period(self, day: date) -> None:
        """Start the interest period that ends with row `k`."""
        self.segments, self.segment_from, self.period_from = ZERO, day, day
        if self.k < len(self.rows):
            self.scale = self.rows[self.k].scale
        else:
            self.scale = (1, actual_year(self.terms.day_count))
        self.rebase(day, new_period=True)

    # -- falling due ------------------------------------------------------------------------------

    def advance(self, day: date) -> None:
        """Let every instalment through a day fall due, in order."""
        if not self.disbursed:
            return
        while self.k < len(self.rows) and self.rows[self.k].due_date <= day:
            self.fall_due()
        if self.k == len(self.rows) and self.base and self.rows:
            self.accrue_after_maturity(day)

    def fall_due(self) -> None:
        """Turn the next row into a debt of its day."""
        row = self.rows[self.k]
        day = row.due_date
        earned = self.earned(day)
        self.interest_closed += earned
        own = earned + self.carry - self.attributed
        regular = self.plan.regular_principal(self.k, own)  # may plan anew, on the interest as it is
        self.carry = self.attributed = ZERO
        if row.frozen and self.k < len(self.rows) - 1:
            self.carry = own
            row.due[I] = row.settled(I)
        elif row.defers:
            self.deferred += own - row.settled(I)
            row.due[I] = row.settled(I)
        else:
            if row.frozen:
                row.kept = row.settled(I)
            row.due[I] = own + self.deferred + row.kept
            self.deferred = ZERO
        row.due[P] = row.paid[P] + regular
        self.running -= regular
        if not self.projecting:
            self.arrears += regular
        row.is_due = True
        row.penalty_from = day + timedelta(days=self.terms.grace_days)
        self.k += 1
        self.open_period(day)
        if self.credit and not self.projecting:
            effect = Effect(f"credit:{row.number}", "CREDIT_USED", day, ZERO)
            effect.credit = -self.credit
            effect.parts = self.absorb_credit(day)
            effect.credit += self.credit
            self.effects.append(effect)

    def accrue_after_maturity(self, day: date) -> None:
        """Add the interest that runs on after the last due date, where the terms let it, to the last row."""
        earned = self.earned(day)
        if earned:
            self.rows[-1].due[I] += earned
            self.interest_closed += earned
            # keep what rounding left over, so that the sum does not depend on how often one looks
            self.close_segment(day)
            scale = self.scale[1]
            each = self.terms.interest_rounding is InterestRounding.EACH_SEGMENT
            self.segments -= earned if each else earned * scale
            self.oldest = min(self.oldest, len(self.rows) - 1)

    def settle_penalty(self, row: Row, day: date) -> None:
        """Bring a row's penalty up to a day: overdue principal x days, paused days left out."""
        if not row.is_due or day <= row.penalty_from:
            return
        unpaid = row.due[P] - row.settled(P)
        if unpaid > 0:
            units = actual_units(self.terms.day_count, row.penalty_from, day)
            for start, until in self.pauses:
                start, until = max(start, row.penalty_from), min(until, day)
                if start < until:
                    units -= actual_units(self.terms.day_count, start, until)
            row.penalty_days += unpaid * max(units, 0)
        row.penalty_from = day

    def penalty_of(self, row: Row, day: date) -> Decimal:
        """Return the derived penalty of a row through a day."""
        if not self.terms.penalty_rate:
            return ZERO
        self.settle_penalty(row, day)
        if not row.penalty_days:
            return ZERO
        return self.round(row.penalty_days * self.terms.penalty_rate / self.penalty_year)

    def unpaid(self, row: Row, component: int, day: date) -> Decimal:
        """Return what of a row is due through a day and unpaid."""
        if component == N:
            owed = row.charged(N, day) if row.charges else ZERO
            if row.is_due:
                owed += self.penalty_of(row, day)
            return max(owed - row.settled(N), ZERO)
        if component == F:
            return max(row.charged(F, day) - row.settled(F), ZERO) if row.charges else ZERO
        return row.due[component] - row.settled(component) if row.is_due else ZERO

    def unpaid_total(self, row: Row, day: date) -> Decimal:
        """Return everything of a row that is due through a day and unpaid."""
        return (
            self.unpaid(row, P, day)
            + self.unpaid(row, I, day)
            + self.unpaid(row, F, day)
            + self.unpaid(row, N, day)
        )

    def open_row(self) -> Row | None:
        """Return the row that the running interest belongs to."""
        for index in range(self.k, len(self.rows)):
            if not self.rows[index].frozen:
                return self.rows[index]
        return None

    def running_interest(self, day: date) -> Decimal:
        """Return the interest earned, not yet due and not yet paid."""
        row = self.open_row()
        if row is None:
            return self.carry + self.deferred - self.attributed + self.earned(day)
        taken = self.attributed + row.settled(I) - row.kept
        return self.earned(day) + self.carry + self.deferred - taken

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

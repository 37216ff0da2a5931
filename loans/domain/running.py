"""What time does to one loan: interest accrues, instalments fall due, penalties grow.

The book moves forward through the days that matter. Between them nothing happens but interest, which is a
sum of `balance x rate x days` kept exact and rounded once a period. Principal is in one of two places:
`running` (not yet due, bears interest) or `arrears` (due and unpaid, bears penalty). Interest that is due
never bears anything. How an instalment's principal is found is in `plan.py`; what money does is in `book.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from ledger.domain.money import EXACT, ZERO, minor_unit
from loans.domain.day_count import actual_units, actual_year
from loans.domain.rows import F, I, N, P, Row
from loans.domain.terms import InterestRounding, LoanTerms, OverdueInterest, RepaymentMethod, Rest

if TYPE_CHECKING:
    from loans.domain.plan import Plan


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
    through: str = ""  # by whom the money moved: the bank, or a shop


class RunningBook:
    """Hold one loan on one day, as time passes: what it bears, what falls due, what is unpaid."""

    plan: Plan

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

    def absorb_credit(self, day: date) -> list[Part]:
        """Use the borrower's credit for what has fallen due; how, the book of payments knows."""
        raise NotImplementedError

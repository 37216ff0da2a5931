"""One instalment while the engine folds: what is due, paid, waived, lost and moved, by component."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

from ledger.domain.money import ZERO
from loans.domain.state import Amounts
from loans.domain.terms import Component

P: Final = 0
I: Final = 1  # noqa: E741  the four components read as one alphabet
F: Final = 2
N: Final = 3

INDEX: Final[dict[Component, int]] = {
    Component.PRINCIPAL: P,
    Component.INTEREST: I,
    Component.FEE: F,
    Component.PENALTY: N,
}


class Charge:
    """Hold one fee or fixed penalty with a due date of its own."""

    __slots__ = ("amount", "component", "due_date", "optional")

    def __init__(self, component: int, due_date: date, amount: Decimal, *, optional: bool) -> None:
        self.component = component
        self.due_date = due_date
        self.amount = amount
        self.optional = optional  # a fee of the terms that an early payoff spares

    def spared(self, day: date) -> bool:
        """Tell whether an early payoff on a day spares the borrower this charge."""
        return self.optional and self.due_date > day


class Row:
    """Hold one instalment. `due` of a later row is known only when the row falls due."""

    __slots__ = (
        "amortises",
        "ask",
        "charges",
        "defers",
        "due",
        "due_date",
        "extra",
        "from_date",
        "frozen",
        "is_due",
        "kept",
        "lost",
        "moved",
        "number",
        "paid",
        "penalty_days",
        "penalty_from",
        "scale",
        "told",
        "touched",
        "waived",
        "weight",
    )

    def __init__(self, number: int, from_date: date, due_date: date) -> None:
        self.number = number
        self.from_date = from_date
        self.due_date = due_date
        self.scale = (1, 1)  # units of one day, units of a year
        self.weight = ZERO  # its part of the principal, where the way of repaying has parts
        self.amortises = True  # False in the grace on principal
        self.defers = False  # True in the grace on interest
        self.ask = ZERO  # share of sales asked for this period
        self.told = False  # sales were reported for this period
        self.is_due = False
        self.frozen = False  # settled ahead of its date
        self.kept = ZERO  # interest settled before the row was opened again
        self.extra = ZERO  # principal paid early that does not count as this instalment's own
        self.charges: list[Charge] = []
        self.due = [ZERO, ZERO, ZERO, ZERO]
        self.paid = [ZERO, ZERO, ZERO, ZERO]
        self.waived = [ZERO, ZERO, ZERO, ZERO]
        self.lost = [ZERO, ZERO, ZERO, ZERO]  # written off
        self.moved = [ZERO, ZERO, ZERO, ZERO]  # gone into other instalments by a re-age
        self.penalty_days = ZERO  # sum of overdue principal x day units
        self.penalty_from: date = due_date
        self.touched: date | None = None

    def copy(self) -> Row:
        """Copy the row so that a projection cannot write on the facts."""
        other = Row(self.number, self.from_date, self.due_date)
        other.scale, other.weight, other.amortises = self.scale, self.weight, self.amortises
        other.defers, other.ask, other.is_due = self.defers, self.ask, self.is_due
        other.frozen, other.extra, other.charges = self.frozen, self.extra, self.charges
        other.kept, other.told = self.kept, self.told
        other.due, other.paid, other.waived = self.due[:], self.paid[:], self.waived[:]
        other.lost, other.moved = self.lost[:], self.moved[:]
        other.penalty_days, other.penalty_from = self.penalty_days, self.penalty_from
        other.touched = self.touched
        return other

    def settled(self, component: int) -> Decimal:
        """Return what of a component needs no more money from this instalment."""
        return self.paid[component] + self.waived[component] + self.lost[component] + self.moved[component]

    def charged(self, component: int, through: date | None) -> Decimal:
        """Return the charges of a component that are due through a day, or all of them."""
        return sum(
            (
                charge.amount
                for charge in self.charges
                if charge.component == component and (through is None or charge.due_date <= through)
            ),
            ZERO,
        )

    def spare(self, day: date) -> None:
        """Let go of the fees of the terms that were still to come, but for what was paid of them."""
        spared = [charge for charge in self.charges if charge.spared(day)]
        self.charges = [charge for charge in self.charges if not charge.spared(day)]
        for charge in spared:
            paid = self.settled(charge.component) - self.charged(charge.component, None)
            if paid > 0:
                part = min(paid, charge.amount)
                self.charges.append(Charge(charge.component, charge.due_date, part, optional=True))

    @property
    def own_principal_paid(self) -> Decimal:
        """Return the principal paid that counts towards this instalment's own part."""
        return self.paid[P] - self.extra

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing was ever paid or waived on the row."""
        return not any(self.paid) and not any(self.waived) and not any(self.lost)


def amounts(values: list[Decimal]) -> Amounts:
    """Turn the four components into a value."""
    return Amounts(values[P], values[I], values[F], values[N])

"""The twin's loans in columns: amounts in cents, instalments by the schedule that a real loan would have.

For each price, term and month one real schedule is built for a large principal; a loan's instalments are its parts of
that, rounded to the cent so that the principal adds up. A test holds them against the loan's own schedule.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import numpy as np

from credit.twin.economy import TERMS
from loans.domain.schedule import build_schedule
from loans.domain.terms import LoanTerms, RepaymentMethod
from risk.domain.events import Flags, Floats, Integers
from risk.domain.rollup import month_start

UNIT: Final = Decimal("1000000.00")
LONGEST: Final = max(TERMS)


def schedules(prices: Sequence[Decimal], first_month: int, months: int) -> tuple[Floats, Floats]:
    """Give the parts of principal and interest paid after k instalments, shape (prices, terms, months, LONGEST + 1)."""
    shape = (len(prices), len(TERMS), months, LONGEST + 1)
    principal, interest = np.ones(shape), np.zeros(shape)
    for place, price in enumerate(prices):
        for kind, term in enumerate(TERMS):
            for month in range(months):
                rows = build_schedule(
                    LoanTerms(
                        principal=UNIT,
                        annual_rate=price,
                        repayment_method=RepaymentMethod.EQUAL_INSTALMENT,
                        instalment_count=term,
                        start_date=month_start(first_month + month),
                    )
                )
                paid = np.cumsum([0.0, *(float(row.principal / UNIT) for row in rows)])
                cost = np.cumsum([0.0, *(float(row.interest / UNIT) for row in rows)])
                principal[place, kind, month, : term + 1] = paid
                principal[place, kind, month, term] = 1.0
                interest[place, kind, month] = cost[-1]
                interest[place, kind, month, : term + 1] = cost
    return principal, interest


class Loans:
    """Hold every loan ever drawn; the columns grow. `paid` counts instalments paid."""

    _COLUMNS = ("borrower", "opened", "kind", "price", "principal", "paid")

    def __init__(self, prices: Sequence[Decimal], first_month: int, months: int) -> None:
        self.parts, self.costs = schedules(prices, first_month, months)
        self.columns = {name: np.zeros(0, dtype=np.int64) for name in self._COLUMNS}
        self.live = np.zeros(0, dtype=bool)

    def __len__(self) -> int:
        return len(self.live)

    def add(
        self, *, borrower: Integers, month: int, kind: Integers, price: Integers, cents: Integers
    ) -> None:
        """Draw new loans in a month."""
        new = {
            "borrower": borrower,
            "opened": np.full(len(borrower), month),
            "kind": kind,
            "price": price,
            "principal": cents,
            "paid": np.zeros(len(borrower), dtype=np.int64),
        }
        for name, column in new.items():
            self.columns[name] = np.concatenate([self.columns[name], column.astype(np.int64)])
        self.live = np.concatenate([self.live, np.ones(len(borrower), dtype=bool)])

    def places(self) -> Integers:
        """List the live loans."""
        return np.flatnonzero(self.live)

    def due(self, at: Integers, month: int) -> Integers:
        """Count the instalments that have fallen due by a month."""
        terms = np.asarray(TERMS)[self.columns["kind"][at]]
        return np.minimum(month - self.columns["opened"][at], terms)

    def principal_paid(self, at: Integers, count: Integers) -> Integers:
        """Give the cents of principal in the first `count` instalments."""
        return self._of(self.parts, at, count)

    def interest_paid(self, at: Integers, count: Integers) -> Integers:
        """Give the cents of interest in the first `count` instalments."""
        return self._of(self.costs, at, count)

    def balance(self, at: Integers) -> Integers:
        """Give the cents of principal that are owed."""
        return np.asarray(self.columns["principal"][at] - self.principal_paid(at, self.columns["paid"][at]))

    def is_paid_off(self, at: Integers) -> Flags:
        return np.asarray(self.columns["paid"][at] >= np.asarray(TERMS)[self.columns["kind"][at]])

    def _of(self, table: Floats, at: Integers, count: Integers) -> Integers:
        column = self.columns
        part = table[column["price"][at], column["kind"][at], column["opened"][at], count]
        return np.rint(column["principal"][at] * part).astype(np.int64)

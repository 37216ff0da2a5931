"""What happened in a run of the twin: by month, by borrower, by vintage, and loan by loan if it is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from credit.domain.decision import Decided
from credit.domain.policy import LIMIT_STEP
from credit.domain.reevaluation import Direction
from credit.twin.book import Loans
from credit.twin.economy import TERMS, Economy
from risk.domain.events import Floats, Integers

STATES = 4  # 0, 30, 60 days late, and lost
VINTAGE_MONTHS = 3
LOAN_MONTH_COLUMNS = (
    "month", "loan", "borrower", "opened_month", "term_months", "principal", "days_past_due", "principal_owed_before",
    "principal_owed", "interest_paid", "written_off", "recovered",
)  # fmt: skip


@dataclass(slots=True)
class Month:
    """Count one month. Money in units of the currency."""

    number: int
    day: date
    outcomes: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    largest_cut: float = 0.0  # part of a limit, in one month; a step of 100 is always allowed
    cut_amount: float = 0.0
    limit_before_cuts: float = 0.0
    drawn: float = 0.0
    repaid: float = 0.0
    interest: float = 0.0
    written_off: float = 0.0
    recovered: float = 0.0
    balance: float = 0.0
    limits: float = 0.0
    lines: int = 0
    funding: float = 0.0
    costs: float = 0.0
    by_state: list[float] = field(default_factory=lambda: [0.0] * STATES)

    @property
    def loss(self) -> float:
        return self.written_off - self.recovered

    @property
    def profit(self) -> float:
        return self.interest - self.funding - self.costs - self.loss


class Diary:
    """Gather what a run tells; `profit` and `loss` are by borrower over the whole run."""

    def __init__(self, economy: Economy, *, keep_loan_months: bool) -> None:
        count = len(economy)
        vintages = -(-economy.months // VINTAGE_MONTHS)
        self.months: list[Month] = []
        self.profit, self.loss, self.interest = np.zeros(count), np.zeros(count), np.zeros(count)
        self.rolls = np.zeros((economy.horizon, STATES, STATES))
        self.vintage_drawn = np.zeros(vintages)
        self.vintage_lost = np.zeros((vintages, economy.horizon + 1))
        self.was_opened = np.zeros(count, dtype=bool)
        self.defaulted = np.full(count, -1, dtype=np.int64)
        self._kept: list[Any] | None = [] if keep_loan_months else None

    @property
    def now(self) -> Month:
        return self.months[-1]

    def open(self, number: int, day: date) -> None:
        """Begin a month."""
        self.months.append(Month(number, day))

    def count_decision(self, decided: Decided) -> None:
        self.now.outcomes[decided.outcome] += 1

    def opened(self, who: Integers) -> None:
        self.was_opened[who] = True

    def count_change(self, direction: Direction, old: Decimal, new: Decimal) -> None:
        """Note a change of a limit; how large a cut is counts only beyond one step, which smoothness always allows."""
        self.now.changes[direction] += 1
        if direction is Direction.DOWN:
            self.now.cut_amount += float(old - new)
            if old - new > LIMIT_STEP:
                self.now.largest_cut = max(self.now.largest_cut, float((old - new) / old))

    def drew(self, who: Integers, amount: Floats) -> None:
        """Note new loans of this month."""
        self.now.drawn += float(amount.sum())
        self.vintage_drawn[self.now.number // VINTAGE_MONTHS] += float(amount.sum())

    def paid(
        self,
        at: Integers,
        loans: Loans,
        month: int,
        state: Integers,
        owed: Integers,
        left: Integers,
        interest: Integers,
        lost: Integers,
        recovered: Integers,
    ) -> None:
        """Note what became of every live loan in the month; amounts in cents."""
        now, borrower, opened = self.now, loans.columns["borrower"][at], loans.columns["opened"][at]
        now.repaid += float((owed - left - lost).sum()) / 100
        now.interest += float(interest.sum()) / 100
        now.written_off += float(lost.sum()) / 100
        now.recovered += float(recovered.sum()) / 100
        net = (lost - recovered) / 100.0
        count = len(self.profit)
        self.interest += np.bincount(borrower, weights=interest / 100.0, minlength=count)
        self.loss += np.bincount(borrower, weights=net, minlength=count)
        np.add.at(self.vintage_lost, (opened // VINTAGE_MONTHS, month - opened), net)
        self.defaulted[np.unique(borrower[lost > 0])] = month
        if self._kept is not None:
            columns = loans.columns
            terms = np.asarray(TERMS)[columns["kind"][at]]
            rows = (
                np.full(len(at), month), at, borrower, opened, terms, columns["principal"][at], np.minimum(state, 3) * 30,
                owed, left, interest, lost, recovered,
            )  # fmt: skip
            self._kept.append(np.stack(rows, axis=1))

    def close(
        self,
        *,
        balance: Floats,
        funding: Floats,
        costs: Floats,
        limit: Floats,
        before: Integers,
        state: Integers,
    ) -> None:
        """End a month with what everybody owes; `before` and `state` are how far behind everybody was and is."""
        now = self.now
        now.balance, now.limits, now.lines = float(balance.sum()), float(limit.sum()), int((limit > 0).sum())
        now.funding, now.costs = float(funding.sum()), float(costs.sum())
        now.by_state = np.bincount(np.minimum(state, 3), weights=balance, minlength=STATES).tolist()
        self.profit -= funding + costs
        owing = (balance > 0) | ((state >= 3) & (before < 3))
        np.add.at(self.rolls[now.number], (before[owing], state[owing]), 1)

    def finish(self) -> None:
        """Put interest and loss into each borrower's profit, once."""
        self.profit += self.interest - self.loss

    def loan_months(self) -> Iterator[tuple[int, ...]]:
        """Give the loan-month table in the order of `LOAN_MONTH_COLUMNS`; money in cents."""
        for block in self._kept or []:
            for row in block.tolist():
                yield tuple(row)

"""Follow a statement's balance and dates, oldest first or newest first, without holding its rows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from regimes.errors import N_
from risk.evidence.refusals import UnableToReadStatement

ZERO = Decimal("0.00")


class Chain:
    """Try both orders at once; a statement is refused when neither holds, at the line that broke the longer."""

    def __init__(self, *, column: str = "balance", date_column: str = "date") -> None:
        self.column, self.date_column = column, date_column
        self.upward: UnableToReadStatement | None = None
        self.downward: UnableToReadStatement | None = None
        self.broken_last: UnableToReadStatement | None = None
        self.day: date | None = None
        self.balance: Decimal | None = None
        self.since = ZERO  # moved since the known balance, the row's own amount counted
        self.before = ZERO  # moved between the rows, the newer row's amount not counted
        self.turns = 0

    def follow(self, line: int, day: date, amount: Decimal, balance: Decimal | None) -> None:
        """Take the next row as it stands in the file."""
        if self.day is not None and day != self.day:
            self.turns += 1 if day > self.day else -1
            self._break(upward=day < self.day, problem=self._date_problem(line))
        self.day = day
        self.since += amount
        if balance is not None:
            if self.balance is not None:
                up, down = self.balance + self.since, self.balance - self.before
                if balance != up:
                    self._break(upward=True, problem=self._balance_problem(line, up))
                if balance != down:
                    self._break(upward=False, problem=self._balance_problem(line, down))
            self.balance, self.since, self.before = balance, ZERO, ZERO
        self.before += amount
        if self.upward is not None and self.downward is not None:
            assert self.broken_last is not None
            raise self.broken_last

    def finish(self) -> bool:
        """Tell whether the newest row comes first."""
        if self.upward is None and self.downward is None:
            return self.turns < 0
        return self.upward is not None

    def _break(self, *, upward: bool, problem: UnableToReadStatement) -> None:
        if upward and self.upward is None:
            self.upward = self.broken_last = problem
        elif not upward and self.downward is None:
            self.downward = self.broken_last = problem

    def _balance_problem(self, line: int, expected: Decimal) -> UnableToReadStatement:
        return UnableToReadStatement.at(
            line,
            "balance_mismatch",
            N_(
                "Line %(line)s: balance should be %(expected)s. "
                "Rows are missing or were changed; export the statement again and upload it unchanged."
            ),
            column=self.column,
            params={"expected": str(expected)},
        )

    def _date_problem(self, line: int) -> UnableToReadStatement:
        return UnableToReadStatement.at(
            line,
            "date_order",
            N_("Line %(line)s, column '%(column)s': the dates are neither in rising nor in falling order."),
            column=self.date_column,
        )

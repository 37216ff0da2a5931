"""Read the Berka set (PKDD'99): loans of a Czech bank, statistics of their accounts, and dated transactions of some."""

from __future__ import annotations

import csv
import gzip
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

FILES = ("berka_loans", "berka_loans_splits", "berka_tx_aggregates", "berka_transactions")
OPERATIONS = {"credit in cash": "deposit"}  # VKLAD; "cash" would be read as a withdrawal put back
HEADER = ("date", "amount", "balance", "counterparty", "memo", "transaction id", "k_symbol")
MAPPING = {
    "date": "date", "amount": "amount", "balance": "balance", "counterparty": "counterparty", "memo": "memo",
    "number": "transaction id", "label": "k_symbol", "date_style": "YYYY-MM-DD",
}  # fmt: skip
ADULT = 18


@dataclass(frozen=True, slots=True)
class Movement:
    """Hold one transaction; `amount` is signed."""

    number: str
    day: date
    amount: Decimal
    balance: Decimal
    operation: str
    symbol: str
    partner: str


@dataclass(frozen=True, slots=True)
class HistoricLoan:
    """Hold one loan that the bank made, with what its account looked like before."""

    number: int
    account: str
    amount: Decimal
    months: int
    day: date
    opened: date
    born: date
    is_bad: bool
    is_test: bool
    statistics: Mapping[str, float]
    movements: tuple[Movement, ...]

    @property
    def has_statement(self) -> bool:
        return bool(self.movements)

    @property
    def was_minor(self) -> bool:
        """Tell whether the owner is recorded as a minor: the portal would not lend to one."""
        return (self.day.year - self.born.year) - (
            (self.day.month, self.day.day) < (self.born.month, self.born.day)
        ) < ADULT


def missing_files(folder: Path) -> list[str]:
    """Name the files that are not there."""
    return [f"{name}.csv.gz" for name in FILES if not (folder / f"{name}.csv.gz").is_file()]


def read_loans(folder: Path) -> list[HistoricLoan]:
    """Read every loan, the oldest first; the split in time is the data's own."""
    statistics = {row["loan_id"]: row for row in _rows(folder, "berka_tx_aggregates")}
    split = {row["row_id"]: row["oot"] for row in _rows(folder, "berka_loans_splits")}
    movements: dict[str, list[Movement]] = defaultdict(list)
    for row in _rows(folder, "berka_transactions"):
        movements[row["account_id"]].append(_movement(row))
    loans = []
    for row in _rows(folder, "berka_loans"):
        numbers = {
            name: float(text) for name, text in statistics[row["loan_id"]].items() if name != "loan_id"
        }
        own = movements[row["account_id"]] if row["has_transactions"] == "1" else []
        day = date.fromisoformat(row["loan_date"])
        assert all(movement.day < day for movement in own), "the statement ends before the loan"
        loans.append(
            HistoricLoan(
                number=int(row["loan_id"]),
                account=row["account_id"],
                amount=Decimal(row["amount"]),
                months=int(row["duration"]),
                day=day,
                opened=date.fromisoformat(row["account_open_date"]),
                born=date.fromisoformat(row["birth_date"]),
                is_bad=row["bad"] == "1",
                is_test=split[row["row_id"]] == "test",
                statistics=numbers,
                movements=in_order(own),
            )
        )
    return sorted(loans, key=lambda loan: (loan.day, loan.number))


def _rows(folder: Path, name: str) -> list[dict[str, str]]:
    with gzip.open(folder / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _movement(row: Mapping[str, str]) -> Movement:
    amount = Decimal(row["amount"])
    return Movement(
        number=row["trans_id"],
        day=date.fromisoformat(row["date"]),
        amount=amount if row["type"] == "credit" else -amount,
        balance=Decimal(row["balance"]),
        operation=row["operation"],
        symbol=row["k_symbol"],
        partner=row["partner_account"].removesuffix(".0"),
    )


def in_order(movements: Sequence[Movement]) -> tuple[Movement, ...]:
    """Put the payments of each day into the order that their balances tell: the file has days only."""
    waiting = sorted(movements, key=lambda movement: movement.day)
    ordered: list[Movement] = []
    balance: Decimal | None = None
    while waiting:
        today = [movement for movement in waiting if movement.day == waiting[0].day]
        before = Decimal(0) if balance is None else balance
        following = min(today, key=lambda m: abs(m.balance - before - m.amount))
        waiting.remove(following)
        ordered.append(following)
        balance = following.balance
    return tuple(ordered)


def statement(movements: Sequence[Movement]) -> bytes:
    """Write an account's movements as the bank CSV that a borrower would upload.

    The published balances are rounded to a tenth, each by itself, so that they do not follow from one another
    to the cent, and the import would refuse them. The balance is added up from the amounts instead; on no account
    does it differ by more than 0.60 from the published one.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    balance = movements[0].balance - movements[0].amount
    for movement in movements:
        balance += movement.amount
        memo = OPERATIONS.get(movement.operation, movement.operation)
        amounts = (f"{movement.amount:.2f}", f"{balance:.2f}")
        writer.writerow(
            (movement.day.isoformat(), *amounts, movement.partner, memo, movement.number, movement.symbol)
        )
    return out.getvalue().encode()

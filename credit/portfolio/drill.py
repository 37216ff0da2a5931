"""From a cell of a report to the loans behind it, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from credit.portfolio import sql
from credit.portfolio.reports import BAD_DAYS, BUCKETS, ENDS, UnableToReport, _rows, month_before
from regimes.errors import N_

PAGE = 50


@dataclass(frozen=True, slots=True)
class DrilledLoan:
    """One loan behind a cell."""

    id: int
    ref: Any
    borrower: str
    portfolio: str
    start_date: date
    principal: Decimal
    owed: Decimal
    days_past_due: int


def drill(*, cell: Mapping[str, str], as_of: date, is_today: bool, after: int = 0) -> tuple[list[DrilledLoan], int | None]:  # fmt: skip
    """Return a page of the loans of a cell, and the id after which the next begins; None at the end."""
    names: dict[str, Any] = {"as_of": as_of, "after": after, "most": PAGE + 1}
    match cell.get("of"):
        case "standing":
            place = _whole(cell.get("bucket", "-1"), -1, len(BUCKETS) - 1)
            statement = sql.standing(is_today=is_today) + sql.DRILL_STANDING
            names |= {"portfolio": str(cell.get("portfolio", ""))[:40], "bucket": place}
        case "roll":
            statement = sql.DRILL_ROLL
            names |= {"before": month_before(as_of), "was": _whole(cell.get("was", ""), 0, len(BUCKETS) - 1)}
            names |= {"becomes": _whole(cell.get("becomes", ""), 0, len(ENDS) - 1)}
        case "vintage":
            statement = sql.DRILL_VINTAGE
            names |= {"vintage": _month(cell.get("vintage", "")), "bad": BAD_DAYS}
        case _:
            raise _unknown()
    rows = [DrilledLoan(*row) for row in _rows(statement, names)]
    return rows[:PAGE], (rows[PAGE - 1].id if len(rows) > PAGE else None)


def _unknown() -> UnableToReport:
    return UnableToReport("cell_unknown", N_("There is no such cell of a report."))


def _whole(text: str, low: int, high: int) -> int:
    if (
        text.lstrip("-").isascii()
        and text.lstrip("-").isdigit()
        and len(text) < 4
        and low <= int(text) <= high
    ):
        return int(text)
    raise _unknown()


def _month(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _unknown() from None

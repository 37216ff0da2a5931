"""The strict grammar of amounts and dates in statements.

Amount, plain: an optional `-` or `+`, ASCII digits without grouping, at most 12 before and 2 after a point.
Amount, grouped (only when the column mapping says so): the same with a comma between every three digits.
No exponent, no brackets, no trailing sign, no other digits. Dates have four-digit years, and one file has
one way of writing them.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from ledger.domain.money import parse_amount
from regimes.errors import N_, Refusal
from risk.domain.events import SHANGHAI
from risk.evidence.refusals import UnableToReadStatement

EARLIEST: Final = date(1990, 1, 1)
NOON: Final = 12  # a statement that tells only the day says nothing of the night

GROUPED: Final = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})*(\.[0-9]{1,2})?")
DATE_STYLES: Final[dict[str, re.Pattern[str]]] = {
    "YYYY-MM-DD": re.compile(r"(?P<y>[0-9]{4})-(?P<m>[0-9]{1,2})-(?P<d>[0-9]{1,2})"),
    "YYYY/MM/DD": re.compile(r"(?P<y>[0-9]{4})/(?P<m>[0-9]{1,2})/(?P<d>[0-9]{1,2})"),
    "YYYY.MM.DD": re.compile(r"(?P<y>[0-9]{4})\.(?P<m>[0-9]{1,2})\.(?P<d>[0-9]{1,2})"),
    "YYYYMMDD": re.compile(r"(?P<y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})"),
    "YYYY年MM月DD日": re.compile(r"(?P<y>[0-9]{4})年(?P<m>[0-9]{1,2})月(?P<d>[0-9]{1,2})日"),
    "DD/MM/YYYY": re.compile(r"(?P<d>[0-9]{1,2})/(?P<m>[0-9]{1,2})/(?P<y>[0-9]{4})"),
    "MM/DD/YYYY": re.compile(r"(?P<m>[0-9]{1,2})/(?P<d>[0-9]{1,2})/(?P<y>[0-9]{4})"),
}
GUESSED: Final = ("YYYY-MM-DD", "YYYY/MM/DD", "YYYY.MM.DD", "YYYYMMDD", "YYYY年MM月DD日")
TIME: Final = re.compile(r"[ T]*(?P<h>[0-9]{1,2}):(?P<mi>[0-9]{2})(?::(?P<s>[0-9]{2}))?(?:\.[0-9]+)?")
COMPACT_TIME: Final = re.compile(r"[ T]*(?P<h>[0-9]{2})(?P<mi>[0-9]{2})(?P<s>[0-9]{2})")

DATE_INVALID = N_("Line %(line)s, column '%(column)s': this is not a date such as 2026-01-31.")
AMOUNT_INVALID = N_("Line %(line)s, column '%(column)s': enter an amount such as 1500.00.")


def read_amount(text: str, *, line: int, column: str, grouped: bool = False) -> Decimal:
    """Read a signed amount, or refuse it with its line and column."""
    body = text
    if grouped and GROUPED.fullmatch(text):
        body = text.replace(",", "")
    sign = body[:1]
    if sign in ("-", "+"):
        body = body[1:]
    try:
        amount = parse_amount(body)
    except Refusal:
        raise UnableToReadStatement.at(line, "amount_invalid", AMOUNT_INVALID, column=column) from None
    return -amount if sign == "-" else amount


class Calendar:
    """Read the moments of one file: one style throughout, nothing in the future, nothing absurd."""

    def __init__(
        self, *, as_of: date, style: str = "", begin: date | None = None, end: date | None = None
    ) -> None:
        self.as_of, self.style, self.begin, self.end = as_of, style, begin, end
        self._known: dict[str, date] = {}

    def moment(self, text: str, *, line: int, column: str, time: str = "") -> datetime:
        """Read a day with its time if it tells one, in Shanghai."""
        style = self.style or self._guess(text, line, column)
        pattern = DATE_STYLES[style]
        found = pattern.match(text)
        if found is None:
            if any(DATE_STYLES[name].match(text) for name in GUESSED):
                raise UnableToReadStatement.at(
                    line,
                    "date_format_mixed",
                    N_(
                        "Line %(line)s, column '%(column)s': the dates above are written as %(style)s. "
                        "Use one way of writing them."
                    ),
                    column=column,
                    params={"style": style},
                )
            raise UnableToReadStatement.at(line, "date_invalid", DATE_INVALID, column=column)
        rest = text[found.end() :].strip() or time
        hour, minute, second = self._time(rest, line, column)
        day = self._day(found, line, column)
        return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=SHANGHAI)

    def _guess(self, text: str, line: int, column: str) -> str:
        for name in GUESSED:
            if DATE_STYLES[name].match(text):
                self.style = name
                return name
        raise UnableToReadStatement.at(line, "date_invalid", DATE_INVALID, column=column)

    def _time(self, text: str, line: int, column: str) -> tuple[int, int, int]:
        if not text:
            return NOON, 0, 0
        found = TIME.fullmatch(text) or COMPACT_TIME.fullmatch(text)
        if found is not None:
            hour, minute, second = int(found["h"]), int(found["mi"]), int(found["s"] or 0)
            if hour < 24 and minute < 60 and second < 60:
                return hour, minute, second
        raise UnableToReadStatement.at(
            line,
            "time_invalid",
            N_("Line %(line)s, column '%(column)s': this is not a time such as 14:05:00."),
            column=column,
        )

    def _day(self, found: re.Match[str], line: int, column: str) -> date:
        written = found.group(0)
        known = self._known.get(written)
        if known is not None:
            return known
        try:
            day = date(int(found["y"]), int(found["m"]), int(found["d"]))
        except ValueError:
            raise UnableToReadStatement.at(line, "date_invalid", DATE_INVALID, column=column) from None
        self.check(day, line=line, column=column)
        if len(self._known) < 20_000:
            self._known[written] = day
        return day

    def check(self, day: date, *, line: int, column: str) -> None:
        """Refuse a day in the future, before 1990 or outside the period that the file names."""
        if day > self.as_of:
            raise UnableToReadStatement.at(
                line,
                "date_future",
                N_("Line %(line)s, column '%(column)s': the date is in the future. Correct the date."),
                column=column,
            )
        if day < EARLIEST:
            raise UnableToReadStatement.at(
                line,
                "date_out_of_range",
                N_("Line %(line)s, column '%(column)s': dates before 1990 are not accepted."),
                column=column,
            )
        if (self.begin and day < self.begin) or (self.end and day > self.end):
            raise UnableToReadStatement.at(
                line,
                "date_outside_period",
                N_("Line %(line)s, column '%(column)s': the date is outside the period of the statement."),
                column=column,
            )

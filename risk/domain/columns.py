"""What a column of an unknown table is: numbers, dates or texts, told from the training file alone.

People write 1200.5 as "¥1,200.50", "1.200,50" or "1200.5元", 12 % as "12%", and a day in a dozen ways. A column is read
in one style, chosen on the training file; what does not fit it there, or later, is missing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import islice
from unicodedata import normalize

import numpy as np

from risk.domain.events import Floats

MISSING = frozenset(
    {"", "-", "--", ".", "na", "n/a", "n.a.", "#n/a", "#na", "nan", "null", "none", "nil", "?", "nat", "<na>", "-inf", "inf",
     "+inf", "infinity", "-infinity", "#div/0!", "#value!", "\\n", "无", "空", "未知", "缺失"}
)  # fmt: skip
FITS = 0.95  # the share of known values that must read in a style
LOOK = 100  # values that a style must mostly read before it is tried on all
LEAST_FIT = 0.80  # of numbers among words such as "unknown", when the numbers are many
MONTHS = {
    m: k
    for k, m in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}


class ColumnKind(StrEnum):
    NUMBER = "NUMBER"
    DATE = "DATE"
    TEXT = "TEXT"


@dataclass(frozen=True, slots=True)
class Column:
    """Hold one column: numbers and dates (days since the epoch) as floats with NaN, texts as they are.

    `style` names the reader that the training file called for.
    """

    name: str
    kind: ColumnKind
    numbers: Floats
    texts: tuple[str, ...] = ()
    style: str = ""


def is_missing(text: str) -> bool:
    return text.strip().lower() in MISSING


# ---- numbers --------------------------------------------------------------------------------------------------------

_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?$")
_COMMA = re.compile(r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?$")
_DRESS = re.compile(
    r"^([+-]?)\s*(?:cny|rmb|usd|eur|gbp|nt\$|hk\$|us\$|[¥$€£])?\s*([+-]?[\d.,\s]*\d[\d.,\s]*)\s*(%|‰|万|千|亿|k|m|bn|元|块)?\s*(?:cny|rmb|usd|eur)?$"
)
_SCALE = {"%": 0.01, "‰": 0.001, "k": 1e3, "千": 1e3, "万": 1e4, "m": 1e6, "亿": 1e8, "bn": 1e9}


def number(text: str) -> float:
    """Read a plain number; missing and infinite are NaN, anything else raises ValueError."""
    if is_missing(text):
        return math.nan
    value = float(text)
    return value if abs(value) < 1e300 else math.nan


def dressed(text: str) -> float:
    """Read a number as people write it: signs of money, groups of three, per cent, brackets for below zero.

    >>> [dressed(t) for t in ("¥1,200.50", "12%", "(30)", "3.5万", "-$7", "1 200")]
    [1200.5, 0.12, -30.0, 35000.0, -7.0, 1200.0]
    """
    return _dressed(text, comma=False)


def comma(text: str) -> float:
    """Read a number whose decimals follow a comma.

    >>> [comma(t) for t in ("1.200,50 €", "12,5", "7")]
    [1200.5, 12.5, 7.0]
    """
    return _dressed(text, comma=True)


def _dressed(text: str, *, comma: bool) -> float:
    if is_missing(text):
        return math.nan
    plain = normalize("NFKC", text).strip().lower()
    below = plain.startswith("(") and plain.endswith(")")
    if plain.endswith("€"):
        plain = plain[:-1].strip()
    found = _DRESS.match(plain[1:-1].strip() if below else plain)
    if found is None:
        raise ValueError(text)
    body = re.sub(r"\s", "", found.group(2))
    if comma:
        if not _COMMA.match(body):
            raise ValueError(text)
        body = body.replace(".", "").replace(",", ".")
    elif "," in body:
        if not _GROUPED.match(body):
            raise ValueError(text)
        body = body.replace(",", "")
    value = float(found.group(1) + body) * _SCALE.get(found.group(3) or "", 1.0)
    return math.nan if abs(value) >= 1e300 else -value if below else value


# ---- days -----------------------------------------------------------------------------------------------------------

_WHEN = r"(?:[T ]+\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:am|pm|AM|PM|Z|UTC|[+-]\d{2}:?\d{2})?)?$"
_YMD = re.compile(r"((?:18|19|20|21)\d{2})[-/.年](\d{1,2})[-/.月](\d{1,2})日?" + _WHEN)
_YM = re.compile(r"((?:18|19|20|21)\d{2})[-/年](\d{1,2})月?$")
_DMY = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})" + _WHEN)
_NAMED = re.compile(
    r"(?:(\d{1,2})[- /]*)?([A-Za-z]{3})[a-z]*\.?[- /]*(?:(\d{1,2}),?[ ]+)?(\d{4}|\d{2})" + _WHEN
)
_PACKED = re.compile(r"((?:19|20)\d{2})([01]\d)([0-3]\d)(?:\.0)?$")


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else int(text) + (1900 if int(text) >= 50 else 2000)


def _ymd(text: str) -> date:
    found = _YMD.match(text)
    if found is None:
        raise ValueError(text)
    return date(*(int(part) for part in found.groups()))


def _ym(text: str) -> date:
    found = _YM.match(text)
    if found is None:
        raise ValueError(text)
    return date(int(found.group(1)), int(found.group(2)), 1)


def _dmy(text: str) -> date:
    found = _DMY.match(text)
    if found is None:
        raise ValueError(text)
    return date(_year(found.group(3)), int(found.group(2)), int(found.group(1)))


def _mdy(text: str) -> date:
    found = _DMY.match(text)
    if found is None:
        raise ValueError(text)
    return date(_year(found.group(3)), int(found.group(1)), int(found.group(2)))


def _named(text: str) -> date:
    found = _NAMED.match(text)
    if found is None or found.group(2).lower() not in MONTHS or (found.group(1) and found.group(3)):
        raise ValueError(text)
    day = int(found.group(1) or found.group(3) or 1)
    return date(_year(found.group(4)), MONTHS[found.group(2).lower()], day)


def _packed(text: str) -> date:
    found = _PACKED.match(text)
    if found is None:
        raise ValueError(text)
    return date(*(int(part) for part in found.groups()))


def _day_by(style: Callable[[str], date]) -> Callable[[str], float]:
    def day(text: str) -> float:
        return math.nan if is_missing(text) else float(style(text.strip()).toordinal())

    return day


_DAYS: dict[str, Callable[[str], float]] = {
    name: _day_by(style)
    for name, style in (("ymd", _ymd), ("mdy", _mdy), ("dmy", _dmy), ("named", _named), ("ym", _ym), ("packed", _packed))
}  # fmt: skip
_NUMBERS: dict[str, Callable[[str], float]] = {"plain": number, "dressed": dressed, "comma": comma}
_READERS = _NUMBERS | _DAYS


# ---- the guess ------------------------------------------------------------------------------------------------------


def guess(name: str, texts: Sequence[str]) -> Column:
    """Tell what a column is, from the training file: days if nearly all read as days, else numbers, else texts."""
    distinct = set(texts)
    counts = dict.fromkeys(distinct, 0)
    for text in texts:
        counts[text] += 1
    known = {t: c for t, c in counts.items() if not is_missing(t)}
    total = sum(known.values())
    for style, reader in _DAYS.items():
        if total and _share(reader, known, total) >= FITS:
            return _read(Column(name, ColumnKind.DATE, np.zeros(0), (), style), texts)
    best, share = "plain", 1.0 if not total else 0.0
    for style, reader in _NUMBERS.items():
        fits = _share(reader, known, total) if total else 1.0
        if fits > share + 1e-12:
            best, share = style, fits
    numbers = sum(1 for t in known if _reads(_NUMBERS[best], t))
    if share >= FITS or (share >= LEAST_FIT and numbers >= 20 and len(known) - numbers <= 5):
        return _read(Column(name, ColumnKind.NUMBER, np.zeros(0), (), best), texts)
    return Column(name, ColumnKind.TEXT, np.full(len(texts), np.nan), tuple(t.strip() for t in texts))


def read_as(column: Column, texts: Sequence[str]) -> Column:
    """Read another file's column as the kind and in the style that the training file showed."""
    if column.kind is ColumnKind.TEXT:
        return Column(column.name, column.kind, np.full(len(texts), np.nan), tuple(t.strip() for t in texts))
    return _read(column, texts)


def _read(column: Column, texts: Sequence[str]) -> Column:
    reader = _READERS[column.style or "plain"]
    values = {text: _or_missing(reader, text) for text in set(texts)}
    numbers = np.fromiter((values[text] for text in texts), dtype=np.float64, count=len(texts))
    return Column(column.name, column.kind, numbers, (), column.style)


def _or_missing(reader: Callable[[str], float], text: str) -> float:
    try:
        return reader(text)
    except (ValueError, OverflowError):
        return math.nan


def _reads(reader: Callable[[str], float], text: str) -> bool:
    try:
        reader(text)
    except (ValueError, OverflowError):
        return False
    return True


def _share(reader: Callable[[str], float], known: dict[str, int], total: int) -> float:
    """Give the share of known values that a reader can read; it gives up early on what is plainly something else."""
    if len(known) > 2 * LOOK and sum(_reads(reader, t) for t in islice(known, LOOK)) < LOOK // 2:
        return 0.0
    missed = 0
    for text, count in known.items():
        if not _reads(reader, text):
            missed += count
            if missed > (1 - LEAST_FIT) * total:
                return 0.0
    return 1.0 - missed / total

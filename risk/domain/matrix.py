"""From a table's columns to a matrix: what each column is good for, decided on the training file alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from risk.domain.columns import Column, ColumnKind
from risk.domain.events import Floats, Integers
from risk.domain.leakage import Leak, inspect_codes, inspect_number
from risk.domain.metrics import weights_of
from risk.domain.table import Rates, codes_of, learn_rates
from risk.domain.words import Words, is_prose, learn_words

PROTECTED_NAMES = re.compile(
    r"(?:^|_)(?:sex|gender|race|ethnic\w*|religion|nationality|marriage|marital\w*|birth|birthdate|dob|foreign)(?:_|$)"
    r"|^(?:age|age_years|client_age|customer_age|applicant_age|borrower_age|personal_status_sex)$"
)
IDENTIFIER = re.compile(r"(?:^|_)(?:id|nr|no|number|ref|uuid|key)$")
PERSON = re.compile(
    r"^(?:customer|client|borrower|member|person|applicant|user|company|firm|cust|mem(?:ber)?)_?(?:id|no|nr|number|ref|key)$"
)
DECISION_DATE = re.compile(
    r"approv|appl|decision|loan_date|grant|origin|issue|as_of|fund|booked|underwr", re.I
)
BIRTH = re.compile(r"birth|dob", re.I)
YEAR = re.compile(r"(?:^|_)(?:fy|year|yr)$")
CODE_NAME = re.compile(r"zip|postal|postcode|naics|(?:^|_)(?:sic|nace|code)(?:_|$|\d)")
LATER_SHARE = 0.02
SMALL_SET = 2_000
MOST_RATIOS = 15
MOST_RATE_VALUES = 2_000


@dataclass(slots=True)
class Encoder:
    """Hold what the training file taught: which columns to use and how. `names` are the matrix's columns."""

    numbers: list[str] = field(default_factory=list)
    codes: dict[str, str] = field(default_factory=dict)  # derived code column -> source and how
    ratios: list[tuple[str, str]] = field(default_factory=list)
    twins: list[tuple[str, str]] = field(default_factory=list)
    spans: list[tuple[str, str]] = field(default_factory=list)
    calendar: list[str] = field(default_factory=list)
    rates: dict[str, Rates] = field(default_factory=dict)
    prose: list[str] = field(default_factory=list)
    words: dict[str, Words] = field(default_factory=dict)
    decision_date: str | None = None

    @property
    def names(self) -> list[str]:
        names = list(self.numbers) + [f"{n}:year" for n in self.calendar]
        names += [f"{a}/{b}" for a, b in self.ratios] + [f"{a}={b}" for a, b in self.twins]
        names += [f"{a}-{b}" for a, b in self.spans]
        names += [f"{n}:{what}" for n in self.codes for what in ("rate", "count")]
        return names + [f"{n}:words" for n in self.prose]


def refuse_columns(
    columns: dict[str, Column], bad: Integers, weight: Floats | None
) -> tuple[dict[str, Column], list[Leak], str | None]:
    """Leave out what must not be used; give what stays, what was refused and why, and the decision's date."""
    kept, refused = dict(columns), list[Leak]()

    def drop(leak: Leak) -> None:
        kept.pop(leak.column, None)
        refused.append(leak)

    for name, column in columns.items():
        leak = _by_name(name, column) or _by_value(column, bad, weight)
        if leak is not None:
            drop(leak)
    decision = decision_date_of(columns)
    if decision is not None:
        for name, column in list(columns.items()):
            if name == decision or column.kind is not ColumnKind.DATE:
                continue
            with np.errstate(invalid="ignore"):
                later = float((column.numbers > columns[decision].numbers).mean())
            if later > LATER_SHARE and name in kept:
                drop(Leak(name, "recorded_after_decision", f"later than {decision} in {later:.0%} of rows"))
    for leak in [r for r in refused if r.code not in {"protected", "identifier", "constant"}]:
        family = leak.column.rsplit("_", 1)[0]
        dates = columns[leak.column].kind is ColumnKind.DATE
        for name in [n for n in kept if dates and len(family) > 3 and n.startswith(family + "_")]:
            drop(Leak(name, "recorded_after_decision", f"belongs with {leak.column}"))
    return kept, refused, decision


def decision_date_of(columns: dict[str, Column]) -> str | None:
    """Find the date of the decision: by its name, else the only date that is there."""
    dates = [n for n, c in columns.items() if c.kind is ColumnKind.DATE and not BIRTH.search(n)]
    named = [n for n in dates if DECISION_DATE.search(n)]
    return named[0] if named else dates[0] if len(dates) == 1 else None


def _by_name(name: str, column: Column) -> Leak | None:
    if PROTECTED_NAMES.search(name.lower()):
        return Leak(name, "protected", "protected: for fairness reports only")
    if PERSON.search(name.lower()):
        return Leak(name, "identifier", "says who it is")
    codes, book = codes_of(column)
    known = int((codes >= 0).sum())
    if len(book) <= 1 and (known == len(codes) or known == 0):
        return Leak(name, "constant", "one value only")
    whole = column.kind is ColumnKind.TEXT or not np.mod(column.numbers[~np.isnan(column.numbers)], 1).any()
    unique = column.kind is not ColumnKind.DATE and known > 50 and len(book) > 0.95 * known and whole
    if unique and (
        (column.kind is ColumnKind.TEXT and not is_prose(column)) or IDENTIFIER.search(name.lower())
    ):
        return Leak(name, "identifier", "a different value in every row")
    return None


def _by_value(column: Column, bad: Integers, weight: Floats | None) -> Leak | None:
    if column.kind is ColumnKind.TEXT:
        return inspect_codes(column.name, codes_of(column)[0], bad, weight)
    return inspect_number(column.name, column.numbers, bad, weight)


def learn(
    columns: dict[str, Column],
    bad: Integers,
    weight: Floats | None,
    *,
    decision_date: str | None,
    out_of_time: bool,
) -> Encoder:
    """Decide what to make of the columns. Out of time, nothing that only tells the year is used."""
    found, count = Encoder(decision_date=decision_date), len(bad)
    dates = [n for n, c in columns.items() if c.kind is ColumnKind.DATE]
    for name, column in columns.items():
        if column.kind is ColumnKind.TEXT:
            found.codes[name] = name
            if is_prose(column):
                found.prose.append(name)
        elif column.kind is ColumnKind.NUMBER and not (
            out_of_time and _tells_year(column, columns, decision_date)
        ):
            coded = _looks_like_codes(column, count)
            if not coded:
                found.numbers.append(name)
            distinct = len(np.unique(column.numbers[~np.isnan(column.numbers)]))
            if count >= SMALL_SET and 8 <= distinct <= MOST_RATE_VALUES and count / distinct >= 5:
                found.codes[f"{name}#"] = name
            if coded:
                found.codes |= {f"{name}/{drop}": name for drop in ("10", "100", "1000")}
    if not out_of_time:
        found.calendar = dates
    found.spans = list(combinations(dates, 2))
    found.ratios = _ratios(columns, found.numbers)
    found.twins = _twins(columns)
    return found


def _tells_year(column: Column, columns: dict[str, Column], decision: str | None) -> bool:
    if YEAR.search(column.name.lower()):
        return True
    if decision is None:
        return False
    both = ~np.isnan(column.numbers) & ~np.isnan(columns[decision].numbers)
    if both.sum() < 50 or column.numbers[both].std() == 0 or columns[decision].numbers[both].std() == 0:
        return False
    return abs(float(np.corrcoef(column.numbers[both], columns[decision].numbers[both])[0, 1])) > 0.9


def _looks_like_codes(column: Column, count: int) -> bool:
    """Tell whether whole numbers are codes (of trade, of region): their size means nothing, their prefixes do.

    Five or six digits, one length and many repeats; or a name that says so.
    """
    known = column.numbers[~np.isnan(column.numbers)]
    real = known[known > 0]
    if count < SMALL_SET or len(real) < 0.5 * len(known) or len(real) == 0 or np.mod(real, 1).any():
        return False
    if len(np.unique(real)) > len(real) / 5:
        return False
    if CODE_NAME.search(column.name.lower()):
        return True
    digits = np.floor(np.log10(real)) + 1
    return bool(digits.min() == digits.max() and digits.min() in {5.0, 6.0})


def _ratios(columns: dict[str, Column], numbers: Sequence[str]) -> list[tuple[str, str]]:
    """Pair amounts that move together: their ratio says what neither says alone."""
    amounts = []
    for name in numbers:
        values = columns[name].numbers
        known = values[~np.isnan(values)]
        if len(known) and len(np.unique(known)) >= 20 and (known >= 0).mean() > 0.95 and known.max() >= 50:
            amounts.append(name)
    scored = []
    for a, b in combinations(amounts, 2):
        x, y = np.log1p(np.maximum(columns[a].numbers, 0)), np.log1p(np.maximum(columns[b].numbers, 0))
        both = ~np.isnan(x) & ~np.isnan(y)
        if both.sum() < 100 or x[both].std() == 0 or y[both].std() == 0:
            continue
        scored.append((abs(float(np.corrcoef(x[both], y[both])[0, 1])), a, b))
    scored.sort(key=lambda row: (-row[0], row[1], row[2]))
    return [(b, a) for strength, a, b in scored[:MOST_RATIOS] if strength > 0.15]


def _twins(columns: dict[str, Column]) -> list[tuple[str, str]]:
    """Find text columns that draw on the same words: whether they agree is news (borrower's and bank's state)."""
    texts = [n for n, c in columns.items() if c.kind is ColumnKind.TEXT]
    words = {n: set(columns[n].texts) for n in texts}
    return [
        (a, b)
        for a, b in combinations(texts, 2)
        if min(len(words[a]), len(words[b])) >= 10
        and len(words[a] & words[b]) >= 0.5 * min(len(words[a]), len(words[b]))
    ]


def _coded(columns: dict[str, Column], derived: str, source: str) -> Column:
    column = columns[source]
    if derived == source:
        return column
    if derived.endswith("#"):
        return Column(derived, ColumnKind.NUMBER, column.numbers)
    return Column(derived, ColumnKind.NUMBER, np.floor(column.numbers / float(derived.rsplit("/", 1)[1])))


def _plain(encoder: Encoder, columns: dict[str, Column]) -> list[Floats]:
    parts = [columns[n].numbers for n in encoder.numbers]
    parts += [1970 + (columns[n].numbers - 719163) / 365.25 for n in encoder.calendar]
    for a, b in encoder.ratios:
        with np.errstate(divide="ignore", invalid="ignore"):
            parts.append(np.where(columns[b].numbers > 0, columns[a].numbers / columns[b].numbers, np.nan))
    for a, b in encoder.twins:
        pairs = zip(columns[a].texts, columns[b].texts, strict=True)
        parts.append(np.array([float(x == y) if x and y else np.nan for x, y in pairs]))
    parts += [(columns[a].numbers - columns[b].numbers) / 365.25 for a, b in encoder.spans]
    return parts


def fit_matrix(encoder: Encoder, columns: dict[str, Column], bad: Integers, weight: Floats | None) -> Floats:
    """Learn the rates and give the training matrix, rates out of fold."""
    parts = _plain(encoder, columns)
    for derived, source in encoder.codes.items():
        column = _coded(columns, derived, source)
        encoder.rates[derived], own = learn_rates(column, bad, weight)
        parts += [own, encoder.rates[derived].encode(column)[1]]
    for name in encoder.prose:
        encoder.words[name], own = learn_words(columns[name], bad, weights_of(bad, weight))
        parts.append(own)
    return np.column_stack(parts) if parts else np.zeros((len(bad), 0))


def use_matrix(encoder: Encoder, columns: dict[str, Column], rows: int) -> Floats:
    """Encode another file with what the training file taught."""
    parts = _plain(encoder, columns)
    for derived, source in encoder.codes.items():
        parts += list(encoder.rates[derived].encode(_coded(columns, derived, source)))
    parts += [encoder.words[name].score(columns[name].texts) for name in encoder.prose]
    return np.column_stack(parts) if parts else np.zeros((rows, 0))


def recency(
    columns: dict[str, Column],
    decision: str | None,
    half_life_years: float | None,
    weight: Floats | None,
    rows: int,
) -> Floats:
    """Give weights that halve with every half-life before the newest decision."""
    w = weights_of(np.zeros(rows, dtype=np.int64), weight)
    if decision is None or half_life_years is None:
        return w
    days = columns[decision].numbers
    age = (np.nanmax(days) - np.nan_to_num(days, nan=float(np.nanmin(days)))) / 365.25
    return np.asarray(w * 0.5 ** (age / half_life_years))

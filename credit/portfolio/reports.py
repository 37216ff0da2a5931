"""The reports: what each asks, and how its rows become tables. Values are JSON-safe, so that a result can be kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import connection, transaction

from credit.portfolio import sql
from regimes.errors import N_, InvalidInput

BUCKETS: Final = (
    N_("Not overdue"),
    N_("1 to 30 days"),
    N_("31 to 60 days"),
    N_("61 to 90 days"),
    N_("Over 90 days"),
)
ENDS: Final = (*BUCKETS, N_("Paid off"), N_("Written off"))
BAD_DAYS: Final = 30
MONTHS: Final = 24  # of vintages and of the funnel
# a report reads whole tables once: let it sort in memory, and use a second core
SETTINGS: Final = {"work_mem": "256MB", "jit": "off", "max_parallel_workers_per_gather": "2"}


class UnableToReport(InvalidInput):
    """Refuse a day that no report can be made of."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table: columns as (heading, kind), rows of JSON-safe cells, and where each cell leads to.

    Kinds: text, money, number, share, day. `links` has a query of the drill for a (row, column), or nothing. `chart` names
    how to draw it: {"kind": "lines" | "bars", "x": [...], "series": [[name, [...]]]}; shares are drawn as percent.
    """

    title: str
    columns: list[tuple[str, str]]
    rows: list[list[Any]]
    links: dict[str, dict[str, Any]]
    chart: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        return {"title": self.title, "columns": [list(c) for c in self.columns], "rows": self.rows, "links": self.links, "chart": self.chart}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """One report by name; `make` answers for a day. `is_today`: the day is the business date."""

    name: str
    title: str
    make: Callable[[date, bool], list[Table]]


def _rows(statement: str, names: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with transaction.atomic(), connection.cursor() as cursor:
        for name, value in SETTINGS.items():
            cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
        cursor.execute(statement, dict(names))
        return cursor.fetchall()


def _text(value: Decimal | int | None) -> str:
    return f"{Decimal(value or 0):.2f}"


def _share(part: Any, whole: Any) -> float | None:
    return round(float(part) / float(whole), 6) if whole else None


def month_before(day: date) -> date:
    """Return the same day of the month before, or its last day."""
    last = day.replace(day=1) - timedelta(days=1)
    return last.replace(day=min(day.day, last.day))


def balances(as_of: date, is_today: bool) -> list[Table]:
    """Principal and loans by portfolio and bucket, with the share that is more than 30, 60 and 90 days late."""
    found = _rows(sql.standing(is_today=is_today) + sql.BALANCES, {"as_of": as_of})
    by: dict[str, list[list[Decimal]]] = defaultdict(
        lambda: [[Decimal(0), Decimal(0)] for _bucket in BUCKETS]
    )
    for portfolio, place, count, owed in found:
        for name in (portfolio, ""):
            by[name][place][0] += count
            by[name][place][1] += owed
    money, loans, links = [], [], {}
    for name in sorted(by, key=lambda name: (name == "", name)):
        cells = by[name]
        whole = sum((owed for _count, owed in cells), Decimal(0))
        par = [_share(sum((owed for _c, owed in cells[first:]), Decimal(0)), whole) for first in (2, 3, 4)]
        money.append([name or "*", _text(whole), *(_text(owed) for _count, owed in cells), *par])
        loans.append([name or "*", int(sum(c for c, _o in cells)), *(int(count) for count, _owed in cells)])
        for place in range(-1, len(BUCKETS)):
            links[f"{len(money) - 1}:{place + 2}"] = {"of": "standing", "portfolio": name, "bucket": place}
    heads = [(title, "money") for title in BUCKETS]
    chart = {"kind": "bars", "x": list(BUCKETS), "series": [[N_("Principal"), [float(str(v)) for v in money[-1][2:7]]]]} if money else None  # fmt: skip
    return [
        Table(N_("Principal outstanding"), [(N_("Portfolio"), "text"), (N_("All"), "money"), *heads, ("PAR30", "share"), ("PAR60", "share"), ("PAR90", "share")], money, links, chart),
        Table(N_("Loans"), [(N_("Portfolio"), "text"), (N_("All"), "number"), *((title, "number") for title in BUCKETS)], loans, links),
    ]  # fmt: skip


def roll_rates(as_of: date, is_today: bool) -> list[Table]:
    """Where the loans of each bucket a month ago stand now: shares of their number, rows add up to one."""
    before = month_before(as_of)
    found = _rows(sql.ROLL, {"before": before, "as_of": as_of})
    counts = [[0] * len(ENDS) for _bucket in BUCKETS]
    for was, becomes, count, _principal in found:
        counts[was][becomes] = count
    rows, numbers, links = [], [], {}
    for place, cells in enumerate(counts):
        rows.append([BUCKETS[place], sum(cells), *(_share(n, sum(cells)) for n in cells)])
        numbers.append([BUCKETS[place], sum(cells), *cells])
        for end, n in enumerate(cells):
            if n:
                links[f"{place}:{end + 2}"] = {"of": "roll", "was": place, "becomes": end}
    heads = [(N_("A month ago"), "text"), (N_("Loans"), "number")]
    return [
        Table(N_("Roll rates"), [*heads, *((title, "share") for title in ENDS)], rows, links),
        Table(N_("Loans"), [*heads, *((title, "number") for title in ENDS)], numbers, links),
    ]


def vintages(as_of: date, is_today: bool) -> list[Table]:
    """Of the loans of a month, the share that was ever more than 30 days late, by the months they had run."""
    since = date(as_of.year - MONTHS // 12, as_of.month, 1)
    found = _rows(sql.VINTAGE, {"as_of": as_of, "since": since, "bad": BAD_DAYS})
    loans: dict[date, int] = defaultdict(int)
    bad: dict[date, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for vintage, month, count, _principal in found:
        loans[vintage] += count
        if month is not None:
            bad[vintage][month] += count
    rows, links, series = [], {}, []
    width = max((_ran(vintage, as_of) for vintage in loans), default=0)
    for place, vintage in enumerate(sorted(loans)):
        total, line = 0, []
        for month in range(width + 1):
            total += bad[vintage][month]
            line.append(_share(total, loans[vintage]) if month <= _ran(vintage, as_of) else None)
        rows.append([vintage.isoformat()[:7], loans[vintage], total, *line])
        series.append([vintage.isoformat()[:7], line])
        if total:
            links[f"{place}:2"] = {"of": "vintage", "vintage": vintage.isoformat()}
    columns = [(N_("Month"), "text"), (N_("Loans"), "number"), (N_("Ever over 30 days late"), "number")]
    columns += [(str(month), "share") for month in range(width + 1)]
    chart = (
        {"kind": "lines", "x": [str(m) for m in range(width + 1)], "series": series[-12:]} if series else None
    )
    return [Table(N_("Vintages: share ever over 30 days late, by months run"), columns, rows, links, chart)]


def _ran(vintage: date, as_of: date) -> int:
    return (as_of.year - vintage.year) * 12 + as_of.month - vintage.month


def funnel(as_of: date, is_today: bool) -> list[Table]:
    """Applications by month, step by step until the first draw."""
    since = date(as_of.year - MONTHS // 12, as_of.month, 1)
    found = _rows(sql.FUNNEL, {"as_of": as_of, "since": since})
    rows = [[month.isoformat()[:7], *numbers, _share(numbers[3], numbers[1])] for month, *numbers in found]
    heads = (
        N_("Submitted"),
        N_("Decided"),
        N_("Seen by a person"),
        N_("Approved"),
        N_("Line opened"),
        N_("Drawn"),
    )
    total = [sum(row[i] for row in rows) for i in range(1, 7)]
    chart = {"kind": "bars", "x": list(heads), "series": [[N_("Applications"), total]]} if rows else None
    return [Table(N_("Approval funnel"), [(N_("Month"), "text"), *((h, "number") for h in heads), (N_("Approval rate"), "share")], rows, {}, chart)]  # fmt: skip


def utilisation(as_of: date, is_today: bool) -> list[Table]:
    """Limits and what is drawn of them, by kind of line and grade."""
    found = _rows(sql.standing(is_today=is_today) + sql.UTILISATION, {"as_of": as_of})
    rows = [[family, grade, lines, in_use, _text(limits), _text(owed), _share(owed, limits)]
            for family, grade, lines, limits, owed, in_use in found]  # fmt: skip
    columns = [(N_("Line"), "text"), (N_("Grade"), "text"), (N_("Lines"), "number"), (N_("In use"), "number"),
               (N_("Limits"), "money"), (N_("Drawn"), "money"), (N_("Utilisation"), "share")]  # fmt: skip
    return [Table(N_("Utilisation of limits"), columns, rows, {})]


def yield_and_loss(as_of: date, is_today: bool) -> list[Table]:
    """What portfolios earned and lost in the twelve months to the day, a year, on their average principal."""
    rows = []
    for name, held, interest, charges, waived, lost, recovered, days in _rows(sql.YIELD, {"as_of": as_of}):
        year = Decimal(365) / days
        base = held or Decimal(0)
        rows.append([
            name, _text(base), _text(interest), _text(charges), _text(waived), _text(lost), _text(recovered),
            _share((interest + charges - waived) * year, base), _share((lost - recovered) * year, base),
        ])  # fmt: skip
    columns = [(N_("Portfolio"), "text"), (N_("Average principal"), "money"), (N_("Interest"), "money"),
               (N_("Fees and penalty"), "money"), (N_("Waived"), "money"), (N_("Written off"), "money"),
               (N_("Recovered"), "money"), (N_("Yield a year"), "share"), (N_("Loss a year"), "share")]  # fmt: skip
    return [Table(N_("Yield and loss, twelve months"), columns, rows, {})]


def expected_loss(as_of: date, is_today: bool) -> list[Table]:
    """What the last provisions expect to lose, by stage."""
    found = _rows(sql.STAGES, {"as_of": as_of})
    rows = [[stage, count, _text(exposure), _text(expected), _text(held), _share(expected, exposure)]
            for stage, count, exposure, expected, held in found]  # fmt: skip
    columns = [(N_("Stage"), "number"), (N_("Loans"), "number"), (N_("Exposure"), "money"), (N_("Expected loss"), "money"),
               (N_("Set aside"), "money"), (N_("Share"), "share")]  # fmt: skip
    return [Table(N_("Expected loss by stage"), columns, rows, {})]


def cash_flow(as_of: date, is_today: bool) -> list[Table]:
    """What the plans of today's loans bring in the next twelve months, and what of it comes at the usual pace."""
    until = date(as_of.year + 1, as_of.month, 1)
    found = _rows(sql.CASH_FLOW, {"as_of": as_of, "until": until})
    ((punctual,),) = _rows(sql.PUNCTUAL, {"as_of": as_of})
    rows, totals = [], []
    for month, principal, interest, fees, count in found:
        whole = principal + interest + fees
        rows.append([month.isoformat()[:7], count, _text(principal), _text(interest), _text(fees), _text(whole), _text(whole * punctual)])  # fmt: skip
        totals.append([float(whole), float(whole * punctual)])
    columns = [(N_("Month"), "text"), (N_("Instalments"), "number"), (N_("Principal"), "money"), (N_("Interest"), "money"),
               (N_("Fees"), "money"), (N_("Planned"), "money"), (N_("Expected within a month"), "money")]  # fmt: skip
    series = [
        [N_("Planned"), [t[0] for t in totals]],
        [N_("Expected within a month"), [t[1] for t in totals]],
    ]
    chart = {"kind": "bars", "x": [row[0] for row in rows], "series": series} if rows else None
    return [Table(N_("Cash-flow forecast, twelve months"), columns, rows, {}, chart)]


def _report(name: str, title: str, make: Callable[[date, bool], list[Table]]) -> tuple[str, Report]:
    return name, Report(name, title, make)


REPORTS: Final[Mapping[str, Report]] = dict([
    _report("balances", N_("Balances and portfolio at risk"), balances),
    _report("roll", N_("Roll rates"), roll_rates),
    _report("vintages", N_("Vintages"), vintages),
    _report("funnel", N_("Approval funnel"), funnel),
    _report("utilisation", N_("Utilisation of limits"), utilisation),
    _report("yield", N_("Yield and loss"), yield_and_loss),
    _report("stages", N_("Expected loss by stage"), expected_loss),
    _report("cash-flow", N_("Cash-flow forecast"), cash_flow),
])  # fmt: skip


def tables_of(parts: Sequence[Mapping[str, Any]]) -> list[Table]:
    """Bring kept tables back."""
    return [Table(p["title"], [(c[0], c[1]) for c in p["columns"]], list(p["rows"]), dict(p["links"]), p.get("chart")) for p in parts]  # fmt: skip

"""Read the public sets, and turn their raw transactions and invoices into the product's own events and facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from risk.domain.bench import Material, material
from risk.domain.columns import Column, ColumnKind, guess, number
from risk.domain.events import Category, EventColumns, EventKind, Flags, Floats, Integers, counterparty_number
from risk.domain.facts import ConductFacts, Consents
from risk.domain.features import compute
from risk.domain.registry import FEATURE_NAMES
from risk.domain.rollup import days_of_months, month_number, roll_up, windows
from risk.domain.table import Table, read_table

BERKA_SYMBOLS = {
    "interest credited": Category.OWN_TRANSFER,
    "statement fee": Category.FEES,
    "household": Category.HOUSING,
    "insurance": Category.INSURANCE,
    "pension": Category.SALARY,
    "loan payment": Category.LOAN,
    "sanction interest": Category.PENALTY,
}
BERKA_OPERATIONS = {
    "credit in cash": Category.OTHER_INCOME,
    "collection from another bank": Category.SALARY,
    "withdrawal in cash": Category.CASH,
    "credit card withdrawal": Category.CASH,
    "remittance to another bank": Category.HOUSING,
}
BERKA_LOAN_COLUMNS = ("amount", "duration", "payments", "frequency", "n_holders", "district_id")


@dataclass(frozen=True, slots=True)
class PublicSet:
    """Hold a set with its fixed folds and, where there are dates, its fixed split in time."""

    material: Material
    fold: Integers
    oot: tuple[str, ...]


def read(folder: Path, name: str) -> Table:
    return read_table(folder / f"{name}.csv.gz")


def with_splits(folder: Path, name: str, drop: tuple[str, ...] = ()) -> PublicSet:
    """Read a flat set as it is."""
    table = read(folder, name)
    columns = {n: values for n, values in table.columns.items() if n not in drop}
    return PublicSet(material(Table(columns, table.rows)), *_splits(folder, name))


def _splits(folder: Path, name: str) -> tuple[Integers, tuple[str, ...]]:
    splits = read(folder, f"{name}_splits")
    fold = np.array(splits.need("fold")).astype(np.int64)
    return fold, tuple(splits.columns.get("oot", [""] * splits.rows))


def berka_aggregates(folder: Path) -> PublicSet:
    """Join the loans with the aggregates that others made; the label's twin `status` stays out."""
    loans, extra = read(folder, "berka_loans"), read(folder, "berka_tx_aggregates")
    at = {loan: row for row, loan in enumerate(extra.need("loan_id"))}
    order = [at[loan] for loan in loans.need("loan_id")]
    keep = (*BERKA_LOAN_COLUMNS, "loan_date", "account_open_date", "bad", "row_id")
    columns = {n: v for n, v in loans.columns.items() if n in keep}
    columns |= {n: [v[row] for row in order] for n, v in extra.columns.items() if n != "loan_id"}
    columns |= _district(folder, loans.need("district_id"))
    del columns["district_id"]
    return PublicSet(material(Table(columns, loans.rows)), *_splits(folder, "berka_loans"))


def _district(folder: Path, wanted: list[str]) -> dict[str, list[str]]:
    districts = read(folder, "berka_districts")
    at = {key: row for row, key in enumerate(districts.need("district_id"))}
    names = ("avg_salary", "unemp96", "entrepreneurs_per_1000", "urban_ratio")
    return {f"district_{n}": [districts.need(n)[at[w]] for w in wanted] for n in names}


def _days(texts: list[str]) -> Integers:
    return np.array([date.fromisoformat(t).toordinal() - 719163 for t in texts], dtype=np.int64)


def berka_transactions(folder: Path) -> PublicSet:
    """Make the product's facts from raw account transactions before each loan.

    Days are moved so that every loan falls on the first of a month: its months are then whole ones, and no
    transaction before it is lost to a month that the loan cut short.
    """
    loans, moves = read(folder, "berka_loans"), read(folder, "berka_transactions")
    chosen = np.array([t == "1" for t in loans.need("has_transactions")])
    rows = np.flatnonzero(chosen)
    account = [loans.need("account_id")[r] for r in rows]
    loan_day = _days([loans.need("loan_date")[r] for r in rows])
    place = {a: k for k, a in enumerate(account)}
    owner = np.array([place.get(a, -1) for a in moves.need("account_id")])
    day = _days(moves.need("date"))
    months = np.array([month_number(date.fromordinal(int(d) + 719163)) + 1 for d in loan_day])
    shift = days_of_months(months) - loan_day
    kept = (owner >= 0) & (day < loan_day[np.maximum(owner, 0)])
    events = _berka_events(moves, owner, day + shift[np.maximum(owner, 0)], kept)
    facts = _facts(events, len(rows), months, business=False)
    table = {n: _pick(loans, n, rows) for n in BERKA_LOAN_COLUMNS if n != "district_id"}
    columns = {n: guess(n, v) for n, v in table.items()} | _as_columns(facts)
    columns |= {n: guess(n, v) for n, v in _district(folder, _pick(loans, "district_id", rows)).items()}
    payment = columns["payments"].numbers
    for name in ("income_mean_6m", "balance_mean_3m", "balance_min_6m"):
        with np.errstate(divide="ignore", invalid="ignore"):
            columns[f"payment_to_{name}"] = Column("", ColumnKind.NUMBER, columns[name].numbers / payment)
    columns = {n: Column(n, c.kind, c.numbers, c.texts) for n, c in columns.items()}
    bad = np.array(_pick(loans, "bad", rows)).astype(np.int64)
    fold, oot = _splits(folder, "berka_loans")
    return PublicSet(Material(columns, bad, None), fold[rows], tuple(oot[r] for r in rows))


def _pick(table: Table, name: str, rows: Integers) -> list[str]:
    return [table.need(name)[r] for r in rows]


def _berka_events(moves: Table, owner: Integers, day: Integers, kept: Integers) -> EventColumns:
    amount = np.array([number(t) for t in moves.need("amount")])
    credit = np.array([t == "credit" for t in moves.need("type")])
    category = np.array(
        [
            BERKA_SYMBOLS.get(symbol, BERKA_OPERATIONS.get(operation, Category.UNKNOWN))
            for symbol, operation in zip(moves.need("k_symbol"), moves.need("operation"), strict=True)
        ],
        dtype=np.int8,
    )
    party = np.array([counterparty_number(t) for t in moves.need("partner_account")], dtype=np.int64)
    moment = day * 1440 + 12 * 60 - 480
    return EventColumns(
        subject=owner + 1,
        occurred=moment,
        known=moment,
        kind=np.full(len(owner), EventKind.PAYMENT, dtype=np.int8),
        category=category,
        cents=np.rint(np.where(credit, amount, -amount) * 100).astype(np.int64),
        balance=np.array([number(t) for t in moves.need("balance")]),
        counterparty=party,
    ).take(kept)


def _facts(events: EventColumns, count: int, as_of: Integers, *, business: bool) -> Floats:
    subjects = np.arange(1, count + 1, dtype=np.int64)
    months = windows(roll_up(events), subjects=subjects, as_of=as_of)
    everything = Consents.of(count, PAYMENTS=True, SPENDING=True, BILLS=True, BANK=True, BUSINESS=True)
    conduct = ConductFacts.of(subject_ids=subjects, segment=np.full(count, int(business), dtype=np.int8))
    return compute(months=months, conduct=conduct, consents=everything, as_of=date(2000, 1, 1)).values


def _as_columns(values: Floats) -> dict[str, Column]:
    return {
        name: Column(name, ColumnKind.NUMBER, values[:, place].copy())
        for place, name in enumerate(FEATURE_NAMES)
        if not np.isnan(values[:, place]).all() and name != "is_business"
    }


def small_business(folder: Path) -> PublicSet:
    """Make the product's facts from the invoices of 123 firms, with figures over their whole time."""
    firms = read(folder, "cn_smallbiz_firms")
    place = {firm: k for k, firm in enumerate(firms.need("firm_id"))}
    parts: list[tuple[Table, EventKind]] = []
    wide: dict[str, Floats] = {}
    for name, kind in (("sales", EventKind.SALE), ("purchase", EventKind.PURCHASE)):
        table = read(folder, f"cn_smallbiz_{name}_invoices")
        parts.append((table, kind))
        wide |= _whole_time(table, place, name)
    events = _invoice_events(parts, place)
    latest = int(np.max(events.occurred)) // 1440 + 1
    as_of = np.full(len(place), month_number(date.fromordinal(latest + 719163)))
    facts = _facts(events, len(place), as_of, business=True)
    columns = _as_columns(facts) | {n: Column(n, ColumnKind.NUMBER, v) for n, v in wide.items()}
    with np.errstate(divide="ignore", invalid="ignore"):
        margin = np.where(wide["sales_total"] > 0, wide["purchase_total"] / wide["sales_total"], np.nan)
    columns["purchase_to_sales"] = Column("purchase_to_sales", ColumnKind.NUMBER, margin)
    bad = np.array(firms.need("bad")).astype(np.int64)
    return PublicSet(Material(columns, bad, None), *_splits(folder, "cn_smallbiz"))


def _whole_time(table: Table, place: dict[str, int], side: str) -> dict[str, Floats]:
    count, owner = len(place), np.array([place[f] for f in table.need("firm_id")])
    amount = np.array([number(t) for t in table.need("amount")])
    valid = np.array([t == "valid" for t in table.need("status")])
    month = np.array([month_number(date.fromisoformat(t)) for t in table.need("date")])
    party = np.unique(np.array(table.need("partner_id")), return_inverse=True)[1]
    good, red = valid & (amount > 0), valid & (amount < 0)

    def per_firm(mask: Flags, weight: Floats | None = None) -> Floats:
        return np.bincount(owner[mask], None if weight is None else weight[mask], count).astype(np.float64)

    def distinct(values: Integers) -> Floats:
        pairs = np.unique(np.column_stack([owner[good], values[good]]), axis=0)
        return np.bincount(pairs[:, 0], minlength=count).astype(np.float64)

    every, many = per_firm(np.ones(len(owner), dtype=bool)), per_firm(good)
    active = distinct(month)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            f"{side}_total": per_firm(good, amount),
            f"{side}_invoices": many,
            f"{side}_void_share": per_firm(~valid) / every,
            f"{side}_red_share": per_firm(red) / every,
            f"{side}_partners": distinct(party),
            f"{side}_months": active,
            f"{side}_a_month": per_firm(good, amount) / active,
            f"{side}_invoice_mean": per_firm(good, amount) / many,
            f"{side}_invoices_a_partner": many / distinct(party),
        }


def _invoice_events(parts: list[tuple[Table, EventKind]], place: dict[str, int]) -> EventColumns:
    columns: list[list[Integers]] = [[], [], [], []]
    for table, kind in parts:
        valid = np.array([t == "valid" for t in table.need("status")])
        used = valid if kind is EventKind.PURCHASE else np.ones(table.rows, dtype=bool)
        kinds = np.where(valid, kind, EventKind.SALE_VOID)[used]
        columns[0].append(np.array([place[f] + 1 for f in table.need("firm_id")])[used])
        columns[1].append((_days(table.need("date")) * 1440 + 240)[used])
        columns[2].append(kinds)
        cents = np.array([round(number(t) * 100) for t in table.need("amount")])
        columns[3].append(np.where(valid, cents, np.abs(cents))[used])
    party = np.concatenate(
        [
            np.array([counterparty_number(p) for p in table.need("partner_id")])[
                np.array([t == "valid" for t in table.need("status")]) | (kind is not EventKind.PURCHASE)
            ]
            for table, kind in parts
        ]
    )
    subject, occurred, kind_column, cents = (np.concatenate(c) for c in columns)
    return EventColumns(
        subject=subject.astype(np.int64),
        occurred=occurred.astype(np.int64),
        known=occurred.astype(np.int64),
        kind=kind_column.astype(np.int8),
        category=np.full(len(subject), Category.TRADE, dtype=np.int8),
        cents=cents.astype(np.int64),
        balance=np.full(len(subject), np.nan),
        counterparty=party,
    )

"""Monthly roll-ups: what a month of evidence says of one subject, in a fixed set of columns.

One pure function makes them from events, for serving, training and the synthetic population alike. The
evidence store keeps one row per (subject, month) with exactly `ROLLUP_NAMES` as double precision columns
(NaN, not NULL) in the table `risk_monthlyrollup` (`subject_id bigint`, `month date` = first day), and
makes a touched (subject, month) again from all its events by calling `roll_up`.

A row depends on events of its month and on whether earlier ones exist, never on later ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from risk.domain.events import Bytes, Category, EventColumns, EventKind, Flags, Floats, Integers
from risk.domain.ordering import in_time, is_in_time

NIGHT_ENDS_HOUR = 5
SPEND_CATEGORIES: dict[str, tuple[Category, ...]] = {
    "spend_everyday": (Category.EVERYDAY,),
    "spend_dining": (Category.DINING,),
    "spend_medical": (Category.MEDICAL,),
    "spend_education": (Category.EDUCATION,),
    "spend_electronics": (Category.ELECTRONICS,),
    "spend_travel": (Category.TRAVEL,),
    "spend_housing": (Category.HOUSING, Category.UTILITIES, Category.INSURANCE),
    "spend_entertainment": (Category.ENTERTAINMENT,),
    "spend_gambling": (Category.GAMBLING,),
    "spend_cash": (Category.CASH,),
    "spend_other": (Category.UNKNOWN, Category.FEES),
}
ROLLUP_NAMES: tuple[str, ...] = (
    "income_amount",  # salary and other income, not refunds, loans or own transfers
    "income_count",
    "salary_amount",
    "salary_count",
    "spend_amount",  # the sum of every spend_* column
    "spend_count",
    *SPEND_CATEGORIES,
    "night_spend_amount",  # spent from 00:00 to 05:00, Shanghai time
    "night_spend_count",
    "penalty_amount",  # overdraft interest and late charges
    "refund_amount",
    "bill_due_count",
    "bill_due_amount",
    "bill_late_count",
    "bill_late_amount",
    "balance_min",  # NaN when no balance was seen
    "balance_mean",
    "balance_end",
    "overdrawn_count",
    "transfer_in_amount",
    "transfer_out_amount",
    "counterparties",  # distinct, of payments
    "other_debt_drawn_amount",
    "other_debt_repaid_amount",
    "enquiries",
    "trade_in_amount",  # business receipts and supplier payments on accounts
    "trade_out_amount",
    "sales_amount",  # invoices, red-letter ones not subtracted
    "sales_count",
    "sales_red_amount",  # positive number
    "sales_red_count",
    "sales_void_count",
    "purchase_amount",
    "purchase_count",
    "customers",
    "suppliers",
    "top_customer_share",  # of the month's sales; NaN without sales
    "top_supplier_share",
    "coverage_days",  # days of the month that the evidence speaks of
)
COLUMN = {name: place for place, name in enumerate(ROLLUP_NAMES)}
WIDTH = len(ROLLUP_NAMES)
MONTHS_BACK = 24


@dataclass(frozen=True, slots=True)
class Rollups:
    """Hold r rows: whose, which month (`month_number`), and values of shape (r, WIDTH) in yuan and counts."""

    subject: Integers
    month: Integers
    values: Floats

    def __len__(self) -> int:
        return len(self.subject)


def month_number(day: date) -> int:
    """Count months since January 1970.

    >>> month_number(date(1971, 2, 28))
    13
    """
    return (day.year - 1970) * 12 + day.month - 1


def month_start(number: int) -> date:
    """Give the first day of a month number.

    >>> month_start(13)
    datetime.date(1971, 2, 1)
    """
    return date(1970 + number // 12, number % 12 + 1, 1)


def local_days(moments: Integers) -> Integers:
    """Count Shanghai days since the epoch."""
    return np.asarray((moments + 480) // 1440, dtype=np.int64)


def months_of_days(days: Integers) -> Integers:
    """Count months since January 1970 of day numbers."""
    return np.asarray(days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64))


def days_of_months(months: Integers) -> Integers:
    """Give the day number of the first day of each month."""
    return np.asarray(months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64))


def roll_up(events: EventColumns) -> Rollups:
    """Sum events into one row per subject and month, ordered by both.

    Give every event of a subject up to the last month wanted: coverage of a month starts at its first day
    only when the subject has an earlier event.
    """
    if len(events) == 0:
        none = np.zeros(0, dtype=np.int64)
        return Rollups(none, none, np.zeros((0, WIDTH)))
    days = local_days(events.occurred)
    months = months_of_days(days)
    if not is_in_time(events.subject, events.occurred):  # of one subject, a later month is a later moment
        order = in_time(events.subject, events.occurred)
        events, days, months = events.take(order), days[order], months[order]
    first = np.ones(len(events), dtype=bool)
    first[1:] = (events.subject[1:] != events.subject[:-1]) | (months[1:] != months[:-1])
    starts = np.flatnonzero(first)
    group = np.cumsum(first) - 1
    values = np.zeros((len(starts), WIDTH))
    _payments(events, group, values)
    _bills_and_enquiries(events, group, values)
    _balances(events, group, values)
    _invoices(events, group, values)
    subject, month = events.subject[starts], months[starts]
    values[:, COLUMN["coverage_days"]] = _coverage(subject, month, days, starts)
    return Rollups(subject, month, values)


def _count(group: Integers, chosen: Flags, size: int) -> Floats:
    return np.bincount(group[chosen], minlength=size).astype(np.float64)


def _sum(group: Integers, chosen: Flags, cents: Integers, size: int) -> Floats:
    """Sum whole cents: exact below 2**53, so the order of events cannot change a byte."""
    return np.asarray(np.bincount(group[chosen], weights=cents[chosen], minlength=size) / 100.0)


def _is_in(column: Bytes, members: tuple[Category, ...]) -> Flags:
    table = np.zeros(128, dtype=bool)
    table[list(members)] = True
    return np.asarray(table[column])


_CATEGORIES = max(Category) + 1
_INCOME = (Category.UNKNOWN, Category.SALARY, Category.OTHER_INCOME)
_SPENT = tuple(c for cs in SPEND_CATEGORIES.values() for c in cs)
_COMING: dict[str, tuple[Category, ...]] = {
    "income_amount": _INCOME,
    "salary_amount": (Category.SALARY,),
    "refund_amount": (Category.REFUND,),
    "transfer_in_amount": (Category.TRANSFER,),
    "other_debt_drawn_amount": (Category.LOAN,),
    "trade_in_amount": (Category.TRADE,),
}
_GOING: dict[str, tuple[Category, ...]] = SPEND_CATEGORIES | {
    "spend_amount": _SPENT,
    "penalty_amount": (Category.PENALTY,),
    "transfer_out_amount": (Category.TRANSFER,),
    "other_debt_repaid_amount": (Category.LOAN,),
    "trade_out_amount": (Category.TRADE,),
}


def _payments(events: EventColumns, group: Integers, values: Floats) -> None:
    """Sum payments by group, category and direction in one pass; the columns are sums of those."""
    size = len(values)
    payment = np.flatnonzero((events.kind == EventKind.PAYMENT) & (events.cents != 0))
    owner, category, cents = group[payment], events.category[payment], events.cents[payment]
    going = cents < 0
    cell = (owner * _CATEGORIES + category) * 2 + going
    cells = size * _CATEGORIES * 2
    amounts = np.abs(np.bincount(cell, weights=cents, minlength=cells)).reshape(size, _CATEGORIES, 2)
    counts = np.bincount(cell, minlength=cells).reshape(size, _CATEGORIES, 2)
    for names, direction in ((_COMING, 0), (_GOING, 1)):
        for name, categories in names.items():
            values[:, COLUMN[name]] = amounts[:, list(categories), direction].sum(axis=1) / 100.0
    for name, categories, direction in (
        ("income_count", _INCOME, 0),
        ("salary_count", (Category.SALARY,), 0),
        ("spend_count", _SPENT, 1),
    ):
        values[:, COLUMN[name]] = counts[:, list(categories), direction].sum(axis=1)
    night = going & _is_in(category, _SPENT)
    night &= (events.occurred[payment] + 480) % 1440 < NIGHT_ENDS_HOUR * 60
    values[:, COLUMN["night_spend_amount"]] = np.abs(_sum(owner, night, cents, size))
    values[:, COLUMN["night_spend_count"]] = _count(owner, night, size)
    named = (events.kind == EventKind.PAYMENT) & (events.counterparty != 0)
    values[:, COLUMN["counterparties"]] = _distinct(group, events.counterparty, named, size)


def _bills_and_enquiries(events: EventColumns, group: Integers, values: Floats) -> None:
    size = len(values)
    for kind, name in ((EventKind.BILL_DUE, "bill_due"), (EventKind.BILL_LATE, "bill_late")):
        chosen = events.kind == kind
        values[:, COLUMN[f"{name}_count"]] = _count(group, chosen, size)
        values[:, COLUMN[f"{name}_amount"]] = _sum(group, chosen, events.cents, size)
    values[:, COLUMN["enquiries"]] = _count(group, events.kind == EventKind.ENQUIRY, size)


def _balances(events: EventColumns, group: Integers, values: Floats) -> None:
    """Take least, mean and last balance of each group; rows come in order of time."""
    for name in ("balance_min", "balance_mean", "balance_end"):
        values[:, COLUMN[name]] = np.nan
    seen = np.flatnonzero(~np.isnan(events.balance))
    if len(seen) == 0:
        return
    cents = np.rint(events.balance[seen] * 100.0)
    owner = group[seen]
    change = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    at = owner[change]
    counts = np.diff(np.r_[change, len(owner)])
    values[at, COLUMN["balance_min"]] = np.minimum.reduceat(cents, change) / 100.0
    values[at, COLUMN["balance_mean"]] = np.bincount(owner, weights=cents)[at] / counts / 100.0
    values[at, COLUMN["balance_end"]] = cents[np.r_[change[1:], len(owner)] - 1] / 100.0
    values[:, COLUMN["overdrawn_count"]] = np.bincount(owner[cents < 0], minlength=len(values))


def _invoices(events: EventColumns, group: Integers, values: Floats) -> None:
    size = len(values)
    sale, red = events.kind == EventKind.SALE, events.cents < 0
    values[:, COLUMN["sales_amount"]] = _sum(group, sale & ~red, events.cents, size)
    values[:, COLUMN["sales_count"]] = _count(group, sale & ~red, size)
    values[:, COLUMN["sales_red_amount"]] = np.abs(_sum(group, sale & red, events.cents, size))
    values[:, COLUMN["sales_red_count"]] = _count(group, sale & red, size)
    values[:, COLUMN["sales_void_count"]] = _count(group, events.kind == EventKind.SALE_VOID, size)
    purchase = events.kind == EventKind.PURCHASE
    values[:, COLUMN["purchase_amount"]] = np.maximum(_sum(group, purchase, events.cents, size), 0.0)
    values[:, COLUMN["purchase_count"]] = _count(group, purchase, size)
    for chosen, many, top in (
        (sale & ~red, "customers", "top_customer_share"),
        (purchase & ~red, "suppliers", "top_supplier_share"),
    ):
        values[:, COLUMN[many]] = _distinct(group, events.counterparty, chosen, size)
        values[:, COLUMN[top]] = _top_share(group, events.counterparty, chosen, events.cents, size)


def _distinct(group: Integers, who: Integers, chosen: Flags, size: int) -> Floats:
    groups, parties = group[chosen], who[chosen]
    if len(groups) == 0:
        return np.zeros(size)
    order = in_time(groups, parties)
    groups, parties = groups[order], parties[order]
    new = np.r_[True, (groups[1:] != groups[:-1]) | (parties[1:] != parties[:-1])]
    return np.asarray(np.bincount(groups[new], minlength=size), dtype=np.float64)


def _top_share(group: Integers, who: Integers, chosen: Flags, cents: Integers, size: int) -> Floats:
    share = np.full(size, np.nan)
    groups, parties, amounts = group[chosen], who[chosen], cents[chosen]
    if len(groups) == 0:
        return share
    order = in_time(groups, parties)
    groups, parties, amounts = groups[order], parties[order], amounts[order]
    new = np.flatnonzero(np.r_[True, (groups[1:] != groups[:-1]) | (parties[1:] != parties[:-1])])
    sums = np.add.reduceat(amounts, new).astype(np.float64)
    owners = groups[new]
    change = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]])
    total = np.add.reduceat(sums, change)
    with np.errstate(invalid="ignore", divide="ignore"):
        share[owners[change]] = np.maximum.reduceat(sums, change) / total
    return share


def _coverage(subject: Integers, month: Integers, days: Integers, starts: Integers) -> Floats:
    """Count covered days: from the month's first day (or the subject's first event) to its last event."""
    last = days[np.r_[starts[1:], len(days)] - 1]
    has_earlier = np.r_[False, subject[1:] == subject[:-1]]
    begin = np.where(has_earlier, days_of_months(month), days[starts])
    return np.asarray(last - begin + 1, dtype=np.float64)


def windows(
    rollups: Rollups, *, subjects: Integers, as_of: Integers | date, back: int = MONTHS_BACK
) -> Floats:
    """Lay rows out as (n, back, WIDTH): [:, 0] is the last whole month before as_of; absent months are NaN.

    `as_of` is one date, or for each subject the month number in which it is asked about.
    """
    asked = np.full(len(subjects), month_number(as_of)) if isinstance(as_of, date) else np.asarray(as_of)
    out = np.full((len(subjects), back, WIDTH), np.nan)
    order = np.argsort(subjects, kind="stable")
    place = np.searchsorted(subjects, rollups.subject, sorter=order)
    place = np.minimum(place, max(len(subjects) - 1, 0))
    if len(subjects) == 0 or len(rollups) == 0:
        return out
    row = order[place]
    age = asked[row] - 1 - rollups.month
    kept = (subjects[row] == rollups.subject) & (age >= 0) & (age < back)
    out[row[kept], age[kept]] = rollups.values[kept]
    return out

"""Features as of a date, from monthly roll-ups and conduct: one path for training and serving.

Months are added one after another, never along an axis, so that a vector has the same bytes whether one
borrower or a million are computed at once.
"""

from __future__ import annotations

from datetime import date

import numpy as np

from risk.domain.events import Flags, Floats
from risk.domain.facts import ConductFacts, Consents, Facts, Segment
from risk.domain.feature import Purpose
from risk.domain.registry import FEATURE_AT, FEATURES
from risk.domain.rollup import COLUMN, MONTHS_BACK, WIDTH

LEAST_COVERAGE_DAYS = 10.0


class _Window:
    """Answer sums and means over the last k months of columns; absent months do not count."""

    def __init__(self, months: Floats) -> None:
        assert months.shape[1:] == (MONTHS_BACK, WIDTH), months.shape
        coverage = months[:, :, COLUMN["coverage_days"]]
        exists = ~np.isnan(coverage) & (np.nan_to_num(coverage) >= LEAST_COVERAGE_DAYS)
        seen_newer = np.logical_or.accumulate(exists, axis=1)
        seen_older = np.logical_or.accumulate(exists[:, ::-1], axis=1)[:, ::-1]
        self.present: Flags = (
            seen_newer & seen_older
        )  # a silent month inside the covered span is a zero, not a gap
        self.months = months
        self.known = np.where(self.present[:, :, None], np.nan_to_num(months), 0.0)
        self.age = np.where(exists.any(axis=1), exists.argmax(axis=1), np.nan)

    def col(self, name: str, month: int) -> Floats:
        value = self.months[:, month, COLUMN[name]]
        return np.where(self.present[:, month], np.where(np.isnan(value), 0.0, value), np.nan)

    def count(self, back: int, start: int = 0) -> Floats:
        return np.asarray(self.present[:, start : start + back].sum(axis=1), dtype=np.float64)

    def sum(self, name: str, back: int, start: int = 0) -> Floats:
        """Sum over present months; NaN when none is."""
        total = in_order(self.known[:, start : start + back, COLUMN[name]])
        return np.where(self.count(back, start) > 0, total, np.nan)

    def mean(self, name: str, back: int, start: int = 0) -> Floats:
        return ratio(self.sum(name, back, start), self.count(back, start))

    def mean_seen(self, name: str, back: int) -> Floats:
        """Mean over months in which the column itself was seen (balances, shares)."""
        total, seen = np.zeros(len(self.months)), np.zeros(len(self.months))
        for month in range(back):
            value = self.months[:, month, COLUMN[name]]
            known = self.present[:, month] & ~np.isnan(value)
            total += np.where(known, value, 0.0)
            seen += known
        return ratio(total, seen)

    def least(self, name: str, back: int) -> Floats:
        low = np.full(len(self.months), np.nan)
        for month in range(back):
            value = np.where(self.present[:, month], self.months[:, month, COLUMN[name]], np.nan)
            low = np.fmin(low, value)
        return low

    def months_where(self, name: str, back: int, *, zero: bool) -> Floats:
        """Count present months in which the column is zero (or is not)."""
        total = np.zeros(len(self.months))
        for month in range(back):
            value = self.col(name, month)
            total += (value == 0) if zero else (value > 0)
        return np.where(self.count(back) > 0, total, np.nan)

    def variation(self, name: str, back: int) -> Floats:
        """Give standard deviation / mean, for at least 3 months and a mean above zero."""
        mean, total = self.mean(name, back), np.zeros(len(self.months))
        for month in range(back):
            total += np.nan_to_num((self.col(name, month) - mean) ** 2)
        spread = np.sqrt(ratio(total, self.count(back)))
        return np.where(self.count(back) >= 3, np.minimum(ratio(spread, mean), 10.0), np.nan)


def in_order(parts: Floats) -> Floats:
    """Add up the last axis from left to right: the same bits for one row as for a million."""
    return np.asarray(np.add.accumulate(parts, axis=1)[:, -1])


def ratio(above: Floats, below: Floats) -> Floats:
    """Divide; NaN where the lower part is not above zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, above / below, np.nan)


_RATIOS = [place for place, feature in enumerate(FEATURES) if feature.unit == "ratio"]
_RATIO_RANGE = ([FEATURES[p].low for p in _RATIOS], [FEATURES[p].high for p in _RATIOS])
_NEEDS: dict[tuple[Purpose, ...], list[int]] = {}
for _place, _feature in enumerate(FEATURES):
    _NEEDS.setdefault(_feature.purposes, []).append(_place)


def compute(
    *,
    months: Floats,
    conduct: ConductFacts,
    consents: Consents,
    as_of: date,
    neighbours_late_share: Floats | None = None,
) -> Facts:
    """Compute the vectors of n borrowers.

    `months` has shape (n, MONTHS_BACK, WIDTH) in the order of `conduct.subject_ids`, newest first, as
    `rollup.windows` lays them out: whole months before `as_of` only.
    """
    window = _Window(months)
    business = conduct.segment == Segment.BUSINESS
    found = _cash_flow(window) | _record(months) | _spending(window) | _bills(window) | _business(window)
    found |= _conduct(conduct)
    found["neighbours_late_share"] = (
        np.full(len(conduct), np.nan) if neighbours_late_share is None else neighbours_late_share
    )
    found["is_business"] = business.astype(np.float64)
    assert set(found) == set(FEATURE_AT), set(found) ^ set(FEATURE_AT)
    values = np.column_stack([found[feature.name] for feature in FEATURES]).astype(np.float64)
    values[:, _RATIOS] = np.clip(values[:, _RATIOS], *_RATIO_RANGE)
    for purposes, places in _NEEDS.items():
        refused = ~consents.allows(purposes)
        if refused.any():
            values[np.ix_(refused, np.array(places))] = np.nan
    values[np.isnan(values)] = np.nan  # one NaN, so that vectors compare by byte
    return Facts(conduct.subject_ids, as_of, conduct.segment, values + 0.0, window.age)


def _cash_flow(w: _Window) -> dict[str, Floats]:
    income, spend = w.sum("income_amount", 6), w.sum("spend_amount", 6)
    trade = w.sum("trade_in_amount", 6)
    earned = income + trade
    balance = w.mean_seen("balance_mean", 3)
    outflow = w.sum("spend_amount", 3) + w.sum("trade_out_amount", 3) + w.sum("other_debt_repaid_amount", 3)
    months3 = w.count(3)
    received = earned + w.sum("transfer_in_amount", 6)
    has_balance = ~np.isnan(w.least("balance_min", 6))
    return {
        "income_mean_6m": ratio(earned, w.count(6)),
        "income_trend": np.where(
            (w.count(3) >= 2) & (w.count(3, 3) >= 2), ratio(_earned(w, 3, 0), _earned(w, 3, 3)), np.nan
        ),
        "income_cv_6m": w.variation("income_amount", 6),
        "no_income_months_6m": _no_income(w),
        "spend_to_income_6m": np.where(earned > 0, ratio(spend, earned), np.where(spend > 0, 100.0, np.nan)),
        "spend_cv_6m": w.variation("spend_amount", 6),
        "balance_mean_3m": balance,
        "balance_min_6m": w.least("balance_min", 6),
        "buffer_days": np.clip(30.0 * ratio(balance, ratio(outflow, months3)), -3660, 3660),
        "overdrawn_months_6m": np.where(
            has_balance, w.months_where("overdrawn_count", 6, zero=False), np.nan
        ),
        "penalty_share_6m": ratio(w.sum("penalty_amount", 6), spend + w.sum("penalty_amount", 6)),
        "transfer_in_share_6m": ratio(w.sum("transfer_in_amount", 6), received),
        "other_debt_service_6m": ratio(w.sum("other_debt_repaid_amount", 6), earned),
        "other_debt_drawn_6m": ratio(w.sum("other_debt_drawn_amount", 6), earned),
        "enquiries_6m": w.sum("enquiries", 6),
        "evidence_months": np.where(w.count(MONTHS_BACK) > 0, w.count(MONTHS_BACK), np.nan),
    }


INFLOW = (
    "income_amount",
    "trade_in_amount",
    "transfer_in_amount",
    "refund_amount",
    "other_debt_drawn_amount",
)
OUTFLOW = (
    "spend_amount",
    "trade_out_amount",
    "transfer_out_amount",
    "penalty_amount",
    "other_debt_repaid_amount",
)
DAYS_A_MONTH = 30.4375
_INFLOW_AT = [COLUMN[name] for name in INFLOW]
_OUTFLOW_AT = [COLUMN[name] for name in OUTFLOW]
_BALANCES_AT = [COLUMN[name] for name in ("balance_min", "balance_mean", "balance_end")]


def _record(months: Floats) -> dict[str, Floats]:
    """Describe the whole record: every month that it touches, however little, so that its first days count.

    The spread is taken over each month's least, mean and last balance: a month keeps no more than these.
    """
    known = np.nan_to_num(months)
    days = in_order(known[:, :, COLUMN["coverage_days"]])
    inflow = in_order(known[:, :, _INFLOW_AT].reshape(len(months), -1))
    outflow = in_order(known[:, :, _OUTFLOW_AT].reshape(len(months), -1))
    means = months[:, :, COLUMN["balance_mean"]]
    seen = np.where(
        np.isnan(means), 0.0, 1.0 + months[:, :, COLUMN["income_count"]] + months[:, :, COLUMN["spend_count"]]
    )
    weight = in_order(seen)
    total = in_order(np.where(seen > 0, seen * np.nan_to_num(means), 0.0))
    low = np.fmin.reduce(months[:, :, COLUMN["balance_min"]], axis=1)
    mean, spread = ratio(total, weight), _spread(months)
    coming, going = ratio(inflow, days) * DAYS_A_MONTH, ratio(outflow, days) * DAYS_A_MONTH
    spent_all = np.where(outflow > 0, 100.0, np.nan)
    return {
        "inflow_24m": coming,
        "outflow_24m": going,
        "outflow_to_inflow_24m": np.where(inflow > 0, ratio(outflow, inflow), spent_all),
        "balance_mean_24m": mean,
        "balance_min_24m": low,
        "balance_spread_24m": spread,
        "balance_swing_24m": ratio(spread, mean),
        "buffer_days_24m": np.clip(30.0 * ratio(mean, going), -3660, 3660),
    }


def _spread(months: Floats) -> Floats:
    """Give the standard deviation of the months' least, mean and last balances."""
    values = months[:, :, _BALANCES_AT].reshape(len(months), -1)
    count = (~np.isnan(values)).sum(axis=1).astype(np.float64)
    middle = ratio(in_order(np.nan_to_num(values)), count)
    far = in_order(np.nan_to_num((values - middle[:, None]) ** 2))
    return np.sqrt(ratio(far, count))


def _earned(w: _Window, back: int, start: int) -> Floats:
    return w.sum("income_amount", back, start) + w.sum("trade_in_amount", back, start)


def _no_income(w: _Window) -> Floats:
    total = np.zeros(len(w.months))
    for month in range(6):
        total += (w.col("income_amount", month) + w.col("trade_in_amount", month)) == 0
    return np.where(w.count(6) > 0, total, np.nan)


def _spending(w: _Window) -> dict[str, Floats]:
    spend = w.sum("spend_amount", 6)
    return {
        "gambling_share_6m": ratio(w.sum("spend_gambling", 6), spend),
        "night_share_6m": ratio(w.sum("night_spend_amount", 6), spend),
        "cash_share_6m": ratio(w.sum("spend_cash", 6), spend),
        "entertainment_share_6m": ratio(w.sum("spend_entertainment", 6), spend),
        "refund_share_6m": ratio(w.sum("refund_amount", 6), spend),
        "counterparties_3m": w.mean("counterparties", 3),
    }


def _bills(w: _Window) -> dict[str, Floats]:
    due = w.sum("bill_due_count", 12)
    since = np.full(len(w.months), float(MONTHS_BACK))
    for month in reversed(range(MONTHS_BACK)):
        since = np.where(w.col("bill_late_count", month) > 0, float(month), since)
    seen = w.sum("bill_due_count", MONTHS_BACK) > 0
    return {
        "bill_late_share_12m": np.minimum(ratio(w.sum("bill_late_count", 12), due), 1.0),
        "bill_late_count_3m": np.where(seen, w.sum("bill_late_count", 3), np.nan),
        "months_since_late_bill": np.where(seen, since, np.nan),
        "bill_due_count_12m": np.where(seen, due, np.nan),
    }


def _business(w: _Window) -> dict[str, Floats]:
    sales12 = w.sum("sales_amount", 12)
    trades = w.sum("sales_count", MONTHS_BACK) > 0
    count12 = w.sum("sales_count", 12)
    found = {
        "sales_mean_6m": w.mean("sales_amount", 6),
        "sales_trend": np.where(
            w.count(3, 3) >= 2, ratio(w.sum("sales_amount", 3), w.sum("sales_amount", 3, 3)), np.nan
        ),
        "sales_year_on_year": np.where(
            w.count(3, 12) >= 3, ratio(w.sum("sales_amount", 3), w.sum("sales_amount", 3, 12)), np.nan
        ),
        "sales_cv_12m": w.variation("sales_amount", 12),
        "no_sales_months_12m": 12.0 - w.months_where("sales_count", 12, zero=False),
        "red_share_12m": ratio(w.sum("sales_red_amount", 12), sales12 + w.sum("sales_red_amount", 12)),
        "void_share_12m": ratio(w.sum("sales_void_count", 12), count12 + w.sum("sales_void_count", 12)),
        "customers_6m": w.mean("customers", 6),
        "top_customer_share_6m": w.mean_seen("top_customer_share", 6),
        "suppliers_6m": w.mean("suppliers", 6),
        "top_supplier_share_6m": w.mean_seen("top_supplier_share", 6),
        "purchase_to_sales_6m": ratio(w.sum("purchase_amount", 6), w.sum("sales_amount", 6)),
    }
    return {name: np.where(trades, values, np.nan) for name, values in found.items()}


def _conduct(conduct: ConductFacts) -> dict[str, Floats]:
    names = (
        "account_age_months",
        "months_on_book",
        "loans_paid_off",
        "days_past_due_now",
        "days_past_due_max_12m",
        "late_count_12m",
        "on_time_streak",
        "utilisation",
        "applications_6m",
    )
    return {name: getattr(conduct, name) for name in names}

"""The registry of features: name, unit, range, missing rule, sign, consent, and a sentence for the borrower.

`sign` is the direction in which the probability of default may move when the value rises: +1 riskier, -1
safer, 0 free. Sex, age, region, nationality, marriage and health (medical spending included) are not here
and must not come here: the fairness report reads them from outside.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from regimes.errors import N_


class Purpose(StrEnum):
    """The uses of data that a borrower agrees to apart; NONE is our own record of the contract."""

    NONE = ""
    PAYMENTS = "PAYMENTS"
    SPENDING = "SPENDING"
    BILLS = "BILLS"
    SOCIAL = "SOCIAL"
    BANK = "BANK"
    BUSINESS = "BUSINESS"


class Missing(StrEnum):
    """What a missing value means to the model."""

    UNKNOWN = "UNKNOWN"  # has a branch and a bin of its own
    NEVER = "NEVER"  # no history of ours yet; own branch, never a reason against the borrower


@dataclass(frozen=True, slots=True)
class Feature:
    """Describe one feature. `low` and `high` are the contract: outside of it the facts are refused."""

    name: str
    unit: str
    low: float
    high: float
    sign: Literal[-1, 0, 1]
    purposes: tuple[Purpose, ...]  # any one of them suffices; empty: no consent is needed
    factor: str  # the plain factor under which reasons are grouped
    actionable: bool
    sentence: str  # msgid
    missing: Missing = Missing.UNKNOWN
    step: float = 0.0  # the smallest change that a borrower could make and see; 0 for not actionable


@dataclass(frozen=True, slots=True)
class Factor:
    """Describe a plain factor: what a decline says, and what to do about it."""

    code: str
    sentence: str  # msgid: said when it raised the risk
    way_on: str  # msgid: "" when nothing can be done but wait


CASH = (Purpose.BANK, Purpose.PAYMENTS)
SPENDING = (Purpose.SPENDING,)
BILLS = (Purpose.BILLS,)
BUSINESS = (Purpose.BUSINESS,)
NEVER = Missing.NEVER
MUCH = 1e12

FACTORS: tuple[Factor, ...] = (
    Factor("income", N_("Your income is low for the amount you could borrow, or it is falling."), ""),
    Factor(
        "income_regularity",
        N_("Your income arrives irregularly."),
        N_("Connect the account into which your income is paid."),
    ),
    Factor(
        "spending_level",
        N_("You spend a large part of what you earn."),
        N_("Keep your spending below your income for a few months."),
    ),
    Factor(
        "spending_pattern",
        N_("Your spending has a pattern that often comes before late payments."),
        N_("Spend less at night, in cash or on games of chance."),
    ),
    Factor(
        "balance",
        N_("Your account balances are low or were overdrawn."),
        N_("Keep a reserve on your account for a few months."),
    ),
    Factor(
        "bills",
        N_("You paid bills late."),
        N_("Pay your bills by the day they are due."),
    ),
    Factor(
        "other_debt",
        N_("Your repayments to other lenders are high, or you asked several lenders for credit."),
        N_("Pay down other loans and ask fewer lenders for credit."),
    ),
    Factor(
        "turnover",
        N_("The turnover of your business is low, falling or uneven."),
        N_("Upload newer invoices when your turnover has grown."),
    ),
    Factor(
        "returns",
        N_("Many of your sales were returned or voided."),
        N_("Have fewer sales returned or voided."),
    ),
    Factor(
        "concentration",
        N_("Your business depends on few customers or suppliers."),
        N_("Win more customers and suppliers."),
    ),
    Factor(
        "conduct",
        N_("Payments on your loans with us were late."),
        N_("Pay every instalment by the day it is due."),
    ),
    Factor(
        "utilisation",
        N_("You use most of your credit limit."),
        N_("Pay back part of what you owe us."),
    ),
    Factor("history", N_("Your history with us is short."), ""),
    Factor(
        "applications",
        N_("You applied to us several times in a short period."),
        N_("Wait a while before you apply again."),
    ),
    Factor(
        "evidence",
        N_("The records you connected cover a short time."),
        N_("Connect records that reach further back."),
    ),
    Factor("support", N_("Much of your money comes from transfers by other people."), ""),
    Factor("network", N_("People you exchange money with often paid late."), ""),
    Factor("kind", N_("Loans of this kind are paid late more often."), ""),
)


def _f(
    name: str,
    unit: str,
    high: float,
    sign: Literal[-1, 0, 1],
    purposes: tuple[Purpose, ...],
    factor: str,
    sentence: str,
    *,
    low: float = 0.0,
    step: float = 0.0,
    missing: Missing = Missing.UNKNOWN,
) -> Feature:
    return Feature(name, unit, low, high, sign, purposes, factor, step > 0, sentence, missing, step)


FEATURES: tuple[Feature, ...] = (
    # cash flow
    _f(
        "income_mean_6m", "CNY a month", MUCH, -1, CASH, "income", N_("Income a month over the last 6 months")
    ),
    _f(
        "income_trend",
        "ratio",
        100,
        -1,
        CASH,
        "income",
        N_("Income of the last 3 months against the 3 before"),
    ),
    _f(
        "income_cv_6m",
        "ratio",
        10,
        1,
        CASH,
        "income_regularity",
        N_("How much your income varies from month to month"),
    ),
    _f(
        "no_income_months_6m",
        "months",
        6,
        1,
        CASH,
        "income_regularity",
        N_("Months without income among the last 6"),
    ),
    _f(
        "spend_to_income_6m",
        "ratio",
        100,
        1,
        CASH,
        "spending_level",
        N_("Spending as a part of income"),
        step=0.05,
    ),
    _f(
        "spend_cv_6m",
        "ratio",
        10,
        1,
        CASH,
        "spending_pattern",
        N_("How much your spending varies from month to month"),
    ),
    _f(
        "balance_mean_3m",
        "CNY",
        MUCH,
        -1,
        CASH,
        "balance",
        N_("Average balance over the last 3 months"),
        low=-MUCH,
        step=500,
    ),
    _f(
        "balance_min_6m",
        "CNY",
        MUCH,
        -1,
        CASH,
        "balance",
        N_("Lowest balance of the last 6 months"),
        low=-MUCH,
        step=500,
    ),
    _f(
        "buffer_days",
        "days",
        3660,
        -1,
        CASH,
        "balance",
        N_("Days of spending that your balance would pay for"),
        low=-3660,
        step=5,
    ),
    _f(
        "overdrawn_months_6m",
        "months",
        6,
        1,
        CASH,
        "balance",
        N_("Months with an overdrawn account among the last 6"),
        step=1,
    ),
    _f(
        "penalty_share_6m",
        "ratio",
        1,
        1,
        CASH,
        "balance",
        N_("Overdraft and late charges as a part of spending"),
        step=0.01,
    ),
    _f(
        "transfer_in_share_6m",
        "ratio",
        1,
        1,
        CASH,
        "support",
        N_("Transfers from other people as a part of money received"),
    ),
    _f(
        "other_debt_service_6m",
        "ratio",
        100,
        1,
        CASH,
        "other_debt",
        N_("Repayments to other lenders as a part of income"),
        step=0.05,
    ),
    _f(
        "other_debt_drawn_6m",
        "ratio",
        100,
        1,
        CASH,
        "other_debt",
        N_("New borrowing elsewhere as a part of income"),
        step=0.05,
    ),
    _f(
        "enquiries_6m",
        "count",
        200,
        1,
        CASH,
        "other_debt",
        N_("Enquiries by other lenders in the last 6 months"),
        step=1,
    ),
    _f("evidence_months", "months", 24, -1, CASH, "evidence", N_("Months that your records cover"), step=1),
    # the whole record, up to 24 months: its beginning counts too, and so does a month that it only touches
    _f(
        "inflow_24m",
        "CNY a month",
        MUCH,
        -1,
        CASH,
        "income",
        N_("Money that came in a month, over all your records"),
    ),
    _f(
        "outflow_24m",
        "CNY a month",
        MUCH,
        0,
        CASH,
        "spending_level",
        N_("Money that went out a month, over all your records"),
    ),
    _f(
        "outflow_to_inflow_24m",
        "ratio",
        100,
        1,
        CASH,
        "spending_level",
        N_("Money that went out as a part of what came in, over all your records"),
        step=0.05,
    ),
    _f(
        "balance_mean_24m",
        "CNY",
        MUCH,
        -1,
        CASH,
        "balance",
        N_("Average balance over all your records"),
        low=-MUCH,
        step=500,
    ),
    _f(
        "balance_min_24m",
        "CNY",
        MUCH,
        -1,
        CASH,
        "balance",
        N_("Lowest balance in all your records"),
        low=-MUCH,
    ),
    _f("balance_spread_24m", "CNY", MUCH, 1, CASH, "balance", N_("How far your balance moves up and down")),
    _f(
        "balance_swing_24m",
        "ratio",
        10,
        1,
        CASH,
        "balance",
        N_("How far your balance moves as a part of its average"),
        step=0.05,
    ),
    _f(
        "buffer_days_24m",
        "days",
        3660,
        -1,
        CASH,
        "balance",
        N_("Days that your average balance would pay for, over all your records"),
        low=-3660,
        step=5,
    ),
    # spending
    _f(
        "gambling_share_6m",
        "ratio",
        1,
        1,
        SPENDING,
        "spending_pattern",
        N_("Part of spending on games of chance"),
        step=0.02,
    ),
    _f(
        "night_share_6m",
        "ratio",
        1,
        1,
        SPENDING,
        "spending_pattern",
        N_("Part of spending between midnight and 5 in the morning"),
        step=0.02,
    ),
    _f(
        "cash_share_6m",
        "ratio",
        1,
        1,
        SPENDING,
        "spending_pattern",
        N_("Part of spending taken as cash"),
        step=0.05,
    ),
    _f(
        "entertainment_share_6m",
        "ratio",
        1,
        1,
        SPENDING,
        "spending_pattern",
        N_("Part of spending on entertainment"),
        step=0.02,
    ),
    _f("refund_share_6m", "ratio", 100, 0, SPENDING, "spending_pattern", N_("Refunds as a part of spending")),
    _f(
        "counterparties_3m",
        "count",
        1e6,
        0,
        SPENDING,
        "spending_pattern",
        N_("Different shops and people paid in a month"),
    ),
    # bills
    _f(
        "bill_late_share_12m",
        "ratio",
        1,
        1,
        BILLS,
        "bills",
        N_("Part of bills paid late in the last 12 months"),
        step=0.05,
    ),
    _f(
        "bill_late_count_3m",
        "count",
        1000,
        1,
        BILLS,
        "bills",
        N_("Bills paid late in the last 3 months"),
        step=1,
    ),
    _f(
        "months_since_late_bill",
        "months",
        24,
        -1,
        BILLS,
        "bills",
        N_("Months since a bill was paid late"),
        step=1,
    ),
    _f("bill_due_count_12m", "count", 10000, -1, BILLS, "evidence", N_("Bills seen in the last 12 months")),
    # business
    _f(
        "sales_mean_6m",
        "CNY a month",
        MUCH,
        -1,
        BUSINESS,
        "turnover",
        N_("Sales a month over the last 6 months"),
    ),
    _f(
        "sales_trend",
        "ratio",
        100,
        -1,
        BUSINESS,
        "turnover",
        N_("Sales of the last 3 months against the 3 before"),
    ),
    _f(
        "sales_year_on_year",
        "ratio",
        100,
        -1,
        BUSINESS,
        "turnover",
        N_("Sales of the last 3 months against a year ago"),
    ),
    _f(
        "sales_cv_12m",
        "ratio",
        10,
        1,
        BUSINESS,
        "turnover",
        N_("How much your sales vary from month to month"),
    ),
    _f(
        "no_sales_months_12m",
        "months",
        12,
        1,
        BUSINESS,
        "turnover",
        N_("Months without sales among the last 12"),
    ),
    _f("red_share_12m", "ratio", 1, 1, BUSINESS, "returns", N_("Part of sales that was returned"), step=0.02),
    _f(
        "void_share_12m",
        "ratio",
        1,
        1,
        BUSINESS,
        "returns",
        N_("Part of sales invoices that was voided"),
        step=0.02,
    ),
    _f(
        "customers_6m",
        "count",
        1e7,
        -1,
        BUSINESS,
        "concentration",
        N_("Different customers in a month"),
        step=1,
    ),
    _f(
        "top_customer_share_6m",
        "ratio",
        1,
        1,
        BUSINESS,
        "concentration",
        N_("Part of sales to the biggest customer"),
        step=0.05,
    ),
    _f(
        "suppliers_6m",
        "count",
        1e7,
        -1,
        BUSINESS,
        "concentration",
        N_("Different suppliers in a month"),
        step=1,
    ),
    _f(
        "top_supplier_share_6m",
        "ratio",
        1,
        1,
        BUSINESS,
        "concentration",
        N_("Part of purchases from the biggest supplier"),
        step=0.05,
    ),
    _f("purchase_to_sales_6m", "ratio", 100, 1, BUSINESS, "turnover", N_("Purchases as a part of sales")),
    # transfers graph: off unless the borrower agrees
    _f(
        "neighbours_late_share",
        "ratio",
        1,
        1,
        (Purpose.SOCIAL,),
        "network",
        N_("Late bills among people you exchange money with"),
    ),
    # our own record: the contract is the ground, no consent is asked
    _f("account_age_months", "months", 1200, -1, (), "history", N_("Months since you joined"), missing=NEVER),
    _f(
        "months_on_book",
        "months",
        1200,
        -1,
        (),
        "history",
        N_("Months since your first loan with us"),
        missing=NEVER,
    ),
    _f("loans_paid_off", "count", 1e6, -1, (), "history", N_("Loans with us paid off"), missing=NEVER),
    _f(
        "days_past_due_now",
        "days",
        36600,
        1,
        (),
        "conduct",
        N_("Days that a payment to us is late today"),
        missing=NEVER,
        step=1,
    ),
    _f(
        "days_past_due_max_12m",
        "days",
        36600,
        1,
        (),
        "conduct",
        N_("Longest delay of a payment to us in 12 months"),
        missing=NEVER,
    ),
    _f(
        "late_count_12m",
        "count",
        1000,
        1,
        (),
        "conduct",
        N_("Late payments to us in 12 months"),
        missing=NEVER,
    ),
    _f(
        "on_time_streak",
        "count",
        10000,
        -1,
        (),
        "conduct",
        N_("Instalments paid on time in a row"),
        missing=NEVER,
        step=1,
    ),
    _f(
        "utilisation",
        "ratio",
        10,
        1,
        (),
        "utilisation",
        N_("Part of your credit limit that is in use"),
        missing=NEVER,
        step=0.05,
    ),
    _f(
        "applications_6m",
        "count",
        1000,
        1,
        (),
        "applications",
        N_("Applications to us in the last 6 months"),
        missing=NEVER,
        step=1,
    ),
    _f("is_business", "0 or 1", 1, 0, (), "kind", N_("A business borrows")),
)
FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
FEATURE_AT: dict[str, int] = {name: place for place, name in enumerate(FEATURE_NAMES)}
FACTOR_BY_CODE: dict[str, Factor] = {factor.code: factor for factor in FACTORS}
PROTECTED: tuple[str, ...] = (
    "sex",
    "age",
    "region",
    "marriage",
    "nationality",
    "ethnicity",
    "religion",
    "health",
)


def registry_digest() -> str:
    """Hash the contract (names, order, units, ranges, signs): a model made for another one is refused."""
    contract = [(f.name, f.unit, f.low, f.high, f.sign, f.missing.value) for f in FEATURES]
    return hashlib.sha256(json.dumps(contract).encode()).hexdigest()

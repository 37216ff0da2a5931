"""The plain factors under which reasons are told: what a decline says, and the way on."""

from __future__ import annotations

from regimes.errors import N_
from risk.domain.feature import Factor

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

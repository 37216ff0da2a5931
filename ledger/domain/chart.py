"""The chart of accounts: roles that the rooms post to, and the code and kind of each.

A role is what the code says; a code is what an accountant reads. One role, one account: there is no choice
to get wrong while posting. The migration writes exactly these rows.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from regimes.errors import N_


class AccountKind(StrEnum):
    """Name the five kinds of account."""

    ASSET = "ASSET"
    LIABILITY = "LIABILITY"
    EQUITY = "EQUITY"
    INCOME = "INCOME"
    EXPENSE = "EXPENSE"


class Role(StrEnum):
    """Name what an account is for."""

    CASH_AT_BANK = "CASH_AT_BANK"
    CASH_IN_TRANSIT = "CASH_IN_TRANSIT"
    LOAN_PRINCIPAL = "LOAN_PRINCIPAL"
    INTEREST_RECEIVABLE = "INTEREST_RECEIVABLE"
    FEE_RECEIVABLE = "FEE_RECEIVABLE"
    PENALTY_RECEIVABLE = "PENALTY_RECEIVABLE"
    PROVISION_ALLOWANCE = "PROVISION_ALLOWANCE"
    BORROWER_CREDIT = "BORROWER_CREDIT"
    MERCHANT_PAYABLE = "MERCHANT_PAYABLE"
    SUBVENTION_DEFERRED = "SUBVENTION_DEFERRED"
    SUSPENSE = "SUSPENSE"
    EQUITY = "EQUITY"
    INTEREST_INCOME = "INTEREST_INCOME"
    FEE_INCOME = "FEE_INCOME"
    PENALTY_INCOME = "PENALTY_INCOME"
    RECOVERY_INCOME = "RECOVERY_INCOME"
    MERCHANT_FEE_INCOME = "MERCHANT_FEE_INCOME"
    SUBVENTION_INCOME = "SUBVENTION_INCOME"
    WAIVER_EXPENSE = "WAIVER_EXPENSE"
    WRITE_OFF_EXPENSE = "WRITE_OFF_EXPENSE"
    PROVISION_EXPENSE = "PROVISION_EXPENSE"


class ChartRow(NamedTuple):
    """Describe one account. The code is also the row's key, so that no posting has to look it up."""

    role: Role
    code: str
    kind: AccountKind
    name: str

    @property
    def account_id(self) -> int:
        """Return the primary key of the account."""
        return int(self.code)


CHART: Final = (
    ChartRow(Role.CASH_AT_BANK, "1001", AccountKind.ASSET, N_("Cash at bank")),
    ChartRow(Role.CASH_IN_TRANSIT, "1002", AccountKind.ASSET, N_("Cash in transit")),
    ChartRow(Role.LOAN_PRINCIPAL, "1101", AccountKind.ASSET, N_("Loans: principal")),
    ChartRow(Role.INTEREST_RECEIVABLE, "1102", AccountKind.ASSET, N_("Loans: interest receivable")),
    ChartRow(Role.FEE_RECEIVABLE, "1103", AccountKind.ASSET, N_("Loans: fees receivable")),
    ChartRow(Role.PENALTY_RECEIVABLE, "1104", AccountKind.ASSET, N_("Loans: penalty receivable")),
    ChartRow(Role.PROVISION_ALLOWANCE, "1190", AccountKind.ASSET, N_("Loans: allowance for losses")),
    ChartRow(Role.BORROWER_CREDIT, "2101", AccountKind.LIABILITY, N_("Credit of borrowers")),
    ChartRow(Role.MERCHANT_PAYABLE, "2201", AccountKind.LIABILITY, N_("Owed to shops")),
    ChartRow(
        Role.SUBVENTION_DEFERRED, "2202", AccountKind.LIABILITY, N_("Interest paid by shops, not earned yet")
    ),
    ChartRow(Role.SUSPENSE, "2901", AccountKind.LIABILITY, N_("Suspense")),
    ChartRow(Role.EQUITY, "3001", AccountKind.EQUITY, N_("Equity")),
    ChartRow(Role.INTEREST_INCOME, "4001", AccountKind.INCOME, N_("Interest income")),
    ChartRow(Role.FEE_INCOME, "4002", AccountKind.INCOME, N_("Fee income")),
    ChartRow(Role.PENALTY_INCOME, "4003", AccountKind.INCOME, N_("Penalty income")),
    ChartRow(Role.RECOVERY_INCOME, "4004", AccountKind.INCOME, N_("Recoveries of written-off loans")),
    ChartRow(Role.MERCHANT_FEE_INCOME, "4005", AccountKind.INCOME, N_("Fees of shops")),
    ChartRow(Role.SUBVENTION_INCOME, "4006", AccountKind.INCOME, N_("Interest paid by shops")),
    ChartRow(Role.WAIVER_EXPENSE, "5001", AccountKind.EXPENSE, N_("Waivers granted")),
    ChartRow(Role.WRITE_OFF_EXPENSE, "5002", AccountKind.EXPENSE, N_("Loans written off")),
    ChartRow(Role.PROVISION_EXPENSE, "5003", AccountKind.EXPENSE, N_("Provision for losses")),
)
BY_ROLE: Final = {row.role: row for row in CHART}
BY_CODE: Final = {row.code: row for row in CHART}

# Accounts whose balance grows by a debit; the allowance is an asset account that lives on its credit side.
DEBIT_KINDS: Final = frozenset({AccountKind.ASSET, AccountKind.EXPENSE})

"""Fold frozen terms and dated events into the state of a loan as of a day, as known on a day."""

from __future__ import annotations

from loans.domain.state import (  # noqa: F401
    Allocation,
    Amounts,
    InstalmentState,
    JournalLeg,
    LoanState,
    LoanStatus,
    PayoffQuote,
)

"""What happened to a loan: an append-only list of dated events.

Each event carries two times: `value_date`, when it is true, and `sequence` with `recorded_date`, when it
was learned. Nothing is ever deleted: a reversal is an event of its own that names the one it undoes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Self

from ledger.domain.money import ZERO
from regimes.errors import N_, Refusal

EVENT_VERSION: Final = 1


class EventKind(StrEnum):
    """Name what happened."""

    PAYOUT = "PAYOUT"
    REPAYMENT = "REPAYMENT"
    REVERSAL = "REVERSAL"  # data.reverses: ref of an event that turned out not to have happened
    CHARGE_BACK = "CHARGE_BACK"  # data.repayment: ref; money taken back by the payer's bank
    REFUND = "REFUND"  # credit of the borrower paid out
    FEE = "FEE"  # data.component: "fee" or "penalty"; data.due_date
    WAIVER = "WAIVER"  # data.component: which part is forgiven
    RATE_CHANGE = "RATE_CHANGE"  # data.annual_rate
    RESCHEDULE = "RESCHEDULE"  # data.instalment_count, first_due_date, frequency?, annual_rate?
    RE_AGE = "RE_AGE"  # the same, and the arrears move into the new instalments
    EXTENSION = "EXTENSION"  # data.extra_instalments
    PAUSE = "PAUSE"  # data.until: no penalty and no days past due until then
    SALES = "SALES"  # sales reported for a period of a SALES_SHARE loan
    WITHDRAWAL = "WITHDRAWAL"  # cooling-off: everything is due now
    WRITE_OFF = "WRITE_OFF"
    RECOVERY = "RECOVERY"  # money after the write-off


# The order within one day is this tuple and nothing else. Interest is for the nights before the day, so
# it is counted first; what falls due on the day is due before anybody pays; penalty is for the days
# before the payment; then the events by kind, and by sequence within a kind.
DAY_ORDER: Final[tuple[str, ...]] = (
    "ACCRUE",
    "DUE",
    "PENALTY",
    EventKind.PAYOUT,
    EventKind.RATE_CHANGE,
    EventKind.PAUSE,
    EventKind.SALES,
    EventKind.FEE,
    EventKind.CHARGE_BACK,
    EventKind.WAIVER,
    EventKind.REPAYMENT,
    EventKind.WITHDRAWAL,
    EventKind.RE_AGE,
    EventKind.RESCHEDULE,
    EventKind.EXTENSION,
    EventKind.REFUND,
    EventKind.WRITE_OFF,
    EventKind.RECOVERY,
)
RANK: Final[Mapping[str, int]] = {step: rank for rank, step in enumerate(DAY_ORDER)}


class UnableToRecordEvent(Refusal):
    """Refuse an event that cannot have happened to this loan."""


@dataclass(frozen=True, slots=True)
class LoanEvent:
    """Record one thing that happened. `ref` is unique in the loan; `sequence` grows as events are learned."""

    kind: EventKind
    value_date: date
    ref: str
    sequence: int
    recorded_date: date
    amount: Decimal = ZERO
    data: Mapping[str, Any] = field(default_factory=dict)

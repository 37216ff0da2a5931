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
from regimes.errors import N_, InvalidInput, Refusal

EVENT_VERSION: Final = 1


class EventKind(StrEnum):
    """Name what happened."""

    PAYOUT = "PAYOUT"
    PURCHASE_RETURN = "PURCHASE_RETURN"  # the shop took goods back: that part was never lent
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
    SALES = "SALES"  # sales of a period of a SALES_SHARE loan; data.period: they are all of it
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
    EventKind.PURCHASE_RETURN,
    EventKind.RATE_CHANGE,
    EventKind.PAUSE,
    EventKind.SALES,
    EventKind.FEE,
    EventKind.WITHDRAWAL,
    EventKind.WAIVER,
    EventKind.REPAYMENT,
    EventKind.CHARGE_BACK,
    EventKind.RE_AGE,
    EventKind.RESCHEDULE,
    EventKind.EXTENSION,
    EventKind.REFUND,
    EventKind.WRITE_OFF,
    EventKind.RECOVERY,
)
RANK: Final[Mapping[str, int]] = {step: rank for rank, step in enumerate(DAY_ORDER)}


THROUGH_MERCHANT: Final = "MERCHANT"  # data.through: the money is owed to or by a shop, not moved at the bank


class UnableToRecordEvent(Refusal):
    """Refuse an event that cannot have happened to this loan."""


class UnableToReadEvent(InvalidInput):
    """Refuse the written form of an event."""


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

    def to_dict(self) -> dict[str, Any]:
        """Write the event as JSON-safe values, with the version of the form."""
        return {
            "version": EVENT_VERSION,
            "kind": self.kind.value,
            "value_date": self.value_date.isoformat(),
            "ref": self.ref,
            "sequence": self.sequence,
            "recorded_date": self.recorded_date.isoformat(),
            "amount": str(self.amount),
            "data": dict(self.data),
        }

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> Self:
        """Read an event that `to_dict` wrote; what cannot be read is refused with its field."""
        unknown = set(written) - _EVENT_FIELDS
        if unknown or written.get("version", EVENT_VERSION) != EVENT_VERSION:
            raise UnableToReadEvent(
                "unknown_field",
                N_("The event has a field or a version that is not known: %(name)s."),
                field="event",
                params={"name": ", ".join(sorted(map(str, unknown))) or "version"},
            )
        field_name = "kind"
        try:
            kind = EventKind(written["kind"])
            field_name = "value_date"
            value_date = date.fromisoformat(written["value_date"])
            field_name = "recorded_date"
            recorded_date = date.fromisoformat(written.get("recorded_date", written["value_date"]))
            field_name = "amount"
            amount = Decimal(written.get("amount", "0"))
            if not amount.is_finite():
                raise ValueError(amount)
            field_name = "ref"
            ref, sequence = str(written["ref"]), int(written["sequence"])
            data = dict(written.get("data", {}))
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise UnableToReadEvent(
                f"{field_name}_invalid",
                N_("The event's %(name)s cannot be read."),
                field=field_name,
                params={"name": field_name},
            ) from error
        return cls(kind, value_date, ref, sequence, recorded_date, amount, data)


_EVENT_FIELDS: Final = frozenset(
    {"version", "kind", "value_date", "ref", "sequence", "recorded_date", "amount", "data"}
)

"""The line's life: one table of states and actions, and the gate before a draw.

A freeze blocks draws; payments go on, because repaying asks the line nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from credit.domain.limits import available
from regimes.errors import N_, Refusal


class LineStatus(StrEnum):
    """Name the state of a line."""

    OFFERED = "OFFERED"
    ACTIVE = "ACTIVE"
    FROZEN = "FROZEN"
    SUSPENDED = "SUSPENDED"
    CLOSED = "CLOSED"


class LineAction(StrEnum):
    """Name what may be done to a line."""

    ACCEPT = "ACCEPT"
    FREEZE = "FREEZE"
    UNFREEZE = "UNFREEZE"
    SUSPEND = "SUSPEND"
    RESUME = "RESUME"
    CLOSE = "CLOSE"


class FreezeReason(StrEnum):
    """Name who froze or suspended a line and why; only the same hand, or a stronger one, lifts it."""

    NONE = ""
    BORROWER = "BORROWER"
    OVERDUE = "OVERDUE"
    RISK = "RISK"
    OFFICER = "OFFICER"
    EXCLUDED = "EXCLUDED"  # the borrower asked not to be lent to for a time; nobody lifts it before its end


AFTER: Final[dict[tuple[LineStatus, LineAction], LineStatus]] = {
    (LineStatus.OFFERED, LineAction.ACCEPT): LineStatus.ACTIVE,
    (LineStatus.OFFERED, LineAction.CLOSE): LineStatus.CLOSED,
    (LineStatus.ACTIVE, LineAction.FREEZE): LineStatus.FROZEN,
    (LineStatus.ACTIVE, LineAction.CLOSE): LineStatus.CLOSED,
    (LineStatus.FROZEN, LineAction.UNFREEZE): LineStatus.ACTIVE,
    (LineStatus.FROZEN, LineAction.CLOSE): LineStatus.CLOSED,
    (LineStatus.ACTIVE, LineAction.SUSPEND): LineStatus.SUSPENDED,
    (LineStatus.FROZEN, LineAction.SUSPEND): LineStatus.SUSPENDED,
    (LineStatus.SUSPENDED, LineAction.RESUME): LineStatus.ACTIVE,
    (LineStatus.SUSPENDED, LineAction.CLOSE): LineStatus.CLOSED,
}
"""A freeze is a pause that its cause ends; a suspension also ends looks and raises until somebody resumes the line."""


class UnableToMoveLine(Refusal):
    """Refuse an action that the line's state does not allow."""


class UnableToDrawDown(Refusal):
    """Refuse a draw, each cause by its own code."""


def next_status(status: str, action: LineAction) -> LineStatus:
    """Give the state after an action, or refuse."""
    after = AFTER.get((LineStatus(status), action))
    if after is None:
        raise UnableToMoveLine(
            "line_state",
            N_("This is not possible while the line is in its present state. Reload the page to see it."),
        )
    return after


@dataclass(frozen=True, slots=True)
class DrawGate:
    """Hold what is known of a line when a draw is asked for; the line is locked."""

    status: str
    freeze_reason: str
    valid_until: date
    as_of: date
    limit: Decimal
    exposure: Decimal
    days_past_due: int
    identity_verified: bool
    consent_given: bool
    borrower_blocked: bool


def check_draw(gate: DrawGate, *, amount: Decimal) -> None:
    """Pass a draw, or refuse it by the first rule that it breaks."""
    _check_state(gate)
    if gate.borrower_blocked:
        raise UnableToDrawDown(
            "borrower_blocked",
            N_("Your account is blocked. Ask us for a review by a person."),
        )
    if not gate.identity_verified:
        raise UnableToDrawDown("identity_missing", N_("Confirm your identity before you draw."))
    if not gate.consent_given:
        raise UnableToDrawDown(
            "consent_missing",
            N_("Agree to the use of your data for credit decisions before you draw."),
        )
    if gate.days_past_due > 0:
        raise UnableToDrawDown("line_overdue", N_("A payment is overdue. Pay it, then you can draw again."))
    room = available(limit=gate.limit, exposure=gate.exposure)
    if amount > room:
        raise UnableToDrawDown(
            "limit_exceeded",
            N_("You can draw up to %(available)s."),
            field="amount",
            params={"available": room.quantize(Decimal("0.01"))},
        )
    assert gate.exposure + amount <= gate.limit, "a draw that passed fits the limit"


def _check_state(gate: DrawGate) -> None:
    if gate.status == LineStatus.OFFERED:
        raise UnableToDrawDown("line_not_accepted", N_("Accept the offer before you draw."))
    if gate.status == LineStatus.FROZEN:
        own = gate.freeze_reason == FreezeReason.BORROWER
        raise UnableToDrawDown(
            "line_frozen",
            N_("You froze this line. Lift the freeze, then you can draw.")
            if own
            else N_("This line is frozen. See the reason and what to do on its page."),
        )
    if gate.status == LineStatus.SUSPENDED:
        own = gate.freeze_reason == FreezeReason.EXCLUDED
        raise UnableToDrawDown(
            "line_suspended",
            N_("You asked us not to lend to you for a time. See on the line's page when it ends.")
            if own
            else N_("This line is suspended. See the reason and what to do on its page."),
        )
    if gate.status == LineStatus.CLOSED:
        raise UnableToDrawDown("line_closed", N_("This line is closed. Apply for a new one."))
    if gate.as_of > gate.valid_until:
        raise UnableToDrawDown(
            "line_expired",
            N_("This line ended on %(date)s. Apply to renew it."),
            params={"date": gate.valid_until.isoformat()},
        )

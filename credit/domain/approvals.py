"""Who may draw for a business alone, and when a second member has to say yes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from regimes.errors import N_, Refusal

OPEN_HOURS: Final = 72
SPENDERS: Final = ("OWNER", "FINANCE")


class ApprovalNeeded(Refusal):
    """Refuse a draw that a second member has to approve first."""


class UnableToApprove(Refusal):
    """Refuse a yes or no to a draw."""


@dataclass(frozen=True, slots=True)
class Spender:
    """Describe a member who may draw: the limit in one draw is None for as much as the line has."""

    user_id: int
    role: str
    draw_limit: Decimal | None = None

    def covers(self, amount: Decimal) -> bool:
        """Tell whether the member's own limit reaches the amount."""
        return self.role in SPENDERS and (self.draw_limit is None or amount <= self.draw_limit)


def needs_second(*, spender: Spender, amount: Decimal, second_above: Decimal | None) -> bool:
    """Tell whether a second member has to say yes: above the business's amount, or above the member's own limit.

    >>> needs_second(spender=Spender(1, "OWNER"), amount=Decimal(500), second_above=Decimal(1000))
    False
    """
    assert amount > 0
    return not spender.covers(amount) or (second_above is not None and amount > second_above)


def check_second(*, approver: Spender, asked_by_id: int, amount: Decimal) -> None:
    """Pass a second member who may say yes, or refuse saying why."""
    if approver.user_id == asked_by_id:
        raise UnableToApprove("own_item", N_("Another member has to approve what you asked for."))
    if not approver.covers(amount):
        raise UnableToApprove(
            "role_not_allowed",
            N_("This is above what you may draw yourself. An owner has to approve it."),
        )


def check_somebody(*, others: list[Spender], amount: Decimal) -> None:
    """Refuse to ask when nobody could ever say yes."""
    if not any(other.covers(amount) for other in others):
        raise UnableToApprove(
            "no_second_member",
            N_(
                "No other member may approve this amount. Add a member, or draw less, under Members of the business."
            ),
            field="amount",
        )

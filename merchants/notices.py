"""What borrowers are told of purchases: the kinds of notice of this room."""

from __future__ import annotations

from accounts.notifications.kinds import register_kind
from regimes.errors import N_


def register() -> None:
    """Register the kinds of this room."""
    register_kind(
        "purchase_agreed",
        subject=N_("You agreed to pay %(shop)s in instalments"),
        body=N_(
            "CNY %(amount)s is kept free on your line for %(shop)s. Nothing is owed before the shop ships."
        ),
    )
    register_kind(
        "purchase_captured",
        subject=N_("Your purchase at %(shop)s runs"),
        body=N_("%(shop)s has shipped goods of CNY %(amount)s. The instalments stand at the loan."),
    )
    register_kind(
        "purchase_released",
        subject=N_("Nothing more is kept free for %(shop)s"),
        body=N_("CNY %(amount)s was not needed. You can draw it again."),
    )
    register_kind(
        "purchase_refunded",
        subject=N_("%(shop)s took goods back"),
        body=N_("CNY %(amount)s was taken off your loan, with its interest, as if it had never been lent."),
    )

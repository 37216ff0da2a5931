"""What borrowers are told of their loans: the kinds of notice of this room."""

from __future__ import annotations

from accounts.notifications.kinds import register_kind
from regimes.errors import N_


def register() -> None:
    """Register the kinds of this room."""
    register_kind(
        "payout_arrived",
        subject=N_("Your money is on its way to your account"),
        body=N_("CNY %(amount)s was paid to your bank account. Interest runs from today."),
    )
    register_kind(
        "payout_refused",
        subject=N_("The bank refused the payment"),
        body=N_(
            "CNY %(amount)s could not be paid to your bank account. The loan is cancelled and you owe nothing."
        ),
    )
    register_kind(
        "payment_received",
        subject=N_("Your payment has arrived"),
        body=N_("Your payment of CNY %(amount)s has arrived. Thank you."),
    )
    register_kind(
        "payment_refused",
        subject=N_("The bank refused your payment"),
        body=N_("CNY %(amount)s could not be taken from your bank account. The amount is still to be paid."),
    )
    register_kind(
        "hardship_received",
        subject=N_("We have your request"),
        body=N_("We read it and answer by %(date)s. Until then everything stays as agreed."),
    )
    register_kind(
        "hardship_offer",
        subject=N_("We offer you a plan"),
        body=N_("Look at the plan and accept or decline it by %(date)s. Nothing changes without you."),
    )
    register_kind(
        "hardship_refused",
        subject=N_("We cannot change the loan as you asked"),
        body=N_("The reason stands at the loan. You can ask again, or ask a person to call you."),
    )
    register_kind(
        "hardship_runs",
        subject=N_("Your plan runs"),
        body=N_("The loan has its new due dates and amounts. They stand at the loan."),
    )
    register_kind(
        "loan_withdrawn",
        subject=N_("You withdrew from a loan"),
        body=N_("Pay back what stands at the loan, and it is over. If this was not you, contact us at once."),
    )
    register_kind(
        "tranche_refused",
        subject=N_("The bank refused the payment"),
        body=N_("CNY %(amount)s could not be paid to your bank account. What you owe has not changed."),
    )
    register_kind(
        "refund_arrived",
        subject=N_("We paid your credit back to you"),
        body=N_("CNY %(amount)s that you had paid too much was paid to your bank account."),
    )
    register_kind(
        "refund_refused",
        subject=N_("The bank refused the refund"),
        body=N_("CNY %(amount)s could not be paid to your bank account. It stays your credit on the loan."),
    )

"""The kinds of notice of this room."""

from __future__ import annotations

from accounts.notifications.kinds import register_kind
from regimes.errors import N_


def register() -> None:
    """Register what people are told about their own account."""
    register_kind(
        "bank_account_added",
        subject=N_("A bank account was added"),
        body=N_(
            "An account at %(bank)s ending in %(last4)s was added. If this was not you, change your password now "
            "and contact us: no loan goes to a new account on its first day."
        ),
        sms=N_("A bank account ending in %(last4)s was added. Not you? Change your password and contact us."),
        urgent=True,
    )
    register_kind(
        "second_approval_changed",
        subject=N_("The rule for large draws changed"),
        body=N_(
            "An owner changed above which amount two members must agree to a draw. A looser rule counts from "
            "tomorrow. If this was not meant, change it back in the portal now."
        ),
        urgent=True,
    )
    register_kind(
        "identity_checked",
        subject=N_("Your identity check is done"),
        body=N_("Your identity is verified. You can apply now."),
    )
    register_kind(
        "identity_refused",
        subject=N_("Your identity could not be verified"),
        body=N_("We could not verify your document. Check your details and send them again, or contact us."),
    )

"""What owners are told of working capital: sales that were taken, sales that are missing, a customer who paid."""

from __future__ import annotations

from accounts.notifications.kinds import register_kind
from regimes.errors import N_


def register() -> None:
    """Register the kinds of working capital."""
    register_kind(
        "sales_asked",
        subject=N_("Sales of %(month)s: CNY %(asked)s is asked on %(due)s"),
        body=N_(
            "For %(month)s sales of CNY %(sales)s are taken down, and CNY %(asked)s is asked on %(due)s. If the figure is "
            "wrong, report the right one in the portal before that day."
        ),
    )
    register_kind(
        "sales_missing",
        subject=N_("Report your sales of %(month)s"),
        body=N_(
            "Nothing is reported for %(month)s yet. Report it in the portal before %(due)s. Otherwise CNY %(asked)s is asked "
            "on that day, as agreed: the share of the CNY %(sales)s that you and we expected."
        ),
    )
    register_kind(
        "invoice_paid",
        subject=N_("Your customer paid: CNY %(amount)s is to be repaid"),
        body=N_(
            "Your records show that the invoice was paid, so the advance on it is to be repaid: CNY %(amount)s today. With "
            "automatic payment we ask your bank for it now; otherwise pay it in the portal, by %(due)s at the latest."
        ),
    )

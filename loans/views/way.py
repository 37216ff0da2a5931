"""Where money is on its way: steps for a page that a borrower watches."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _


@dataclass(frozen=True, slots=True)
class Step:
    """One station."""

    label: str
    help: str
    state: str  # done, now, bad or empty


@dataclass(frozen=True, slots=True)
class Link:
    """One way on."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Way:
    """The whole way, and how to look again."""

    title: str
    words: str
    amount: Decimal
    steps: list[Step]
    is_final: bool
    is_bad: bool
    links: list[Link]
    page_url: str

    @property
    def poll_url(self) -> str:
        return self.page_url


# status of a payout or a collection -> how far it is: 1 waiting, 2 sent, 3 arrived
STATION = {"PENDING": 1, "CLAIMED": 1, "SENT": 2, "UNKNOWN": 2, "CONFIRMED": 3}


def steps_of(status: str, labels: list[tuple[str, str]]) -> list[Step]:
    """Mark the stations up to where the money is; a refusal ends the way where it happened."""
    if status == "REFUSED":
        return [
            Step(*labels[0], "done"),
            Step(_("Refused by the bank"), _("No money moved."), "bad"),
        ]
    at = STATION.get(status, 1)
    return [
        Step(label, words, "done" if number < at or at == 3 else "now" if number == at else "")
        for number, (label, words) in enumerate(labels, start=1)
    ]


def payout_way(*, status: str, amount: Decimal, page_url: str, links: list[Link]) -> Way:
    """Describe the way of borrowed money."""
    labels = [
        (_("Signed"), _("We are giving the order to the bank.")),
        (_("Sent"), _("The bank has the order. Usually this takes seconds.")),
        (_("Arrived"), _("The money is in your account. Interest counts from today.")),
    ]
    if status == "REFUSED":
        title = _("The bank refused the payment")
        words = _(
            "You owe nothing, and the amount is free to draw again. Check the bank account, or use another."
        )
    elif status == "CONFIRMED":
        title, words = _("Your money has arrived"), _("Until you repay it, interest counts by the day.")
    elif status == "UNKNOWN":
        title = _("We are asking the bank")
        words = _("The bank has not answered yet. We ask until we know; nothing is sent twice.")
    else:
        title, words = (
            _("Your money is on its way"),
            _("You can close this page; we tell you when it has arrived."),
        )
    return Way(
        title=title,
        words=words,
        amount=amount,
        steps=steps_of(status, labels),
        is_final=status in ("CONFIRMED", "REFUSED"),
        is_bad=status == "REFUSED",
        links=links,
        page_url=page_url,
    )


def collection_way(*, status: str, amount: Decimal, page_url: str, links: list[Link], now_owed: str) -> Way:
    """Describe the way of a repayment."""
    labels = [
        (_("Order given"), _("We are asking your bank for the money.")),
        (_("At the bank"), _("Usually this takes seconds.")),
        (_("Paid"), now_owed),
    ]
    if status == "REFUSED":
        title = _("The bank did not pay")
        words = _(
            "Perhaps there is too little in the account. Nothing was taken. Pay again when there is enough."
        )
    elif status == "CONFIRMED":
        title, words = (
            _("Thank you, this is paid"),
            _("What you can draw has risen by the principal you repaid."),
        )
    elif status == "UNKNOWN":
        title = _("We are asking the bank")
        words = _("The bank has not answered yet. We ask until we know; nothing is taken twice.")
    else:
        title, words = (
            _("Your payment is on its way"),
            _("You can close this page; we tell you when it is done."),
        )
    return Way(
        title=title,
        words=words,
        amount=amount,
        steps=steps_of(status, labels),
        is_final=status in ("CONFIRMED", "REFUSED"),
        is_bad=status == "REFUSED",
        links=links,
        page_url=page_url,
    )

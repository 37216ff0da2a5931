"""Events in the words of a borrower."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from loans.domain.events import EventKind
from loans.domain.sales import RECORDS


def event_words(kind: str, data: Mapping[str, Any]) -> str:
    """Say in one short sentence what an event was."""
    plain = {
        EventKind.PAYOUT: _("The money was paid out to you"),
        EventKind.PURCHASE_RETURN: _("The shop took goods back"),
        EventKind.REPAYMENT: _("You paid"),
        EventKind.REVERSAL: _("An entry was taken back"),
        EventKind.CHARGE_BACK: _("Your bank took a payment back"),
        EventKind.REFUND: _("We paid your credit back to you"),
        EventKind.WAIVER: _("We waived part of what you owed"),
        EventKind.RATE_CHANGE: _("The interest rate changed"),
        EventKind.RE_AGE: _("What was overdue moved into new instalments"),
        EventKind.SALES: _("Sales were reported"),
        EventKind.WRITE_OFF: _("We wrote the loan off"),
        EventKind.RECOVERY: _("A payment came in after the write-off"),
    }
    known = EventKind(kind)
    if known is EventKind.FEE:
        return _("A penalty was charged") if data.get("component") == "penalty" else _("A fee was charged")
    if known is EventKind.SALES and "period" in data:
        month = {"month": data["period"]}
        return (
            _("Sales of %(month)s were read from your records") % month
            if data.get("source") == RECORDS
            else _("Sales of %(month)s were reported") % month
        )
    if known is EventKind.PAUSE:
        return _("Penalty is paused until %(date)s") % {"date": data.get("until", "")}
    if known is EventKind.RESCHEDULE:
        count = int(data.get("instalment_count", 0))
        return ngettext(
            "The rest is paid in %(n)s new instalment", "The rest is paid in %(n)s new instalments", count
        ) % {"n": count}
    if known is EventKind.EXTENSION:
        count = int(data.get("extra_instalments", 0))
        return ngettext("%(n)s instalment was added", "%(n)s instalments were added", count) % {"n": count}
    if known is EventKind.WITHDRAWAL:
        return _("The loan was cancelled") if "reason" in data else _("You withdrew from the loan")
    return plain[known]

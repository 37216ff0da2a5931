"""Instalments and events as a borrower reads them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from accounts.templatetags.portal import money, percent
from loans.models import Instalment, LoanEventRow


@dataclass(frozen=True, slots=True)
class InstalmentView:
    """One row of the schedule as it stands."""

    number: int
    due_date: date
    principal: Decimal
    interest: Decimal
    fee: Decimal
    penalty: Decimal
    total: Decimal
    open: Decimal
    state: str
    tag: str


def instalment_views(rows: Iterable[Instalment], *, as_of: date) -> list[InstalmentView]:
    """Say how each instalment stands."""
    return [_instalment(row, as_of) for row in rows]


def _instalment(row: Instalment, as_of: date) -> InstalmentView:
    total = row.principal_due + row.interest_due + row.fee_due + row.penalty_due
    paid = row.principal_paid + row.interest_paid + row.fee_paid + row.penalty_paid
    if row.paid_date is not None or (total and not row.outstanding):
        state, tag = _("paid"), "tag-good"
    elif row.due_date < as_of:
        state, tag = _("overdue"), "tag-bad"
    elif row.due_date == as_of:
        state, tag = _("due today"), "tag-warn"
    elif paid:
        state, tag = _("part paid"), "tag-info"
    else:
        state, tag = _("to come"), ""
    return InstalmentView(
        row.number, row.due_date, row.principal_due, row.interest_due, row.fee_due, row.penalty_due, total,
        row.outstanding, state, tag,
    )


@dataclass(frozen=True, slots=True)
class EventView:
    """One thing that happened, in words."""

    date: date
    words: str
    is_good: bool


def event_views(rows: Iterable[LoanEventRow]) -> list[EventView]:
    """Say what happened to a loan."""
    return [EventView(row.value_date, _event_words(row), row.kind in ("PAYOUT", "REPAYMENT", "WAIVER", "REFUND")) for row in rows]


def _event_words(row: LoanEventRow) -> str:
    values = {"amount": money(row.amount)}
    if row.kind == "RATE_CHANGE":
        return _("The annual rate changed to %(rate)s.") % {"rate": percent(row.data.get("annual_rate"))}
    words = {
        "PAYOUT": _("%(amount)s was paid out to you."),
        "REPAYMENT": _("You paid %(amount)s."),
        "REVERSAL": _("An entry was taken back because it was wrong."),
        "CHARGE_BACK": _("Your bank took %(amount)s back."),
        "REFUND": _("%(amount)s that you had paid too much was sent back to you."),
        "FEE": _("A charge of %(amount)s was added."),
        "WAIVER": _("%(amount)s was forgiven."),
        "RESCHEDULE": _("The instalments were agreed anew."),
        "RE_AGE": _("What was overdue moved into new instalments."),
        "EXTENSION": _("More instalments were added, each one smaller."),
        "PAUSE": _("A pause was agreed: nothing counts as late meanwhile."),
        "SALES": _("Sales of %(amount)s were reported."),
        "WITHDRAWAL": _("You withdrew from the loan; what you got is due back."),
        "WRITE_OFF": _("We no longer expect this loan to be repaid."),
        "RECOVERY": _("%(amount)s came in after all."),
    }
    return words.get(row.kind, "%(amount)s") % values

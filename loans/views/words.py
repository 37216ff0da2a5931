"""Instalments as a borrower reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.templatetags.portal import day, money, percent
from ledger.domain.money import round_money
from loans.domain.hardship import Measure
from loans.domain.sales import OWNER, RECORDS, Asked, period_name
from loans.domain.state import Allocation, InstalmentState
from loans.models import Loan


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


def instalment_view(row: InstalmentState, *, as_of: date) -> InstalmentView:
    """Say how an instalment stands."""
    due, left = row.due, row.outstanding.total
    if row.due.total and not left:
        state, tag = _("paid"), "tag-good"
    elif row.due_date < as_of:
        state, tag = _("overdue"), "tag-bad"
    elif row.due_date == as_of:
        state, tag = _("due today"), "tag-warn"
    elif row.paid.total:
        state, tag = _("part paid"), "tag-info"
    else:
        state, tag = _("to come"), ""
    return InstalmentView(
        row.number,
        row.due_date,
        due.principal,
        due.interest,
        due.fee,
        due.penalty,
        due.total,
        left,
        state,
        tag,
    )


def late_words(loan: Loan) -> str:
    """Say what being late costs on this loan, with its own figures."""
    if loan.penalty_rate <= 0:
        return _("Being late costs nothing extra, but you cannot draw until you have paid.")
    base = loan.next_due_amount or loan.principal_outstanding
    cost = round_money(base * loan.penalty_rate * 10 / loan.penalty_year)
    return _("Late principal costs %(rate)s a year, by the day: %(amount)s ten days late costs %(cost)s.") % {
        "rate": percent(loan.penalty_rate),
        "amount": money(base),
        "cost": money(cost),
    }


def measure_words(measure: Mapping[str, Any]) -> str:
    """Say in one sentence what a measure of a plan does."""
    kind = Measure(measure["kind"])
    if kind is Measure.PAUSE:
        return _("Until %(date)s being late costs nothing and does not count.") % {
            "date": day(date.fromisoformat(measure["until"]))
        }
    if kind is Measure.EXTENSION:
        count = int(measure["extra_instalments"])
        return ngettext(
            "%(n)s instalment more, so that each one is smaller.",
            "%(n)s instalments more, so that each one is smaller.",
            count,
        ) % {"n": count}
    if kind in (Measure.RESCHEDULE, Measure.RE_AGE):
        count = int(measure["instalment_count"])
        first = day(date.fromisoformat(measure["first_due_date"]))
        text = (
            ngettext(
                "What is left, with what is overdue, is paid in %(n)s instalment from %(date)s.",
                "What is left, with what is overdue, is paid in %(n)s instalments from %(date)s.",
                count,
            )
            if kind is Measure.RE_AGE
            else ngettext(
                "What is not due yet is paid in %(n)s instalment from %(date)s.",
                "What is not due yet is paid in %(n)s instalments from %(date)s.",
                count,
            )
        )
        return text % {"n": count, "date": first}
    if kind is Measure.LOWER_RATE:
        return _("From now on the annual rate is %(rate)s.") % {"rate": percent(measure["annual_rate"])}
    if "amount" in measure:
        return _("%(amount)s of what being late cost is forgiven.") % {"amount": money(measure["amount"])}
    return _("What being late cost so far is forgiven.")


def allocation_words(allocation: Allocation) -> list[str]:
    """Say where a payment went, in the order in which people ask."""
    parts = allocation.applied
    found = []
    if parts.penalty:
        found.append(_("%(amount)s for being late") % {"amount": money(parts.penalty)})
    if parts.fee:
        found.append(_("%(amount)s of fees") % {"amount": money(parts.fee)})
    if parts.interest:
        found.append(_("%(amount)s of interest") % {"amount": money(parts.interest)})
    if parts.principal:
        found.append(_("%(amount)s of principal: you can draw it again") % {"amount": money(parts.principal)})
    if allocation.credit > 0:
        found.append(_("%(amount)s is left as your credit") % {"amount": money(allocation.credit)})
    return found


def share_percent(part: Decimal) -> str:
    """Write a part without zeros that say nothing: 6%, 7.5%."""
    return f"{(part * 100).normalize():f}%"


def asked_words(asked: Asked) -> str:
    """Say what a due date asks and why: 6 % of sales of 12,340.00 in 2026-10 = 740.40, at most 1,500.00."""
    figures = {
        "share": share_percent(asked.share),
        "sales": money(asked.sales),
        "month": period_name(asked.month),
        "product": money(asked.product),
        "cap": money(asked.cap),
    }
    if asked.cap is None:
        return _("%(share)s of sales of %(sales)s in %(month)s = %(product)s") % figures
    return _("%(share)s of sales of %(sales)s in %(month)s = %(product)s, at most %(cap)s") % figures


def source_words(asked: Asked) -> str:
    """Say where the figure of a month's sales comes from."""
    return {
        OWNER: _("reported by you"),
        RECORDS: _("read from your records"),
    }.get(asked.source, _("expected: nothing is reported yet"))

"""Instalments as a borrower reads them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from loans.domain.state import InstalmentState


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

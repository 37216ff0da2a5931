"""The limit's page: where it stands, why, what would restore it, and when it is looked at next."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.pages import SignedIn, page
from accounts.templatetags.portal import percent_round, round_money
from credit import queries
from credit.models import CreditLine, ReviewRequest
from credit.queries import Look, Step
from credit.views.home import for_line
from credit.views.words import ChangeView, change_view, reason_texts
from ledger.queries import business_date


@for_line()
def history(request: SignedIn, line: CreditLine) -> HttpResponse:
    """Show where the limit stands, every change of it and every look that kept it, with reasons."""
    as_of = business_date()
    waiting = ReviewRequest.objects.filter(limit_change__line_id=line.pk, status="OPEN")
    in_review = frozenset(waiting.values_list("limit_change_id", flat=True))
    changes = queries.limit_history(line_id=line.pk)
    fall = queries.standing_fall(changes)
    entries = [(row.effective_date, 1, change_view(row, in_review=in_review)) for row in changes]
    entries += [(look.as_of, 0, _kept(line, look)) for look in queries.looks_of(line_id=line.pk, as_of=as_of)]
    # the newest day first; of one day the changes in their order, and the look after them
    entries.sort(key=lambda entry: (entry[0], entry[1]), reverse=True)
    context = {
        "line": line,
        "changes": [entry for _day, _rank, entry in entries],
        "coming": coming_of(line),
        "next_look": queries.next_look_date(line=line, as_of=as_of)
        if line.status in ("ACTIVE", "FROZEN")
        else None,
        "ends_soon": line.status != "CLOSED" and (line.valid_until - as_of).days <= 30,
        "steps": [step_words(step) for step in queries.way_back(change=fall)] if fall else [],
    }
    return page(request, "credit/history.html", context, borrower=line.borrower, here="home")


def coming_of(line: CreditLine) -> dict[str, Any] | None:
    """Give the announced lower limit as it will be in force, and its day."""
    if line.announced_limit is None:
        return None
    return {"limit": line.in_force_with(line.announced_limit), "date": line.announced_date}


def _kept(line: CreditLine, look: Look) -> ChangeView:
    return ChangeView(
        ref=None,
        icon="keep",
        words=_("Looked at, and kept"),
        reasons=reason_texts(look.reasons),
        recourse=reason_texts(look.recourse),
        next_review=None,
        date=look.as_of,
        may_review=False,
        is_in_review=False,
    )


def step_words(step: Step) -> str:
    """Say one thing to change: what, how it stands, and how it would have to be."""
    figures = {
        "what": _(step.sentence),
        "now": _value(step.current, step.unit),
        "then": _value(step.wanted, step.unit),
    }
    if step.wanted > step.current:
        return _("%(what)s: %(now)s now, at least %(then)s needed") % figures
    return _("%(what)s: %(now)s now, at most %(then)s allowed") % figures


def _value(value: float, unit: str) -> str:
    number = round(value)
    if unit.startswith("CNY"):
        return round_money(Decimal(number))
    if unit == "ratio":
        return percent_round(value)
    if unit == "days":
        return ngettext("%(n)s day", "%(n)s days", number) % {"n": number}
    if unit == "months":
        return ngettext("%(n)s month", "%(n)s months", number) % {"n": number}
    return str(number)

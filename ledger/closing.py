"""Close a month, once and for good.

Closing is a write of the books like those in `operations`; it stands by itself because it asks the reports first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, NoReturn

from django.db import connection, transaction

from ledger.domain.closing import CloseCheck, first_failing, is_month_end
from ledger.models import BookDate
from ledger.operations import close_period
from ledger.reports import close_checklist
from regimes.errors import N_, InvalidInput, Refusal

__all__ = ["Check", "UnableToCloseMonth", "UnableToReopen", "close_month", "reopen_period"]

Check = Callable[[date], Sequence[CloseCheck]]


class UnableToCloseMonth(Refusal):
    """Refuse to close a month that something still waits for."""


class UnableToNameMonth(InvalidInput):
    """Refuse a day that ends no month."""


class UnableToReopen(Refusal):
    """Refuse to reopen what is closed."""


def close_month(*, month_end: date, checks: Sequence[Check] = (), actor: Any = None) -> BookDate:
    """Close the books through the end of a month when the checklist holds; closing it again changes nothing.

    `checks` are what the rooms above ask for; they are called while no journal can be written, so that what they see
    is what is closed.
    """
    if not is_month_end(month_end):
        raise UnableToNameMonth(
            "not_a_month_end",
            N_("%(date)s is not the last day of a month."),
            field="month_end",
            params={"date": month_end.isoformat()},
        )
    with transaction.atomic():
        books = BookDate.objects.select_for_update().filter(pk=1).first()
        if books is not None and books.closed_through is not None and books.closed_through >= month_end:
            return books
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE ledger_journal IN SHARE MODE")
        found = list(close_checklist(month_end=month_end))
        for check in checks:
            found += check(month_end)
        failing = first_failing(found)
        if failing is not None:
            raise UnableToCloseMonth(
                "close_check_failed",
                N_("%(date)s cannot be closed yet: %(check)s does not hold (%(found)s)."),
                field="month_end",
                params={"date": month_end.isoformat(), "check": failing.code, "found": failing.found},
            )
        return close_period(through=month_end, actor=actor)


def reopen_period(*, month_end: date, actor: Any = None) -> NoReturn:
    """Refuse, always: what was reported stays as it was. What was wrong is corrected in an open period."""
    raise UnableToReopen(
        "period_stays_closed",
        N_("A closed period is never opened again. Correct %(date)s by a new record in the open period."),
        field="month_end",
        params={"date": month_end.isoformat()},
    )

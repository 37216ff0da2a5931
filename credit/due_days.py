"""The day of the month on which a borrower wants instalments, as terms take it."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings

import regimes
from accounts.models import ContactPreference
from credit.domain.reminders import first_due_on
from credit.models import CreditLine

MONTHLY = frozenset({"EQUAL_INSTALMENT", "EQUAL_PRINCIPAL", "INTEREST_FIRST"})


def wished_dates(*, line: CreditLine, method: str, count: int, start: date) -> dict[str, Any]:
    """Give `due_day` and `first_due_date` of the terms; nothing without a wish, or where the term is at the law's edge."""
    wish: ContactPreference | None = getattr(line.borrower, "contact_preference", None)
    if wish is None or wish.due_day is None or method not in MONTHLY:
        return {}
    if count >= regimes.get(settings.REGIME).max_term_months:  # a later first date would end behind the cap
        return {}
    return {"due_day": wish.due_day, "first_due_date": first_due_on(start=start, due_day=wish.due_day)}

"""Write the reminders of a day: one notice per instalment, rung and channel, however often it runs.

Only rows are written here. They are sent by the sweeper of notices, which keeps the regime's contact hours and
the number of contacts a day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from itertools import islice

from django.db import transaction

from accounts.operations import NoticeOrder, queue_notices
from credit.domain.reminders import dedup_key, due_dates
from loans import queries as loan_queries

CHUNK = 2_000


def send_reminders(*, as_of: date, now: datetime | None = None) -> int:
    """Queue the reminders of a business date; give how many are new."""
    orders = _orders(as_of)
    new = 0
    while batch := list(islice(orders, CHUNK)):
        with transaction.atomic():
            new += queue_notices(orders=batch)
    return new


def _orders(as_of: date) -> Iterator[NoticeOrder]:
    for due_date, rung in due_dates(as_of).items():
        for row in loan_queries.due_instalments(from_date=due_date, to_date=due_date):
            yield NoticeOrder(
                borrower_id=row.borrower_id,
                kind=rung.kind,
                dedup_key=dedup_key(instalment_id=row.instalment_id, due_date=due_date, rung=rung),
                params={
                    "amount": f"{row.amount:.2f}",
                    "due_date": due_date.isoformat(),
                    "loan_ref": str(row.loan_ref),
                    "rung": rung.name,
                },
                channels=rung.channels,
            )

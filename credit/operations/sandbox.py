"""Move the sandbox's business date, so that everything that would have happened by then happens.

Each day in between is lived through: money under way is carried to its end, then the night of that day runs
with its own date. Nothing here is possible outside the sandbox.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta

from django.conf import settings

from accounts.models import User
from accounts.operations import write_audit
from credit.operations.night import NightReport, run_end_of_day
from ledger import queries as ledger_queries
from loans import operations as loan_operations
from loans.models import Collection, Payout
from regimes.errors import N_, InvalidInput, Refusal

log = logging.getLogger(__name__)
MOST_DAYS = 400
WAIT_SECONDS = 5.0


class UnableToMoveDate(Refusal):
    """Refuse to move the business date."""


class UnableToReadDate(InvalidInput):
    """Refuse a date that cannot be moved to."""


def move_business_date(
    *,
    to: date,
    actor: User | None,
    now: datetime,
    say: Callable[[str], None] = lambda line: None,
    settle: Callable[[date], None] | None = None,
) -> NightReport:
    """Live through every day up to `to`; the books are then open for `to`.

    `settle` carries money under way to its end on a day; by default it asks the gateway.
    """
    if not settings.SANDBOX:
        raise UnableToMoveDate("sandbox_only", N_("The business date moves by itself outside the sandbox."))
    start = ledger_queries.business_date()
    if to <= start:
        raise UnableToReadDate(
            "business_date_backwards",
            N_("The business date is %(date)s. Choose a later one."),
            field="to",
            params={"date": start.isoformat()},
        )
    if (to - start).days > MOST_DAYS:
        raise UnableToReadDate(
            "business_date_too_far",
            N_("Move by at most %(days)s days at a time."),
            field="to",
            params={"days": str(MOST_DAYS)},
        )
    write_audit(
        actor=actor,
        action="business_date.move",
        object_type="ledger.BookDate",
        object_ref="1",
        before={"date": start.isoformat()},
        after={"date": to.isoformat()},
    )
    carry = settle or (lambda day: settle_money(as_of=day, now=now))
    total = NightReport("DONE")
    day = start
    while day < to:
        carry(day)
        report = run_end_of_day(as_of=day, now=now, worker="move_business_date")
        total.closed += report.closed
        total.figures.update(report.figures)
        if report.status not in ("DONE", "ALREADY_DONE"):
            total.status, total.problem, total.waiting_for = report.status, report.problem, report.waiting_for
            return total
        say(f"{day.isoformat()} closed")
        day += timedelta(days=1)
    carry(to)
    return total


def settle_money(*, as_of: date, now: datetime, wait: float = WAIT_SECONDS) -> int:
    """Send payouts and collections that wait, and apply what the gateway told; give how many are still open.

    The gateway answers in its own time, so this waits for it a little. What is open after that stays open: the
    sweepers find it, and a collection confirmed late still counts from the day on which it was asked for.
    """
    until = time.monotonic() + wait
    pause = 0.02
    while True:
        for pk in loan_operations.due(Payout, now=now, limit=1_000):
            loan_operations.send_payout(payout_id=pk, now=now, as_of=as_of)
        for pk in loan_operations.due(Collection, now=now, limit=1_000):
            loan_operations.send_collection(collection_id=pk, now=now, as_of=as_of)
        for pk in loan_operations.due_messages(now=now, limit=1_000):
            loan_operations.apply_gateway_message(message_id=pk, as_of=as_of, now=now)
        still_open = sum(
            model.objects.filter(status__in=("CLAIMED", "SENT")).count() for model in (Payout, Collection)
        )
        if not still_open or time.monotonic() > until:
            return still_open
        time.sleep(pause)
        pause = min(pause * 2, 0.5)

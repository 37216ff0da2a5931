"""A borrower's due dates as an iCalendar: what is to pay, when, a reminder before; no name and no account."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from django.utils import translation
from django.utils.translation import gettext as _
from icalendar import Alarm, Calendar, Event

from accounts.models import Borrower
from accounts.templatetags.portal import money
from loans.models import CalendarFeed, Instalment, Loan
from loans.operations.calendar import digest_of

REMIND_BEFORE = timedelta(hours=15)  # nine in the morning of the day before


def feed_of(*, borrower_id: int) -> CalendarFeed | None:
    """Return the link that works."""
    return CalendarFeed.objects.filter(borrower_id=borrower_id, revoked_date=None).first()


def feed_by_token(*, token: str) -> CalendarFeed | None:
    """Return the link with a token, unless it was revoked or its borrower is gone."""
    return (
        CalendarFeed.objects.select_related("borrower")
        .filter(token_digest=digest_of(token), revoked_date=None)
        .exclude(borrower__status=Borrower.Status.ERASED)
        .first()
    )


def calendar_of(*, feed: CalendarFeed, as_of: date) -> bytes:
    """Write the open instalments of the running loans, and those of the last month that were paid."""
    rows = (
        Instalment.objects.filter(
            loan__borrower_id=feed.borrower_id,
            loan__status__in=Loan.LIVE,
            due_date__gte=as_of - timedelta(days=366),
        )
        .exclude(outstanding=0, due_date__lt=as_of - timedelta(days=31))
        .select_related("loan")
        .order_by("due_date", "loan_id", "number")
    )
    with translation.override(feed.language):
        calendar = Calendar()
        calendar.add("prodid", "-//lendportal//due dates//EN")
        calendar.add("version", "2.0")
        calendar.add("method", "PUBLISH")
        calendar.add("x-wr-calname", _("Due dates"))
        calendar.add("x-published-ttl", "PT12H")
        for row in rows:
            calendar.add_component(_event(row, as_of=as_of))
        return bytes(calendar.to_ical())


def _event(row: Instalment, *, as_of: date) -> Event:
    loan = row.loan
    due = row.principal_due + row.interest_due + row.fee_due + row.penalty_due
    is_paid = not row.outstanding and due > 0
    event = Event()
    event.add("uid", f"{loan.ref}-{row.number}@lendportal")
    event.add("dtstamp", datetime.combine(as_of, time(0), tzinfo=UTC))
    event.add("sequence", loan.last_sequence)
    event.add("dtstart", row.due_date)
    event.add("dtend", row.due_date + timedelta(days=1))
    words = {"amount": money(due if is_paid else row.outstanding)}
    event.add("summary", (_("Paid: %(amount)s") if is_paid else _("Repay %(amount)s")) % words)
    event.add(
        "description",
        _("Instalment %(number)s of a loan of %(amount)s.")
        % {"number": row.number, "amount": money(loan.principal)},
    )
    event.add("transp", "TRANSPARENT")
    event.add("class", "PRIVATE")
    if not is_paid:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", _("Repay %(amount)s") % words)
        alarm.add("trigger", -REMIND_BEFORE)
        event.add_component(alarm)
    return event

"""Contacts about a debt: counted together whatever carries them, so that nobody is pressed."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction

from accounts.domain.contact_hours import Contacts, Verdict, judge, may_contact
from accounts.models import Borrower, Call, ContactPreference, Notice, User
from accounts.notifications.kinds import names_of
from accounts.operations.audit import write_audit
from accounts.regime import current_regime
from regimes.errors import N_, InvalidInput, NotFound, Refusal

CARRIED = (Notice.Channel.SMS, Notice.Channel.EMAIL)
A_WEEK = 9  # three days of the daily three; not a legal number
LOCK_CLASS = 6_081


class ContactNotAllowed(Refusal):
    """Refuse a contact at a forbidden hour, or one too many."""


def local_time(now: datetime) -> datetime:
    """Return a moment in the portal's time zone."""
    return now.astimezone(ZoneInfo(settings.TIME_ZONE))


def contact_hours_open(*, now: datetime) -> bool:
    """Tell whether the regime's contact hours run at this moment."""
    regime = current_regime()
    return may_contact(local=local_time(now), opens=regime.contact_opens, closes=regime.contact_closes)


def lock_contacts(*, borrower_id: int) -> None:
    """Count and write one after another: two senders or callers never see the same free place."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_CLASS, borrower_id % 2**31])


def count_contacts(*, borrower_id: int, now: datetime, but: int | None = None) -> Contacts:
    """Count contacts about debts: messages sent, calls that reached somebody, and messages under way."""
    midnight = local_time(now).replace(hour=0, minute=0, second=0, microsecond=0)
    week = midnight - timedelta(days=6)
    about_debt = Notice.objects.filter(
        borrower_id=borrower_id, channel__in=CARRIED, kind__in=names_of(contact=True)
    ).exclude(pk=but or 0)
    sent = list(
        about_debt.filter(status=Notice.Status.SENT, sent_at__gte=week).values_list("sent_at", flat=True)
    )
    calls = Call.objects.filter(borrower_id=borrower_id, is_effective=True, at__gte=week)
    moments = [*sent, *calls.values_list("at", flat=True)]
    return Contacts(
        today=sum(1 for moment in moments if moment is not None and moment >= midnight),
        week=len(moments),
        under_way=about_debt.filter(status=Notice.Status.CLAIMED, claimed_until__gte=now).count(),
    )


def record_call(
    *, borrower_id: int, actor: User, now: datetime, is_effective: bool = True, note: str = ""
) -> Call:
    """Write a call to the borrower about a debt down, before it is made; refuse it when it may not be made.

    Raises ContactNotAllowed: `quiet_hours` outside the contact hours, `too_many_contacts` at the day's number.
    """
    if len(note) > 200:
        raise InvalidInput("too_long", N_("Use at most 200 characters."), field="note")
    with transaction.atomic():
        if not Borrower.objects.filter(pk=borrower_id).exclude(status=Borrower.Status.ERASED).exists():
            raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
        lock_contacts(borrower_id=borrower_id)
        refuse_contact(borrower_id=borrower_id, now=now)
        call = Call.objects.create(
            borrower_id=borrower_id, actor=actor, at=now, is_effective=is_effective, note=note
        )
        write_audit(
            actor=actor,
            action="borrower.called",
            object_type="Borrower",
            object_ref=call.borrower.ref,
            after={"effective": is_effective},
        )
    return call


def set_contact_preference(
    *,
    borrower: Borrower,
    channel: str,
    hour: int | None,
    due_day: int | None,
    pay_day: int | None = None,
    actor: User,
) -> ContactPreference:
    """Keep how a borrower wants to be reminded, and on which day of the month new loans shall fall due."""
    if channel not in ContactPreference.Channel.values:
        raise InvalidInput("channel_unknown", N_("Choose from the list."), field="channel")
    regime = current_regime()
    if hour is not None and not regime.contact_opens.hour <= hour < regime.contact_closes.hour:
        raise InvalidInput(
            "hour_out_of_range",
            N_("Choose an hour from %(opens)s to %(closes)s."),
            field="hour",
            params={"opens": f"{regime.contact_opens:%H:%M}", "closes": f"{regime.contact_closes:%H:%M}"},
        )
    if due_day is not None and not 1 <= due_day <= 28:
        raise InvalidInput("due_day_invalid", N_("Choose a day from 1 to 28."), field="due_day")
    with transaction.atomic():
        found, _created = ContactPreference.objects.update_or_create(
            borrower=borrower,
            defaults={"channel": channel, "hour": hour, "due_day": due_day, "pay_day": pay_day},
        )
        write_audit(
            actor=actor,
            action="borrower.contact_wish",
            object_type="Borrower",
            object_ref=borrower.ref,
            after={"channel": channel, "hour": hour, "due_day": due_day},
        )
    return found


def refuse_contact(*, borrower_id: int, now: datetime) -> None:
    """Pass a contact that may be made now, or refuse it saying why and from when it may."""
    regime = current_regime()
    verdict = judge(
        contacts=count_contacts(borrower_id=borrower_id, now=now),
        is_open=contact_hours_open(now=now),
        is_required=True,
        a_day=regime.max_contacts_a_day,
        a_week=A_WEEK,
    )
    if verdict is Verdict.QUIET:
        raise ContactNotAllowed(
            "quiet_hours",
            N_("Nobody may be contacted about a debt now. Contact hours are %(opens)s to %(closes)s."),
            params={"opens": f"{regime.contact_opens:%H:%M}", "closes": f"{regime.contact_closes:%H:%M}"},
        )
    if verdict is not Verdict.SEND:
        raise ContactNotAllowed(
            "too_many_contacts",
            N_("This borrower was contacted %(count)s times today. Try again tomorrow."),
            params={"count": regime.max_contacts_a_day},
        )

"""Queue notices in the caller's transaction; send those that are due, each once."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from accounts.domain.contact_hours import Verdict, judge, next_opening
from accounts.models import Borrower, Notice
from accounts.notifications.channels import NoAddress, deliver
from accounts.notifications.kinds import check_params, kind_of, names_of
from accounts.notifications.sms import SmsRefused
from accounts.operations.contacts import (
    A_WEEK,
    CARRIED,
    contact_hours_open,
    count_contacts,
    local_time,
    lock_contacts,
)
from accounts.quiet import log_failure
from accounts.regime import current_regime

log = logging.getLogger(__name__)
LEASE = timedelta(minutes=5)
MAX_ATTEMPTS = 5
BATCH = 50


@dataclass(frozen=True)
class NoticeOrder:
    """One notice to queue, on one or more channels."""

    borrower_id: int
    kind: str
    dedup_key: str
    params: Mapping[str, Any] = field(default_factory=dict)
    channels: Sequence[str] = ("IN_APP",)
    send_after: datetime | None = None
    send_before: datetime | None = None


@dataclass
class SendReport:
    """What one round of sending did."""

    sent: int = 0
    failed: int = 0
    retried: int = 0
    postponed: int = 0
    parked: int = 0
    dropped: int = 0


def queue_notice(
    *,
    borrower_id: int,
    kind: str,
    dedup_key: str,
    params: Mapping[str, Any],
    channels: Sequence[str] = ("IN_APP",),
    send_after: datetime | None = None,
    send_before: datetime | None = None,
) -> int:
    """Queue one notice in the caller's transaction; return how many rows are new. Repeats change nothing."""
    return queue_notices(
        orders=[NoticeOrder(borrower_id, kind, dedup_key, params, tuple(channels), send_after, send_before)]
    )


def new_notice(*, borrower_id: int, kind: str, dedup_key: str, params: Mapping[str, Any]) -> Notice:
    """Make a notice in the portal that is not written yet, for a statement that writes more; it puts the language in."""
    check_params(kind, params)
    return Notice(
        borrower_id=borrower_id, channel=Notice.Channel.IN_APP, kind=kind, params=dict(params), dedup_key=dedup_key
    )  # fmt: skip


_INSERT = """
INSERT INTO accounts_notice
    (ref, borrower_id, channel, kind, params, language, dedup_key, status, send_after, send_before, attempts,
     last_error)
SELECT gen_random_uuid(), b.id, o.channel, o.kind, o.params, b.language, o.dedup_key, 'PENDING',
       o.send_after, o.send_before, 0, ''
FROM jsonb_to_recordset(%s::jsonb)
     AS o(borrower_id bigint, channel text, kind text, params jsonb, dedup_key text, send_after timestamptz,
          send_before timestamptz)
JOIN accounts_borrower b ON b.id = o.borrower_id AND b.status <> 'ERASED'
ORDER BY o.dedup_key, o.channel
ON CONFLICT (dedup_key, channel) DO NOTHING
"""


def queue_notices(*, orders: Iterable[NoticeOrder]) -> int:
    """Queue many notices in one statement, each in its borrower's language; return how many rows are new."""
    rows: list[dict[str, Any]] = []
    for order in orders:
        check_params(order.kind, order.params)
        for channel in order.channels:
            assert channel in Notice.Channel.values, channel
            rows.append(
                {
                    "borrower_id": order.borrower_id,
                    "channel": channel,
                    "kind": order.kind,
                    "params": dict(order.params),
                    "dedup_key": order.dedup_key,
                    "send_after": order.send_after,
                    "send_before": order.send_before,
                }
            )
    if not rows:
        return 0
    # one document instead of seven arrays: building literals of arrays cost more than the rows
    written = json.dumps(rows, ensure_ascii=False, default=str)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [written])
        return int(cursor.rowcount)


def mark_notices_read(*, borrower_id: int, now: datetime, before: datetime | None = None) -> int:
    """Mark what a borrower has been shown, or only what was sent before a moment."""
    shown = Notice.objects.filter(borrower_id=borrower_id, channel=Notice.Channel.IN_APP, read_at=None)
    if before is not None:
        shown = shown.filter(sent_at__lt=before)
    return shown.update(read_at=now)


def send_due_notices(*, now: datetime, limit: int = 500) -> SendReport:
    """Send what is due. Safe to run twice and side by side: a row is claimed by one sender, or walked past."""
    report = SendReport()
    report.sent += _show_in_app(now=now, limit=limit)
    report.parked += _park_exhausted(now=now)
    report.dropped += _drop_late(now=now)
    left = limit
    while left > 0:
        claim = uuid.uuid4()
        claimed = _claim(claim=claim, now=now, size=min(BATCH, left))
        for notice in claimed:
            _send_one(notice=notice, claim=claim, now=now, report=report)
        if len(claimed) < min(BATCH, left):
            break
        left -= len(claimed)
    return report


_DUE = """
    channel {channel} AND (send_after IS NULL OR send_after <= %(now)s)
    AND (status = 'PENDING' OR (status = 'CLAIMED' AND claimed_until < %(now)s))
"""


def _show_in_app(*, now: datetime, limit: int) -> int:
    """Being in the portal is being delivered: one statement for all."""
    sql = f"""
        UPDATE accounts_notice SET status = 'SENT', sent_at = %(now)s, attempts = attempts + 1
        WHERE id IN (SELECT id FROM accounts_notice WHERE {_DUE.format(channel="= 'IN_APP'")}
                     ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    """  # noqa: S608  no value is put into the text
    with connection.cursor() as cursor:
        cursor.execute(sql, {"now": now, "limit": max(limit, 5000)})
        return int(cursor.rowcount)


def _park_exhausted(*, now: datetime) -> int:
    """Park rows whose senders died five times: the row itself may be what kills them."""
    return Notice.objects.filter(
        status=Notice.Status.CLAIMED, claimed_until__lt=now, attempts__gte=MAX_ATTEMPTS
    ).update(status=Notice.Status.PARKED, claim=None, claimed_until=None, last_error="sender died")


def _drop_late(*, now: datetime) -> int:
    """Drop what could not go out while it was true."""
    late = Notice.objects.filter(status=Notice.Status.PENDING, send_before__lte=now)
    return late.exclude(channel=Notice.Channel.IN_APP).update(
        status=Notice.Status.DROPPED, last_error="too late"
    )


def _claim(*, claim: uuid.UUID, now: datetime, size: int) -> list[Notice]:
    """Take due rows for a while; the attempt is counted before the work, so that a poison row is seen."""
    sql = f"""
        UPDATE accounts_notice
        SET status = 'CLAIMED', claim = %(claim)s, claimed_until = %(until)s, attempts = attempts + 1
        WHERE id IN (
            SELECT id FROM accounts_notice WHERE {_DUE.format(channel="<> 'IN_APP'")}
            AND (%(open)s OR kind = ANY(%(urgent)s) OR (channel <> 'SMS' AND NOT kind = ANY(%(contact)s)))
            ORDER BY id LIMIT %(size)s FOR UPDATE SKIP LOCKED)
    """  # noqa: S608  no value is put into the text
    with transaction.atomic(), connection.cursor() as cursor:
        values: dict[str, Any] = {
            "claim": claim,
            "until": now + LEASE,
            "now": now,
            "size": size,
            "open": contact_hours_open(now=now),
            "urgent": names_of(urgent=True),
            "contact": names_of(contact=True),
        }
        cursor.execute(sql, values)
    mine = Notice.objects.filter(claim=claim, status=Notice.Status.CLAIMED)
    return list(mine.select_related("borrower__user").order_by("pk"))


def _send_one(*, notice: Notice, claim: uuid.UUID, now: datetime, report: SendReport) -> None:
    kind = kind_of(notice.kind)
    if kind.still_true is not None and not kind.still_true(notice.params):
        report.dropped += _finish(notice, claim, status=Notice.Status.DROPPED, last_error="no longer true")
        return
    verdict = _verdict(notice=notice, now=now)
    if verdict is Verdict.ENOUGH:
        report.dropped += _finish(notice, claim, status=Notice.Status.DROPPED, last_error="enough this week")
        return
    if verdict is not Verdict.SEND:
        report.postponed += _postpone(notice=notice, claim=claim, now=now, verdict=verdict)
        return
    try:
        if notice.borrower.status == Borrower.Status.ERASED:
            raise NoAddress
        deliver(notice=notice)
    except NoAddress:
        report.failed += _finish(notice, claim, status=Notice.Status.FAILED, last_error="no address")
    except SmsRefused as error:
        report.failed += _finish(notice, claim, status=Notice.Status.FAILED, last_error=type(error).__name__)
    except (
        Exception
    ) as error:  # whatever a mail server or vendor raises, the row is tried again and then parked
        log_failure(log, f"notice by {notice.channel} failed", subject=notice.ref, error=error)
        _retry_or_park(notice=notice, claim=claim, now=now, error=error, report=report)
    else:
        report.sent += _finish(notice, claim, status=Notice.Status.SENT, sent_at=now)


def _finish(notice: Notice, claim: uuid.UUID, **values: Any) -> int:
    """End a claim; one row changed, or somebody else has it by now."""
    mine = Notice.objects.filter(pk=notice.pk, claim=claim, status=Notice.Status.CLAIMED)
    return mine.update(claim=None, claimed_until=None, **values)


def _retry_or_park(
    *, notice: Notice, claim: uuid.UUID, now: datetime, error: Exception, report: SendReport
) -> None:
    name = type(error).__name__  # the text of an error may hold an address
    if notice.attempts >= MAX_ATTEMPTS:
        report.parked += _finish(notice, claim, status=Notice.Status.PARKED, last_error=name)
    else:
        again = now + timedelta(minutes=2**notice.attempts)
        report.retried += _finish(
            notice, claim, status=Notice.Status.PENDING, send_after=again, last_error=name
        )


def _verdict(*, notice: Notice, now: datetime) -> Verdict:
    """Ask whether this borrower may be contacted about a debt once more; other notices always may go."""
    kind = kind_of(notice.kind)
    if notice.channel not in CARRIED or not kind.contact:
        return Verdict.SEND
    with transaction.atomic():
        lock_contacts(borrower_id=notice.borrower_id)
        return judge(
            contacts=count_contacts(borrower_id=notice.borrower_id, now=now, but=notice.pk),
            is_open=contact_hours_open(now=now),
            is_required=kind.required,
            a_day=current_regime().max_contacts_a_day,
            a_week=A_WEEK,
        )


def _postpone(*, notice: Notice, claim: uuid.UUID, now: datetime, verdict: Verdict) -> int:
    """Wait for the next allowed moment, without counting an attempt."""
    opens = current_regime().contact_opens
    again = next_opening(local=local_time(now), opens=opens)
    if verdict is Verdict.SOON:
        again = local_time(now) + timedelta(minutes=1)
    elif verdict is Verdict.TOMORROW and again.date() == local_time(now).date():
        again += timedelta(days=1)
    return _finish(
        notice, claim, status=Notice.Status.PENDING, send_after=again, attempts=notice.attempts - 1
    )

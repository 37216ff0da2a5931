"""Notices: queued once, claimed by one sender, sent once a channel, parked when they poison."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connections, transaction

from accounts import queries
from accounts.models import Notice
from accounts.notifications import sms
from accounts.notifications.kinds import register_kind, render
from accounts.operations import NoticeOrder, mark_notices_read, queue_notice, queue_notices, send_due_notices
from accounts.tasks import sweep_notices
from tests.factories import NOW, BorrowerFactory, BusinessFactory, UserFactory

MORNING = NOW  # 10:00 in Shanghai
NIGHT = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)  # 23:30 in Shanghai


@pytest.fixture(autouse=True)
def kinds() -> None:
    sms.outbox.clear()
    register_kind("test_due", subject="Due", body="Pay %(amount)s", contact=True)
    register_kind("test_news", subject="News", body="News")
    register_kind("test_alarm", subject="Alarm", body="Alarm", urgent=True)


def person(**values):
    user = UserFactory(**values)
    user.set_phone(f"+8613800{user.pk:06d}")
    user.phone_verified_at = NOW
    user.save()
    return BorrowerFactory(user=user)


def queue(borrower, kind="test_due", key="k", channels=("EMAIL",), **values):
    params = {"amount": "10.00"} if kind == "test_due" else {}
    return queue_notice(
        borrower_id=borrower.pk, kind=kind, dedup_key=key, params=params, channels=channels, **values
    )


class BrokenSms(sms.SmsBackend):
    def send(self, *, phone: str, text: str, reference: str) -> None:
        raise OSError(f"vendor away: {phone}")


class Broken(BaseEmailBackend):
    def send_messages(self, messages):
        raise OSError("mail server away, it said: alice@example.com")


@pytest.mark.django_db
class TestQueueing:
    def test_it_refuses_a_kind_that_nobody_registered(self) -> None:
        with pytest.raises(LookupError):
            queue(person(), kind="no_such_kind")

    def test_it_refuses_a_notice_that_could_not_be_written(self) -> None:
        with pytest.raises(LookupError, match="amount"):
            queue_notice(borrower_id=person().pk, kind="test_due", dedup_key="k", params={})

    def test_a_repeat_changes_nothing(self) -> None:
        borrower = person()
        assert queue(borrower, channels=("IN_APP", "EMAIL")) == 2
        assert queue(borrower, channels=("IN_APP", "EMAIL", "SMS")) == 1
        assert queue(borrower) == 0

    def test_many_at_once_count_only_what_is_new(self) -> None:
        borrowers = [person() for _ in range(3)]
        orders = [NoticeOrder(it.pk, "test_news", f"n{it.pk}") for it in borrowers]
        assert queue_notices(orders=orders + orders[:1]) == 3
        assert queue_notices(orders=orders) == 0
        assert queue_notices(orders=[]) == 0

    def test_it_is_part_of_the_callers_transaction(self) -> None:
        with pytest.raises(RuntimeError), transaction.atomic():  # noqa: PT012
            queue(person())
            raise RuntimeError
        assert not Notice.objects.exists()

    def test_an_erased_borrower_is_told_nothing(self) -> None:
        borrower = BorrowerFactory(status="ERASED")
        assert queue(borrower) == 0


@pytest.mark.django_db
class TestSending:
    def test_texts_wait_for_contact_hours_and_alarms_do_not(self) -> None:
        borrower = person()
        queue(borrower, key="a", channels=("SMS", "EMAIL"))
        queue(borrower, kind="test_alarm", key="b", channels=("SMS",))
        send_due_notices(now=NIGHT)
        queue(borrower, kind="test_news", key="c", channels=("EMAIL",))
        send_due_notices(now=NIGHT)
        assert [message.text for message in sms.outbox] == ["Alarm"]
        assert [message.subject for message in mail.outbox] == ["News"]  # about a debt, a mail waits too
        send_due_notices(now=NIGHT + timedelta(hours=8, minutes=29))
        assert len(sms.outbox) == 1
        send_due_notices(now=NIGHT + timedelta(hours=8, minutes=30))
        assert [message.text for message in sms.outbox] == ["Alarm", "Pay 10.00"]

    def test_no_more_contacts_a_day_than_the_regime_allows(self) -> None:
        borrower, other = person(), person()
        for number in range(5):
            queue(borrower, key=f"d{number}", channels=("SMS",))
        queue(other, key="other", channels=("SMS",))
        report = send_due_notices(now=MORNING)
        assert (report.sent, report.postponed) == (4, 2)
        assert send_due_notices(now=MORNING + timedelta(hours=2)).sent == 0
        postponed = Notice.objects.filter(status="PENDING")
        assert {notice.attempts for notice in postponed} == {0}
        assert send_due_notices(now=MORNING + timedelta(days=1)).sent == 2

    def test_not_before_its_time(self) -> None:
        queue(person(), send_after=MORNING + timedelta(hours=1))
        assert send_due_notices(now=MORNING).sent == 0
        assert send_due_notices(now=MORNING + timedelta(hours=1)).sent == 1

    def test_who_has_no_address_is_marked_and_not_tried_again(self) -> None:
        queue(BorrowerFactory(), channels=("SMS",))  # no verified number
        assert send_due_notices(now=MORNING).failed == 1
        assert send_due_notices(now=MORNING + timedelta(days=1)).failed == 0

    def test_a_failing_mail_is_tried_later_and_parked_after_five(self, settings) -> None:
        queue(person())
        settings.EMAIL_BACKEND = "tests.accounts.test_notices.Broken"
        now, tried = MORNING, 0
        for _ in range(12):
            report = send_due_notices(now=now)
            tried += report.retried + report.parked
            now += timedelta(minutes=40)
        notice = Notice.objects.get()
        assert (notice.status, notice.attempts, tried) == ("PARKED", 5, 5)
        assert notice.last_error == "OSError"
        assert "alice" not in notice.last_error

    def test_a_row_whose_sender_died_is_taken_over_after_the_lease(self) -> None:
        queue(person())
        notice = Notice.objects.get()
        Notice.objects.update(
            status="CLAIMED", claim=notice.ref, claimed_until=MORNING + timedelta(minutes=5), attempts=1
        )
        assert send_due_notices(now=MORNING + timedelta(minutes=4)).sent == 0
        assert send_due_notices(now=MORNING + timedelta(minutes=6)).sent == 1

    def test_a_row_that_kills_its_senders_is_parked(self) -> None:
        queue(person())
        notice = Notice.objects.get()
        Notice.objects.update(status="CLAIMED", claim=notice.ref, claimed_until=MORNING, attempts=5)
        assert send_due_notices(now=MORNING + timedelta(minutes=1)).parked == 1
        assert mail.outbox == []

    def test_it_goes_out_once_on_each_channel_in_the_borrowers_language(self) -> None:
        borrower = person(language="zh-hans")
        borrower.language = "zh-hans"
        borrower.save()
        queue_notice(
            borrower_id=borrower.pk,
            kind="bank_account_added",
            dedup_key="x",
            params={"bank": "招商银行", "last4": "1234"},
            channels=("IN_APP", "EMAIL", "SMS"),
        )
        assert send_due_notices(now=MORNING).sent == 3
        assert send_due_notices(now=MORNING).sent == 0
        assert mail.outbox[0].subject == "已添加银行账户"
        assert "招商银行" in mail.outbox[0].body
        assert "1234" in sms.outbox[0].text
        assert mail.outbox[0].to == [borrower.user.email]
        assert "\n" not in mail.outbox[0].subject

    def test_the_owners_of_a_business_are_told(self) -> None:
        owner = UserFactory()
        shop = BusinessFactory(owner=owner)
        queue(shop, kind="test_news")
        send_due_notices(now=MORNING)
        assert mail.outbox[0].to == [owner.email]

    def test_the_portal_shows_them_newest_first_until_they_are_read(self) -> None:
        borrower = person()
        queue(borrower, kind="test_news", key="1", channels=("IN_APP",))
        queue(borrower, key="2", channels=("IN_APP",))
        queue(
            borrower, kind="test_news", key="3", channels=("IN_APP",), send_after=MORNING + timedelta(days=1)
        )
        sweep_notices()  # the real clock is past MORNING: all three are shown
        assert [view.subject for view in queries.notices_for(borrower_id=borrower.pk)] == [
            "News",
            "Due",
            "News",
        ]
        assert queries.unread_count(borrower_id=borrower.pk) == 3
        mark_notices_read(borrower_id=borrower.pk, now=MORNING)
        assert queries.unread_count(borrower_id=borrower.pk) == 0


@pytest.mark.django_db(transaction=True)
def test_eight_sweeps_at_once_send_every_notice_once() -> None:
    borrowers = [person() for _ in range(40)]
    queue_notices(
        orders=[
            NoticeOrder(it.pk, "test_news", f"n{it.pk}", channels=("EMAIL", "SMS", "IN_APP"))
            for it in borrowers
        ]
    )
    barrier, reports = threading.Barrier(8, timeout=20), []

    def sweep() -> None:
        try:
            barrier.wait()
            reports.append(send_due_notices(now=MORNING))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=sweep) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    send_due_notices(now=MORNING)
    assert len(reports) == 8
    assert sorted(to for message in mail.outbox for to in message.to) == sorted(
        it.user.email for it in borrowers
    )
    assert len({message.phone for message in sms.outbox}) == len(sms.outbox) == 40
    assert set(Notice.objects.values_list("status", "attempts")) == {("SENT", 1)}


def test_a_kind_cannot_be_registered_with_two_texts() -> None:
    with pytest.raises(AssertionError):
        register_kind("test_news", subject="Other", body="Other")


def test_rendering_never_evaluates_what_people_wrote() -> None:
    register_kind("test_echo", subject="S", body="Hello %(name)s")
    assert (
        render(kind="test_echo", params={"name": "%(secret)s {{7*7}}"}, language="en").body
        == "Hello %(secret)s {{7*7}}"
    )

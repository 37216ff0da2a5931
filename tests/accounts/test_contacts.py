"""Contacts about a debt: three a day whatever carries them, at the allowed hours, and nothing that is no longer true."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.db import connections

from accounts.domain.contact_hours import Contacts, Verdict, judge
from accounts.models import Call, Notice
from accounts.notifications import sms
from accounts.notifications.kinds import register_kind
from accounts.operations import ContactNotAllowed, queue_notice, record_call, send_due_notices
from tests.accounts.test_notices import MORNING, NIGHT, person
from tests.factories import UserFactory

paid: set[str] = set()


def unpaid(params) -> bool:
    return params["amount"] not in paid


@pytest.fixture(autouse=True)
def kinds() -> None:
    sms.outbox.clear()
    paid.clear()
    register_kind("test_reminder", subject="Due", body="Pay %(amount)s", contact=True, still_true=unpaid)
    register_kind("test_notice_of_law", subject="Law", body="Pay %(amount)s", contact=True, required=True)


def remind(borrower, key, *, kind="test_reminder", channels=("SMS",), amount="10.00", **values):
    return queue_notice(
        borrower_id=borrower.pk,
        kind=kind,
        dedup_key=key,
        params={"amount": amount},
        channels=channels,
        **values,
    )


@pytest.mark.parametrize(
    ("contacts", "is_open", "is_required", "verdict"),
    [
        (Contacts(0, 0), False, True, Verdict.QUIET),
        (Contacts(2, 2), True, False, Verdict.SEND),
        (Contacts(3, 3), True, True, Verdict.TOMORROW),
        (Contacts(0, 9), True, False, Verdict.ENOUGH),
        (Contacts(0, 9), True, True, Verdict.SEND),
        (Contacts(2, 2, under_way=1), True, True, Verdict.SOON),
    ],
)
def test_one_rule_judges_every_contact(contacts, is_open, is_required, verdict) -> None:
    found = judge(contacts=contacts, is_open=is_open, is_required=is_required, a_day=3, a_week=9)
    assert found is verdict


@pytest.mark.django_db
class TestCounting:
    def test_texts_mails_and_calls_count_together(self) -> None:
        borrower, officer = person(), UserFactory(is_staff=True)
        record_call(borrower_id=borrower.pk, actor=officer, now=MORNING)
        remind(borrower, "a", channels=("SMS", "EMAIL"))
        assert send_due_notices(now=MORNING).sent == 2
        remind(borrower, "b")
        report = send_due_notices(now=MORNING + timedelta(hours=1))
        assert (report.sent, report.postponed) == (0, 1)
        with pytest.raises(ContactNotAllowed) as refused:
            record_call(borrower_id=borrower.pk, actor=officer, now=MORNING + timedelta(hours=2))
        assert refused.value.code == "too_many_contacts"
        assert Call.objects.count() == 1

    def test_a_call_that_reached_nobody_does_not_count(self) -> None:
        borrower, officer = person(), UserFactory(is_staff=True)
        for _ in range(4):
            record_call(borrower_id=borrower.pk, actor=officer, now=MORNING, is_effective=False)
        remind(borrower, "a")
        assert send_due_notices(now=MORNING).sent == 1

    def test_it_refuses_a_call_at_night(self) -> None:
        with pytest.raises(ContactNotAllowed) as refused:
            record_call(borrower_id=person().pk, actor=UserFactory(is_staff=True), now=NIGHT)
        assert refused.value.code == "quiet_hours"
        assert refused.value.params == {"opens": "08:00", "closes": "22:00"}

    def test_after_nine_in_a_week_only_what_the_law_wants_is_said(self) -> None:
        borrower = person()
        for day in range(3):
            for number in range(3):
                remind(borrower, f"{day}-{number}")
            assert send_due_notices(now=MORNING + timedelta(days=day)).sent == 3
        remind(borrower, "more")
        remind(borrower, "law", kind="test_notice_of_law")
        report = send_due_notices(now=MORNING + timedelta(days=3))
        assert (report.sent, report.dropped) == (1, 1)
        assert Notice.objects.get(dedup_key="more").last_error == "enough this week"


@pytest.mark.django_db
class TestTruth:
    def test_what_was_paid_meanwhile_is_not_asked_for(self) -> None:
        borrower = person()
        remind(borrower, "a")
        paid.add("10.00")
        assert send_due_notices(now=MORNING).dropped == 1
        assert sms.outbox == []
        assert Notice.objects.get().status == "DROPPED"

    def test_due_today_is_not_said_tomorrow(self) -> None:
        borrower = person()
        remind(borrower, "a", send_before=MORNING + timedelta(hours=14))
        assert send_due_notices(now=NIGHT).sent == 0
        assert send_due_notices(now=MORNING + timedelta(days=1)).dropped == 1
        assert sms.outbox == []


@pytest.mark.django_db(transaction=True)
def test_eight_senders_and_callers_at_once_make_three_contacts() -> None:
    borrower, officer = person(), UserFactory(is_staff=True)
    for number in range(12):
        remind(borrower, f"r{number}", channels=("SMS", "EMAIL"))
    barrier = threading.Barrier(8, timeout=20)

    def press(number: int) -> None:
        try:
            barrier.wait()
            if number % 2:
                send_due_notices(now=MORNING)
            else:
                record_call(borrower_id=borrower.pk, actor=officer, now=MORNING)
        except ContactNotAllowed:
            pass
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for minute in range(1, 6):
        send_due_notices(now=MORNING + timedelta(minutes=minute))
    made = len(sms.outbox) + len(mail.outbox) + Call.objects.count()
    assert made == 3
    assert (
        datetime.fromisoformat(str(Notice.objects.filter(status="PENDING").earliest("send_after").send_after))
        > MORNING
    )

"""Canaries: values of people that must not turn up in logs, errors, the audit trail or the rows of notices."""

from __future__ import annotations

import json
import logging

import pytest
from django.db import connection
from django.test import Client

from accounts import operations
from accounts.checks import messages_leave_the_house
from accounts.models import User
from regimes.errors import Refusal
from tests.factories import AS_OF, NOW, PASSWORD, BorrowerFactory, card_number
from tests.world import TOTP_SECRET

NAME, NUMBER, MAIL, PHONE = "Canary Birdsong", "11010519491231002X", "canary@example.com", "13912345678"


class Talkative(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{self.format(record)} {record.args!r}")


@pytest.fixture
def heard():
    handler, root = Talkative(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    logging.getLogger("django.db.backends").setLevel(
        logging.INFO
    )  # SQL with its values is for a developer's own machine
    yield handler.lines
    root.setLevel(level)
    root.removeHandler(handler)


@pytest.mark.django_db
def test_nothing_of_a_person_is_told_on(heard, settings, capfd) -> None:
    settings.IDENTITY_PROVIDER = "tests.accounts.test_operations.Failing"
    settings.EMAIL_BACKEND = "tests.accounts.test_notices.Broken"
    client = Client(raise_request_exception=False)
    client.post("/accounts/signup/", {"login": PHONE, "password1": PASSWORD})
    client.post("/accounts/login/", {"login": MAIL, "password": PASSWORD + "x"})
    client.post("/accounts/signup/", {"login": MAIL, "password1": PASSWORD, "is_staff": "1"})
    operations.open_account(login=MAIL, password=PASSWORD, now=NOW)
    user = User.objects.get(email=MAIL)
    operations.enrol_totp(user=user, secret=TOTP_SECRET)
    borrower = BorrowerFactory(user=user)
    identity = operations.record_identity(
        borrower=borrower,
        document="PRC_ID",
        full_name=NAME,
        number=NUMBER,
        birth_date=None,
        actor=user,
        as_of=AS_OF,
        now=NOW,
    )
    with pytest.raises(Refusal) as refused:
        operations.record_identity(
            borrower=BorrowerFactory(),
            document="PRC_ID",
            full_name=NAME,
            number=NUMBER,
            birth_date=None,
            actor=None,
            as_of=AS_OF,
            now=NOW,
        )
    card = card_number(3)
    for number in (card, card_number(4)):
        operations.add_bank_account(
            borrower=borrower, bank_name="Lake Bank", holder_name=NAME, number=number, actor=user, now=NOW
        )
    operations.send_due_notices(now=NOW)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(jsonb_agg(t), '[]') FROM (SELECT row_to_json(a) FROM accounts_auditentry a) t"
        )
        trail = str(cursor.fetchone()[0])
        cursor.execute(
            "SELECT coalesce(jsonb_agg(t), '[]') FROM (SELECT row_to_json(n) FROM accounts_notice n) t"
        )
        notices = json.dumps(cursor.fetchone()[0], ensure_ascii=False)
    out, err = capfd.readouterr()
    said = {
        "logs": "\n".join(heard),
        "streams": out + err,
        "trail": trail,
        "notices": notices,
        "refusal": f"{refused.value} {refused.value.params} {refused.value!r}",
        "reprs": f"{identity!r} {identity} {identity.__dict__!r} {borrower!r} {user.__dict__['phone']!r}",
    }
    assert "Failing" not in said["logs"]
    assert "identity provider failing failed" in said["logs"]
    for place, text in said.items():
        for canary in (NAME, NUMBER, PHONE, card, TOTP_SECRET, PASSWORD, "11010519491231"):
            assert canary not in text, f"{canary} in {place}"
        if place != "reprs":
            assert MAIL not in text, f"the address in {place}"


def test_production_is_warned_of_codes_on_the_console(settings) -> None:
    settings.SMS_BACKEND = "accounts.notifications.sms.ConsoleBackend"
    assert [warning.id for warning in messages_leave_the_house(None)] == ["accounts.W001"]

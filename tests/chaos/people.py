"""The people of a run: borrowers with tight lines, an officer, a shop; made by the tests' factories, logged in by session rows."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

LIMIT = Decimal(2_000)


@dataclass(frozen=True)
class Client:
    """Somebody with a line and a session."""

    user_id: int
    line_id: int
    line_ref: str
    account_ref: str
    cookie: str
    token: str
    borrower_ref: str = ""

    def headers(self) -> dict[str, str]:
        return {
            "Cookie": f"sessionid={self.cookie}; csrftoken={self.token}",
            "X-CSRFToken": self.token,
            "Accept-Language": "en",
        }


@dataclass(frozen=True)
class Till:
    """The computer of a shop, with its key."""

    key: str

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", "Accept-Language": "en"}


@dataclass(frozen=True)
class People:
    borrowers: tuple[Client, ...]
    till: Till
    officer_id: int
    first_day: date


def populate(*, count: int, first_day: date) -> People:
    """Fill a migrated, empty database."""
    from credit.models import Product
    from ledger.operations import open_books
    from tests.credit.factories import account_of, bring_first_versions, make_line, make_person
    from tests.factories import StaffFactory
    from tests.merchants.shop import make_key, make_merchant

    bring_first_versions()
    open_books(first_date=first_day)
    assert Product.objects.filter(scenario="EVERYDAY", is_active=True).exists()
    borrowers = []
    for number in range(count):
        person = make_person(user__email=f"chaos{number}@example.com", language="en")
        line = make_line(borrower=person, limit=LIMIT, as_of=first_day, auto_debit=number % 3 == 0)
        cookie, token = _log_in(person.user)
        borrowers.append(
            Client(
                person.user_id,
                line.pk,
                str(line.ref),
                str(account_of(person).ref),
                cookie,
                token,
                str(person.ref),
            )
        )
    officer = StaffFactory(email="officer@example.com")
    till = Till(make_key(make_merchant())[1])
    return People(tuple(borrowers), till, officer.pk, first_day)


def _log_in(user) -> tuple[str, str]:  # type: ignore[no-untyped-def]
    """Write the session that a log-in would have written; the password's cost is not what is tried here."""
    from importlib import import_module

    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key), secrets.token_hex(16)

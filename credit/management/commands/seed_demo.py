"""Fill a sandbox with life: people, shops, a first model, months of draws and repayments, and four accounts to log in with.

Runs again without harm: what exists stays, and a run that was killed half way goes on. The last thing it writes is
`demo_accounts.json` in the portal's home.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import secrets
import sys
import time
from argparse import ArgumentParser
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand
from django.db import connection
from django.utils import timezone

from accounts import operations as account_operations
from accounts.models import User
from credit.demo.life import Resident, live, morning, settle
from credit.demo.people import connect_records, draw_world, name_of, settle_in, settle_shop
from credit.operations import move_business_date
from ledger.operations import open_books
from ledger.queries import books_are_open, business_date
from risk import operations as risk_operations
from risk import queries as risk_queries

SEED = 20261
DAYS = 90
READ_AFTER = timedelta(days=4)
HABITS = (
    "PUNCTUAL",
    "AUTO",
    "PUNCTUAL",
    "FORGETFUL",
    "AUTO",
    "PUNCTUAL",
    "AUTO",
    "FORGETFUL",
    "PUNCTUAL",
    "FAILING",
)
NAMED = (
    ("borrower", "borrower@demo.example.com"),
    ("shop owner", "shop@demo.example.com"),
    ("credit officer", "officer@demo.example.com"),
    ("collector", "collector@demo.example.com"),
    ("finance", "finance@demo.example.com"),
    ("second in finance", "finance2@demo.example.com"),
    ("auditor", "auditor@demo.example.com"),
    ("administrator", "admin@demo.example.com"),
)
# what each of the staff may do at the desk; nobody is above its table of rules
DESK_ROLES = {
    "credit officer": "Credit officer",
    "collector": "Collector",
    "finance": "Finance",
    "second in finance": "Finance",
    "auditor": "Auditor",
    "administrator": "Administrator",
}
WORDS = [
    "amber",
    "basin",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "heron",
    "islet",
    "juniper",
    "kelp",
    "lotus",
    "maple",
    "nectar",
    "orbit",
    "pebble",
    "quartz",
    "reed",
]


class Command(BaseCommand):
    """Create the demo population."""

    help = "Fill a sandbox with a demo population that lived through some months."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--people", type=int, default=60)
        parser.add_argument("--shops", type=int, default=15)
        parser.add_argument(
            "--days", type=int, default=DAYS, help="how many days of history, up to yesterday"
        )
        parser.add_argument("--training-size", type=int, default=2_500)

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SANDBOX:
            self.stderr.write("seed_demo is for a sandbox; this portal is in production.")
            sys.exit(2)
        self.began = time.monotonic()
        # the past is told in the past: no letter of it leaves the machine, and old alarms are not this terminal's
        settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
        logging.getLogger("risk").setLevel(logging.ERROR)
        with connection.cursor() as cursor:
            # thousands of small commits by one writer; a crash loses the last few, and the next run makes them again
            cursor.execute("SET synchronous_commit TO off")
        today = timezone.localdate()  # noqa: TID251  whether the day is over is asked of the wall clock
        if not books_are_open():
            open_books(first_date=today - timedelta(days=options["days"]))
        start = min(business_date(), today)
        self._model(options["training_size"])
        staff = self._named(start)
        residents = self._residents(options, staff, today)
        self._live(residents, staff["credit officer"][0], today)
        for resident in residents:
            account_operations.mark_notices_read(
                borrower_id=resident.borrower.pk, now=timezone.now(), before=morning(today - READ_AFTER)
            )
        self._write_accounts(staff)
        self.say("the demo population is ready")

    def say(self, line: str) -> None:
        self.stdout.write(f"  {time.monotonic() - self.began:5.1f} s  {line}")
        self.stdout.flush()

    def _model(self, size: int) -> None:
        """Train the first model, if none ever worked here."""
        if risk_queries.champion() is not None:
            return
        self.say(f"training the first model on {size:,} synthetic people")
        risk_operations.train_on_synthetic_people(size=size, seed=7, now=timezone.now(), install=True)

    def _named(self, start: date) -> dict[str, tuple[User, str, str]]:
        """Open the named accounts with passwords made on this machine; a repeat makes new passwords."""
        found = {}
        for role, login in NAMED:
            password = (
                "-".join(secrets.choice(WORDS) for _ in range(4)) + f"-{secrets.randbelow(9000) + 1000}"
            )
            is_staff = role in DESK_ROLES
            user = User.objects.filter(email=login).first()
            if user is None:
                user = account_operations.open_account(
                    login=login,
                    password=password,
                    now=morning(start),
                    is_staff=is_staff,
                )
            else:
                user.set_password(password)
                user.save(update_fields=["password"])
            secret = ""
            if is_staff:
                secret = base64.b32encode(os.urandom(20)).decode()
                account_operations.enrol_totp(user=user, secret=secret)
                group = Group.objects.filter(name=DESK_ROLES[role]).first()
                if group is not None:
                    user.groups.add(group)
            found[role] = (user, password, secret)
        return found

    def _residents(self, options: dict[str, Any], staff: dict[str, Any], today: date) -> list[Resident]:
        """Make the people and shops with their records; the first of each is the named account."""
        first_day = today - timedelta(days=options["days"])
        now = morning(first_day)
        world = draw_world(start=first_day, months=options["days"] // 28 + 2, seed=SEED)
        persons, shops = world.ranked(is_business=False), world.ranked(is_business=True)
        residents = []
        fresh: list[int] = []
        total = options["people"] + options["shops"]
        for order in range(total):
            is_shop = order >= options["people"]
            number = order - options["people"] if is_shop else order
            ranked = shops if is_shop else persons
            # spread over the whole range of risk, the named ones among the reliable
            at = ranked[len(ranked) // 12] if number == 0 else ranked[(number * 37) % len(ranked)]
            user = self._user(order, number, is_shop, staff)
            borrower = settle_in(user=user, name=name_of(order), order=order, as_of=first_day, now=now)
            if is_shop:
                borrower = settle_shop(owner=user, number=number, as_of=first_day, now=now)
            connect_records(world=world, at=at, borrower=borrower, as_of=first_day, now=now)
            fresh.append(borrower.pk)
            arrives = first_day + timedelta(
                days=2 if number == 0 else (order * 29) % max(1, options["days"] - 8)
            )
            habit = "PUNCTUAL" if number == 0 else HABITS[order % len(HABITS)]
            residents.append(Resident(borrower, user, order, arrives, habit))
            if (order + 1) % 25 == 0 or order + 1 == total:
                self.say(f"{order + 1} of {total} people and shops have their records")
        risk_operations.refresh_rollups(subject_ids=fresh)
        return residents

    def _user(self, order: int, number: int, is_shop: bool, staff: dict[str, Any]) -> User:
        if number == 0:
            user: User = staff["shop owner" if is_shop else "borrower"][0]
            return user
        login = f"{'shop' if is_shop else 'person'}{number:03d}@demo.example.com"
        return User.objects.filter(email=login).first() or User.objects.create_user(login)

    def _live(self, residents: list[Resident], officer: User, today: date) -> None:
        """Live each day and close it, up to today."""
        first = day = business_date()
        days = max(1, (today - first).days)
        while day < today:
            live(residents=residents, officer=officer, day=day, seed=SEED, last=today)
            report = move_business_date(
                to=day + timedelta(days=1), actor=None, now=morning(day), settle=settle
            )
            if report.status != "DONE":
                self.stderr.write(f"{day} could not be closed: {report.status} {report.problem}")
                sys.exit(1)
            day += timedelta(days=1)
            account_operations.send_due_notices(now=morning(day))
            if (day - first).days % 25 == 0 or day == today:
                self.say(f"{(day - first).days} of {days} days lived")

    def _write_accounts(self, staff: dict[str, tuple[User, str, str]]) -> None:
        rows = []
        for role, (user, password, secret) in staff.items():
            row = {"role": role, "login": str(user.email), "password": password}
            if secret:
                row["authenticator secret"] = secret
            rows.append(row)
        path = Path(settings.PORTAL_HOME) / "demo_accounts.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_text(json.dumps(rows, ensure_ascii=False, indent=1), "utf-8")
        partial.chmod(0o600)
        partial.replace(path)

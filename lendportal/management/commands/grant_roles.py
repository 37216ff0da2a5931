"""Give two lesser roles of the database what they may do: `manage.py grant_roles --app ROLE --reader ROLE`."""

from __future__ import annotations

import re
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, transaction

from lendportal.database_roles import grant

NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class Command(BaseCommand):
    help = (
        "Run as the owner of the tables, after every migrate: lets ROLE of --app read and write but never change or remove "
        "history, and ROLE of --reader read. Both must exist. Exit 2: refused, and why."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--app", required=True, help="the role in DATABASE_URL of web, worker and beat")
        parser.add_argument("--reader", required=True, help="the role of reports and auditors")

    def handle(self, *args: Any, **options: Any) -> None:
        for name in (options["app"], options["reader"]):
            if not NAME.fullmatch(name):
                raise CommandError(f"{name!r} is no name of a role", returncode=2)
        try:
            with transaction.atomic():
                done = grant(app=options["app"], reader=options["reader"])
        except DatabaseError as error:
            raise CommandError(str(error).splitlines()[0], returncode=2) from None
        self.stdout.write(f"{len(done)} grants are in place")

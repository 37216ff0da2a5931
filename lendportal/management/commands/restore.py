"""Bring a copy back: `manage.py restore --from FOLDER` into the empty database of DATABASE_URL."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection
from psycopg import Error

from lendportal.recovery import UnableToCopy, restore


class Command(BaseCommand):
    help = (
        "Restore a copy of `backup` into the empty database that DATABASE_URL names, then prove it: history hashes as it "
        "did, the books balance, the audit trail is whole. Exit 1: restored, but wrong. Exit 2: refused, and why."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--from", dest="source", type=Path, required=True, help="the folder that `backup` made"
        )
        parser.add_argument(
            "--keys", type=Path, help="the newest file of the keys of persons [beside the folder]"
        )
        parser.add_argument("--jobs", type=int, default=2, help="tables that are restored at one time")
        parser.add_argument("--no-proof", action="store_true", help="do not prove books and audit trail here")

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        try:
            manifest = restore(
                folder=options["source"].resolve(),
                jobs=options["jobs"],
                keys=options["keys"] and options["keys"].resolve(),
                say=self.stderr.write,
            )
        except (UnableToCopy, DatabaseError, Error, OSError) as error:
            raise CommandError(str(error).splitlines()[0], returncode=2) from None
        restored = time.monotonic() - began
        connection.close()
        if not options["no_proof"]:
            call_command("migrate", verbosity=0, interactive=False)  # an older copy meets newer tables
            call_command("check_books", "--strict", stdout=self.stderr)
            call_command("verify_audit")
        told = {
            "restore": "ok",
            "taken_at": manifest["taken_at"],
            "business_date": manifest["business_date"],
            "digests": "equal",
            "erased_since": manifest.get("erased_since", []),
            "restored_seconds": round(restored, 1),
            "seconds": round(time.monotonic() - began, 1),
        }
        self.stdout.write(json.dumps(told))

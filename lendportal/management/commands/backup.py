"""Take a copy of the database and the files: `manage.py backup --to FOLDER`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone
from psycopg import Error

from lendportal.recovery import UnableToCopy, back_up


class Command(BaseCommand):
    help = (
        "Copy database, uploads and signed models into a new folder, from one snapshot, while the portal works on. "
        "The keys of persons go into one file beside all copies, over those of before: whoever was erased is readable in no "
        "copy. The portal's own keys are not copied: keep the environment elsewhere. Exit 2: it cannot be done, and why."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", type=Path, required=True, help="the folder to make; it must not exist")
        parser.add_argument(
            "--keys",
            type=Path,
            help="the file for the keys of persons, one for all copies [beside the folder]",
        )
        parser.add_argument("--jobs", type=int, default=2, help="tables that are copied at one time")

    def handle(self, *args: Any, **options: Any) -> None:
        began = timezone.now()
        try:
            manifest = back_up(
                folder=options["to"].resolve(),
                now=began,
                jobs=options["jobs"],
                keys=options["keys"] and options["keys"].resolve(),
                say=self.stderr.write,
            )
        except (UnableToCopy, DatabaseError, Error, OSError) as error:
            raise CommandError(str(error).splitlines()[0], returncode=2) from None
        seconds = (timezone.now() - began).total_seconds()
        size = sum(path.stat().st_size for path in options["to"].rglob("*") if path.is_file())
        rows = {table: digest["rows"] for table, digest in manifest["digests"].items()}
        self.stdout.write(
            json.dumps({"backup": "ok", "seconds": round(seconds, 1), "bytes": size, "rows": rows})
        )

"""Import a book from CSV files, or try it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import User
from credit.imports.files import COLUMNS
from credit.operations.imports import BookRefused, import_book
from ledger.queries import BooksNotOpen, business_date


class Command(BaseCommand):
    help = (
        "Import customers.csv, lines.csv, loans.csv and payments.csv of a folder, all or nothing; docs/desk/import.md has the columns. "
        "Exit 0: imported, or a dry run without problems. Exit 1: rows have problems, each is printed. Exit 2: no such folder or person."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder")
        parser.add_argument("--actor", required=True, help="e-mail of the member of staff who answers for it")
        parser.add_argument(
            "--dry-run", action="store_true", help="tell every row's problem and write nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(options["folder"])
        actor = User.objects.filter(email=options["actor"].lower(), is_staff=True).first()
        if not folder.is_dir() or actor is None:
            raise CommandError("there is no such folder, or no such member of staff", returncode=2)
        files = {
            name: (folder / f"{name}.csv").read_bytes()
            for name in COLUMNS
            if (folder / f"{name}.csv").is_file()
        }
        try:
            report = import_book(
                files=files, actor=actor, as_of=business_date(), now=timezone.now(), is_dry=options["dry_run"]
            )
        except BooksNotOpen as closed:
            raise CommandError(str(closed), returncode=2) from closed
        except BookRefused as refusal:
            for problem in refusal.problems:
                self.stderr.write(str(problem))
            raise CommandError(str(refusal), returncode=1) from refusal
        verb = "would import" if report.is_dry else "imported"
        self.stdout.write(
            f"{verb} {report.customers} customers, {report.lines} lines, {report.loans} loans, {report.payments} payments; "
            f"principal outstanding {report.principal_outstanding}"
        )

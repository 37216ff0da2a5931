"""Move the sandbox's business date: `manage.py move_date --to YYYY-MM-DD` or `--days N`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from credit.operations import move_business_date
from ledger.queries import business_date
from regimes.errors import Refusal


class Command(BaseCommand):
    """Live through the days up to a date."""

    help = "Move the sandbox's business date forward; everything that would have happened by then happens."

    def add_arguments(self, parser: ArgumentParser) -> None:
        wanted = parser.add_mutually_exclusive_group(required=True)
        wanted.add_argument("--to", help="the new business date, YYYY-MM-DD")
        wanted.add_argument("--days", type=int, help="how many days forward")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            to = (
                date.fromisoformat(options["to"])
                if options["to"]
                else business_date() + timedelta(days=options["days"])
            )
        except (ValueError, OverflowError):
            self._leave(2, "Use YYYY-MM-DD for --to.")
        except Refusal as refusal:
            self._leave(2, str(refusal))
        try:
            report = move_business_date(to=to, actor=None, now=timezone.now(), say=self.stdout.write)
        except Refusal as refusal:
            self._leave(2, str(refusal))
        if report.status == "STOPPED":
            self._leave(1, f"Stopped, the books are wrong: {report.problem}")
        if report.status == "RUNNING":
            self._leave(3, f"The night is being run by {', '.join(report.waiting_for) or 'another worker'}.")
        self.stdout.write(f"The business date is {business_date().isoformat()}.")

    def _leave(self, code: int, line: str) -> None:
        self.stderr.write(line)
        sys.exit(code)

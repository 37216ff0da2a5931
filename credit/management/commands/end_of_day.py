"""Close the business day by hand: `manage.py end_of_day [--date YYYY-MM-DD]`.

Exit codes: 0 done or already done, 1 the books are wrong, 2 the date cannot be closed, 3 somebody else is at it.
"""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from credit.domain.night import open_days
from credit.models import NightRun
from credit.operations import run_end_of_day
from credit.tasks import last_day_to_close, worker_name
from ledger.queries import BooksNotOpen, business_date


class Command(BaseCommand):
    """Run the end of day."""

    help = (
        "Close the business date: age, accrue, collect, prove, re-evaluate, open the next day, write notices."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--date", help="the business date to close, YYYY-MM-DD; without it, every day that is over"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            current = business_date()
        except BooksNotOpen as refusal:
            self._leave(2, str(refusal))
        day = self._day(options["date"], current) if options["date"] else last_day_to_close()
        report = run_end_of_day(as_of=day, now=timezone.now(), worker=worker_name())
        if report.status == "ALREADY_DONE":
            self.stdout.write(f"{day.isoformat()} is closed already.")
        for closed in report.closed:
            self.stdout.write(f"{closed.isoformat()} closed.")
        if report.status == "STOPPED":
            self._leave(1, f"Stopped, the books are wrong: {report.problem}")
        if report.status == "RUNNING":
            run = NightRun.objects.filter(status="RUNNING").order_by("business_date").first()
            since = run.started_at.isoformat(timespec="seconds") if run else "?"
            self._leave(3, f"Running since {since} by {', '.join(report.waiting_for) or 'another worker'}.")

    def _day(self, text: str, current: date) -> date:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, flags=re.ASCII):
            self._leave(2, "Use YYYY-MM-DD for --date.")
        try:
            day = date.fromisoformat(text)
        except ValueError:
            self._leave(2, "Use YYYY-MM-DD for --date.")
        today = timezone.localdate()  # noqa: TID251  whether the day is over is asked of the wall clock
        if day > max(today, current) or (day == current and day >= today and not settings.SANDBOX):
            self._leave(2, f"{text} is not over yet.")
        unfinished = NightRun.objects.exclude(status="DONE").values_list("business_date", flat=True)
        missing = sorted({*unfinished, *open_days(current, day - timedelta(days=1))} - {day})
        missing = [before for before in missing if before < day]
        if missing:
            self._leave(
                2, "Close these days first: " + ", ".join(before.isoformat() for before in missing[:31]) + "."
            )
        return day

    def _leave(self, code: int, line: str) -> None:
        self.stderr.write(line)
        sys.exit(code)

"""Do the main job on real bank accounts: learn on 1993-96, then decide, lend and collect the loans of 1997-98.

Exit 0: done, and the books hold. Exit 1: they do not, or loans did not end as history says. Exit 2: it cannot run here.
"""

from __future__ import annotations

import io
import json
import logging
import secrets
import sys
import time
from argparse import ArgumentParser
from contextlib import nullcontext
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from accounts import operations as account_operations
from accounts.models import User
from credit.demo.life import morning
from credit.models import Application
from credit.realdata import learning, report
from credit.realdata.berka import HistoricLoan, missing_files, read_loans
from credit.realdata.lending import Case, Clock, Town, amount_for_portal, bring_policy, offer_longer_terms
from credit.realdata.world import UnableToStart, fresh_database, sandbox_bank
from ledger.operations import open_books
from ledger.queries import books_are_open
from loans.models import Loan

MOST_DAYS_AFTER = 400


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data-dir", type=Path, required=True, help="folder with berka_*.csv.gz")
        parser.add_argument("--limit", type=int, default=0, help="decide only the first N loans of 1997-98")
        parser.add_argument(
            "--nights-every", type=int, default=7, help="work a night every N days (1: each night)"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")
        parser.add_argument(
            "--in-fresh-database",
            action="store_true",
            help="create a database for the run and drop it afterwards",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # features that the statistics lack are missing in training: each night would say that they drifted
        logging.getLogger("risk.operations.monitoring").setLevel(logging.ERROR)
        self.began, self.quiet = time.monotonic(), options["json"]
        if options["limit"] < 0 or options["nights_every"] < 1:
            self._stop("--limit must be 0 or more, --nights-every 1 or more.")
        if not settings.SANDBOX:
            self._stop("this portal is in production.")
        absent = missing_files(options["data_dir"])
        if absent:
            self._stop(f"{options['data_dir']} lacks {', '.join(absent)}.")
        try:
            with fresh_database() if options["in_fresh_database"] else nullcontext():
                self._refuse_used_database()
                with sandbox_bank():
                    found = self._run(
                        read_loans(options["data_dir"]), options["limit"], options["nights_every"]
                    )
        except UnableToStart as error:
            self._stop(str(error))
        if options["json"]:
            self.stdout.write(json.dumps(found))
        if not (found["books"]["holds"] and found["drawn"]["as_history_says"]):
            sys.exit(1)

    def _stop(self, why: str) -> None:
        self.stderr.write(f"lend_on_real_data: {why}")
        sys.exit(2)

    def _refuse_used_database(self) -> None:
        if Loan.objects.exists() or Application.objects.exists() or books_are_open():
            self._stop("this database is in use; run it with --in-fresh-database, or on an empty one.")

    def say(self, line: str) -> None:
        if not self.quiet:
            self.stdout.write(f"  {time.monotonic() - self.began:5.1f} s  {line}")
            self.stdout.flush()

    def _run(self, history: list[HistoricLoan], limit: int, nights_every: int) -> dict[str, Any]:
        before = [loan for loan in history if not loan.is_test]
        after = [loan for loan in history if loan.is_test and loan.has_statement]
        after = after[:limit] if limit else after
        first = after[0].day
        open_books(first_date=first)
        maker, checker = (self._staff(name, first) for name in ("maker", "checker"))
        bads = sum(loan.is_bad for loan in before)
        self.say(
            f"{len(before)} loans of 1993-96, {bads} bad; {sum(loan.has_statement for loan in before)} have transactions"
        )
        rows = learning.agreement(history)
        for line in report.agreement_lines(rows, sum(loan.has_statement for loan in history)):
            self.say(line)
        models = learning.train(before, made_by=maker, now=morning(first), say=self.say)
        learning.promote(models, maker=maker, checker=checker, now=morning(first))
        self.say(f"{models[0].name} decides; its scorecard stands by")
        cut_off = (Decimal(bads) / len(before)).quantize(Decimal("0.01"))
        bring_policy(bad_rate=cut_off, maker=maker, checker=checker, day=first)
        self.say(
            f"policy: approve below {cut_off}, decline from {2 * cut_off}; drafted by one person, activated by another"
        )
        town = self._live(after, nights_every)
        found = report.figures(town.cases, town.clock, collections=town.collections, nights=town.nights)
        found["agreement"] = [asdict(row) for row in rows]
        found["books"] = self._books()
        found["total_seconds"] = round(time.monotonic() - self.began, 1)
        if not self.quiet:
            for line in (*report.lines(found), self._books_line(found["books"])):
                self.stdout.write(line)
        return found

    def _staff(self, name: str, day: Any) -> User:
        return account_operations.open_account(
            login=f"{name}@bank.example.com",
            password=secrets.token_urlsafe(24),
            now=morning(day),
            is_staff=True,
        )

    def _live(self, loans: list[HistoricLoan], nights_every: int) -> Town:
        product = offer_longer_terms()
        cases = [Case(loan, amount_for_portal(loan, product.maximum_amount)) for loan in loans]
        town = Town(cases, Clock(), nights_every)
        day, last = loans[0].day, loans[-1].day
        while day <= last or not town.is_over():
            town.daytime(day)
            town.close(day)
            day += timedelta(days=1)
            if day.day == 1 and day.month % 3 == 1:
                decided = sum(bool(case.outcome) for case in cases)
                self.say(f"{day}: {decided} decided, {town.collections} collections")
            if (day - last).days > MOST_DAYS_AFTER:
                break
        town.close(day, is_last=True)
        return town

    def _books(self) -> dict[str, Any]:
        out = io.StringIO()
        try:
            call_command("check_books", json=True, stdout=out)
        except CommandError as error:
            if not out.getvalue():
                return {"holds": False, "invariants": 0, "broken": [str(error)]}
        told = json.loads(out.getvalue())
        broken = [row["id"] for row in told["invariants"] if row["rows"] or row["error"]]
        return {"holds": told["holds"], "invariants": len(told["invariants"]), "broken": broken}

    def _books_line(self, books: dict[str, Any]) -> str:
        broken = len(books["broken"])
        return f"check_books: {books['invariants']} invariants, {broken} breaches" + (
            f": {books['broken']}" if broken else ""
        )

"""Prove the books: every invariant of every room, one statement each, on one snapshot."""

from __future__ import annotations

import json
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from ledger.domain.invariant import Invariant
from ledger.proof import prove

ROOMS = ("ledger", "loans", "risk", "credit", "merchants", "accounts")


class Command(BaseCommand):
    help = (
        "Check every invariant of the books and print the rows that break one. "
        "Exit 0: all hold. Exit 1: some do not. Exit 4: the database cannot be asked, or is not migrated."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--strict", action="store_true", help="also ask whether work is stuck or parked")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            refuse_unmigrated()
            results = check(strict=options["strict"])
        except OperationalError as error:
            raise CommandError(
                f"the database cannot be asked: {type(error).__name__}", returncode=4
            ) from error
        broken = [result for result in results if result["rows"] or result["error"]]
        if options["json"]:
            self.stdout.write(
                json.dumps({"holds": not broken, "invariants": results}, default=str, ensure_ascii=False)
            )
        else:
            self._print(results)
        if broken:
            raise CommandError(f"{len(broken)} of {len(results)} invariants do not hold", returncode=1)

    def _print(self, results: list[dict[str, Any]]) -> None:
        for result in results:
            mark = "BROKEN" if result["rows"] or result["error"] else "holds"
            self.stdout.write(f"{result['id']:<6} {mark:<7} {result['seconds']:>7.3f} s  {result['title']}")
            if result["error"]:
                self.stdout.write(f"       {result['error']}")
            for row in result["rows"]:
                self.stdout.write("       " + ", ".join(f"{name}={value}" for name, value in row.items()))


def invariants(*, strict: bool) -> list[Invariant]:
    """Collect what each room states."""
    found: list[Invariant] = []
    for room in ROOMS:
        if find_spec(f"{room}.invariants"):
            module = import_module(f"{room}.invariants")
            found += module.INVARIANTS
            if strict:
                found += getattr(module, "LIVENESS", [])
    return found


def refuse_unmigrated() -> None:
    """Stop before a database whose tables are not those that the statements speak of."""
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        raise CommandError(
            f"the database is not migrated, so nothing can be said of its books: {len(waiting)} migrations wait. "
            "Run: manage.py migrate",
            returncode=4,
        )


def check(*, strict: bool = False) -> list[dict[str, Any]]:
    """Ask every invariant on one snapshot."""
    return prove(invariants(strict=strict))

"""Prove the books: every invariant of every room, one statement each, on one snapshot."""

from __future__ import annotations

import json
import time
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from ledger.domain.invariant import Invariant

ROOMS = ("ledger", "loans", "risk", "credit", "accounts")
SHOWN = 20
# Every statement reads whole tables once: let it sort in memory and use a second core; compiling costs more than it saves.
SETTINGS = {"work_mem": "256MB", "max_parallel_workers_per_gather": "2", "jit": "off"}


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
    """Ask every invariant on one read-only snapshot, so that work under way is seen whole or not at all."""
    results = []
    in_test = connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if not in_test:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for name, value in SETTINGS.items():
            cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
        for invariant in invariants(strict=strict):
            results.append(_ask(cursor, invariant))
    return results


def _ask(cursor: Any, invariant: Invariant) -> dict[str, Any]:
    started = time.perf_counter()
    rows: list[dict[str, Any]] = []
    error = ""
    try:
        with transaction.atomic():
            cursor.execute(invariant.sql)
            names = [column[0] for column in cursor.description]
            rows = [dict(zip(names, row, strict=False)) for row in cursor.fetchmany(SHOWN)]
    except OperationalError:
        raise
    except DatabaseError as failure:  # a statement that cannot run proves nothing: that is a breach too
        error = str(failure).splitlines()[0]
    return {
        "id": invariant.id,
        "title": invariant.title,
        "rows": rows,
        "error": error,
        "seconds": round(time.perf_counter() - started, 3),
    }

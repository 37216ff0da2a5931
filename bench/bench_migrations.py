"""How long a release's changes of the schema hold up a book that is in use: `python -m bench.bench_migrations [--loans 1000000]`.

Each column, index and constraint that came to a table with rows since the first release is taken away and made again on the
full book, while writers wait for their place at that table: a writer's wait is the time to get ROW EXCLUSIVE, a reader's that
for ACCESS SHARE. Goal: nobody waits longer than 2 s. Exit 1 when somebody does.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.bench_night import copy_loans, own_database, seed_loans

GOAL_S = 2.0
FILLED = 10_000  # a table with fewer rows holds nobody up


@dataclass
class Waits:
    """Ask for a table's lock again and again, and remember the longest wait of each kind."""

    table: str
    address: str
    writer: float = 0.0
    reader: float = 0.0
    asked: int = 0

    def ask(self, until: threading.Event) -> None:
        import psycopg

        with psycopg.connect(self.address, autocommit=True) as connection:
            while not until.is_set():
                for mode, name in (("ROW EXCLUSIVE", "writer"), ("ACCESS SHARE", "reader")):
                    began = time.perf_counter()
                    with connection.transaction():
                        connection.execute(f"LOCK TABLE {self.table} IN {mode} MODE".encode())
                    setattr(self, name, max(getattr(self, name), time.perf_counter() - began))
                self.asked += 1
                time.sleep(0.005)


def changes() -> Iterator[tuple[str, Any, Any, Any]]:
    """List what came since the first release: (app, operation, models before, models after)."""
    from django.db import migrations
    from django.db.migrations.loader import MigrationLoader

    from tests.roof.test_migrations import OURS, RELEASED

    loader = MigrationLoader(None, ignore_no_migrations=True)
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        number = int(name[:4]) if name[:4].isdigit() else 0
        if app not in OURS or number <= RELEASED[app]:
            continue
        state = loader.project_state((app, name), at_end=False)
        for operation in migration.operations:
            before = state.clone()
            operation.state_forwards(app, state)
            if isinstance(operation, (migrations.AddField, migrations.AddIndex, migrations.AddConstraint)):
                yield app, operation, before, state.clone()


def table_of(app: str, operation: Any, state: Any) -> str:
    return str(state.apps.get_model(app, operation.model_name)._meta.db_table)


def rows_of(table: str) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(reltuples), 0)::bigint FROM pg_class WHERE relname = %s", [table])
        return int(cursor.fetchone()[0])


def stands(table: str, operation: Any) -> bool:
    """Tell whether what the operation made is still there: a later release may have taken it away."""
    from django.db import connection

    name = getattr(getattr(operation, "index", None) or getattr(operation, "constraint", None), "name", None)
    with connection.cursor() as cursor:
        if name is None:
            return any(
                column.name in (operation.name, f"{operation.name}_id")
                for column in connection.introspection.get_table_description(cursor, table)
            )
        return name in connection.introspection.get_constraints(cursor, table)


def again(
    app: str, operation: Any, before: Any, after: Any, *, table: str, address: str
) -> tuple[float, Waits]:
    """Take a change back and make it anew beside readers and writers; return its seconds and their waits."""
    from django.db import connection

    with connection.schema_editor(atomic=True) as editor:
        operation.database_backwards(app, editor, after, before)
    waits, until = Waits(table, address), threading.Event()
    asking = threading.Thread(target=waits.ask, args=(until,))
    asking.start()
    time.sleep(0.1)
    began = time.perf_counter()
    with connection.schema_editor(atomic=getattr(operation, "atomic", True)) as editor:
        operation.database_forwards(app, editor, before, after)
    spent = time.perf_counter() - began
    until.set()
    asking.join()
    return spent, waits


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loans", type=int, default=100_000)
    options = parser.parse_args(arguments)
    worst = tried = 0.0
    with own_database():
        from django.db import connection

        copy_loans(seed_loans(), options.loans)
        settings = connection.settings_dict
        host = settings["HOST"] or settings["OPTIONS"]["host"]
        address = f"host={host} dbname={settings['NAME']} user={settings['USER']}"
        print(
            f"{'change':<64} {'rows':>10} {'made in, s':>10} {'writer, s':>10} {'reader, s':>10}", flush=True
        )
        for app, operation, before, after in changes():
            table = table_of(app, operation, after)
            rows = rows_of(table)
            if rows < FILLED or not stands(table, operation):
                continue
            spent, waits = again(app, operation, before, after, table=table, address=address)
            print(
                f"{operation.describe()[:64]:<64} {rows:>10,} {spent:>10.2f} {waits.writer:>10.2f} {waits.reader:>10.2f}",
                flush=True,
            )
            worst, tried = max(worst, waits.writer, waits.reader), tried + 1
    print(
        f"{tried:.0f} changes made again; the longest wait {worst:.2f} s "
        f"(goal {GOAL_S:.0f} s): {'reached' if worst <= GOAL_S and tried else 'MISSED'}"
    )
    return int(worst > GOAL_S or not tried)


if __name__ == "__main__":
    sys.exit(main())

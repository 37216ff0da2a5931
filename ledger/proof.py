"""Ask invariants of the books: all on one snapshot, on two cores where there are two."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from django.db import DatabaseError, OperationalError, connection, transaction

from ledger.domain.invariant import Invariant

SHOWN: Final = 20
SESSIONS: Final = 2
# Every statement reads whole tables once, and most sum a few rows each of very many loans or journals: in the order of an
# index that costs a third of what a hash table of as many sums does. Compiling costs more than it saves, and a session
# keeps to one core, because there are two of them.
SETTINGS: Final = {
    "work_mem": "256MB",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "enable_hashagg": "off",
    "random_page_cost": "1.1",
    "statement_timeout": "0",  # a large book is proved whole, however long it takes
}


def prove(invariants: Sequence[Invariant], *, sessions: int = SESSIONS) -> list[dict[str, Any]]:
    """Ask every invariant on one read-only snapshot, so that work under way is seen whole or not at all.

    Returns a dict each, in the order given: id, title, rows (at most 20 that break it), error and seconds. A statement
    that cannot run proves nothing, so its error counts as a breach; a database that cannot be asked raises.
    Inside a transaction of the caller everything runs in that transaction, one statement after the other.
    """
    alone = connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if not alone:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        _settle(cursor)
        waiting = _Waiting(invariants)
        if alone or sessions < 2:
            return waiting.results(_work(cursor, waiting))
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        with ThreadPoolExecutor(sessions - 1) as pool:
            others = [pool.submit(_beside, snapshot, waiting) for _ in range(sessions - 1)]
            found = _work(cursor, waiting)
            return waiting.results([*found, *(pair for other in others for pair in other.result())])


class _Waiting:
    """Give each invariant to one session."""

    def __init__(self, invariants: Sequence[Invariant]) -> None:
        self.invariants = list(invariants)
        self.numbers = iter(range(len(self.invariants)))
        self.lock = threading.Lock()

    def __iter__(self) -> Iterator[tuple[int, Invariant]]:
        while True:
            with self.lock:
                number = next(self.numbers, None)
            if number is None:
                return
            yield number, self.invariants[number]

    def results(self, found: list[tuple[int, dict[str, Any]]]) -> list[dict[str, Any]]:
        return [answer for _, answer in sorted(found, key=lambda pair: pair[0])]


def _settle(cursor: Any) -> None:
    for name, value in SETTINGS.items():
        cursor.execute("SELECT set_config(%s, %s, true)", [name, value])


def _work(cursor: Any, waiting: _Waiting) -> list[tuple[int, dict[str, Any]]]:
    return [(number, _ask(cursor, invariant)) for number, invariant in waiting]


def _beside(snapshot: str, waiting: _Waiting) -> list[tuple[int, dict[str, Any]]]:
    """Work in a thread, on a connection of its own that sees what the first one sees."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SET TRANSACTION SNAPSHOT %s", [snapshot])
            _settle(cursor)
            return _work(cursor, waiting)
    finally:
        connection.close()


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
    except DatabaseError as failure:
        error = str(failure).splitlines()[0]
    return {
        "id": invariant.id,
        "title": invariant.title,
        "rows": rows,
        "error": error,
        "seconds": round(time.perf_counter() - started, 3),
    }

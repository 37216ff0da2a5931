"""Points at which a flow of money may break: before and after every begin, write, lock, commit, message and outside call.

The points are not written into the operations. A child process that is to die wraps what every operation must go
through (Django's transactions and cursors, Celery's publish, the gateway's calls), so that no write can be forgotten.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

WRITES = re.compile(
    r"\s*(?:WITH\b.*?\)\s*)?(INSERT\s+INTO|UPDATE|DELETE\s+FROM|MERGE\s+INTO|COPY)\s+\"?([\w.]+)\"?",
    re.IGNORECASE | re.DOTALL,
)
CALLS = re.compile(r"FROM\s+(\w+_write_\w+)\(", re.IGNORECASE)  # functions of the database that write
LOCKS = re.compile(r"FOR\s+(?:NO\s+KEY\s+)?UPDATE|pg_advisory", re.IGNORECASE)
FROM = re.compile(r"FROM\s+\"?(\w+)\"?", re.IGNORECASE)


class Broken(Exception):
    """Stand for an error that nobody expects, of the kind that has no handler."""


@dataclass
class Points:
    """Count the points that a run passes, and break at one of them."""

    at: int = 0  # 0: only record
    mode: str = ""  # kill | raise | raise_after | hang
    passed: list[str] = field(default_factory=list)
    on_hang: Callable[[], None] = lambda: None

    def hit(self, name: str) -> None:
        self.passed.append(name)
        if len(self.passed) != self.at:
            return
        if self.mode == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)
        if self.mode == "hang":
            self.on_hang()
            return
        from django.db import OperationalError

        raise OperationalError(f"broken at {name}") if self.mode == "raise" else Broken(name)

    @contextmanager
    def around(self, name: str) -> Iterator[None]:
        self.hit(f"before {name}")
        yield
        self.hit(f"after {name}")

    @contextmanager
    def installed(self) -> Iterator[Points]:
        """Wrap what every operation goes through, in this process."""
        from celery.app.task import Task
        from django.db import connection
        from django.db.backends.base.base import BaseDatabaseWrapper

        from loans.gateways.sandbox import SandboxGateway

        begin, commit = BaseDatabaseWrapper.set_autocommit, BaseDatabaseWrapper.commit
        publish, call = Task.apply_async, SandboxGateway._call
        points = self

        def set_autocommit(wrapper: Any, autocommit: bool, *args: Any, **kwargs: Any) -> None:
            if autocommit:
                begin(wrapper, autocommit, *args, **kwargs)
                return
            with points.around("BEGIN"):
                begin(wrapper, autocommit, *args, **kwargs)

        def committed(wrapper: Any) -> None:
            with points.around("COMMIT"):
                commit(wrapper)

        def apply_async(task: Any, *args: Any, **kwargs: Any) -> Any:
            with points.around(f"publish {task.name}"):
                return publish(task, *args, **kwargs)

        def called(gateway: Any, method: str, *args: Any, **kwargs: Any) -> Any:
            with points.around(f"call {method}"):
                return call(gateway, method, *args, **kwargs)

        with ExitStack() as stack:
            stack.enter_context(connection.execute_wrapper(self._statement))
            for owner, name, new in (
                (BaseDatabaseWrapper, "set_autocommit", set_autocommit),
                (BaseDatabaseWrapper, "commit", committed),
                (Task, "apply_async", apply_async),
                (SandboxGateway, "_call", called),
            ):
                stack.enter_context(mock.patch.object(owner, name, new))
            yield self

    def _statement(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        name = describe(sql)
        if not name:
            return execute(sql, params, many, context)
        self.hit(f"before {name}")
        result = execute(sql, params, many, context)
        self.hit(f"after {name}")
        return result


def describe(sql: str) -> str:
    """Name a statement that writes or locks; nothing for one that only reads."""
    text = sql if isinstance(sql, str) else str(sql)
    found = WRITES.match(text)
    if found:
        return f"{found[1].split()[0].upper()} {found[2]}"
    if call := CALLS.search(text):
        return f"CALL {call[1]}"
    if LOCKS.search(text):
        table = FROM.search(text)
        return f"LOCK {table[1] if table else 'advisory'}"
    if re.match(r"\s*WITH\b", text, re.IGNORECASE):
        inner = re.search(r"(INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+\"?([\w.]+)", text, re.IGNORECASE)
        if inner:
            return f"{inner[1].split()[0].upper()} {inner[2]}"
    return ""

"""Let a test that really commits clean up after itself.

History tables refuse TRUNCATE by a trigger, which is right everywhere but between two tests. Only the owner of a table can
switch its triggers off, and only the tests do.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.backends.postgresql.operations import DatabaseOperations

GUARDS = """
    SELECT format('%I.%I', n.nspname, c.relname), quote_ident(t.tgname)
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT t.tgisinternal AND t.tgtype & 32 <> 0 AND t.tgenabled <> 'D'
"""


def execute_sql_flush(self: Any, sql_list: list[str]) -> None:
    """Truncate as Django does, with the guards against truncating away for as long."""
    with transaction.atomic(using=self.connection.alias), self.connection.cursor() as cursor:
        cursor.execute(GUARDS)
        guards = cursor.fetchall()
        for table, trigger in guards:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
        for sql in sql_list:
            cursor.execute(sql)
        for table, trigger in guards:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")


def allow_flush() -> None:
    DatabaseOperations.execute_sql_flush = execute_sql_flush

"""Let a test that really commits clean up after itself.

History tables refuse TRUNCATE by a trigger, which is right everywhere but between two tests. Only the owner of a table can
switch its triggers off, and only the tests do.
"""

from __future__ import annotations

import importlib
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.backends.postgresql.operations import DatabaseOperations
from django.db.models.signals import post_migrate

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


def bring_first_versions(**kwargs: Any) -> None:
    """Bring back what the migrations of credit brought, so that a flushed database is as good as a new one."""
    from credit.models import Policy

    if not Policy.objects.exists():
        seed = importlib.import_module("credit.migrations.0002_guards_and_first_versions")
        seed.bring_products(apps, None)
        seed.bring_policy(apps, None)
        importlib.import_module("credit.migrations.0020_working_products").bring_products(apps, None)


def allow_flush() -> None:
    DatabaseOperations.execute_sql_flush = execute_sql_flush
    post_migrate.connect(
        bring_first_versions, sender=apps.get_app_config("credit"), dispatch_uid="tests.first_versions"
    )

"""Roles of the database that may do less than its owner: one for web and workers, one that only reads.

The owner runs migrations and nothing else. The portal's own role can add to history and never change or remove it, so that
a hole in the application is not a hole in the books; triggers say the same to everybody but the owner.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection
from psycopg import sql

# the portal may INSERT here and SELECT; UPDATE, DELETE and TRUNCATE are the owner's
APPEND_ONLY = (
    "ledger_journal",
    "ledger_posting",
    "loans_event",
    "accounts_auditentry",
    "credit_limitchange",
    "credit_decision",
    "django_migrations",
)


def grant(*, app: str, reader: str) -> list[str]:
    """Give both roles what they may do, on what is here now and on what later migrations bring; give the statements.

    The roles must exist: making them, with a password or a certificate, is the administrator's.
    """
    done: list[str] = []
    with connection.cursor() as cursor:
        for statement in _statements(app, reader, _append_only(cursor)):
            text = statement.as_string(cursor.connection)
            cursor.execute(text)
            done.append(text)
    return done


def _append_only(cursor: object) -> Sequence[str]:
    known = set(connection.introspection.table_names())
    return [table for table in APPEND_ONLY if table in known]


def _statements(app: str, reader: str, history: Sequence[str]) -> list[sql.Composed]:
    both = [sql.Identifier(app), sql.Identifier(reader)]
    found = [sql.SQL("REVOKE ALL ON SCHEMA public FROM PUBLIC").format()]
    for role in both:
        found.append(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
        found.append(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(role))
        found.append(
            sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {}").format(role)
        )
    writes = "INSERT, UPDATE, DELETE"
    found += [
        sql.SQL(f"GRANT {writes} ON ALL TABLES IN SCHEMA public TO {{}}").format(both[0]),
        sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(both[0]),
        sql.SQL(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {writes} ON TABLES TO {{}}").format(
            both[0]
        ),
        sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {}").format(
            both[0]
        ),
    ]
    for table in history:
        found.append(
            sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {} FROM {}").format(sql.Identifier(table), both[0])
        )
    return found

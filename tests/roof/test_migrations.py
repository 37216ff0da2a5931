"""Migrations that a live portal can take: none rewrites or locks a table that grows, none takes away what is still read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader

# tables that grow with borrowers; a short lock on any other is nobody's wait
LARGE = {
    "loans": {"loan", "instalment", "loaneventrow", "payout", "collection", "gatewaymessage"},
    "ledger": {"journal", "posting"},
    "credit": {"creditline", "drawdown", "limitchange", "decision", "application"},
    "risk": {"assessment", "event"},
    "accounts": {"notice", "auditentry", "user", "borrower"},
}
OURS = ("accounts", "ledger", "loans", "risk", "credit", "merchants")
# the first release made its tables empty: what came with them locked nobody
RELEASED: dict[str, int] = {"accounts": 3, "ledger": 2, "loans": 3, "risk": 3, "credit": 3, "merchants": 0}
VOLATILE = re.compile(r"(?i)random\(|clock_timestamp|gen_random_uuid|uuidv?[47]?\(")


def operations_of_ours() -> Iterator[tuple[str, str, Any]]:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        number = int(name[:4]) if name[:4].isdigit() else 0
        if app in OURS and number > RELEASED[app]:
            for operation in migration.operations:
                yield app, name, operation


def complaint(app: str, operation: Any) -> str:
    """Say why an operation holds a large table for long, or nothing."""
    model = str(getattr(operation, "model_name", "") or "").lower()
    if model not in LARGE.get(app, set()):
        return ""
    if isinstance(operation, migrations.AddField):
        field = operation.field
        if not field.null and not field.has_default() and field.db_default is models.NOT_PROVIDED:
            return f"{model}.{operation.name} is added without a default and must not be empty"
        if VOLATILE.search(str(field.db_default)):
            return (
                f"{model}.{operation.name} has a default that differs for each row: the table is written anew"
            )
    if isinstance(operation, migrations.AddConstraint) and isinstance(
        operation.constraint, models.UniqueConstraint
    ):
        return ""  # an index is built; see the lock's length in docs/operations
    return ""


def test_no_migration_rewrites_or_locks_a_large_table() -> None:
    wrong = [
        f"{app} {name}: {why}" for app, name, one in operations_of_ours() if (why := complaint(app, one))
    ]
    assert not wrong


def test_no_migration_takes_away_what_the_release_before_reads() -> None:
    """A column or table goes in two releases: first nothing reads it, then it is dropped."""
    taken = (migrations.RemoveField, migrations.DeleteModel, migrations.RenameField, migrations.RenameModel)
    since = {
        (app, one.name) for app, _, one in operations_of_ours() if isinstance(one, migrations.CreateModel)
    }
    wrong = [
        f"{app} {name}: {type(operation).__name__} {getattr(operation, 'name', '')}"
        for app, name, operation in operations_of_ours()
        if isinstance(operation, taken) and (app, getattr(operation, "name", "")) not in since
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("operation", "word"),
    [
        (migrations.AddField("loan", "colour", models.CharField(max_length=3)), "must not be empty"),
        (
            migrations.AddField(
                "loan", "token", models.UUIDField(db_default=models.Func(function="gen_random_uuid"))
            ),
            "written anew",
        ),
    ],
)
def test_the_question_would_find_one(operation: Any, word: str) -> None:
    assert word in complaint("loans", operation)


def test_migrations_are_in_one_row() -> None:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    for app in OURS:
        leaves = [key for key in loader.graph.leaf_nodes() if key[0] == app]
        assert len(leaves) <= 1, leaves

"""Insert one row with the statement that the ORM would send, without making that statement anew each time.

For the few operations in which a person waits while several rows are written: Django spends more time on composing an INSERT
than PostgreSQL on doing it. Fields prepare their values as in `save`; signals are not sent (nothing here listens to any).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Field, Model
from django.db.models.expressions import BaseExpression, DatabaseDefault


def insert_row(row: Model) -> None:
    """Insert a new row of a table with a numbered key; the key and what the database fills in are set on it."""
    assert row.pk is None, "an inserted row gets its key from the database"
    fields = _fields(type(row))
    given = [(field, field.pre_save(row, True)) for field in fields]
    left = tuple(field.attname for field, value in given if isinstance(value, DatabaseDefault))
    statement, back = _statement(type(row), left)
    values = []
    for field, value in given:
        if field.attname not in left:
            assert not isinstance(value, BaseExpression), f"{field.name} holds an expression: use save()"
            values.append(field.get_db_prep_save(value, connection))
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        for attribute, value in zip(back, cursor.fetchone(), strict=True):
            setattr(row, attribute, value)
    row._state.adding, row._state.db = False, connection.alias


@cache
def _fields(model: type[Model]) -> tuple[Field[Any, Any], ...]:
    return tuple(field for field in model._meta.local_concrete_fields if not field.primary_key)


@cache
def _statement(model: type[Model], left: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Give the statement, and the attributes that its answer fills."""
    quote = connection.ops.quote_name
    fields = [field for field in _fields(model) if field.attname not in left]
    key = model._meta.pk
    assert key is not None
    back = [key, *(field for field in _fields(model) if field.attname in left)]
    columns = ", ".join(quote(str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    answers = ", ".join(quote(str(field.column)) for field in back)
    statement = f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({places}) RETURNING {answers}"  # noqa: S608  names of our own columns
    return statement, tuple(field.attname for field in back)

"""Write and read rows with fixed statements, without making those statements anew each time.

For the few operations in which a person waits while several rows are written: Django spends more time on composing an INSERT
than PostgreSQL on doing it. Fields prepare their values as in `save`; signals are not sent (nothing here listens to any).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.models import Field, Model
from django.db.models.expressions import BaseExpression, DatabaseDefault

M = TypeVar("M", bound=Model)


def ask(statement: str, values: Sequence[Any] | Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Send a fixed statement with its values beside it, and give the first row of the answer.

    Django's own cursor writes values into the text, so that each statement is new to the server. Here the server sees one
    text again and again; where LENDPORTAL_DB_PREPARE allows it, it parses and plans it once a session. A value whose type
    the statement does not say needs a cast.
    """
    with connection.cursor() if connection.queries_logged else _fixed_cursor() as cursor:
        cursor.execute(statement, values)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


def _fixed_cursor() -> Any:
    """Give a cursor that sends values beside the text; Django's log of statements could not say what it sent."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    return connection._prepare_cursor(ServerBindingCursor(connection.connection))  # type: ignore[attr-defined, call-arg]


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


def columns_of(row: Model) -> dict[str, Any]:
    """Give the columns of an unsaved row, for a function of the database that writes it from JSON.

    The key, and what the database fills in by itself, are left out.
    """
    found = {}
    for field in row._meta.concrete_fields:
        value = getattr(row, field.attname)
        if not field.primary_key and not isinstance(value, DatabaseDefault):
            found[str(field.column)] = value
    return found


@cache
def columns(alias: str, model: type[Model]) -> str:
    """List the columns of a model for a statement, in the order of `names_of`."""
    return ", ".join(f'{alias}."{field.column}"' for field in model._meta.concrete_fields)


@cache
def names_of(model: type[Model]) -> tuple[str, ...]:
    """List the attributes of a model, as `read_row` takes them."""
    return tuple(field.attname for field in model._meta.concrete_fields)


def read_row(model: type[M], names: Sequence[str], values: Sequence[Any]) -> M | None:
    """Make a model of columns that a statement read, or None where an outer join found nothing.

    The first column is the key; columns that were not asked for are deferred.
    """
    if values[0] is None:
        return None
    read = []
    for convert, value in zip(_converters(model, tuple(names)), values, strict=True):
        read.append(convert(value, None, connection) if convert else value)
    return model.from_db(connection.alias, names, read)


@cache
def _converters(model: type[Model], names: tuple[str, ...]) -> list[Any]:
    return [getattr(model._meta.get_field(name), "from_db_value", None) for name in names]

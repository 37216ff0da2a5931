"""The portal's role of the database adds to history and cannot change it; the reader's writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from lendportal.database_roles import APPEND_ONLY
from lendportal.recovery import HISTORY
from tests.loans import factories

pytestmark = pytest.mark.django_db
APP, READER = "lp_test_app", "lp_test_reader"


@pytest.fixture
def roles(db: None) -> Iterator[None]:
    """Roles belong to the whole server, so they go with the test's transaction."""
    with connection.cursor() as cursor:
        for role in (APP, READER):
            cursor.execute(f"CREATE ROLE {role}")
    call_command("grant_roles", app=APP, reader=READER, stdout=StringIO())
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")


def attempt(role: str, statement: str) -> str:
    """Do something as a role; give the database's word for a refusal, or nothing."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {role}")
            try:
                cursor.execute(statement)
            finally:
                if (
                    not connection.needs_rollback
                    and connection.connection.info.transaction_status.name == "INTRANS"
                ):
                    cursor.execute("RESET ROLE")
    except DatabaseError as error:
        return str(error).splitlines()[0]
    return ""


@pytest.mark.parametrize("table", [table for table in APPEND_ONLY if table != "django_migrations"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}"])
def test_it_refuses_the_portal_a_change_of_history(roles: None, table: str, verb: str) -> None:
    assert f"permission denied for table {table}" in attempt(APP, verb.format(table))


@pytest.mark.parametrize("verb", ["UPDATE {} SET id = id", "DELETE FROM {}", "INSERT INTO {} DEFAULT VALUES"])
def test_it_refuses_the_reader_every_write(roles: None, verb: str) -> None:
    for table in ("loans_loan", "credit_creditline", "ledger_posting", "accounts_user"):
        assert "permission denied" in attempt(READER, verb.format(table))


def test_both_read_and_the_portal_writes(roles: None) -> None:
    factories.confirm(factories.open_loan())
    for role in (APP, READER):
        assert attempt(role, "SELECT count(*) FROM ledger_posting") == ""
    assert attempt(APP, "UPDATE loans_loan SET id = id") == ""
    assert attempt(APP, "DELETE FROM django_session") == ""


def test_what_is_hashed_as_history_cannot_be_changed_by_the_portal() -> None:
    """A draw's row is closed by its trigger and may be marked by the portal; all else that is hashed is shut to it."""
    assert set(HISTORY) - set(APPEND_ONLY) == {"credit_drawdown"}


def test_it_refuses_a_role_that_is_not_there(db: None) -> None:
    with pytest.raises(CommandError, match="does not exist"):
        call_command("grant_roles", app="nobody_here", reader="nobody_there", stdout=StringIO())
    with pytest.raises(CommandError, match="no name of a role"):
        call_command("grant_roles", app="a; drop", reader="b", stdout=StringIO())


def test_the_whole_portal_works_as_its_own_role(roles: None, world: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {APP}")
        loan = factories.confirm(factories.open_loan(account=world.alice_account))
        cursor.execute("RESET ROLE")
    assert loan.status == "ACTIVE"

"""The books of the sandbox bank, in a PostgreSQL schema of its own."""

from __future__ import annotations

import json
import secrets
import threading
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import dict_row

Row = dict[str, Any]

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS sandbox_bank;
CREATE TABLE IF NOT EXISTS sandbox_bank.movement (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('transfer', 'debit')),
    reference text NOT NULL UNIQUE,
    provider_reference text NOT NULL UNIQUE,
    amount numeric(16, 2) NOT NULL CHECK (amount > 0 AND amount < 1e12),
    currency text NOT NULL,
    account_number text NOT NULL,
    status text NOT NULL CHECK (status IN ('ACCEPTED', 'SUCCEEDED', 'FAILED', 'RETURNED')),
    reason text NOT NULL DEFAULT '',
    orders integer NOT NULL DEFAULT 1,
    settles_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS movement_settling ON sandbox_bank.movement (settles_at) WHERE status = 'ACCEPTED';
CREATE TABLE IF NOT EXISTS sandbox_bank.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id text NOT NULL,
    body text NOT NULL,
    next_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    status text NOT NULL DEFAULT 'WAITING' CHECK (status IN ('WAITING', 'SENT', 'DROPPED', 'GIVEN_UP'))
);
CREATE INDEX IF NOT EXISTS outbox_waiting ON sandbox_bank.outbox (next_at) WHERE status = 'WAITING';
CREATE TABLE IF NOT EXISTS sandbox_bank.behaviour (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    on_what text NOT NULL,
    what text NOT NULL,
    seconds numeric NOT NULL DEFAULT 0,
    reason text NOT NULL DEFAULT '',
    remaining integer NOT NULL
);
"""

LOCK = 41_871_900


class Store:
    """Talk to the bank's tables; one connection a thread, opened again when it is lost."""

    def __init__(self, dsn: str, *, settle_seconds: float = 0.2) -> None:
        self.dsn, self.settle_seconds = dsn, settle_seconds
        self.local = threading.local()

    def connection(self) -> psycopg.Connection[Row]:
        connection: psycopg.Connection[Row] | None = getattr(self.local, "connection", None)
        if connection is None or connection.closed or connection.broken:
            connection = psycopg.connect(
                self.dsn,
                row_factory=dict_row,
                autocommit=True,
                application_name="sandbox-bank",
                connect_timeout=5,
            )
            self.local.connection = connection
        return connection

    def lay_tables(self) -> None:
        """Make the schema; two processes at once do it one after the other."""
        connection = self.connection()
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            cursor.execute(SCHEMA)

    # -- orders ---------------------------------------------------------------------------------------

    def order(
        self,
        *,
        kind: str,
        reference: str,
        amount: Decimal,
        currency: str,
        account: str,
        failed: str,
        settles_in: float,
    ) -> Row:
        """Write an order once; the same reference gives the first, other content is for the caller to see."""
        status = "FAILED" if failed else "ACCEPTED"
        connection = self.connection()
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(
                """INSERT INTO sandbox_bank.movement AS m
                       (kind, reference, provider_reference, amount, currency, account_number, status, reason, settles_at)
                   VALUES (%s, %s, %s, %s, %s, %s, %s, %s, now() + make_interval(secs => %s))
                   ON CONFLICT (reference) DO UPDATE SET orders = m.orders + 1
                   RETURNING *, (xmax = 0) AS is_new""",
                [
                    kind,
                    reference,
                    f"sb-{secrets.token_hex(8)}",
                    amount,
                    currency,
                    account,
                    status,
                    failed,
                    settles_in,
                ],
            )
            row = _one(cursor)
            if row["is_new"]:
                self._tell(cursor, row, "failed" if failed else "accepted")
        return row

    def settle_due(self) -> int:
        """Settle the orders whose time has come; return how many."""
        connection = self.connection()
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(
                """UPDATE sandbox_bank.movement SET status = 'SUCCEEDED' WHERE id IN (
                       SELECT id FROM sandbox_bank.movement WHERE status = 'ACCEPTED' AND settles_at <= now()
                       ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED) RETURNING *"""
            )
            rows = cursor.fetchall()
            for row in rows:
                self._tell(cursor, row, "succeeded")
        return len(rows)

    def give_back(self, reference: str) -> Row | None:
        """Return the money of a movement that had succeeded."""
        connection = self.connection()
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE sandbox_bank.movement SET status = 'RETURNED' WHERE reference = %s AND status = 'SUCCEEDED' RETURNING *",
                [reference],
            )
            row = cursor.fetchone()
            if row is not None:
                self._tell(cursor, row, "returned")
        return row

    def find(self, reference: str) -> Row | None:
        with self.connection().cursor() as cursor:
            cursor.execute("SELECT * FROM sandbox_bank.movement WHERE reference = %s", [reference])
            return cursor.fetchone()

    def book(self, *, after: int, limit: int) -> list[Row]:
        with self.connection().cursor() as cursor:
            cursor.execute(
                "SELECT * FROM sandbox_bank.movement WHERE id > %s ORDER BY id LIMIT %s", [after, limit]
            )
            return cursor.fetchall()

    def total(self) -> Decimal:
        """Return the lender's balance: what was collected less what was paid out."""
        with self.connection().cursor() as cursor:
            cursor.execute(
                """SELECT coalesce(sum(CASE kind WHEN 'debit' THEN amount ELSE -amount END), 0) AS total
                   FROM sandbox_bank.movement WHERE status = 'SUCCEEDED'"""
            )
            return Decimal(_one(cursor)["total"])

    # -- messages -----------------------------------------------------------------------------------------

    def _tell(self, cursor: psycopg.Cursor[Row], row: Row, what: str) -> None:
        """Write the message about a movement, bent by whatever the bank was told to do with messages."""
        event_id = f"ev-{secrets.token_hex(8)}"
        body = json.dumps(
            {
                "id": event_id,
                "type": f"{row['kind']}.{what}",
                "version": "1",
                "data": {
                    "reference": row["reference"],
                    "provider_reference": row["provider_reference"],
                    "amount": f"{row['amount']:.2f}",
                    "currency": row["currency"],
                    "reason": row["reason"],
                },
            }
        )
        bent = self._take(cursor, ("webhook", f"{row['kind']}.{what}"))
        copies, wait, status = 1, 0.0, "WAITING"
        if bent is not None:
            copies = 2 if bent["what"] == "duplicate" else 1
            wait = float(bent["seconds"] or 1) if bent["what"] in ("delay", "reorder") else 0.0
            status = "DROPPED" if bent["what"] == "drop" else "WAITING"
        for _ in range(copies):
            cursor.execute(
                """INSERT INTO sandbox_bank.outbox (event_id, body, next_at, status)
                   VALUES (%s, %s, now() + make_interval(secs => %s), %s)""",
                [event_id, body, wait, status],
            )

    def claim_messages(self, *, lease_seconds: int = 20) -> list[Row]:
        """Take messages to send; a sender that dies gives them back when the lease is over."""
        connection = self.connection()
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(
                """UPDATE sandbox_bank.outbox SET attempts = attempts + 1, next_at = now() + make_interval(secs => %s)
                   WHERE id IN (SELECT id FROM sandbox_bank.outbox WHERE status = 'WAITING' AND next_at <= now()
                                ORDER BY id LIMIT 20 FOR UPDATE SKIP LOCKED) RETURNING *""",
                [lease_seconds],
            )
            return sorted(cursor.fetchall(), key=lambda row: int(row["id"]))

    def mark(self, message_id: int, *, status: str, wait: float = 0) -> None:
        with self.connection().cursor() as cursor:
            cursor.execute(
                "UPDATE sandbox_bank.outbox SET status = %s, next_at = now() + make_interval(secs => %s) WHERE id = %s",
                [status, wait, message_id],
            )

    # -- behaviour ------------------------------------------------------------------------------------------

    def behave(self, *, on_what: str, what: str, seconds: float, reason: str, times: int) -> None:
        with self.connection().cursor() as cursor:
            cursor.execute(
                "INSERT INTO sandbox_bank.behaviour (on_what, what, seconds, reason, remaining) VALUES (%s, %s, %s, %s, %s)",
                [on_what, what, seconds, reason, times],
            )

    def forget_behaviour(self) -> None:
        with self.connection().cursor() as cursor:
            cursor.execute("DELETE FROM sandbox_bank.behaviour")

    def take_behaviour(self, *on_what: str) -> Row | None:
        """Use up one turn of the oldest order to misbehave."""
        connection = self.connection()
        with connection.transaction(), connection.cursor() as cursor:
            return self._take(cursor, on_what)

    def _take(self, cursor: psycopg.Cursor[Row], on_what: tuple[str, ...]) -> Row | None:
        cursor.execute(
            """UPDATE sandbox_bank.behaviour SET remaining = remaining - 1 WHERE id = (
                   SELECT id FROM sandbox_bank.behaviour WHERE on_what = ANY(%s) AND remaining > 0
                   ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING *""",
            [list(on_what)],
        )
        return cursor.fetchone()


def _one(cursor: psycopg.Cursor[Row]) -> Row:
    row = cursor.fetchone()
    assert row is not None
    return row

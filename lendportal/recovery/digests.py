"""What history says, in one line a table: the rows up to a place in their order, and what they hash to.

History is append-only, so the digest of its first rows never changes: two databases that agree on it hold the same past,
and one that was written to meanwhile still agrees on the part that both have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import sql

# tables to which rows are only ever added
HISTORY = (
    "ledger_journal",
    "ledger_posting",
    "loans_event",
    "credit_limitchange",
    "credit_drawdown",
    "credit_decision",
    "accounts_auditentry",
)
BLOCK = 20_000

_BLOCKS = """
SELECT (id - 1) / {block} AS block, count(*), max(id),
       encode(sha256(convert_to(string_agg(t::text, E'\\n' ORDER BY id), 'UTF8')), 'hex')
FROM {table} AS t WHERE id <= %s GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Digest:
    """What a table's first rows are: how many, through which id, and the hash over all of them."""

    rows: int
    through: int
    sha256: str


def digests(cursor: Any, *, through: Mapping[str, int] | None = None) -> dict[str, Digest]:
    """Hash each table of history through an id (through its last row where none is named).

    `cursor` is a psycopg cursor. Rows are hashed in blocks by the database and the blocks' hashes here, so that memory stays
    bounded by a block. Text settings that change how a value is written are fixed for the session.
    """
    cursor.execute("SET LOCAL timezone = 'UTC'")
    cursor.execute("SET LOCAL datestyle = 'ISO, YMD'")
    cursor.execute("SET LOCAL extra_float_digits = 3")
    return {table: _digest(cursor, table, (through or {}).get(table)) for table in HISTORY}


def _digest(cursor: Any, table: str, through: int | None) -> Digest:
    query = sql.SQL(_BLOCKS).format(block=sql.Literal(BLOCK), table=sql.Identifier(table))
    cursor.execute(query, [2**62 if through is None else through])
    whole, rows, last = hashlib.sha256(), 0, 0
    for block, count, newest, digest in cursor.fetchall():
        whole.update(f"{block}:{count}:{digest}\n".encode())
        rows, last = rows + count, newest
    return Digest(rows, last, whole.hexdigest())

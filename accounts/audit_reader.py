"""Read the audit trail as the verifier needs it: text of every column, in the order of the chains."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

from django.db import connection, transaction

from accounts.crypto.keys import index_key
from accounts.domain.audit_chain import Breach, Link, breaches

_SQL = """
SELECT id, shard, sequence, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
       coalesce(actor_id::text, ''), actor_role, action, object_type, object_ref,
       coalesce(before::text, ''), coalesce(after::text, ''), reason, request_id, prev_hash, hash
FROM accounts_auditentry ORDER BY shard, sequence, id
"""
BATCH = 2000


class HeadsUnreadable(Exception):
    """Say that a file of heads is missing, damaged or not ours."""


def links() -> Iterator[Link]:
    """Stream the whole trail through a server-side cursor."""
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(_SQL)
        while rows := cursor.fetchmany(BATCH):
            for row in rows:
                entry_id, shard, sequence = row[:3]
                parts = (str(shard), str(sequence), *row[3:13])
                yield Link(entry_id, shard, sequence, parts, prev_hash=row[13], hash=row[14])


def verify(*, heads: dict[int, tuple[int, str]] | None = None) -> list[Breach]:
    """Return the first breach of every chain, none when the trail is whole."""
    return list(breaches(links(), heads))


def _mark(body: str) -> str:
    return hmac.new(index_key(), b"audit-heads|" + body.encode(), hashlib.sha256).hexdigest()


def heads_now() -> tuple[str, str]:
    """Return the last entry of every chain as text, and the mark that only we can make of it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (shard) shard, sequence, hash FROM accounts_auditentry ORDER BY shard, sequence DESC"
        )
        body = json.dumps([list(row) for row in cursor.fetchall()])
    return body, _mark(body)


def write_heads(*, path: Path) -> int:
    """Add the heads of now as a line to a file outside the database; return how many chains there are."""
    body, mark = heads_now()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"heads": body, "mark": mark}) + "\n")
    return len(json.loads(body))


def read_heads(*, path: Path) -> dict[int, tuple[int, str]]:
    """Read the last line that `write_heads` wrote, or raise."""
    try:
        document = json.loads(path.read_text("utf-8").splitlines()[-1])
        body, mark = document["heads"], document["mark"]
    except (OSError, ValueError, LookupError, TypeError):
        raise HeadsUnreadable(f"{path.name} cannot be read") from None
    if not hmac.compare_digest(str(mark), _mark(str(body))):
        raise HeadsUnreadable(f"{path.name} was not written by this portal, or was changed")
    return {shard: (sequence, digest) for shard, sequence, digest in json.loads(body)}

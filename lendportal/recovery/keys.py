"""The keys of persons in a file of their own, beside all copies: only the newest one counts, so a destroyed key is in none.

Copies of the database are kept for months, and a person who was erased is in the old ones. Their values stay noise because the
key is not there: it is in this file alone, which each `backup` writes anew over the one before.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from accounts.crypto.keys import index_key

TABLE = "accounts_personkey"
NAME = "person-keys.json"
_ERASED_SINCE = """
SELECT DISTINCT b.ref::text FROM accounts_personkey k JOIN accounts_borrower b ON k.holder IN ('wish:' || b.ref, 'identity:' || b.ref)
 WHERE k.destroyed_at IS NOT NULL AND b.status <> 'ERASED'
UNION
SELECT b.ref::text FROM accounts_personkey k JOIN accounts_user u ON k.holder = 'login:' || u.ref
  JOIN accounts_borrower b ON b.user_id = u.id
 WHERE k.destroyed_at IS NOT NULL AND b.status <> 'ERASED' ORDER BY 1"""


class KeysUnreadable(Exception):
    """Say that a file of keys is missing, damaged or not of this portal."""


def write_keys(*, link: psycopg.Connection[Any], path: Path) -> int:
    """Write every key, as it is sealed, over the file of before; give how many."""
    with link.cursor() as cursor:
        cursor.execute(
            "SELECT ref::text, holder, wrapped, destroyed_at::text, created_at::text FROM accounts_personkey ORDER BY id"
        )
        body = json.dumps(cursor.fetchall())
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"keys": body, "mark": _mark(body)}, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    return len(json.loads(body))


def read_keys(*, path: Path) -> list[Sequence[Any]]:
    """Read what `write_keys` wrote, or raise."""
    try:
        document = json.loads(path.read_text("utf-8"))
        body, mark = str(document["keys"]), str(document["mark"])
    except (OSError, ValueError, LookupError, TypeError):
        raise KeysUnreadable(f"{path} holds no keys of persons; name the newest file with --keys") from None
    if not hmac.compare_digest(mark, _mark(body)):
        raise KeysUnreadable(f"{path} was not written by this portal, or was changed")
    rows: list[Sequence[Any]] = json.loads(body)
    return rows


def bring_keys(*, link: psycopg.Connection[Any], rows: Sequence[Sequence[Any]]) -> list[str]:
    """Put keys into a restored database; give the references of who was erased after the copy was taken."""
    with link.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO accounts_personkey (ref, holder, wrapped, destroyed_at, created_at) VALUES (%s, %s, %s, %s, %s)",
            [tuple(row) for row in rows],
        )
        cursor.execute(_ERASED_SINCE)
        found = [str(row[0]) for row in cursor.fetchall()]
    link.commit()
    return found


def _mark(body: str) -> str:
    return hmac.new(index_key(), b"person-keys|" + body.encode(), hashlib.sha256).hexdigest()

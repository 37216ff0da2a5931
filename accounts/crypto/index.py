"""Blind indexes: find an encrypted value by equality without opening any."""

from __future__ import annotations

import hashlib
import hmac

from accounts.crypto.keys import index_key


def blind_index(*, purpose: str, value: str) -> str:
    """Return the HMAC-SHA256 of a normalised value, apart for each purpose.

    It tells equality to whoever holds the database, and nothing else without the index key.
    """
    assert purpose
    assert "|" not in purpose
    return hmac.new(index_key(), f"{purpose}|{value}".encode(), hashlib.sha256).hexdigest()

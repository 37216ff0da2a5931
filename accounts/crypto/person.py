"""The key of each person: made with the first value, kept for a minute once opened, destroyed when the person goes.

A value of a person reads `v2:<key's reference>:<base64 of nonce and ciphertext>`. The key lies in `PersonKey`, sealed by the
portal's own key, so a change of that key rewraps the small keys and leaves every value as it is.
"""

from __future__ import annotations

import base64
import os
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from django.apps import apps

from accounts.crypto.seal import (
    PERSON_FORMAT,
    Sealed,
    UnknownKey,
    key_id_of,
    open_body,
    open_sealed,
    seal_body,
)

KEY_BYTES = 32
# Opened keys are kept this long, in this process alone: a page that opens ten values asks for their key once
KEEP_SECONDS = 60.0
MOST_KEPT = 4096

LOGIN, WISH, IDENTITY, BOOKS = "login", "wish", "identity", "books"


class Shredded(Exception):
    """Say that the key of a value was destroyed: nobody can read it again."""


def holder_of(*, ref: uuid.UUID, shelf: str) -> str:
    """Name a holder: whose values, and why they are kept.

    `login` and `wish` go at erasure, `identity` and `books` when the law's years for them are over.
    """
    assert shelf in (LOGIN, WISH, IDENTITY, BOOKS), shelf
    return f"{shelf}:{ref}"


_opened: dict[str, tuple[float, bytes]] = {}
_ready: ContextVar[Mapping[str, tuple[str, bytes]] | None] = ContextVar("keys_ready", default=None)


def _keys() -> Any:
    return apps.get_model("accounts", "PersonKey")._default_manager


def _remember(ref: str, key: bytes) -> bytes:
    if len(_opened) >= MOST_KEPT:
        _opened.clear()
    _opened[ref] = (time.monotonic() + KEEP_SECONDS, key)
    return key


def _unwrap(row: Any) -> bytes:
    if row.destroyed_at is not None:
        raise Shredded("the key of this value was destroyed")
    key = base64.b64decode(row.wrapped, validate=True)
    assert len(key) == KEY_BYTES
    return key


def opening_key(*, ref: str) -> bytes:
    """Return the key with a reference; raises Shredded when it was destroyed, UnknownKey when it is not here."""
    found = _opened.get(ref)
    if found is not None and found[0] > time.monotonic():
        return found[1]
    row = _keys().filter(ref=ref).first()
    if row is None:
        raise UnknownKey("the key of this person is not here: bring the newest copy of the keys back")
    return _remember(ref, _unwrap(row))


def sealing_key(*, holder: str) -> tuple[str, bytes]:
    """Return reference and key of a holder, made now when there is none.

    Always asked of the database: a key that was made in a transaction that is taken back must seal nothing later.
    """
    ready = (_ready.get() or {}).get(holder)
    if ready is not None:
        return ready
    row = _keys().filter(holder=holder).first()
    if row is None:
        _keys().bulk_create([_fresh(holder)], ignore_conflicts=True)  # another may be ahead by a moment
        row = _keys().get(holder=holder)
    ref = row.ref.hex
    return ref, _remember(ref, _unwrap(row))


def _fresh(holder: str) -> Any:
    wrapped = base64.b64encode(os.urandom(KEY_BYTES)).decode()
    return _keys().model(holder=holder, wrapped=wrapped)


@contextmanager
def keys_ready(*, holders: Iterable[str]) -> Iterator[None]:
    """Make and open the keys of many holders in two statements, for values that are written in bulk inside.

    Use it inside the transaction that writes the values.
    """
    wanted = sorted(set(holders))
    known = set(_keys().filter(holder__in=wanted).values_list("holder", flat=True))
    _keys().bulk_create([_fresh(name) for name in wanted if name not in known], ignore_conflicts=True)
    rows = _keys().filter(holder__in=wanted, destroyed_at=None)
    token = _ready.set({row.holder: (row.ref.hex, _unwrap(row)) for row in rows})
    try:
        yield
    finally:
        _ready.reset(token)


def open_keys(*, values: Iterable[object]) -> None:
    """Open the keys of many values in one statement, before a list is shown."""
    now = time.monotonic()
    refs = {key_id_of(sealed=value) for value in values if isinstance(value, Sealed) and value.is_of_person}
    asked = [ref for ref in refs if ref not in _opened or _opened[ref][0] <= now]
    for row in _keys().filter(ref__in=asked, destroyed_at=None) if asked else ():
        _remember(row.ref.hex, _unwrap(row))


def destroy_keys(*, holders: Iterable[str], now: datetime) -> int:
    """Destroy the keys of holders; their values are noise from the commit on. Give how many there were."""
    rows = list(_keys().select_for_update().filter(holder__in=set(holders), destroyed_at=None).order_by("pk"))
    _keys().filter(pk__in=[row.pk for row in rows]).update(wrapped=None, destroyed_at=now)
    for row in rows:
        _opened.pop(row.ref.hex, None)
    return len(rows)


def seal_for(*, holder: str, plaintext: str, aad: bytes) -> Sealed:
    """Encrypt a text for one place with its holder's key."""
    ref, key = sealing_key(holder=holder)
    return Sealed(f"{PERSON_FORMAT}:{ref}:{seal_body(key=key, plaintext=plaintext, aad=aad)}")


def open_value(*, sealed: Sealed, aad: bytes) -> str:
    """Decrypt a value of either form for the place that it lies in, or raise."""
    if sealed.nothing is not None:
        return sealed.nothing
    if not sealed.is_of_person:
        return open_sealed(sealed=sealed, aad=aad)
    return open_body(key=opening_key(ref=key_id_of(sealed=sealed)), body=sealed.body, aad=aad)

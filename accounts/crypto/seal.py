"""Seal and open one value with AES-256-GCM.

A sealed value reads `v1:<key id>:<base64 of nonce and ciphertext>` under a key of the portal, `v2:...` under the key of a person
(`person.py`). The table, the column and the row's reference are authenticated with it, so a ciphertext copied to another
row, column or table does not open. `v0:` with a dash or nothing behind it says that there is no value: it holds no secret.
"""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from accounts.crypto.keys import KeyRing, key_ring

FORMAT = "v1"
PERSON_FORMAT = "v2"
ERASED = "v0:—"
NOTHING = {"v0:": "", ERASED: "—"}  # no value yet, and a value that was erased
NONCE_BYTES = 12


class Tampered(Exception):
    """Say that a sealed value was changed, moved, or sealed for another place."""


class UnknownKey(Exception):
    """Say that a value was sealed with a key that is no longer configured."""


@dataclass(frozen=True)
class Sealed:
    """A value as it lies in the database; its text never shows in logs or pages."""

    token: str = field(repr=False)

    def __str__(self) -> str:
        return "***"

    @property
    def nothing(self) -> str | None:
        """The text of a value that holds none, and None of one that does."""
        return NOTHING.get(self.token)

    @property
    def is_of_person(self) -> bool:
        return self.token.startswith(f"{PERSON_FORMAT}:")

    @property
    def body(self) -> str:
        return self.token.split(":", 2)[2]


def place(*, table: str, column: str, row: str) -> bytes:
    """Return the bytes that tie a value to its place."""
    assert row, "a sealed value needs a row reference"
    return f"{table}|{column}|{row}".encode()


def nothing(plaintext: str) -> Sealed | None:
    """Return the token of a text that says that there is none; None of any other."""
    return next((Sealed(token) for token, text in NOTHING.items() if text == plaintext), None)


def seal_body(*, key: bytes, plaintext: str, aad: bytes) -> str:
    """Encrypt a text and write it with its nonce."""
    nonce = os.urandom(NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, plaintext.encode(), aad)).decode()


def open_body(*, key: bytes, body: str, aad: bytes) -> str:
    """Decrypt what `seal_body` wrote, or raise."""
    try:
        raw = base64.b64decode(body, validate=True)
        return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], aad).decode()
    except (InvalidTag, ValueError, binascii.Error):
        raise Tampered("the value does not open in its place") from None


def seal(*, plaintext: str, aad: bytes, ring: KeyRing | None = None) -> Sealed:
    """Encrypt a text for one place, with the portal's current key."""
    ring = ring or key_ring()
    return Sealed(
        f"{FORMAT}:{ring.current}:{seal_body(key=ring.keys[ring.current], plaintext=plaintext, aad=aad)}"
    )


def key_id_of(*, sealed: Sealed) -> str:
    """Return the id of the key that sealed a value."""
    parts = sealed.token.split(":", 2)
    if len(parts) != 3 or parts[0] not in (FORMAT, PERSON_FORMAT):
        raise Tampered("not a sealed value")
    return parts[1]


def open_sealed(*, sealed: Sealed, aad: bytes, ring: KeyRing | None = None) -> str:
    """Decrypt a value under a key of the portal for the place that it lies in, or raise; never return a guess."""
    ring = ring or key_ring()
    key_id = key_id_of(sealed=sealed)
    if sealed.is_of_person or key_id not in ring.keys:
        raise UnknownKey(f"no field key with the id {key_id}")
    return open_body(key=ring.keys[key_id], body=sealed.body, aad=aad)

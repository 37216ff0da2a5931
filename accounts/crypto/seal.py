"""Seal and open one value with AES-256-GCM.

A sealed value reads `v1:<key id>:<base64 of nonce and ciphertext>`. The table, the column and the row's reference are
authenticated with it, so a ciphertext copied to another row, column or table does not open.
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


def place(*, table: str, column: str, row: str) -> bytes:
    """Return the bytes that tie a value to its place."""
    assert row, "a sealed value needs a row reference"
    return f"{table}|{column}|{row}".encode()


def seal(*, plaintext: str, aad: bytes, ring: KeyRing | None = None) -> Sealed:
    """Encrypt a text for one place, with the current key."""
    ring = ring or key_ring()
    nonce = os.urandom(NONCE_BYTES)
    body = AESGCM(ring.keys[ring.current]).encrypt(nonce, plaintext.encode(), aad)
    return Sealed(f"{FORMAT}:{ring.current}:{base64.b64encode(nonce + body).decode()}")


def key_id_of(*, sealed: Sealed) -> str:
    """Return the id of the key that sealed a value."""
    parts = sealed.token.split(":", 2)
    if len(parts) != 3 or parts[0] != FORMAT:
        raise Tampered("not a sealed value")
    return parts[1]


def open_sealed(*, sealed: Sealed, aad: bytes, ring: KeyRing | None = None) -> str:
    """Decrypt a value for the place that it lies in, or raise; never return a guess."""
    ring = ring or key_ring()
    key_id = key_id_of(sealed=sealed)
    if key_id not in ring.keys:
        raise UnknownKey(f"no field key with the id {key_id}")
    try:
        raw = base64.b64decode(sealed.token.split(":", 2)[2], validate=True)
        plaintext = AESGCM(ring.keys[key_id]).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], aad)
    except (InvalidTag, ValueError, binascii.Error):
        raise Tampered("the value does not open in its place") from None
    return plaintext.decode()

"""Secrets of a sandbox: made at random on the machine at the first run, kept in a file that its owner alone may read."""

from __future__ import annotations

import base64
import fcntl
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def _key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


MAKERS: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(64),
    "LENDPORTAL_FIELD_KEYS": lambda: f"k1:{_key()}",
    "LENDPORTAL_INDEX_KEY": _key,
    "LENDPORTAL_GATEWAY_API_KEY": lambda: secrets.token_urlsafe(32),
    "LENDPORTAL_GATEWAY_SECRETS": lambda: secrets.token_urlsafe(32),
    "LENDPORTAL_MODEL_SIGNING_KEY": _key,
    "LENDPORTAL_PASSPORT_KEY": _key,
}


def public_half(seed: bytes) -> bytes:
    """Give the public key of an Ed25519 seed."""
    return (
        Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    )


def sandbox_secrets(home: Path) -> dict[str, str]:
    """Read the sandbox's secrets, making those that are missing; safe when two processes start at once."""
    home.mkdir(parents=True, exist_ok=True)
    path = home / "secrets.env"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        found = dict(line.strip().split("=", 1) for line in file if "=" in line)
        missing = [name for name in MAKERS if name not in found]
        for name in missing:
            found[name] = MAKERS[name]()
            file.write(f"{name}={found[name]}\n")
    return found

"""The keys in force: read once a change of settings, never logged."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

KEY_BYTES = 32


@dataclass(frozen=True)
class KeyRing:
    """The keys that open values, and the one that seals new ones."""

    current: str
    keys: Mapping[str, bytes] = field(repr=False)


def _decode(*, name: str, raw: str | bytes) -> bytes:
    if isinstance(raw, bytes):
        key = raw
    else:
        try:
            key = base64.b64decode(raw.replace("-", "+").replace("_", "/"), validate=True)
        except (binascii.Error, ValueError):
            raise ImproperlyConfigured(f"{name}: must be base64") from None
    if len(key) != KEY_BYTES:
        raise ImproperlyConfigured(f"{name}: must be {KEY_BYTES} bytes in base64")
    return key


def _named(raw: str) -> dict[str, str]:
    named: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in raw.split(","))):
        key_id, colon, encoded = part.partition(":")
        if not colon or not key_id.isalnum() or not key_id.isascii():
            raise ImproperlyConfigured("LENDPORTAL_FIELD_KEYS: must be id:base64[,id:base64...]")
        if key_id in named:
            raise ImproperlyConfigured(f"LENDPORTAL_FIELD_KEYS: has the key id {key_id} twice")
        named[key_id] = encoded
    return named


def key_ring() -> KeyRing:
    """Return the field keys of the settings; the first named is the one for writing."""
    raw: Any = getattr(settings, "FIELD_KEYS", None)
    if not raw:
        raise ImproperlyConfigured("LENDPORTAL_FIELD_KEYS: set at least one id:base64 key")
    named: Mapping[str, str | bytes] = _named(raw) if isinstance(raw, str) else raw
    keys = {key_id: _decode(name="LENDPORTAL_FIELD_KEYS", raw=key) for key_id, key in named.items()}
    return KeyRing(current=next(iter(keys)), keys=keys)


def index_key() -> bytes:
    """Return the key of blind indexes; it is never one of the field keys."""
    raw: Any = getattr(settings, "INDEX_KEY", None)
    if not raw:
        raise ImproperlyConfigured("LENDPORTAL_INDEX_KEY: set 32 random bytes in base64")
    key = _decode(name="LENDPORTAL_INDEX_KEY", raw=raw)
    if key in key_ring().keys.values():
        raise ImproperlyConfigured("LENDPORTAL_INDEX_KEY: must not be one of LENDPORTAL_FIELD_KEYS")
    return key

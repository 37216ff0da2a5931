"""How each kind of variable is read from its text, and why a value is refused; the value itself is never told."""

from __future__ import annotations

import base64
import binascii
import difflib
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit


class BadSetting(Exception):
    """Say which variable is wrong and what it should be."""

    def __init__(self, name: str, rule: str) -> None:
        super().__init__(f"{name}: {rule} (see .env.example)")
        self.name = name


def text(name: str, raw: str) -> str:
    if "\x00" in raw:
        raise BadSetting(name, "must not contain a null character")
    return raw


def boolean(name: str, raw: str) -> bool:
    if raw.lower() in {"1", "true", "yes", "on"}:
        return True
    if raw.lower() in {"0", "false", "no", "off", ""}:
        return False
    raise BadSetting(name, "must be 1 or 0")


def whole(low: int, high: int) -> Callable[[str, str], int]:
    def read(name: str, raw: str) -> int:
        if not raw.isascii() or not raw.isdigit() or not low <= int(raw) <= high:
            raise BadSetting(name, f"must be a whole number from {low} to {high}")
        return int(raw)

    return read


def choice(*allowed: str) -> Callable[[str, str], str]:
    def read(name: str, raw: str) -> str:
        if raw not in allowed:
            near = difflib.get_close_matches(raw, allowed, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise BadSetting(name, f"must be one of {', '.join(allowed)}{hint}")
        return raw

    return read


def names(name: str, raw: str) -> list[str]:
    return [part.strip() for part in raw.split(",") if part.strip()]


def time_zone(name: str, raw: str) -> str:
    try:
        zoneinfo.ZoneInfo(raw)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise BadSetting(name, "must be a time zone such as Asia/Shanghai") from None
    return raw


def url(*schemes: str) -> Callable[[str, str], str]:
    def read(name: str, raw: str) -> str:
        if not raw:
            return ""
        try:
            parts = urlsplit(raw)
            valid = parts.scheme in schemes and bool(parts.netloc or parts.path.strip("/"))
            valid = valid and (parts.port is None or 0 < parts.port < 65536)
        except ValueError:
            valid = False
        if not valid or any(character.isspace() for character in raw):
            raise BadSetting(
                name, f"must be a URL that begins with {' or '.join(s + '://' for s in schemes)}"
            )
        return raw

    return read


def decode_key(name: str, raw: str) -> bytes:
    """Decode 32 bytes from base64, the ordinary or the URL-safe alphabet."""
    try:
        key = base64.b64decode(raw.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise BadSetting(name, "must be base64") from None
    if len(key) != 32:
        raise BadSetting(name, "must be 32 bytes in base64")
    return key


def optional_key(name: str, raw: str) -> bytes | None:
    return decode_key(name, raw) if raw else None


def named_keys(name: str, raw: str) -> dict[str, bytes]:
    """Read `id:base64,id:base64`; the first is the key for writing, the others still read."""
    keys: dict[str, bytes] = {}
    for part in names(name, raw):
        key_id, colon, encoded = part.partition(":")
        if not colon or not key_id.isascii() or not key_id.isalnum() or len(key_id) > 16:
            raise BadSetting(name, "must be id:base64[,id:base64...] with ids of letters and digits")
        if key_id in keys:
            raise BadSetting(name, f"has the key id {key_id} twice")
        keys[key_id] = decode_key(name, encoded)
    return keys


def public_keys(name: str, raw: str) -> list[bytes]:
    return [decode_key(name, part) for part in names(name, raw)]


def secrets(name: str, raw: str) -> list[str]:
    found = names(name, raw)
    if any(len(secret) < 32 for secret in found):
        raise BadSetting(name, "needs secrets of at least 32 characters, the current one first")
    return found


def folder(name: str, raw: str) -> Path | None:
    return Path(raw).expanduser().resolve() if raw else None


def account_line(name: str, raw: str) -> tuple[str, str, str]:
    """Read `holder;number;bank`, the account from which a bank that speaks in files pays."""
    parts = [part.strip() for part in raw.split(";")] if raw else ["", "", ""]
    if len(parts) != 3 or (raw and not all(parts)):
        raise BadSetting(name, "must be holder;number;bank")
    return parts[0], parts[1], parts[2]


def admin_path(name: str, raw: str) -> str:
    path = raw.strip("/")
    if not path or not all(part.isascii() and part.replace("-", "").isalnum() for part in path.split("/")):
        raise BadSetting(name, "must be a path such as desk/")
    return path + "/"

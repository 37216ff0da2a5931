"""The credit passport: levels that good repayment earns, and a signed report that the owner lets others see.

A report is a JSON document. What is signed is its canonical form: UTF-8, keys in order, no spaces, every figure a
string. So anybody can verify it with the public key and any language's JSON and Ed25519; no trust in the page is asked.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from regimes.errors import N_, InvalidInput

VERSION: Final = 1
DOMAIN: Final = b"lendportal-passport-v1\n"  # what is signed here is valid nowhere else
MOST_BYTES: Final = 64 * 1024
# no I, L, O, U: nothing that is misread on paper
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH: Final = 12


class UnableToReadPassport(InvalidInput):
    """Refuse a file or a code that is no passport."""


# ---- levels ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Conduct:
    """Hold how a borrower has repaid us: months and counts; delays in days."""

    months_on_book: int = 0
    loans_paid_off: int = 0
    on_time_streak: int = 0
    late_count_12m: int = 0
    days_past_due_now: int = 0
    days_past_due_max_12m: int = 0


@dataclass(frozen=True, slots=True)
class Level:
    """Name one level, what it asks, and what it gives: all of it is given by the portal itself, none is a promise."""

    number: int
    name: str
    months: int
    streak: int
    paid_off: int
    worst_delay: int
    valid_days: int  # how long a passport holds
    link_days: int  # how long a shared link may live
    links: int  # how many links to one passport may be open at once


LEVELS: Final = (
    Level(1, N_("Newcomer"), 0, 0, 0, 10_000, 30, 7, 5),
    Level(2, N_("Steady"), 3, 3, 0, 10, 60, 30, 10),
    Level(3, N_("Trusted"), 6, 6, 1, 3, 90, 60, 20),
    Level(4, N_("Exemplary"), 12, 12, 3, 0, 180, 90, 40),
)


def _holds(level: Level, conduct: Conduct) -> bool:
    return (
        conduct.months_on_book >= level.months
        and conduct.on_time_streak >= level.streak
        and conduct.loans_paid_off >= level.paid_off
        and conduct.days_past_due_max_12m <= level.worst_delay
        and (level.number == 1 or conduct.days_past_due_now == 0)
    )


def level_of(conduct: Conduct) -> Level:
    """Give the highest level that a conduct holds.

    >>> level_of(Conduct(months_on_book=7, loans_paid_off=1, on_time_streak=7)).number
    3
    """
    return next(level for level in reversed(LEVELS) if _holds(level, conduct))


@dataclass(frozen=True, slots=True)
class Lack:
    """Say one thing that the next level asks and is not there yet: a sentence, how much there is, how much is asked."""

    message: str
    have: int
    need: int


def next_level(conduct: Conduct) -> tuple[Level, list[Lack]] | None:
    """Give the level above with what it still asks; None at the top."""
    reached = level_of(conduct)
    if reached is LEVELS[-1]:
        return None
    level = LEVELS[reached.number]
    lacks = []
    if conduct.days_past_due_now:
        lacks.append(Lack(N_("Pay what is overdue"), conduct.days_past_due_now, 0))
    if conduct.months_on_book < level.months:
        lacks.append(Lack(N_("Months since your first loan"), conduct.months_on_book, level.months))
    if conduct.on_time_streak < level.streak:
        lacks.append(Lack(N_("Instalments in a row on time"), conduct.on_time_streak, level.streak))
    if conduct.loans_paid_off < level.paid_off:
        lacks.append(Lack(N_("Loans paid off"), conduct.loans_paid_off, level.paid_off))
    if conduct.days_past_due_max_12m > level.worst_delay:
        lacks.append(
            Lack(N_("Longest delay in 12 months, in days"), conduct.days_past_due_max_12m, level.worst_delay)
        )
    return level, lacks


# ---- what may be in a report -----------------------------------------------------------------------------------------

SECTIONS: Final[dict[str, str]] = {
    "holder": N_("Who you are: registered name, code, line of business, year of founding"),
    "standing": N_("Your level, and how long you have been with us"),
    "repayment": N_("How you repaid: instalments on time and late, longest delay"),
    "debt": N_("What you owe us today"),
    "line": N_("Your limit and how much of it is in use"),
    "turnover": N_("Sales a month, their trend and the share of the biggest customer"),
}


HOLDER_OF_PERSON: Final = N_("Who you are: your name, and that it was checked")


def parse_sections(chosen: Collection[str]) -> tuple[str, ...]:
    """Read which sections are released, in their order; at least one, and none that is not on the list."""
    if set(chosen) - set(SECTIONS):
        raise UnableToReadPassport("section_unknown", N_("Choose from the list."), field="sections")
    if not chosen:
        raise UnableToReadPassport(
            "required", N_("Choose at least one part that others may see."), field="sections"
        )
    return tuple(name for name in SECTIONS if name in chosen)


# ---- signing and verifying -----------------------------------------------------------------------------------------


def canonical(body: Mapping[str, Any]) -> bytes:
    """Write the bytes that are signed."""
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def public_half(seed: bytes) -> bytes:
    """Give the 32 bytes of the public key of a seed."""
    return (
        Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    )


def key_id(public: bytes) -> str:
    """Name a public key by the start of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:16]


def fingerprint(body: Mapping[str, Any]) -> str:
    """Give the SHA-256 of what is signed."""
    return hashlib.sha256(canonical(body)).hexdigest()


def seal(body: Mapping[str, Any], *, seed: bytes) -> dict[str, Any]:
    """Sign a report; give the document that is handed out."""
    value = Ed25519PrivateKey.from_private_bytes(seed).sign(DOMAIN + canonical(body))
    return {
        "passport": dict(body),
        "signature": {
            "algorithm": "Ed25519",
            "key": key_id(public_half(seed)),
            "value": base64.b64encode(value).decode(),
        },
    }


def is_genuine(document: Mapping[str, Any], *, keys: Collection[bytes]) -> bool:
    """Tell whether one of these public keys signed exactly this document."""
    signature, body = document.get("signature"), document.get("passport")
    if (
        not isinstance(signature, dict)
        or not isinstance(body, dict)
        or set(document) != {"passport", "signature"}
    ):
        return False
    if set(signature) != {"algorithm", "key", "value"} or signature["algorithm"] != "Ed25519":
        return False
    public = next((key for key in keys if key_id(key) == signature["key"]), None)
    if public is None or not isinstance(signature["value"], str):
        return False
    try:
        value = base64.b64decode(signature["value"], validate=True)
        Ed25519PublicKey.from_public_bytes(public).verify(value, DOMAIN + canonical(body))
    except (InvalidSignature, ValueError):
        return False
    return True


def read_document(content: bytes) -> dict[str, Any]:
    """Read a file as a passport: JSON, or the PDF that carries the JSON; refuse anything else kindly."""
    if len(content) > MOST_BYTES * 64:
        raise _no_passport()
    if content.startswith(b"%PDF-"):
        content = _inside_pdf(content)
    if len(content) > MOST_BYTES:
        raise _no_passport()
    try:
        found = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_once, parse_float=_no_figures)
    except (ValueError, RecursionError):
        raise _no_passport() from None
    if not isinstance(found, dict) or not isinstance(found.get("passport"), dict):
        raise _no_passport()
    return found


PDF_MARK: Final = b"%lendportal-passport:"


def carry(pdf: bytes, document: Mapping[str, Any]) -> bytes:
    """Put the signed document behind a PDF, in a comment that no viewer shows."""
    return pdf.rstrip() + b"\n" + PDF_MARK + base64.b64encode(canonical(document)) + b"\n%%EOF\n"


def _inside_pdf(content: bytes) -> bytes:
    start = content.rfind(PDF_MARK)
    if start < 0:
        raise _no_passport()
    line = content[start + len(PDF_MARK) :].split(b"\n", 1)[0]
    try:
        return base64.b64decode(line.strip(), validate=True)
    except ValueError:
        raise _no_passport() from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")  # two readers could see two documents
    return found


def _no_figures(text: str) -> Any:
    raise ValueError(text)


def _no_passport() -> UnableToReadPassport:
    return UnableToReadPassport(
        "passport_unreadable", N_("This file is no credit passport. Give the JSON or PDF file as you got it."),
        field="file",
    )  # fmt: skip


# ---- codes ---------------------------------------------------------------------------------------------------------


def new_code() -> str:
    """Draw a code of 60 bits that a person can read to another."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def parse_code(raw: str) -> str:
    """Read a code as people type it: spaces, dashes, small letters, and O or I where zero or one is meant.

    >>> parse_code("k7q2-9fmx 3tbo")
    'K7Q29FMX3TB0'
    """
    text = "".join(raw.split()).replace("-", "").upper().translate(str.maketrans("OIL", "011"))
    if len(text) != CODE_LENGTH or set(text) - set(ALPHABET):
        raise UnableToReadPassport(
            "code_invalid", N_("Enter the 12 characters of the code on the passport."), field="code"
        )
    return text


def show_code(code: str) -> str:
    """Write a code in groups of four."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))

"""What a borrower chose, sealed with the table of costs that was shown for it."""

from __future__ import annotations

import hashlib
import time
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core import signing

from credit.models import CreditLine
from credit.views.words import Cost
from regimes.errors import N_, Refusal

SEAL_SALT = "credit.draw"


class UnableToSign(Refusal):
    """Refuse a signature under a table that was not read, is old, or is no longer true."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the borrower chose, as the seal carries it."""

    amount: Decimal
    count: int
    method: str
    purpose: str
    scenario: str
    terms_version: str
    account: str  # of the borrower; empty where a payee is paid
    payee: str = ""
    evidence: str = ""
    invoice: str = ""

    def pack(self) -> list[Any]:
        return [
            str(self.amount),
            self.count,
            self.method,
            self.purpose,
            self.scenario,
            self.terms_version,
            self.account,
            self.payee,
            self.evidence,
            self.invoice,
        ]

    @classmethod
    def unpack(cls, written: list[Any]) -> Choice:
        return cls(Decimal(written[0]), *written[1:])


def fingerprint(cost: Cost) -> str:
    """Name the table that was shown, so that another one is not signed."""
    rows = [(row.due_date.isoformat(), str(row.total)) for row in cost.rows]
    return hashlib.sha256(repr((rows, str(cost.irr), str(cost.cost))).encode()).hexdigest()[:24]


def seal(choice: Choice, *, cost: Cost, line: CreditLine, user_id: int) -> str:
    parts = {
        "c": choice.pack(),
        "l": line.pk,
        "u": user_id,
        "f": fingerprint(cost),
        "k": uuid.uuid4().hex,
        "t": int(time.time()),
    }
    return signing.dumps(parts, salt=SEAL_SALT, compress=True)


def open_seal(written: str, *, line: CreditLine, user_id: int) -> dict[str, Any]:
    """Read a seal that this portal gave to this visitor for this line."""
    try:
        parts: dict[str, Any] = signing.loads(written, salt=SEAL_SALT)
    except signing.BadSignature:
        parts = {}
    if parts.get("l") != line.pk or parts.get("u") != user_id:
        raise UnableToSign("terms_outdated", N_("The terms changed. Please read them."))
    return parts

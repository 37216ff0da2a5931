"""What may be posted: lines that balance, and the digest by which a repeat is known."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from ledger.domain.chart import BY_ROLE, Role
from ledger.domain.money import ZERO, is_money
from regimes.errors import N_, Refusal

MAX_POSTING: Final = Decimal("99999999999999.99")  # the column's room: a journal may sum up a whole book


class Direction(StrEnum):
    """Name the side of a posting."""

    DEBIT = "D"
    CREDIT = "C"


class UnableToPost(Refusal):
    """Refuse a journal that would not be a true record."""


@dataclass(frozen=True, slots=True)
class PostingLine:
    """Say one posting: an account by its role, a side, a positive amount, and whom it is about."""

    role: Role | str
    direction: Direction | str
    amount: Decimal
    loan_id: int | None = None
    borrower_id: int | None = None
    portfolio: str = ""


@dataclass(frozen=True, slots=True)
class JournalDraft:
    """Say one journal before it is written."""

    source: str
    leg: str
    kind: str
    value_date: date
    booked_date: date
    postings: tuple[PostingLine, ...]
    currency: str = "CNY"
    description: str = ""
    reverses_id: int | None = None


def lines_from(
    signed: Mapping[Role, Decimal],
    *,
    loan_id: int | None = None,
    borrower_id: int | None = None,
    portfolio: str = "",
) -> tuple[PostingLine, ...]:
    """Turn signed amounts by role (debits positive) into lines, debits first, zeros left out."""
    lines = [
        PostingLine(
            role=role,
            direction=Direction.DEBIT if amount > 0 else Direction.CREDIT,
            amount=abs(amount),
            loan_id=loan_id,
            borrower_id=borrower_id,
            portfolio=portfolio,
        )
        for role, amount in signed.items()
        if amount
    ]
    return tuple(sorted(lines, key=lambda line: (line.direction == Direction.CREDIT, line.role)))


def check_draft(draft: JournalDraft) -> None:
    """Refuse a draft that does not balance or names what is not there."""
    if not draft.source or len(draft.source) > 120 or not draft.leg or len(draft.leg) > 40:
        _refuse("journal_source_invalid", N_("A journal names its source and leg."), draft)
    if len(draft.postings) < 2:
        _refuse("journal_one_sided", N_("A journal has at least two postings."), draft)
    balance = ZERO
    for line in draft.postings:
        if line.role not in BY_ROLE:
            _refuse("account_unknown", N_("There is no such account."), draft)
        if not is_money(line.amount, currency=draft.currency) or not ZERO < line.amount <= MAX_POSTING:
            _refuse("amount_invalid", N_("A posting is a positive amount of money."), draft)
        balance += line.amount if line.direction == Direction.DEBIT else -line.amount
    if balance:
        _refuse("journal_unbalanced", N_("Debits and credits differ by %(difference)s."), draft, str(balance))


def _refuse(code: str, message: str, draft: JournalDraft, difference: str = "") -> None:
    raise UnableToPost(code, message, params={"source": draft.source, "difference": difference})


def digest(draft: JournalDraft) -> str:
    """Return a digest of everything that a journal says, so that a repeat with other content is seen."""
    lines = sorted(
        f"{BY_ROLE[Role(line.role)].code}{line.direction}{line.amount:.2f}"
        f"/{line.loan_id or ''}/{line.borrower_id or ''}/{line.portfolio}"
        for line in draft.postings
    )
    parts: Sequence[str] = (
        draft.kind,
        draft.currency,
        draft.value_date.isoformat(),
        draft.booked_date.isoformat(),
        str(draft.reverses_id or ""),
        *lines,
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()

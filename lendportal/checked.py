"""The acts that need two people and span rooms that are strangers: an entry in the books by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from accounts import proposal_kinds
from accounts.operations import write_audit
from accounts.proposal_kinds import Act, Change, ProposalKind, Subject, read_fields
from ledger.domain.chart import BY_CODE, Role
from ledger.domain.journal import Direction, PostingLine
from ledger.domain.money import format_amount, parse_amount
from ledger.operations import post_journal
from ledger.queries import balance
from regimes.errors import N_, InvalidInput

# what belongs to a loan is corrected by an event of the loan, so that the loan and its accounts never part
BY_HAND = (Role.CASH_AT_BANK, Role.SUSPENSE, Role.EQUITY)
CODES = tuple(row.code for row in BY_CODE.values() if row.role in BY_HAND)


def _read(payload: Mapping[str, Any]) -> dict[str, Any]:
    found = read_fields(payload, required=("debit", "credit", "amount", "description"))
    for side in ("debit", "credit"):
        if found[side] not in CODES:
            raise InvalidInput(
                "account_not_by_hand",
                N_("Choose cash, suspense or equity. What a loan owes is changed by an event of the loan."),
                field=side,
            )
    if found["debit"] == found["credit"]:
        raise InvalidInput("same_account", N_("Choose two different accounts."), field="credit")
    description = str(found["description"]).strip()
    if len(description) > 200:
        raise InvalidInput(
            "too_long",
            N_("Use at most %(maximum)s characters."),
            field="description",
            params={"maximum": 200},
        )
    amount = parse_amount(str(found["amount"]), minimum=Decimal("0.01"))
    return {"debit": found["debit"], "credit": found["credit"], "amount": str(amount), "description": description}  # fmt: skip


def _subject(payload: Mapping[str, Any]) -> Subject:
    return Subject("ledger.Journal", "", f"{payload['debit']} / {payload['credit']} {payload['amount']}")


def _check(payload: Mapping[str, Any], act: Act) -> None:
    return


def _diff(payload: Mapping[str, Any], as_of: date) -> Sequence[Change]:
    changes = []
    for side, sign in (("debit", 1), ("credit", -1)):
        row = BY_CODE[payload[side]]
        held = balance(code=row.code)
        moves = sign * Decimal(payload["amount"]) * (1 if row.kind in ("ASSET", "EXPENSE") else -1)
        changes.append(Change(row.name, format_amount(held), format_amount(held + moves)))
    return changes


def _execute(payload: Mapping[str, Any], act: Act) -> Mapping[str, Any]:
    amount = Decimal(payload["amount"])
    journal = post_journal(
        source=f"manual:{act.reference}",
        leg="1",
        kind="MANUAL",
        value_date=act.as_of,
        booked_date=act.as_of,
        postings=[
            PostingLine(role=BY_CODE[payload["debit"]].role, direction=Direction.DEBIT, amount=amount),
            PostingLine(role=BY_CODE[payload["credit"]].role, direction=Direction.CREDIT, amount=amount),
        ],
        description=payload["description"],
    )
    write_audit(
        actor=act.actor,
        action="journal.manual",
        object_type="ledger.Journal",
        object_ref=journal.ref,
        after={"debit": payload["debit"], "credit": payload["credit"], "amount": payload["amount"]},
        reason=act.reason,
    )
    return {"journal": str(journal.ref)}


JOURNAL = ProposalKind(
    name="manual_journal",
    title=N_("Book an entry by hand"),
    read=_read,
    subject=_subject,
    check=_check,
    diff=_diff,
    execute=_execute,
)


def register() -> None:
    """Offer the acts of the roof."""
    proposal_kinds.register(JOURNAL)

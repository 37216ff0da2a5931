"""Money in suspense finds its loan, or goes back: two people, the second sees the item and the loan before and after."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from accounts.proposal_kinds import Act, Change, ProposalKind, Subject, find_by_ref, read_fields
from ledger.domain.money import format_amount, parse_amount
from loans.checked import folded, loan_by_ref, state_changes
from loans.models import SuspenseItem
from loans.operations.events import refuse_settled
from loans.operations.suspense import give_back, pay_on_loan, payment_of, refuse_more_than_left
from loans.suspense import left_of
from regimes.errors import N_, InvalidInput


def item_by_ref(ref: object) -> SuspenseItem:
    """Return money in suspense by its reference, or refuse."""
    return find_by_ref(SuspenseItem.objects.all(), ref, field="item_ref")


def _amount(value: object) -> str:
    return str(parse_amount(str(value), minimum=Decimal("0.01")))


def _left(item: SuspenseItem, payload: Mapping[str, Any]) -> list[Change]:
    left = left_of(item)
    return [Change(N_("Left in suspense"), format_amount(left), format_amount(left - Decimal(payload["amount"])))]  # fmt: skip


# ---- to a loan -------------------------------------------------------------------------------------------------------
def _read_match(payload: Mapping[str, Any]) -> dict[str, Any]:
    found = read_fields(payload, required=("item_ref", "loan_ref", "amount"))
    item, loan = item_by_ref(found["item_ref"]), loan_by_ref(found["loan_ref"])
    return {"item_ref": str(item.ref), "loan_ref": str(loan.ref), "amount": _amount(found["amount"])}


def _match_subject(payload: Mapping[str, Any]) -> Subject:
    item, loan = item_by_ref(payload["item_ref"]), loan_by_ref(payload["loan_ref"])
    label = f"{item.reference} {format_amount(Decimal(payload['amount']))} → {loan.borrower.display_name}"
    return Subject("loans.SuspenseItem", str(item.ref), label, frozenset({loan.borrower_id}))


def _check_match(payload: Mapping[str, Any], act: Act) -> None:
    item, loan = item_by_ref(payload["item_ref"]), loan_by_ref(payload["loan_ref"])
    amount = Decimal(payload["amount"])
    refuse_more_than_left(item=item, amount=amount)
    event = payment_of(item=item, loan=loan, amount=amount, reference=act.reference, as_of=act.as_of)
    refuse_settled(loan=loan, value_date=event.value_date)
    folded(loan=loan, event=event, as_of=act.as_of)


def _match_diff(payload: Mapping[str, Any], as_of: date) -> Sequence[Change]:
    item, loan = item_by_ref(payload["item_ref"]), loan_by_ref(payload["loan_ref"])
    event = payment_of(item=item, loan=loan, amount=Decimal(payload["amount"]), reference="preview", as_of=as_of)  # fmt: skip
    before, after = folded(loan=loan, event=event, as_of=as_of)
    return [*_left(item, payload), Change(N_("Paid on the day"), "", event.value_date.isoformat()), *state_changes(before, after, currency=loan.currency)]  # fmt: skip


def _execute_match(payload: Mapping[str, Any], act: Act) -> Mapping[str, Any]:
    match = pay_on_loan(
        item_id=item_by_ref(payload["item_ref"]).pk, loan_id=loan_by_ref(payload["loan_ref"]).pk, amount=Decimal(payload["amount"]),
        reference=uuid.UUID(act.reference), maker=act.maker, checker=act.actor, as_of=act.as_of,
    )  # fmt: skip
    return {"match": str(match.ref)}


MATCH = ProposalKind(
    name="suspense_match", title=N_("Pay money in suspense on a loan"), read=_read_match, subject=_match_subject, check=_check_match,
    diff=_match_diff, execute=_execute_match,
)  # fmt: skip


# ---- back to its sender ----------------------------------------------------------------------------------------------
def _read_return(payload: Mapping[str, Any]) -> dict[str, Any]:
    found = read_fields(payload, required=("item_ref", "amount", "bank_reference"))
    reference = str(found["bank_reference"]).strip()
    if not 1 <= len(reference) <= 64:
        raise InvalidInput("reference_invalid", N_("Enter the bank's reference of the transfer back, at most 64 characters."), field="bank_reference")  # fmt: skip
    return {"item_ref": str(item_by_ref(found["item_ref"]).ref), "amount": _amount(found["amount"]), "bank_reference": reference}  # fmt: skip


def _return_subject(payload: Mapping[str, Any]) -> Subject:
    item = item_by_ref(payload["item_ref"])
    return Subject("loans.SuspenseItem", str(item.ref), f"{item.reference} {format_amount(Decimal(payload['amount']))}")  # fmt: skip


def _check_return(payload: Mapping[str, Any], act: Act) -> None:
    refuse_more_than_left(item=item_by_ref(payload["item_ref"]), amount=Decimal(payload["amount"]))


def _return_diff(payload: Mapping[str, Any], as_of: date) -> Sequence[Change]:
    sent = Change(N_("Sent back under the bank's reference"), "", payload["bank_reference"])
    return [*_left(item_by_ref(payload["item_ref"]), payload), sent]


def _execute_return(payload: Mapping[str, Any], act: Act) -> Mapping[str, Any]:
    match = give_back(
        item_id=item_by_ref(payload["item_ref"]).pk, amount=Decimal(payload["amount"]), bank_reference=payload["bank_reference"],
        reference=uuid.UUID(act.reference), maker=act.maker, checker=act.actor, as_of=act.as_of,
    )  # fmt: skip
    return {"match": str(match.ref)}


RETURN = ProposalKind(
    name="suspense_return", title=N_("Book that money in suspense went back"), read=_read_return, subject=_return_subject, check=_check_return,
    diff=_return_diff, execute=_execute_return,
)  # fmt: skip
KINDS = (MATCH, RETURN)

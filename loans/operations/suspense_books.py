"""The journals of money in suspense: in, out, and in again when the payment that it made is taken back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from accounts.models import User
from accounts.operations import write_audit
from ledger.domain.chart import Role
from ledger.domain.journal import Direction, PostingLine
from ledger.operations import post_journal
from loans.domain.events import EventKind, LoanEvent
from loans.models import Loan, SuspenseItem, SuspenseMatch


def post_suspense(*, source: str, leg: str, amount: Decimal, day: date, as_of: date, into: bool) -> None:
    """Book an amount into suspense, with the cash at the bank that it is, or out of it."""
    cash, held = (Direction.DEBIT, Direction.CREDIT) if into else (Direction.CREDIT, Direction.DEBIT)
    post_journal(
        source=source,
        leg=leg,
        kind="SUSPENSE",
        value_date=day,
        booked_date=as_of,
        postings=[
            PostingLine(role=Role.CASH_AT_BANK, direction=cash, amount=amount),
            PostingLine(role=Role.SUSPENSE, direction=held, amount=amount),
        ],
    )


def bring_back(*, loan: Loan, event: LoanEvent, as_of: date, actor: User | None) -> SuspenseMatch | None:
    """Put money back into suspense whose payment on a locked loan is taken back; None where there is none.

    The reversal takes the cash of the payment out of the books, and the bank has it still: it was nobody's before, and
    is again. What is left of the item follows from the reversal itself. A charge-back is another thing: there the
    bank really took the money.
    """
    reference = str(event.data.get("reverses", ""))
    if event.kind is not EventKind.REVERSAL or not reference.startswith("suspense:"):
        return None
    match = SuspenseMatch.objects.filter(loan=loan, event__reference=reference).select_related("item").first()
    if match is None:
        return None
    SuspenseItem.objects.select_for_update(of=("self",)).get(pk=match.item_id)
    post_suspense(
        source=f"suspense:{match.item.ref}:{match.ref}", leg="RESTORED", amount=match.amount, day=as_of, as_of=as_of, into=True
    )  # fmt: skip
    write_audit(
        actor=actor,
        action="suspense.restored",
        object_type="loans.SuspenseItem",
        object_ref=match.item.ref,
        after={"amount": str(match.amount), "loan": str(loan.ref)},
        reason=str(event.data.get("reason", "")),
    )
    return match

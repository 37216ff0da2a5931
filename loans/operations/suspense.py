"""Hold money that nobody claimed, then pay it on its loan or book that it went back. The books move with each step."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal

from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.operations import write_audit
from loans.domain.events import EventKind, LoanEvent
from loans.models import BankFileLine, Loan, SuspenseItem, SuspenseMatch
from loans.operations.events import lock_loan, refuse_settled, write_event
from loans.operations.suspense_books import post_suspense
from loans.suspense import left_of
from regimes.errors import N_, NotFound, Refusal


class UnableToHold(Refusal):
    """Refuse to take a movement into suspense."""


class UnableToClear(Refusal):
    """Refuse to match or return money in suspense."""


def hold_line(*, line_id: int, actor: User, as_of: date) -> SuspenseItem:
    """Book a movement that came in and that no order of ours explains; once, however often the bank tells it."""
    line = BankFileLine.objects.filter(pk=line_id).first()
    if line is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    if line.amount <= 0:
        raise UnableToHold("money_went_out", N_("Only money that came in can be held."))
    item = SuspenseItem(
        line=line, received_date=line.booked_date, booked_date=as_of, reference=line.reference, amount=line.amount, text=line.text, actor=actor
    )  # fmt: skip
    with transaction.atomic():
        try:
            with transaction.atomic():
                item.save(force_insert=True)
        except IntegrityError:
            raise UnableToHold("held_already", N_("This movement is held already.")) from None
        post_suspense(
            source=f"suspense:{item.ref}", leg="HELD", amount=item.amount, day=item.received_date, as_of=as_of, into=True
        )  # fmt: skip
        write_audit(
            actor=actor, action="suspense.held", object_type="loans.SuspenseItem", object_ref=item.ref, after={"amount": str(item.amount)}
        )  # fmt: skip
    return item


def pay_on_loan(
    *, item_id: int, loan_id: int, amount: Decimal, reference: uuid.UUID, maker: User, checker: User, as_of: date
) -> SuspenseMatch:  # fmt: skip
    """Pay a part of it on a loan, as of the day on which the bank had it: who paid in time was in time."""
    with transaction.atomic():
        loan = lock_loan(loan_id=loan_id)
        item = _lock(item_id, amount)
        event = payment_of(item=item, loan=loan, amount=amount, reference=reference, as_of=as_of)
        refuse_settled(loan=loan, value_date=event.value_date)
        # two people looked at it: an older day may lie in a month that is closed, the journal is booked today
        row = write_event(loan=loan, event=event, as_of=as_of, actor=checker, allow_closed_period=True)
        return _clear(
            SuspenseMatch(ref=reference, item=item, kind="LOAN", amount=amount, loan=loan, event=row, maker=maker, checker=checker, booked_date=as_of)
        )  # fmt: skip


def payment_of(
    *, item: SuspenseItem, loan: Loan, amount: Decimal, reference: object, as_of: date
) -> LoanEvent:
    """Return the payment that money in suspense makes on a loan; never before the loan began."""
    return LoanEvent(
        kind=EventKind.REPAYMENT,
        value_date=max(item.received_date, loan.start_date),
        ref=f"suspense:{reference}",
        sequence=0,
        recorded_date=as_of,
        amount=amount,
    )


def give_back(
    *, item_id: int, amount: Decimal, bank_reference: str, reference: uuid.UUID, maker: User, checker: User, as_of: date
) -> SuspenseMatch:  # fmt: skip
    """Book that a part of it was sent back to its sender; the transfer itself is made at the bank."""
    with transaction.atomic():
        item = _lock(item_id, amount)
        return _clear(
            SuspenseMatch(ref=reference, item=item, kind="RETURN", amount=amount, bank_reference=bank_reference, maker=maker, checker=checker, booked_date=as_of)
        )  # fmt: skip


def _lock(item_id: int, amount: Decimal) -> SuspenseItem:
    item = SuspenseItem.objects.select_for_update(of=("self",)).get(pk=item_id)
    refuse_more_than_left(item=item, amount=amount)
    return item


def refuse_more_than_left(*, item: SuspenseItem, amount: Decimal) -> None:
    """Refuse a part that is more than what is left."""
    left = left_of(item)
    if amount > left:
        raise UnableToClear(
            "more_than_left", N_("Only %(left)s of it is left."), field="amount", params={"left": str(left)}
        )


def _clear(match: SuspenseMatch) -> SuspenseMatch:
    """A loan's payment comes with cash of its own, so the cash that was held is taken out; so does what goes back."""
    match.save(force_insert=True)
    source = f"suspense:{match.item.ref}:{match.ref}"
    post_suspense(
        source=source, leg="CLEARED", amount=match.amount, day=match.booked_date, as_of=match.booked_date, into=False
    )  # fmt: skip
    write_audit(
        actor=match.checker,
        action="suspense.matched" if match.kind == "LOAN" else "suspense.returned",
        object_type="loans.SuspenseItem",
        object_ref=match.item.ref,
        after={"amount": str(match.amount), "loan": str(match.loan.ref) if match.loan else ""},
    )
    return match

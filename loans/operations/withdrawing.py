"""Let a borrower leave a loan in its cooling-off period."""

from __future__ import annotations

from datetime import date

from django.db import transaction

from accounts.models import User
from accounts.operations import queue_notice, write_audit
from loans.domain.events import EventKind, LoanEvent
from loans.models import LoanEventRow
from loans.operations.events import UnableToRecord, lock_loan, write_event
from regimes.errors import N_

REFERENCE = "withdrawn-by-borrower"


def withdraw_from_loan(*, loan_id: int, actor: User | None, as_of: date) -> LoanEventRow:
    """Withdraw from a loan that was paid out: what was paid out is due now, fees kept back come back.

    Withdrawing twice is once. Raises the engine's `cooling_off_over` after the last day.
    """
    with transaction.atomic():
        loan = lock_loan(loan_id=loan_id)
        before = LoanEventRow.objects.filter(loan_id=loan.pk, reference=REFERENCE).first()
        if before is not None:
            return before
        if not loan.is_live:
            raise UnableToRecord("loan_not_running", N_("This loan does not run. Nothing has to be paid."))
        if not loan.agreed.cooling_off_days:
            raise UnableToRecord(
                "no_cooling_off", N_("This contract gives no right to withdraw. Repay it instead.")
            )
        event = LoanEvent(
            kind=EventKind.WITHDRAWAL, value_date=as_of, ref=REFERENCE, sequence=0, recorded_date=as_of
        )
        row = write_event(loan=loan, event=event, as_of=as_of, actor=actor)
        queue_notice(
            borrower_id=loan.borrower_id,
            kind="loan_withdrawn",
            dedup_key=f"loan_withdrawn:{loan.ref}",
            params={"loan_ref": str(loan.ref)},
        )
        write_audit(
            actor=actor,
            action="loan.withdraw",
            object_type="loans.Loan",
            object_ref=str(loan.ref),
            after={"event": row.sequence},
        )
    return row

"""Start the automatic payment of what falls due, for lines whose borrower agreed to it."""

from __future__ import annotations

import logging
from datetime import date, timedelta

from accounts.models import BankAccount
from credit.models import Drawdown
from loans import operations as loan_operations
from regimes.errors import Refusal

log = logging.getLogger(__name__)
TRY_FOR = timedelta(days=30)


def start_auto_debits(*, as_of: date, first_id: int = 0, last_id: int = 2**62) -> int:
    """Order one collection for each loan with something due, once a day; one refusal does not stop the rest."""
    rows = (
        Drawdown.objects.filter(
            line__auto_debit=True,
            loan_id__gte=first_id,
            loan_id__lte=last_id,
            loan__status__in=["ACTIVE", "OVERDUE"],
            loan__next_due_date__lte=as_of,
            loan__next_due_date__gt=as_of - TRY_FOR,
            loan__next_due_amount__gt=0,
        )
        .order_by("loan_id")
        .values_list("loan_id", "line__borrower_id", "loan__next_due_amount")
    )
    wanted = list(rows)
    accounts = dict(
        BankAccount.objects.filter(
            borrower_id__in={borrower_id for _, borrower_id, _ in wanted},
            is_default=True,
            removed_at__isnull=True,
            verified_at__isnull=False,
        ).values_list("borrower_id", "pk")
    )
    started = 0
    for loan_id, borrower_id, amount in wanted:
        if borrower_id not in accounts:
            continue
        try:
            loan_operations.start_collection(
                loan_id=loan_id,
                amount=amount,
                choice=None,
                idempotency_key=f"auto:{as_of.isoformat()}",
                bank_account_id=accounts[borrower_id],
                actor=None,
                as_of=as_of,
            )
        except Refusal as refusal:
            log.info("no automatic payment for loan %s: %s", loan_id, refusal.code)
        else:
            started += 1
    return started

"""Sales come in: told by the owner, or read from the records; each month of a loan once, the newest before the due date."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import transaction

from accounts.models import User
from accounts.operations import NoticeOrder, queue_notice, queue_notices
from credit.domain.working import ZERO, UnableToReportSales, check_report
from credit.models import Drawdown
from credit.queries import sales_seen
from ledger.domain.money import is_money
from loans import operations as loan_operations
from loans.domain.events import LoanEvent
from loans.domain.sales import (
    EXPECTED,
    OWNER,
    RECORDS,
    Asked,
    asked_of,
    month_after,
    month_asked,
    period_name,
    reports_in,
)
from loans.models import Instalment, Loan, LoanEventRow
from loans.operations.events import as_event, read_events
from regimes.errors import N_, Refusal

log = logging.getLogger(__name__)

REMIND_DAYS = (3, 9)  # before the due date, the nearer first


def reports_of(*, loan_id: int) -> dict[str, LoanEvent]:
    """Give the report that counts of each month of a loan."""
    return reports_in(read_events(loan_id=loan_id))


@dataclass(frozen=True, slots=True)
class Report:
    """Say what became of a report: the row that counts now, and what it took the place of."""

    event: LoanEvent
    before: Decimal | None
    asked: Asked

    @property
    def is_repeat(self) -> bool:
        """Tell whether nothing changed."""
        return self.before == self.event.amount


def report_month(
    *, drawdown_id: int, month: date, amount: Decimal, actor: User | None, as_of: date, source: str = OWNER
) -> Report:
    """Report a whole month's sales for the next due date of a loan that a share of sales repays.

    The same figure again changes nothing; another takes the place of the first as long as the due date is to come.
    """
    drawdown = Drawdown.objects.select_related("line").get(pk=drawdown_id)
    seen = sales_seen(business_id=drawdown.line.borrower_id, month=month, as_of=as_of)
    with transaction.atomic():
        loan = loan_operations.lock_loan(loan_id=drawdown.loan_id)
        due_date = _check(loan, amount, as_of)
        check_report(
            amount=amount, month=month, due_date=due_date, as_of=as_of, seen=seen, is_owner=source == OWNER
        )
        reports = reports_of(loan_id=loan.pk)
        before = reports.get(period_name(month))
        if before is not None and before.amount == amount:
            return Report(before, amount, asked_of(terms=loan.agreed, due_date=due_date, reports=reports))
        times = LoanEventRow.objects.filter(loan_id=loan.pk, kind="SALES").count()
        row = loan_operations.report_sales(
            loan_id=loan.pk,
            amount=amount,
            period=period_name(month),
            source=source,
            reference=f"sales:{period_name(month)}:{times + 1}",
            as_of=as_of,
            actor=actor,
        )
        told = reports[period_name(month)] = as_event(row)
        asked = asked_of(terms=loan.agreed, due_date=due_date, reports=reports)
        _tell(drawdown, loan, asked, told)
    return Report(told, before.amount if before is not None else None, asked)


def _check(loan: Loan, amount: Decimal, as_of: date) -> date:
    """Give the next due date that is still to come, or refuse the loan or the amount."""
    if not is_money(amount) or not ZERO <= amount < 10**12:
        raise UnableToReportSales("amount_invalid", N_("Enter an amount such as 1500.00."), field="amount")
    if loan.repayment_method != "SALES_SHARE" or not loan.is_live:
        raise UnableToReportSales(
            "loan_not_by_sales", N_("This loan is not repaid by a share of sales."), field="loan"
        )
    coming = coming_due_date(loan_id=loan.pk, as_of=as_of)
    if coming is None:
        raise UnableToReportSales(
            "sales_all_due",
            N_("The last instalment is due: everything that is left is asked."),
            field="period",
        )
    return coming


def coming_due_date(*, loan_id: int, as_of: date) -> date | None:
    """Give the first due date after a day; None when the last one is past."""
    rows = Instalment.objects.filter(loan_id=loan_id, due_date__gt=as_of).order_by("due_date", "number")
    return rows.values_list("due_date", flat=True).first()


def _tell(drawdown: Drawdown, loan: Loan, asked: Asked, told: LoanEvent) -> None:
    queue_notice(
        borrower_id=drawdown.line.borrower_id,
        kind="sales_asked",
        dedup_key=f"sales:{loan.ref}:{told.ref}",
        params={
            "month": period_name(asked.month),
            "sales": f"{asked.sales:.2f}",
            "asked": f"{asked.asked:.2f}",
            "due": asked.due_date.isoformat(),
            "loan_ref": str(loan.ref),
        },
    )


# ---- the night --------------------------------------------------------------------------------------------------------


def read_sales(*, as_of: date, first_id: int = 0, last_id: int = 2**62) -> dict[str, int]:
    """Take what the records show of the month that the next due date asks about; a repeat changes nothing.

    Records that show less than the owner reported change nothing either: the owner knows of cash that no file shows.
    """
    taken = 0
    for drawdown in _running(first_id, last_id):
        due_date = coming_due_date(loan_id=drawdown.loan_id, as_of=as_of)
        if due_date is None:
            continue
        month = month_asked(due_date)
        if as_of < month_after(month):
            continue
        seen = sales_seen(business_id=drawdown.line.borrower_id, month=month, as_of=as_of)
        told = reports_of(loan_id=drawdown.loan_id).get(period_name(month))
        if seen is None or (told is not None and told.amount >= seen):
            continue
        try:
            report_month(
                drawdown_id=drawdown.pk, month=month, amount=seen, actor=None, as_of=as_of, source=RECORDS
            )
        except Refusal as refusal:
            log.info("the records of loan %s were not taken: %s", drawdown.loan_id, refusal.code)
        else:
            taken += 1
    return {"sales_read": taken}


def remind_of_sales(*, as_of: date) -> int:
    """Tell owners who reported nothing, nine and three days before the due date, what will be asked instead."""
    orders = []
    for drawdown in _running():
        due_date = coming_due_date(loan_id=drawdown.loan_id, as_of=as_of)
        rung = next((days for days in REMIND_DAYS if due_date and (due_date - as_of).days <= days), None)
        if due_date is None or rung is None or as_of < month_after(month_asked(due_date)):
            continue
        reports = reports_of(loan_id=drawdown.loan_id)
        asked = asked_of(terms=drawdown.loan.agreed, due_date=due_date, reports=reports)
        if asked.source == EXPECTED:
            orders.append(
                NoticeOrder(
                    borrower_id=drawdown.line.borrower_id,
                    kind="sales_missing",
                    dedup_key=f"sales_missing:{drawdown.loan_id}:{due_date}:{rung}",
                    params={
                        "month": period_name(asked.month),
                        "asked": f"{asked.asked:.2f}",
                        "sales": f"{asked.sales:.2f}",
                        "due": due_date.isoformat(),
                        "loan_ref": str(drawdown.loan.ref),
                    },
                    channels=("IN_APP", "EMAIL"),
                )
            )
    with transaction.atomic():
        return queue_notices(orders=orders)


def _running(first_id: int = 0, last_id: int = 2**62) -> list[Drawdown]:
    return list(
        Drawdown.objects.filter(
            scenario="SALES_SHARE",
            loan__status__in=["ACTIVE", "OVERDUE"],
            loan_id__gte=first_id,
            loan_id__lte=last_id,
        )
        .select_related("loan", "line")
        .order_by("loan_id")
    )

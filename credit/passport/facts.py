"""Collect what a passport may say, section by section; a section that is not released is never collected."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date
from decimal import Decimal
from math import isnan
from typing import Any

from django.db.models import Count, Q, Sum

from accounts import queries as account_queries
from accounts.models import Borrower
from credit.domain.passport import Conduct, level_of
from credit.models import CreditLine
from credit.queries import debts_of_lines
from loans import queries as loan_queries
from loans.models import Instalment, Loan
from risk.evidence.trade import cash_flow

Section = dict[str, Any]


def conduct_of(*, borrower_id: int, as_of: date) -> Conduct:
    """Say how a borrower repaid us, as the levels ask it."""
    found = loan_queries.conduct(borrower_ids=[borrower_id], as_of=as_of)
    values = {
        name: getattr(found, name)[0]
        for name in (
            "months_on_book",
            "loans_paid_off",
            "on_time_streak",
            "late_count_12m",
            "days_past_due_now",
            "days_past_due_max_12m",
        )
    }
    return Conduct(**{name: 0 if isnan(value) else int(value) for name, value in values.items()})


def collect_sections(*, borrower: Borrower, sections: Collection[str], as_of: date) -> dict[str, Section]:
    """Give the released sections, every figure written as a string."""
    return {name: _COLLECTORS[name](borrower, as_of) for name in _COLLECTORS if name in sections}


def _holder(borrower: Borrower, as_of: date) -> Section:
    if not borrower.is_business:
        identity = account_queries.identity_of(borrower_id=borrower.pk)
        name = identity.full_name if identity is not None and identity.status == "VERIFIED" else ""
        return {"kind": "PERSON", "name": name}
    profile = borrower.business_profile
    return {
        "kind": "BUSINESS",
        "name": profile.legal_name,
        "uscc": profile.uscc,
        "industry": profile.industry,
        "founded_year": str(profile.founded_date.year),
    }


def _standing(borrower: Borrower, as_of: date) -> Section:
    conduct = conduct_of(borrower_id=borrower.pk, as_of=as_of)
    level = level_of(conduct)
    return {
        "level": str(level.number),
        "level_name": level.name,
        "months_with_us": str(conduct.months_on_book),
    }


def _repayment(borrower: Borrower, as_of: date) -> Section:
    conduct = conduct_of(borrower_id=borrower.pk, as_of=as_of)
    due = Instalment.objects.filter(loan__borrower_id=borrower.pk, due_date__lte=as_of).exclude(
        loan__status__in=["PENDING", "CANCELLED"]
    )
    counted = due.aggregate(all=Count("pk"), paid=Count("pk", filter=Q(outstanding=0)))
    return {
        "instalments_due": str(counted["all"]),
        "instalments_paid": str(counted["paid"]),
        "late_in_12_months": str(conduct.late_count_12m),
        "longest_delay_days_in_12_months": str(conduct.days_past_due_max_12m),
        "on_time_in_a_row": str(conduct.on_time_streak),
        "loans_paid_off": str(conduct.loans_paid_off),
    }


def _debt(borrower: Borrower, as_of: date) -> Section:
    found = Loan.objects.filter(borrower_id=borrower.pk, status__in=Loan.LIVE).aggregate(
        loans=Count("pk"), principal=Sum("principal_outstanding")
    )
    conduct = conduct_of(borrower_id=borrower.pk, as_of=as_of)
    return {
        "open_loans": str(found["loans"]),
        "principal_outstanding": f"{found['principal'] or Decimal(0):.2f}",
        "days_past_due": str(conduct.days_past_due_now),
    }


def _line(borrower: Borrower, as_of: date) -> Section:
    lines = list(CreditLine.objects.filter(borrower_id=borrower.pk, status__in=["ACTIVE", "FROZEN"]))
    limit = sum((line.limit for line in lines), Decimal(0))
    debts = debts_of_lines(line_ids=[line.pk for line in lines])
    used = sum((debt.exposure for debt in debts.values()), Decimal(0))
    return {"limit": f"{limit:.2f}", "in_use": f"{used:.2f}"}


def _turnover(borrower: Borrower, as_of: date) -> Section:
    flow = cash_flow(borrower_id=borrower.pk, as_of=as_of)
    return {
        "months_known": str(len(flow.months)),
        "sales_a_month": "" if flow.sales_mean is None else f"{flow.sales_mean:.0f}",
        "trend_percent": "" if flow.trend is None else f"{(flow.trend - 1) * 100:+.0f}",
        "biggest_customer_percent": "" if flow.top_customer is None else f"{flow.top_customer * 100:.0f}",
        "newest_record": "" if flow.newest is None else flow.newest.isoformat(),
    }


_COLLECTORS: dict[str, Callable[[Borrower, date], Section]] = {
    "holder": _holder,
    "standing": _standing,
    "repayment": _repayment,
    "debt": _debt,
    "line": _line,
    "turnover": _turnover,
}

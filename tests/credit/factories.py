"""Lines ready to be drawn on, made without a score where the score is not what is tried."""

from __future__ import annotations

import importlib
from datetime import date
from decimal import Decimal
from typing import Any

from django.apps import apps

from accounts.models import BankAccount, Borrower
from credit.domain.decision import Applicant, Asked, Scored
from credit.domain.limits import Means
from credit.domain.reasons import reason, recourse
from credit.domain.reevaluation import next_review_after, period_of
from credit.models import Application, CreditLine, LimitChange, Policy, Product
from credit.operations.scoring import Assessed, inputs_of
from credit.queries import ceiling_now
from ledger.operations import open_books
from tests.factories import AS_OF, NOW, BankAccountFactory, BorrowerFactory, ConsentFactory, IdentityFactory


def bring_first_versions() -> None:
    """Bring products and policy back after a test that truncates tables."""
    seed = importlib.import_module("credit.migrations.0002_guards_and_first_versions")
    if not Policy.objects.exists():
        seed.bring_products(apps, None)
        seed.bring_policy(apps, None)
        importlib.import_module("credit.migrations.0020_working_products").bring_products(apps, None)
    bring_chart()
    open_books(first_date=AS_OF)


def bring_chart() -> None:
    """Bring the chart of accounts back."""
    from ledger.domain.chart import CHART
    from ledger.models import Account

    if not Account.objects.exists():
        for row in CHART:
            Account.objects.create(
                pk=row.account_id, code=row.code, role=row.role, name=row.name, kind=row.kind
            )


def make_person(**values: Any) -> Borrower:
    """Make a person who may draw: identity, agreement, a bank account."""
    borrower = BorrowerFactory(**values)
    IdentityFactory(borrower=borrower)
    ConsentFactory(borrower=borrower, purpose="CREDIT_DECISION")
    BankAccountFactory(borrower=borrower)
    return borrower


def make_line(
    *,
    borrower: Borrower | None = None,
    limit: Decimal | int = 1_000,
    family: str = "PERSONAL",
    as_of: date = AS_OF,
    **values: Any,
) -> CreditLine:
    """Open a line with the events that the operations would have written."""
    borrower = borrower or make_person()
    product = Product.objects.filter(family=family, is_active=True).order_by("pk")[0]
    policy = Policy.objects.get(state="ACTIVE")
    application = Application.objects.create(
        borrower=borrower,
        product=product,
        policy=policy,
        requested_amount=limit,
        purpose=product.purposes[0],
        status="APPROVED",
        submitted_date=as_of,
        submitted_at=NOW,
        decided_date=as_of,
    )
    review = next_review_after(as_of, anchor=borrower.pk)
    line = CreditLine.objects.create(
        **{
            "borrower": borrower,
            "family": family,
            "limit": Decimal(limit),
            "annual_rate": Decimal("0.12"),
            "penalty_rate": Decimal("0.18"),
            "grade": "B",
            "status": "ACTIVE",
            "opened_date": as_of,
            "valid_until": date(as_of.year + 1, as_of.month, as_of.day),
            "application": application,
            "next_review_date": review,
            **values,
        }
    )
    LimitChange.objects.create(
        line=line,
        direction="OPEN",
        trigger="APPLICATION",
        old_limit=0,
        new_limit=line.limit,
        reasons=[reason("risk_good").to_dict()],
        recourse=[recourse("pay_on_time").to_dict()],
        policy=policy,
        period=period_of(as_of),
        effective_date=as_of,
        next_review_date=review,
    )
    return line


def account_of(borrower: Borrower) -> BankAccount:
    return BankAccount.objects.get(borrower=borrower)


def engine_inputs() -> dict[str, Any]:
    """Give what an engine's decision keeps of an applicant of whom nothing is known."""
    means = Means(
        is_business=False, monthly_income=None, monthly_instalments=Decimal(0), other_limits=Decimal(0)
    )
    applicant = Applicant(
        is_business=False, age=36, is_student=False, is_blocked=False, days_past_due=0, worst_days_past_due_12m=0, means=means
    )  # fmt: skip
    nothing = Assessed(Scored(None, "model_unavailable"), None)
    return inputs_of(applicant, nothing, Asked(Decimal(1_000), Decimal(300_000), Decimal(1)), ceiling_now())

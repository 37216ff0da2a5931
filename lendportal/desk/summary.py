"""What the desk's own pages show. Questions only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, Min, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext

from accounts import queries as account_queries
from credit.domain.products import PURPOSE_NAMES
from credit.models import Application, CreditLine, NightRun, ReviewRequest
from ledger import queries as ledger_queries
from lendportal.desk.words import sentences
from lendportal.desk.working import words_of_loans
from loans.models import GatewayMessage, Loan, Payout
from risk import queries as risk_queries
from risk.domain.registry import FEATURES
from risk.evidence.queries import evidence_of
from risk.models import MonitoringRun


@dataclass(frozen=True, slots=True)
class Summary:
    """The start page: the date, the last night, what waits, and the book in four numbers."""

    business_date: date
    night: NightRun | None
    referred: int
    oldest_referred: date | None
    reviews: int
    next_answer_by: date | None
    payouts_open: int
    payouts_unknown: int
    parked_messages: int
    lines_active: int
    limits: Decimal
    outstanding: Decimal
    loans_overdue: int
    overdue_principal: Decimal
    monitoring: MonitoringRun | None
    proposals: int | None
    emergencies: list[Any]


def summary(*, user: Any) -> Summary:
    """Collect the start page in few statements."""
    referred = Application.objects.filter(status="REFERRED").aggregate(
        n=Count("id"), oldest=Min("submitted_date")
    )
    asked = ReviewRequest.objects.filter(status="OPEN").aggregate(n=Count("id"), first=Min("answer_by_date"))
    payouts = Payout.objects.filter(status__in=["PENDING", "CLAIMED", "SENT", "UNKNOWN"]).aggregate(
        n=Count("id"), unknown=Count("id", filter=Q(status="UNKNOWN"))
    )
    lines = CreditLine.objects.filter(status="ACTIVE").aggregate(n=Count("id"), limits=Sum("limit"))
    book = Loan.objects.filter(status__in=["ACTIVE", "OVERDUE"]).aggregate(
        outstanding=Sum("principal_outstanding"),
        late=Count("id", filter=Q(days_past_due__gt=0)),
        overdue=Sum("principal_outstanding", filter=Q(days_past_due__gt=0)),
    )
    zero = Decimal("0.00")
    return Summary(
        business_date=ledger_queries.business_date(),
        night=NightRun.objects.order_by("-business_date").first(),
        referred=referred["n"],
        oldest_referred=referred["oldest"],
        reviews=asked["n"],
        next_answer_by=asked["first"],
        payouts_open=payouts["n"],
        payouts_unknown=payouts["unknown"],
        parked_messages=GatewayMessage.objects.filter(state="PARKED").count(),
        lines_active=lines["n"],
        limits=lines["limits"] or zero,
        outstanding=book["outstanding"] or zero,
        loans_overdue=book["late"],
        overdue_principal=book["overdue"] or zero,
        monitoring=MonitoringRun.objects.defer("report").order_by("-as_of", "-pk").first(),
        proposals=account_queries.proposals_waiting(user=user),
        emergencies=list(account_queries.temporary_roles(now=timezone.now())),
    )


def nights() -> QuerySet[NightRun]:
    """List the last nights."""
    return NightRun.objects.order_by("-business_date")[:14]


def facts_in_words(*, assessment: Any) -> list[tuple[str, str]]:
    """Say each fact that was scored, with its value; what is missing is left out."""
    values = risk_queries.facts_of(assessment=assessment)
    known = (
        (feature, value) for feature, value in zip(FEATURES, values.tolist(), strict=True) if value == value
    )
    return [(gettext(feature.sentence), f"{value:,.2f}".rstrip("0").rstrip(".")) for feature, value in known]


@dataclass(frozen=True, slots=True)
class ApplicationPicture:
    """All that an officer weighs: the engine's decision, the score with its facts, evidence, lines and loans."""

    purpose: str
    decision: Any
    reasons: list[str]
    assessment: Any
    facts: list[tuple[str, Any]]
    evidence: Any
    lines: Any
    loans: Any
    earlier: Any


def _loans(borrower_id: int) -> list[Loan]:
    """Give the newest loans, each with what stands behind it where it is working capital."""
    loans = list(Loan.objects.filter(borrower_id=borrower_id).order_by("-id")[:20])
    behind = words_of_loans([loan.pk for loan in loans])
    for loan in loans:
        loan.behind = behind.get(loan.pk, "")  # type: ignore[attr-defined]
    return loans


def application_picture(*, application: Application) -> ApplicationPicture:
    """Collect what the review page shows of one application."""
    decision = application.decisions.select_related("assessment", "policy").order_by("-number").first()
    assessment = decision.assessment if decision else None
    borrower = application.borrower_id
    return ApplicationPicture(
        purpose=gettext(PURPOSE_NAMES.get(application.purpose, application.purpose)),
        decision=decision,
        reasons=sentences(decision.reasons) if decision else [],
        assessment=assessment,
        facts=facts_in_words(assessment=assessment) if assessment else [],
        evidence=evidence_of(borrower_id=borrower),
        lines=CreditLine.objects.filter(borrower_id=borrower).order_by("-id"),
        loans=_loans(borrower),
        earlier=Application.objects.filter(borrower_id=borrower)
        .exclude(pk=application.pk)
        .select_related("product")
        .order_by("-id")[:10],
    )

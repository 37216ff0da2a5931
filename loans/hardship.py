"""Questions about hardship requests and plans; none writes."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db.models import OuterRef, Prefetch, QuerySet, Subquery

from loans.domain.hardship import WAITING, PlanPreview, PlanStatus, check_measures, preview_plan
from loans.models import HardshipPaper, HardshipPlan, HardshipRequest, Loan
from loans.operations.events import read_events


def hardship_of(*, loan_id: int) -> HardshipRequest | None:
    """Return the newest request of a loan with its plans (newest first) and the list of its papers."""
    return _whole().filter(loan_id=loan_id).order_by("-pk").first()


def waiting_hardship() -> QuerySet[HardshipRequest]:
    """Return the requests that wait for an officer or for the borrower, the most urgent first."""
    return (
        _whole()
        .filter(status__in=list(WAITING))
        .select_related("loan__borrower")
        .order_by("answer_by_date", "pk")
    )


def with_waiting(loans: QuerySet[Loan]) -> QuerySet[Loan]:
    """Add to loans what their waiting requests say: `hardship_status` and `hardship_date`, both None without one."""
    waiting = HardshipRequest.objects.filter(loan_id=OuterRef("pk"), status__in=list(WAITING))
    return loans.annotate(
        hardship_status=Subquery(waiting.values("status")[:1]),
        hardship_date=Subquery(waiting.values("answer_by_date")[:1]),
    )


def _whole() -> QuerySet[HardshipRequest]:
    return HardshipRequest.objects.prefetch_related(
        Prefetch("plans", HardshipPlan.objects.order_by("-number")),
        Prefetch("papers", HardshipPaper.objects.defer("content").order_by("pk")),
    )


def offered_plan(request: HardshipRequest) -> HardshipPlan | None:
    """Return the plan that waits for the borrower's answer."""
    return next((plan for plan in request.plans.all() if plan.status == PlanStatus.OFFERED), None)


def preview(*, loan_id: int, measures: Sequence[Mapping[str, Any]], as_of: date) -> PlanPreview:
    """Return the loan without and with measures, before anybody agrees to them. Raises what offering raises."""
    loan = Loan.objects.get(pk=loan_id)
    return preview_plan(
        check_measures(measures, as_of=as_of),
        terms=loan.agreed,
        events=read_events(loan_id=loan_id),
        value_date=as_of,
    )


def paper_content(paper: HardshipPaper) -> bytes:
    """Open a paper."""
    return base64.b64decode(paper.content)

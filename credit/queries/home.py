"""The borrower's first page, and what is still to be done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Exists

from accounts.models import Borrower, Consent
from credit.models import (
    Application,
    CreditLine,
    LimitChange,
)
from credit.queries.debts import ZERO
from credit.queries.group import _identities
from credit.queries.lines import LineView, line_view
from credit.queries.rules import rules_of
from risk.evidence.queries import evidence_of


@dataclass(frozen=True, slots=True)
class Home:
    """Hold what the borrower's first page shows."""

    borrower: Borrower
    lines: list[LineView]
    tasks: list[
        str
    ]  # codes of what to do next: identity, consent, evidence, bank_account, apply, offer, overdue
    application: Application | None
    next_due_date: date | None
    next_due_amount: Decimal
    history: list[LimitChange]


def home(*, borrower_id: int, as_of: date, borrower: Borrower | None = None) -> Home:
    """Put together the borrower's first page; give the borrower if it is at hand."""
    borrower = borrower or Borrower.objects.get(pk=borrower_id)
    rows = CreditLine.objects.filter(borrower_id=borrower_id).exclude(status="CLOSED").order_by("pk")
    views = [line_view(line=line, as_of=as_of) for line in rows]
    application = (
        Application.objects.select_related("product", "policy")
        .filter(borrower_id=borrower_id)
        .order_by("-pk")
        .first()
    )
    dates = sorted(view.next_due_date for view in views if view.next_due_date is not None)
    first = dates[0] if dates else None
    return Home(
        borrower=borrower,
        lines=views,
        tasks=_tasks(borrower, views, application, as_of),
        application=application,
        next_due_date=first,
        next_due_amount=sum((view.next_due_amount for view in views if view.next_due_date == first), ZERO),
        history=sorted((c for view in views for c in view.changes), key=lambda c: -c.pk)[:12],
    )


@dataclass(frozen=True, slots=True)
class Readiness:
    """Hold what a borrower has of what an application and a draw need."""

    identity: bool
    consent: bool
    line: bool
    bank_account: bool


def readiness(*, borrower: Borrower) -> Readiness:
    """Ask for the four of them in one statement."""
    consent = Consent.objects.filter(
        borrower_id=borrower.pk, purpose="CREDIT_DECISION", withdrawn_at__isnull=True
    )
    line = CreditLine.objects.filter(borrower_id=borrower.pk, opened_date__isnull=False)
    account = borrower.bank_accounts.filter(removed_at__isnull=True, verified_at__isnull=False)
    row = Borrower.objects.filter(pk=borrower.pk).values_list(
        Exists(_identities(borrower)), Exists(consent), Exists(line), Exists(account)
    )
    return Readiness(*row.get())


def missing_steps(
    *, borrower: Borrower, ready: Readiness | None = None, has_evidence: bool | None = None
) -> list[str]:
    """Name the steps before an application that are not done; give what is at hand."""
    ready = ready or readiness(borrower=borrower)
    steps = []
    if not ready.identity:
        steps.append("identity")
    if not ready.consent:
        steps.append("consent")
    if not ready.line:
        given = bool(evidence_of(borrower_id=borrower.pk)) if has_evidence is None else has_evidence
        steps += [] if given else ["evidence"]
    return steps


def apply_again_on(*, application: Application) -> date | None:
    """Give the day from which another application is taken after a decline."""
    if application.status != Application.Status.DECLINED or application.decided_date is None:
        return None
    return application.decided_date + timedelta(days=rules_of(application.policy).cool_off_days)


def _tasks(
    borrower: Borrower, views: list[LineView], application: Application | None, as_of: date
) -> list[str]:
    ready = readiness(borrower=borrower)
    tasks = missing_steps(borrower=borrower, ready=ready)
    if any(view.line.status == "OFFERED" for view in views):
        tasks.append("offer")
    if any(view.days_past_due > 0 for view in views):
        tasks.append("overdue")
    if views and not ready.bank_account:
        tasks.append("bank_account")
    waiting = application is not None and application.status in ("SUBMITTED", "REFERRED")
    again = apply_again_on(application=application) if application else None
    if not views and not waiting and not tasks and (again is None or as_of >= again):
        tasks.append("apply")
    return tasks

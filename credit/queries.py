"""Questions to credit; nothing here writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Exists, QuerySet

import regimes
from accounts.models import Borrower, BusinessMember, Consent, Identity, Notice
from credit.domain.limits import available
from credit.domain.policy import Ceiling, PolicyRules, read_policy
from credit.domain.products import Family, counts_of
from credit.domain.reevaluation import next_review_after
from credit.domain.rounds import CODE, KEPT, kept_reasons
from credit.due_days import wished_dates
from credit.models import (
    Application,
    CreditLine,
    Decision,
    Drawdown,
    LimitChange,
    LineLook,
    Policy,
    Product,
    ReviewRequest,
    SelfExclusion,
)
from loans.business_days import on_the_calendar
from loans.domain.quotes import Quote, quote
from loans.domain.terms import LoanTerms, RepaymentMethod
from regimes.errors import N_, Refusal
from risk import queries as risk_queries
from risk.domain.registry import FEATURE_AT, FEATURES
from risk.evidence.queries import evidence_of

OPEN_LOAN = ("PENDING", "ACTIVE", "OVERDUE")
ZERO = Decimal(0)


class UnableToFindPolicy(Refusal):
    """Refuse to decide when no policy is active."""

    http_status = 503


@dataclass(frozen=True, slots=True)
class Debt:
    """Hold what a line owes or has promised: principal, payouts under way, holds for shops; and the worst delay."""

    exposure: Decimal
    days_past_due: int
    held: Decimal = ZERO  # of the exposure: kept free for purchases


@dataclass(frozen=True, slots=True)
class LineView:
    """Hold one line as its page shows it."""

    line: CreditLine
    exposure: Decimal
    held: Decimal
    available: Decimal
    days_past_due: int
    next_due_date: date | None
    next_due_amount: Decimal
    can_draw: bool
    changes: list[LimitChange]
    next_look_date: date


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
    unread_notices: int


@dataclass(frozen=True, slots=True)
class DrawOption:
    """Hold one product that a line can be drawn for."""

    product: Product
    methods: list[tuple[str, tuple[int, ...]]]
    purposes: tuple[str, ...]
    minimum: Decimal
    maximum: Decimal
    terms_version: str


# ---- rules in force -------------------------------------------------------------------------------------------------


def regime_now() -> regimes.Regime:
    """Give the jurisdiction that this portal works under."""
    return regimes.get(settings.REGIME)


def ceiling_now() -> Ceiling:
    """Give what the regime allows at most, as the rules of credit take it."""
    regime = regime_now()
    return Ceiling(
        person_limit=regime.max_limit_person,
        business_limit=regime.max_limit_business,
        annual_rate=regime.max_annual_rate,
        bullet_months=regime.max_bullet_months,
        person_months=regime.max_term_months,
        business_months=regime.max_term_months,
        refuses_students=regime.students_excluded,
        penalty_rate=regime.max_penalty_annual_rate,
        forbidden_purposes=regime.forbidden_purposes,
    )


def active_policy() -> Policy:
    """Give the policy in force."""
    policy = Policy.objects.filter(state=Policy.State.ACTIVE).first()
    if policy is None:
        raise UnableToFindPolicy("policy_missing", N_("No credit policy is active. Activate one first."))
    return policy


def rules_of(policy: Policy) -> PolicyRules:
    """Read a policy's document."""
    return read_policy(policy.document, ceiling=ceiling_now())


def products(*, borrower: Borrower) -> QuerySet[Product]:
    """List the products that a borrower may apply for."""
    family = Family.BUSINESS if borrower.is_business else Family.PERSONAL
    return Product.objects.filter(family=family, is_active=True).order_by("pk")


# ---- who belongs together -------------------------------------------------------------------------------------------


def users_behind(*, borrower_id: int) -> set[int]:
    """Give the users of a borrower: the person, or every active member of the business."""
    owner = Borrower.objects.filter(pk=borrower_id, user__isnull=False).values_list("user_id", flat=True)
    members = BusinessMember.objects.filter(business_id=borrower_id, is_active=True).values_list(
        "user_id", flat=True
    )
    return {int(user) for user in [*owner, *members] if user is not None}


def group_of(*, borrower_ids: Iterable[int]) -> dict[int, set[int]]:
    """Give for each borrower the group that counts as one: the owners as persons and all their businesses."""
    wanted = set(borrower_ids)
    groups = {pk: {pk} for pk in wanted}
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS, [sorted(wanted)] * 2)
        for pk, member in cursor.fetchall():
            groups[pk].add(member)
    return groups


# a person's own borrower and every business owned, for each owner of what was asked for
_GROUPS = """
WITH owner AS (
    SELECT b.id, b.user_id FROM accounts_borrower b WHERE b.id = ANY(%s) AND b.user_id IS NOT NULL
    UNION SELECT m.business_id, m.user_id FROM accounts_businessmember m
    WHERE m.business_id = ANY(%s) AND m.role = 'OWNER' AND m.is_active
)
SELECT o.id, b.id FROM owner o JOIN accounts_borrower b ON b.user_id = o.user_id
UNION SELECT o.id, m.business_id FROM owner o JOIN accounts_businessmember m ON m.user_id = o.user_id
WHERE m.role = 'OWNER' AND m.is_active"""


def identity_confirmed(*, borrower: Borrower) -> bool:
    """Tell whether the person, or an owner of the business, has a confirmed identity."""
    return _identities(borrower).exists()


def age_of(*, borrower: Borrower, as_of: date) -> int | None:
    """Give the age of the person, or of the youngest confirmed owner; None when unknown."""
    ages = [
        as_of.year - born.year - ((as_of.month, as_of.day) < (born.month, born.day))
        for born in _identities(borrower).values_list("birth_date", flat=True)
        if born is not None
    ]
    return min(ages) if ages else None


def _identities(borrower: Borrower) -> QuerySet[Identity]:
    confirmed = Identity.objects.filter(status=Identity.Status.VERIFIED)
    if not borrower.is_business:
        return confirmed.filter(borrower_id=borrower.pk)
    owners = BusinessMember.objects.filter(
        business_id=borrower.pk, role=BusinessMember.Role.OWNER, is_active=True
    )
    return confirmed.filter(borrower__user_id__in=owners.values("user_id"))


def consent_to_decide(*, borrower_id: int) -> bool:
    """Tell whether the borrower agrees to credit decisions on the own data."""
    return Consent.objects.filter(
        borrower_id=borrower_id, purpose="CREDIT_DECISION", withdrawn_at__isnull=True
    ).exists()


def group_exposure(*, borrower_id: int, except_line_id: int | None = None) -> Decimal:
    """Sum what is promised, or owed if more, on the open lines of a person and of the businesses owned."""
    members = group_of(borrower_ids=[borrower_id])[borrower_id]
    lines = dict(
        CreditLine.objects.filter(borrower_id__in=members)
        .exclude(status__in=["OFFERED", "CLOSED"])
        .exclude(pk=except_line_id or 0)
        .values_list("pk", "limit")
    )
    debts = debts_of_lines(line_ids=list(lines))
    return sum((max(limit, debts[pk].exposure) for pk, limit in lines.items()), ZERO)


def room_in_group(*, line: CreditLine) -> Decimal:
    """Say how high a line's limit may be, so that the whole group stays within the policy in force."""
    others = group_exposure(borrower_id=line.borrower_id, except_line_id=line.pk)
    return rules_of(active_policy()).group_limit - others


def exclusion_of(*, borrower_id: int) -> SelfExclusion | None:
    """Give the borrower's self-exclusion that was not ended, if there is one."""
    return SelfExclusion.objects.filter(borrower_id=borrower_id, ended_date__isnull=True).first()


# ---- the line -------------------------------------------------------------------------------------------------------


def debt_of_line(*, line_id: int) -> Debt:
    """Sum what a line owes, in one statement."""
    return debts_of_lines(line_ids=[line_id])[line_id]


_DEBTS = """
SELECT line_id, sum(waiting), sum(owed), sum(held), max(late) FROM (
    SELECT d.line_id, CASE l.status WHEN 'PENDING' THEN d.amount ELSE 0 END AS waiting,
           CASE l.status WHEN 'PENDING' THEN 0 ELSE l.principal_outstanding END AS owed, 0 AS held, l.days_past_due AS late
    FROM credit_drawdown d JOIN loans_loan l ON l.id = d.loan_id
    WHERE d.line_id = ANY(%(lines)s) AND l.status IN ('PENDING', 'ACTIVE', 'OVERDUE')
    UNION ALL
    SELECT line_id, 0, 0, amount - taken - released, 0
    FROM credit_hold WHERE line_id = ANY(%(lines)s) AND status = 'OPEN'
) AS parts GROUP BY line_id
"""


def debts_of_lines(*, line_ids: Sequence[int]) -> dict[int, Debt]:
    """Sum what lines owe, in one statement: a loan waiting for its payout counts with its whole amount."""
    with connection.cursor() as cursor:
        cursor.execute(_DEBTS, {"lines": list(line_ids)})
        found = {
            line_id: Debt(exposure=waiting + owed + held, days_past_due=late, held=held)
            for line_id, waiting, owed, held, late in cursor
        }
    return {pk: found.get(pk, Debt(ZERO, 0)) for pk in line_ids}


def line_exposure(*, line_id: int) -> Decimal:
    """Give outstanding principal plus payouts under way plus holds of a line."""
    return debt_of_line(line_id=line_id).exposure


def loan_terms(
    *, line: CreditLine, amount: Decimal, instalment_count: int, repayment_method: str, as_of: date
) -> LoanTerms:
    """Make the terms that a draw would be agreed under; the quote and the contract are the same value."""
    return on_the_calendar(
        LoanTerms(
            principal=amount,
            annual_rate=line.annual_rate,
            repayment_method=RepaymentMethod(repayment_method),
            instalment_count=instalment_count,
            start_date=as_of,
            penalty_rate=line.penalty_rate,
            cooling_off_days=regime_now().cooling_off_days,
            **wished_dates(line=line, method=repayment_method, count=instalment_count, start=as_of),
        )
    )


def draw_quote(
    *, line_id: int, amount: Decimal, instalment_count: int, repayment_method: str, as_of: date
) -> Quote:
    """Quote a draw: every instalment and the annual rate by IRR, from the terms that would be signed."""
    line = CreditLine.objects.select_related("borrower__contact_preference").get(pk=line_id)
    terms = loan_terms(
        line=line,
        amount=amount,
        instalment_count=instalment_count,
        repayment_method=repayment_method,
        as_of=as_of,
    )
    return quote(terms, as_of=as_of)


def draw_options(*, line: CreditLine, room: Decimal | None = None) -> list[DrawOption]:
    """List what a line can be drawn for: product, ways of repaying with their terms, purposes, amounts."""
    ceiling = ceiling_now()
    if room is None:
        room = available(limit=line.limit, exposure=line_exposure(line_id=line.pk))
    options = []
    for product in Product.objects.filter(family=line.family, is_active=True).order_by("pk"):
        terms = product.terms()
        allowed = tuple(code for code in terms.purposes if code not in ceiling.forbidden_purposes)
        methods = [(method, counts_of(terms, method, ceiling)) for method in terms.methods]
        options.append(
            DrawOption(
                product=product,
                methods=[(method, counts) for method, counts in methods if counts],
                purposes=allowed,
                minimum=terms.minimum,
                maximum=min(terms.maximum, room),
                terms_version=terms.terms_version,
            )
        )
    return options


def limit_history(*, line_id: int, newest: int = 100) -> list[LimitChange]:
    """List a line's changes, newest first."""
    return list(LimitChange.objects.filter(line_id=line_id).order_by("-pk")[:newest])


@dataclass(frozen=True, slots=True)
class Look:
    """Hold one monthly look that kept a limit: the day, why, and what would help; reasons as stored ones are written."""

    as_of: date
    reasons: list[dict[str, Any]]
    recourse: list[dict[str, Any]]


def looks_of(*, line_id: int, as_of: date, months: int = 13) -> list[Look]:
    """List the monthly looks that kept a line's limit, newest first; a look that moved it has its change instead."""
    periods = []
    year, month = as_of.year, as_of.month
    for _ in range(months):
        periods.append(date(year, month, 1))
        year, month = (year - 1, 12) if month == 1 else (year, month - 1)
    rows = LineLook.objects.filter(period__in=periods, line_id=line_id).order_by("-period")
    rules = rules_of(active_policy()).reevaluation if rows else None
    found = []
    for row in rows:
        if rules is None or row.code == CODE["moved"]:
            continue
        why, way = kept_reasons(KEPT[row.code], rules=rules)
        found.append(Look(row.as_of, [why.to_dict()], [way.to_dict()]))
    return found


@dataclass(frozen=True, slots=True)
class Step:
    """Hold one thing that a borrower can change: its sentence (an English message id), and from what to what."""

    sentence: str
    current: float
    wanted: float


def way_back(*, change: LimitChange) -> list[Step]:
    """Give the smallest changes after which a limit that fell would stand again; each was tried by scoring again.

    Empty when the change was not the score's, or when nothing that the borrower can change would do.
    """
    bound = (change.inputs or {}).get("restoring_pd")
    if bound is None or change.assessment is None:
        return []
    try:
        found = risk_queries.recourse_for(assessment=change.assessment, threshold=float(bound))
    except risk_queries.UnableToLoadModel:
        return []
    return [Step(FEATURES[FEATURE_AT[step.feature]].sentence, step.current, step.wanted) for step in found]


def next_look_date(*, line: CreditLine, as_of: date) -> date:
    """Give the day of a line's next monthly look: this month's if it was not looked at yet, else next month's."""
    if line.next_review_date > as_of:
        return line.next_review_date
    month = as_of.replace(day=1)
    if LineLook.objects.filter(period=month, line_id=line.pk).exists():
        return next_review_after(as_of, anchor=line.borrower_id)
    return max(as_of, month.replace(day=1 + line.borrower_id % 28))


def line_view(*, line: CreditLine, as_of: date, newest: int = 24) -> LineView:
    """Put together what the page of one line shows."""
    debt = debt_of_line(line_id=line.pk)
    nearest = (
        Drawdown.objects.filter(
            line_id=line.pk, loan__status__in=OPEN_LOAN, loan__next_due_date__isnull=False
        )
        .order_by("loan__next_due_date")
        .values_list("loan__next_due_date", "loan__next_due_amount")
    )
    rows = list(nearest)
    first = rows[0][0] if rows else None
    room = available(limit=line.limit, exposure=debt.exposure)
    return LineView(
        line=line,
        exposure=debt.exposure,
        held=debt.held,
        available=room,
        days_past_due=debt.days_past_due,
        next_due_date=first,
        next_due_amount=sum((amount or ZERO for day, amount in rows if day == first), ZERO),
        can_draw=line.status == CreditLine.Status.ACTIVE
        and room >= 50
        and debt.days_past_due == 0
        and as_of <= line.valid_until,
        changes=limit_history(line_id=line.pk, newest=newest),
        next_look_date=next_look_date(line=line, as_of=as_of),
    )


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
        unread_notices=Notice.objects.filter(
            borrower_id=borrower_id, channel="IN_APP", read_at__isnull=True
        ).count(),
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


def missing_steps(*, borrower: Borrower, ready: Readiness | None = None) -> list[str]:
    """Name the steps before an application that are not done."""
    ready = ready or readiness(borrower=borrower)
    steps = []
    if not ready.identity:
        steps.append("identity")
    if not ready.consent:
        steps.append("consent")
    if not ready.line and not list(evidence_of(borrower_id=borrower.pk)):
        steps.append("evidence")
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


# ---- officers -------------------------------------------------------------------------------------------------------


def application_queue() -> QuerySet[Application]:
    """List the applications that wait for a person, oldest first."""
    return (
        Application.objects.filter(status=Application.Status.REFERRED)
        .select_related("borrower", "product", "policy")
        .prefetch_related("decisions")
        .order_by("submitted_at", "pk")
    )


def review_queue() -> QuerySet[ReviewRequest]:
    """List the borrowers' open requests for a person, the most urgent first."""
    return (
        ReviewRequest.objects.filter(status=ReviewRequest.Status.OPEN)
        .select_related("borrower", "decision", "limit_change")
        .order_by("answer_by_date", "pk")
    )


def decision_of(*, application: Application) -> Decision | None:
    """Give the newest decision of an application."""
    return application.decisions.order_by("-number").first()


def params_as_text(written: dict[str, Any]) -> dict[str, str]:
    """Give a reason's figures for the page."""
    return {str(name): str(value) for name, value in (written.get("params") or {}).items()}

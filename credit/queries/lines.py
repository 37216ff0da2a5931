"""A line as its page shows it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from credit.domain.limits import available
from credit.domain.products import allowed_purposes, counts_of
from credit.domain.reevaluation import next_review_after
from credit.domain.rounds import CODE, KEPT, kept_reasons
from credit.due_days import wished_dates
from credit.models import (
    CreditLine,
    Drawdown,
    LimitChange,
    LineLook,
    Payee,
    Product,
)
from credit.queries.debts import OPEN_LOAN, ZERO, debt_of_line, line_exposure
from credit.queries.rules import active_policy, ceiling_now, regime_now, rules_of
from credit.queries.uses import payees_of, room_under
from credit.queries.working import Shape, shape_of
from loans.business_days import calendar_rule, on_the_calendar
from loans.domain.quotes import Quote, quote
from loans.domain.terms import LoanTerms, RepaymentMethod
from loans.models import CalendarRule
from risk import queries as risk_queries
from risk.domain.registry import FEATURE_AT, FEATURES


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
class DrawOption:
    """Hold one product that a line can be drawn for."""

    product: Product
    methods: list[tuple[str, tuple[int, ...]]]
    purposes: tuple[str, ...]
    minimum: Decimal
    maximum: Decimal
    terms_version: str
    payees: tuple[Payee, ...] = ()  # whom it may be paid to instead of the borrower


def loan_terms(
    *,
    line: CreditLine,
    amount: Decimal,
    instalment_count: int,
    repayment_method: str,
    as_of: date,
    calendar: CalendarRule | None = None,
    shape: Shape | None = None,
) -> LoanTerms:
    """Make the terms that a draw would be agreed under; the quote and the contract are the same value."""
    given = (
        wished_dates(line=line, method=repayment_method, count=instalment_count, start=as_of)
        if shape is None
        else dict(shape.terms)
    )
    return on_the_calendar(
        LoanTerms(
            principal=amount,
            annual_rate=line.annual_rate if shape is None else shape.rate(line.annual_rate),
            repayment_method=RepaymentMethod(repayment_method),
            instalment_count=instalment_count,
            start_date=as_of,
            penalty_rate=line.penalty_rate if shape is None else shape.rate(line.penalty_rate),
            cooling_off_days=regime_now().cooling_off_days,
            **given,
        ),
        rule=calendar,
    )


def draw_quote(
    *,
    line_id: int,
    amount: Decimal,
    instalment_count: int,
    repayment_method: str,
    as_of: date,
    product: Product | None = None,
    invoice: uuid.UUID | None = None,
) -> Quote:
    """Quote a draw: every instalment and the annual rate by IRR, from the terms that would be signed.

    Give the `product` where it may be one of working capital: a share of sales is quoted on the sales that are expected.
    """
    (found,) = draw_quotes(
        line_id=line_id, amount=amount, instalment_count=instalment_count, methods=[repayment_method], as_of=as_of,
        product=product, invoice=invoice,
    )  # fmt: skip
    return found


def draw_quotes(
    *,
    line_id: int,
    amount: Decimal,
    instalment_count: int,
    methods: Iterable[str],
    as_of: date,
    line: CreditLine | None = None,
    rule: CalendarRule | None = None,
    product: Product | None = None,
    invoice: uuid.UUID | None = None,
    shape: Shape | None = None,
) -> list[Quote]:
    """Quote one draw in several ways of repaying; line and calendar are read once, the line not at all if it is given.

    Give what a working-capital product adds as `shape` where it was asked already, or the `product`, and it is asked.
    """
    if line is None:
        line = CreditLine.objects.select_related("borrower__contact_preference").get(pk=line_id)
    assert line.pk == line_id
    rule = rule or calendar_rule()
    if shape is None and product is not None and product.working_rules is not None:
        shape = shape_of(
            line=line, product=product, amount=amount, count=instalment_count, as_of=as_of, invoice=invoice
        )
    terms = [
        loan_terms(
            line=line, amount=amount, instalment_count=instalment_count, repayment_method=method, as_of=as_of, calendar=rule,
            shape=shape,
        )
        for method in methods
    ]  # fmt: skip
    return [quote(agreed, as_of=as_of) for agreed in terms]


def room_of(*, line: CreditLine, exposure: Decimal | None = None) -> Decimal:
    """Give what can be drawn of a line now; the exposure is asked for when it is not given."""
    return available(
        limit=line.limit, exposure=line_exposure(line_id=line.pk) if exposure is None else exposure
    )


def draw_options(*, line: CreditLine, room: Decimal | None = None) -> list[DrawOption]:
    """List what a line can be drawn for: product, ways of repaying with their terms, purposes, amounts."""
    ceiling = ceiling_now()
    if room is None:
        room = room_of(line=line)
    options = []
    for product in Product.objects.filter(family=line.family, is_active=True).order_by("pk"):
        terms = product.terms()
        allowed = allowed_purposes(terms, ceiling)
        methods = [(method, counts_of(terms, method, ceiling)) for method in terms.methods]
        options.append(
            DrawOption(
                product=product,
                methods=[(method, counts) for method, counts in methods if counts],
                purposes=allowed,
                minimum=terms.minimum,
                maximum=min(terms.maximum, room_under(line=line, product=product, room=room)),
                terms_version=terms.terms_version,
                payees=tuple(payees_of(product=product)) if terms.payee_rule != "NONE" else (),
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
    unit: str = ""  # CNY, CNY a month, ratio, days, months or count


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
    return [
        Step(feature.sentence, step.current, step.wanted, feature.unit)
        for step in found
        for feature in (FEATURES[FEATURE_AT[step.feature]],)
    ]


FALLS, RISES = frozenset({"DOWN", "FREEZE", "ANNOUNCE"}), frozenset({"UP", "UNFREEZE", "WITHDRAW", "OPEN"})


def standing_fall(changes: Sequence[LimitChange]) -> LimitChange | None:
    """Give the newest change that took something away by the score and that nothing gave back; `changes` newest first."""
    for change in changes:
        if change.direction in RISES:
            return None
        if change.direction in FALLS:
            return change if (change.inputs or {}).get("restoring_pd") else None
    return None


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

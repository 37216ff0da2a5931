"""What finance asks of loans: the statement of one, what is set aside for all, and how that moved. Questions only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db import connection

from ledger.domain.closing import CloseCheck
from loans.domain.engine import fold
from loans.domain.events import LoanEvent
from loans.domain.provisions import DEFAULT_RULES, ProvisionRules
from loans.domain.state import Amounts, LoanState
from loans.models import Loan, MonthClose, ProvisionRun
from loans.operations.events import read_events
from loans.sql import BOOKED
from loans.words import event_words
from regimes.errors import N_, InvalidInput

LONGEST_STATEMENT_DAYS = 3700


class UnableToState(InvalidInput):
    """Refuse a period that no statement can be made of."""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """Show what one day did: owed before + paid out + earned - paid - forgiven - refunds out = owed after."""

    day: date
    words: tuple[str, ...]  # of the events; none on a due date on which nothing happened
    due_number: int | None  # of the instalment that fell due
    paid_out: Decimal
    interest: Decimal  # earned since the line before
    fees: Decimal
    penalty: Decimal
    paid: Decimal  # money of the borrower, net of what went back
    forgiven: Decimal  # waived or written off
    principal: Decimal  # outstanding after the day
    owed: Decimal  # after the day; negative when the borrower has a credit


@dataclass(frozen=True, slots=True)
class LoanStatement:
    """Show a loan between two days, as known on a day: opening + lines = closing, exactly."""

    loan: Loan
    from_date: date
    to_date: date
    known_on: date | None
    opening: Decimal
    lines: tuple[StatementLine, ...]
    closing: Decimal


def loan_statement(
    *, loan_id: int, from_date: date, to_date: date, known_on: date | None = None
) -> LoanStatement:
    """Return the statement of a loan, folded day by day, so that it is what the contract says and not a copy of it."""
    if from_date > to_date or (to_date - from_date).days > LONGEST_STATEMENT_DAYS:
        raise UnableToState(
            "period_invalid",
            N_("Choose a first day before the last day, at most ten years."),
            field="from_date",
        )
    loan = Loan.objects.select_related("borrower").get(pk=loan_id)
    terms, events = loan.agreed, read_events(loan_id=loan_id)
    known = [event for event in events if known_on is None or event.recorded_date <= known_on]

    def on(day: date) -> LoanState:
        return fold(terms, events, value_date=day, knowledge_date=known_on)

    # an instalment falls due where the rows of the time say so, which a reschedule may move: ask the last state
    due = {
        row.due_date: row.number for row in on(to_date).instalments if from_date <= row.due_date <= to_date
    }
    happened: dict[date, list[LoanEvent]] = defaultdict(list)
    for event in sorted(known, key=lambda event: event.sequence):
        if from_date <= event.value_date <= to_date:
            happened[event.value_date].append(event)
    before = on(from_date - timedelta(days=1))
    opening, lines = _owed(before), []
    for day in sorted({*happened, *due, to_date}):
        after = on(day)
        line = _line(day, before, after, happened.get(day, []), due.get(day))
        if line.words or line.due_number is not None or line.owed != _owed(before):
            lines.append(line)
        before = after
    return LoanStatement(loan, from_date, to_date, known_on, opening, tuple(lines), _owed(before))


def _settled(state: LoanState) -> Amounts:
    return state.paid.plus(state.waived).plus(state.written_off)


def _owed(state: LoanState) -> Decimal:
    """Return what was paid out and earned, less what was paid and forgiven, less the borrower's credit."""
    earned = state.disbursed + state.interest_earned + state.fees_charged + state.penalty_earned
    return earned - _settled(state).total - state.credit


def _line(
    day: date, before: LoanState, after: LoanState, events: Sequence[LoanEvent], due_number: int | None
) -> StatementLine:
    forgiven = after.waived.total + after.written_off.total - before.waived.total - before.written_off.total
    paid = after.paid.total + after.credit - before.paid.total - before.credit
    return StatementLine(
        day=day,
        words=tuple(event_words(event.kind, event.data) for event in events),
        due_number=due_number,
        paid_out=after.disbursed - before.disbursed,
        interest=after.interest_earned - before.interest_earned,
        fees=after.fees_charged - before.fees_charged,
        penalty=after.penalty_earned - before.penalty_earned,
        paid=paid,
        forgiven=forgiven,
        principal=after.principal_outstanding,
        owed=_owed(after),
    )


@dataclass(frozen=True, slots=True)
class ProvisionRow:
    """Show what stands set aside in one band of a portfolio."""

    portfolio: str
    currency: str
    band: str
    stage: int
    loans: int
    exposure: Decimal
    by_days: Decimal
    expected: Decimal
    amount: Decimal


_STANDING = """
SELECT DISTINCT ON (p.loan_id) p.* FROM loans_provisionline p WHERE p.as_of <= {day} ORDER BY p.loan_id, p.id DESC
"""
_BY_BAND = f"""
WITH standing AS ({_STANDING.format(day="%(day)s")})
SELECT l.portfolio, l.currency, s.band, s.stage, count(*), sum(s.exposure), sum(s.by_days), sum(s.expected), sum(s.amount)
FROM standing s JOIN loans_loan l ON l.id = s.loan_id WHERE s.reason = 'HELD' GROUP BY 1, 2, 3, 4 ORDER BY 2, 1, 4, min(s.days_past_due), 3
"""  # noqa: S608  constants


def provisions_on(*, as_of: date) -> list[ProvisionRow]:
    """Return what stood set aside at the end of a day, by portfolio and band, both ways."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_BAND, {"day": as_of})
        return [ProvisionRow(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class MovementRow:
    """Show how one stage's allowance came from one day to another; the columns add up to the closing."""

    currency: str
    stage: int
    opening: Decimal
    opened: Decimal  # of loans that had none
    moved_in: Decimal  # from other stages, at what it was there
    moved_out: Decimal  # to other stages, negative
    remeasured: Decimal  # more or less for loans that stay, and on arrival
    released: Decimal  # paid off, negative
    written_off: Decimal  # negative
    closing: Decimal


_MOVEMENT = f"""
WITH opening AS ({_STANDING.format(day="%(from)s")}), closing AS ({_STANDING.format(day="%(to)s")}),
pairs AS (
    SELECT l.currency, o.stage AS was, c.stage AS now, coalesce(o.amount, 0) AS before, coalesce(c.amount, 0) AS after,
           coalesce(o.reason = 'HELD', false) AS had, c.reason
    FROM closing c LEFT JOIN opening o ON o.loan_id = c.loan_id JOIN loans_loan l ON l.id = c.loan_id
),
moves AS (
    SELECT currency, was AS stage, before AS opening, 0 AS opened, 0 AS moved_in,
           CASE WHEN reason = 'HELD' AND was <> now THEN -before ELSE 0 END AS moved_out, 0 AS remeasured,
           CASE WHEN reason = 'PAID' THEN -before ELSE 0 END AS released,
           CASE WHEN reason = 'WRITTEN_OFF' THEN -before ELSE 0 END AS written_off, 0 AS closing
    FROM pairs WHERE had
    UNION ALL
    SELECT currency, now, 0, CASE WHEN had THEN 0 ELSE after END, CASE WHEN had AND was <> now THEN before ELSE 0 END, 0,
           CASE WHEN had THEN after - before ELSE 0 END, 0, 0, after
    FROM pairs WHERE reason = 'HELD'
)
SELECT currency, stage, sum(opening), sum(opened), sum(moved_in), sum(moved_out), sum(remeasured), sum(released),
       sum(written_off), sum(closing)
FROM moves GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608  constants


def provision_movement(*, from_date: date, to_date: date) -> list[MovementRow]:
    """Return how the allowance moved from the end of one day to the end of another, by stage."""
    if from_date > to_date:
        raise UnableToState(
            "period_invalid",
            N_("Choose a first day before the last day, at most ten years."),
            field="from_date",
        )
    with connection.cursor() as cursor:
        cursor.execute(_MOVEMENT, {"from": from_date, "to": to_date})
        return [MovementRow(*row) for row in cursor.fetchall()]


def last_provision_date() -> date | None:
    """Return the day of the latest run."""
    return ProvisionRun.objects.order_by("-as_of").values_list("as_of", flat=True).first()


def rules_in_force() -> ProvisionRules:
    """Return the rules of the latest run, or those of the house before there is one."""
    kept = ProvisionRun.objects.order_by("-as_of", "-number").values_list("rules", flat=True).first()
    return ProvisionRules.from_dict(kept) if kept else DEFAULT_RULES


def last_close(*, month_end: date | None) -> MonthClose | None:
    """Return the newest look at a month's close, or its close."""
    if month_end is None:
        return None
    return MonthClose.objects.filter(month_end=month_end).select_related("asked_by").order_by("-pk").first()


def close_checks(month_end: date) -> list[CloseCheck]:
    """Return what loans ask before a month is closed: earnings and provisions booked, no money of unknown fate."""
    return list(_close_checks(month_end))


def _close_checks(month_end: date) -> Iterator[CloseCheck]:
    day = {"day": month_end}
    for code, title, sql in (
        (
            "loans_booked",
            N_("Every live loan is booked through the end of the month"),
            f"""SELECT count(*) FROM loans_loan l WHERE l.status IN ('ACTIVE', 'OVERDUE') AND l.start_date <= %(day)s
                AND coalesce({BOOKED}, '-infinity') < %(day)s""",  # noqa: S608  constants
        ),
        (
            "money_settled",
            N_("No payout or payment of the month is of unknown outcome"),
            """SELECT (SELECT count(*) FROM loans_payout WHERE status IN ('UNKNOWN', 'PARKED') AND requested_date <= %(day)s)
                    + (SELECT count(*) FROM loans_collection WHERE status IN ('UNKNOWN', 'PARKED') AND requested_date <= %(day)s)""",
        ),
        (
            "messages_read",
            N_("No bank message is parked"),
            "SELECT count(*) FROM loans_gatewaymessage WHERE state = 'PARKED'",
        ),
    ):
        with connection.cursor() as cursor:
            cursor.execute(sql, day)
            count = cursor.fetchone()[0]
        yield CloseCheck(code, title, not count, str(count))
    last = last_provision_date()
    has_loans = Loan.objects.filter(status__in=Loan.LIVE, start_date__lte=month_end).exists()
    yield CloseCheck(
        "provisions_posted",
        N_("Provisions are posted through the end of the month"),
        not has_loans or (last is not None and last >= month_end),
        str(last or ""),
    )

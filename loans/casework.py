"""The cases of collectors: questions only. A case is a loan that is overdue; what happened in it is read from rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from accounts.models import Call, Notice
from loans.domain.casework import DEFAULT, BucketPlan, CaseFacts, NextStep, next_step, read_strategy
from loans.models import CollectionStrategy, HardshipRequest, Loan, LoanEventRow, Promise

PAGE = 50

# one statement for a page of cases, the latest in arrears first; (days, id) is where the page before ended
_CASES = """
SELECT l.id, l.ref, b.display_name, l.principal_outstanding,
       l.next_due_amount AS due, l.bucket, l.days_past_due,
       p.pay_by_date, p.amount, p.status, (SELECT max(c.at)::date FROM accounts_call c WHERE c.borrower_id = l.borrower_id),
       EXISTS (SELECT FROM loans_hardshiprequest h WHERE h.loan_id = l.id AND h.status IN ('OPEN', 'OFFERED'))
       OR EXISTS (SELECT FROM loans_event e WHERE e.loan_id = l.id AND e.kind = 'PAUSE' AND e.value_date <= %(as_of)s
                  AND (e.data ->> 'until')::date > %(as_of)s) AS in_hardship
FROM loans_loan l JOIN accounts_borrower b ON b.id = l.borrower_id
LEFT JOIN LATERAL (SELECT pay_by_date, amount, status FROM loans_promise WHERE loan_id = l.id ORDER BY id DESC LIMIT 1) p ON true
WHERE l.status = 'OVERDUE' AND l.days_past_due > 0 AND (%(bucket)s = '' OR l.bucket = %(bucket)s)
  AND (%(promise)s = '' OR p.status = %(promise)s)
  AND (l.days_past_due, l.id) < (%(days)s, %(id)s)
ORDER BY l.days_past_due DESC, l.id DESC LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Case:
    """Show one overdue loan as a collector sees it."""

    loan_id: int
    loan_ref: Any
    borrower: str
    principal: Decimal
    due: Decimal  # fallen due and unpaid, penalty of the last night included
    bucket: str
    days_past_due: int
    promise_until: date | None
    promise_amount: Decimal | None
    promise_status: str
    last_call: date | None
    in_hardship: bool
    step: NextStep


def strategy() -> dict[str, BucketPlan]:
    """Return how buckets are worked: the newest version, or the one that came with the portal."""
    row = CollectionStrategy.objects.order_by("-version").first()
    return read_strategy(row.document if row is not None else DEFAULT)


def cases(
    *, as_of: date, bucket: str = "", promise: str = "", before: tuple[int, int] | None = None
) -> tuple[list[Case], tuple[int, int] | None]:
    """Return a page of cases and where the next one starts; None at the end."""
    days, last = before or (10**6, 2**62)
    names: dict[str, Any] = {
        "as_of": as_of,
        "bucket": bucket,
        "promise": promise,
        "days": days,
        "id": last,
        "most": PAGE + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CASES, names)
        rows = cursor.fetchall()
    plans = strategy()
    found = [_case(row, plans, as_of) for row in rows[:PAGE]]
    more = (found[-1].days_past_due, found[-1].loan_id) if len(rows) > PAGE else None
    return found, more


def _case(row: tuple[Any, ...], plans: dict[str, BucketPlan], as_of: date) -> Case:
    (pk, ref, name, principal, due, bucket, days, until, amount, status, called, hardship) = row
    facts = CaseFacts(
        bucket=bucket,
        days_past_due=days,
        last_call=called,
        promise_until=until if status == Promise.Status.OPEN else None,
        promise_broken=status == Promise.Status.BROKEN,
        in_hardship=hardship,
    )
    step = next_step(facts, plans, as_of=as_of)
    return Case(pk, ref, name, principal, due, bucket, days, until, amount, status or "", called, hardship, step)  # fmt: skip


def case_facts(*, loan: Loan, as_of: date) -> CaseFacts:
    """Return what the guard and the strategy ask of one loan."""
    promise = Promise.objects.filter(loan_id=loan.pk).order_by("-pk").first()
    call = Call.objects.filter(borrower_id=loan.borrower_id).order_by("-at").first()
    return _facts(loan, as_of, call, promise)


def _facts(loan: Loan, as_of: date, call: Call | None, promise: Promise | None) -> CaseFacts:
    waits = HardshipRequest.objects.filter(loan_id=loan.pk, status__in=("OPEN", "OFFERED")).exists()
    pauses = LoanEventRow.objects.filter(loan_id=loan.pk, kind="PAUSE", value_date__lte=as_of)
    paused = any(
        str(data.get("until", "")) > as_of.isoformat() for data in pauses.values_list("data", flat=True)
    )
    return CaseFacts(
        bucket=loan.bucket,
        days_past_due=loan.days_past_due,
        last_call=call.at.date() if call else None,
        promise_until=promise.pay_by_date if promise and promise.status == Promise.Status.OPEN else None,
        promise_broken=bool(promise and promise.status == Promise.Status.BROKEN),
        in_hardship=waits or paused,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a case's story."""

    at: Any
    what: str
    note: str


@dataclass(frozen=True, slots=True)
class CaseFile:
    """All of one case: what the guard asks, the open promise, and what happened, newest first."""

    facts: CaseFacts
    promise: Promise | None
    story: list[Happening]


def case_file(*, loan: Loan, as_of: date, most: int = 30) -> CaseFile:
    """Return one case, its calls and promises read once."""
    calls = list(Call.objects.filter(borrower_id=loan.borrower_id).order_by("-at")[:most])
    promises = list(Promise.objects.filter(loan_id=loan.pk).order_by("-pk")[:most])
    return CaseFile(
        facts=_facts(loan, as_of, next(iter(calls), None), next(iter(promises), None)),
        promise=next((row for row in promises if row.status == Promise.Status.OPEN), None),
        story=_story(loan, calls, promises, most),
    )


def _story(loan: Loan, calls: list[Call], promises: list[Promise], most: int) -> list[Happening]:
    found = [
        Happening(call.at.date(), _("Call") if call.is_effective else _("Call, nobody reached"), call.note)
        for call in calls
    ]
    notices = Notice.objects.filter(borrower_id=loan.borrower_id, status="SENT").exclude(channel="IN_APP")
    found += [
        Happening(notice.sent_at.date(), notice.get_channel_display(), notice.kind)
        for notice in notices.order_by("-pk")[:most]
        if notice.sent_at is not None
    ]
    found += [
        Happening(row.made_date, _("Promise to pay"), f"{row.amount} · {row.pay_by_date} · {row.get_status_display()}")
        for row in promises
    ]  # fmt: skip
    found += [
        Happening(row.value_date, _("Payment"), str(row.amount))
        for row in LoanEventRow.objects.filter(loan_id=loan.pk, kind="REPAYMENT").order_by("-sequence")[:most]
    ]
    return sorted(found, key=lambda row: row.at, reverse=True)[:most]


def promise_record() -> dict[str, int]:
    """Count promises by what became of them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT status, count(*) FROM loans_promise GROUP BY 1")
        return dict(cursor.fetchall())

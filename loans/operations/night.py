"""The night: set-based statements over ranges of loans. A second run changes nothing.

Ageing writes the loans that changed. Accrual sums what a range earned since it was booked, over one narrow row a loan
(`AccrualLine`), of which it writes those whose period ended, and posts one journal a portfolio; a slice row remembers
through when the range is booked. Both equal
the fold to the cent (tests/loans/test_night.py). Loans that a statement cannot follow are folded one by one.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Q

from ledger.domain.chart import Role
from ledger.domain.journal import JournalDraft, lines_from
from ledger.operations import post_journals
from loans.models import AccrualSlice, Loan
from loans.operations.events import EARNINGS_LOCK, booked_through, carry, lock_loan, read_events
from loans.sql import interest_by, penalty_by

LAST_ID = 2**63 - 1


def _alone() -> None:
    """Wait for the events under way and keep new ones out until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [EARNINGS_LOCK])


AGE = f"""
WITH late AS (
    SELECT i.loan_id, min(i.due_date) AS oldest,
           sum(i.outstanding + {penalty_by("%(day)s::date")} - i.penalty_counted) AS amount
    FROM loans_instalment i JOIN loans_loan l ON l.id = i.loan_id
    WHERE i.outstanding > 0 AND i.due_date <= %(day)s AND i.loan_id BETWEEN %(first)s AND %(last)s
      AND l.status IN ('ACTIVE', 'OVERDUE') AND l.set_wise
    GROUP BY i.loan_id
),
aged AS (
    SELECT late.loan_id, late.oldest, late.amount,
           CASE WHEN %(day)s::date - late.oldest > l.grace_days THEN %(day)s::date - late.oldest ELSE 0 END AS days
    FROM late JOIN loans_loan l ON l.id = late.loan_id
),
wanted AS (
    SELECT loan_id, oldest, amount, days,
           CASE WHEN days > 90 THEN 'DPD_91_PLUS' WHEN days > 60 THEN 'DPD_61_90' WHEN days > 30 THEN 'DPD_31_60'
                WHEN days > 0 THEN 'DPD_1_30' ELSE 'CURRENT' END AS bucket,
           CASE WHEN days > 0 THEN 'OVERDUE' ELSE 'ACTIVE' END AS status
    FROM aged
)
UPDATE loans_loan l SET days_past_due = w.days, bucket = w.bucket, status = w.status, next_due_date = w.oldest,
       next_due_amount = w.amount, worst_days_past_due = greatest(l.worst_days_past_due, w.days)
FROM wanted w WHERE w.loan_id = l.id
  AND (l.days_past_due, l.bucket, l.status, l.next_due_date, l.next_due_amount)
      IS DISTINCT FROM (w.days, w.bucket, w.status, w.oldest, w.amount)
"""  # noqa: S608  constants


def age_loans(*, as_of: date, first_id: int = 1, last_id: int = LAST_ID) -> int:
    """Set days past due, bucket, status and what is to pay for a range of loans; return how many changed."""
    folded = refresh_loans(as_of=as_of, first_id=first_id, last_id=last_id)
    with transaction.atomic():
        _alone()
        with connection.cursor() as cursor:
            cursor.execute(AGE, {"day": as_of, "first": first_id, "last": last_id})
            return int(cursor.rowcount) + folded


def refresh_loans(*, as_of: date, first_id: int = 1, last_id: int = LAST_ID) -> int:
    """Fold the loans of a range that a statement cannot follow; return how many were carried on."""
    wanted = Loan.objects.filter(
        Q(accrued_through__lt=as_of), pk__gte=first_id, pk__lte=last_id, status__in=Loan.LIVE, set_wise=False
    ).order_by("pk")
    done = 0
    for loan_id in wanted.values_list("pk", flat=True).iterator(chunk_size=1000):
        with transaction.atomic():
            loan = lock_loan(loan_id=loan_id)
            booked = booked_through(loan=loan)
            if loan.is_live and booked is not None and booked < as_of:
                events = read_events(loan_id=loan.pk)
                carry(loan=loan, terms=loan.agreed, before=events, after=events, as_of=as_of, new=None)
                done += 1
    return done


# A loan whose period ended before the day follows the row of its next period: one in thirty a night.
MOVE_ON = """
UPDATE loans_accrualline t SET accrual_after = i.accrual_after, accrual_until = i.accrual_until,
       accrual_from = i.accrual_from, due_date = i.due_date, accrual_year = i.accrual_year,
       accrual_before = i.accrual_before, accrual_carried = i.accrual_carried, accrual_base = i.accrual_base,
       accrual_rate = i.accrual_rate
FROM loans_instalment i
WHERE t.accrual_until < %(day)s AND t.loan_id BETWEEN %(first)s AND %(last)s
  AND i.loan_id = t.loan_id AND i.accrual_until >= %(day)s AND i.accrual_after < %(day)s
"""

_HELD = "greatest(t.accrued_through, %(booked)s::date)"
_HELD_BY_LOAN = "greatest(l.accrued_through, %(booked)s::date)"
EARNED = f"""
WITH interest AS (
    -- a period's row says at its first day what the row before it said at its last: one row serves both days
    SELECT t.portfolio, t.currency,
           {interest_by("%(day)s::date", row="t")} - {interest_by(_HELD, row="t")} AS amount
    FROM loans_accrualline t
    WHERE t.loan_id BETWEEN %(first)s AND %(last)s AND t.accrual_after < %(day)s AND {_HELD} < %(day)s
      AND t.accrual_after <= {_HELD}
    UNION ALL
    -- nights were missed, and the period in which the loan was booked last is over
    SELECT t.portfolio, t.currency, {interest_by("%(day)s::date", row="t")} - before.amount
    FROM loans_accrualline t
    CROSS JOIN LATERAL (SELECT {interest_by(_HELD)} AS amount FROM loans_instalment i
        WHERE i.loan_id = t.loan_id AND i.accrual_until >= {_HELD} ORDER BY i.accrual_until LIMIT 1) AS before
    WHERE t.loan_id BETWEEN %(first)s AND %(last)s AND t.accrual_after < %(day)s AND {_HELD} < %(day)s
      AND t.accrual_after > {_HELD}
),
charges AS (
    SELECT l.portfolio, l.currency,
           sum({penalty_by("%(day)s::date")} - {penalty_by(_HELD_BY_LOAN)}) AS penalty,
           coalesce(sum(i.fee_on_due) FILTER (WHERE i.due_date > {_HELD_BY_LOAN}), 0) AS fees
    FROM loans_instalment i JOIN loans_loan l ON l.id = i.loan_id
    WHERE i.outstanding > 0 AND i.due_date <= %(day)s AND i.loan_id BETWEEN %(first)s AND %(last)s
      AND (l.penalty_rate > 0 OR i.fee_on_due > 0) AND l.status IN ('ACTIVE', 'OVERDUE') AND l.set_wise
      AND {_HELD_BY_LOAN} < %(day)s
    GROUP BY 1, 2
),
earned AS (SELECT portfolio, currency, sum(amount) AS amount FROM interest GROUP BY 1, 2)
SELECT portfolio, currency, coalesce(earned.amount, 0), coalesce(charges.penalty, 0), coalesce(charges.fees, 0)
FROM earned FULL JOIN charges USING (portfolio, currency) ORDER BY 1, 2
"""  # noqa: S608  constants

Sums = dict[tuple[str, str], tuple[Decimal, Decimal, Decimal]]


def accrue(*, as_of: date, first_id: int = 1, last_id: int = LAST_ID) -> int:
    """Book what a range of loans earned through a day, a journal a portfolio; return the journals written."""
    refresh_loans(as_of=as_of, first_id=first_id, last_id=last_id)
    with transaction.atomic():
        _alone()
        with connection.cursor() as cursor:
            cursor.execute(MOVE_ON, {"day": as_of, "first": first_id, "last": last_id})
        sums: Sums = {}
        for first, last, booked in _stretches(as_of=as_of, first_id=first_id, last_id=last_id):
            for key, earned in _earned(first, last, booked, as_of).items():
                before = sums.get(key, (Decimal(0), Decimal(0), Decimal(0)))
                sums[key] = (before[0] + earned[0], before[1] + earned[1], before[2] + earned[2])
        drafts = [
            _draft(portfolio, currency, amounts, as_of, first_id, last_id)
            for (portfolio, currency), amounts in sums.items()
            if any(amounts)
        ]
        if drafts:
            post_journals(drafts=drafts)
        AccrualSlice.objects.bulk_create(
            [AccrualSlice(as_of=as_of, first_id=first_id, last_id=last_id)], ignore_conflicts=True
        )
    return len(drafts)


def _earned(first: int, last: int, booked: date | None, as_of: date) -> Sums:
    with connection.cursor() as cursor:
        cursor.execute(EARNED, {"first": first, "last": last, "booked": booked, "day": as_of})
        return {(row[0], row[1]): (row[2], row[3], row[4]) for row in cursor.fetchall()}


def _stretches(*, as_of: date, first_id: int, last_id: int) -> list[tuple[int, int, date | None]]:
    """Cut a range where earlier nights cut it differently: each stretch with the last night that covers it."""
    slices = AccrualSlice.objects.filter(first_id__lte=last_id, last_id__gte=first_id).order_by(
        "-as_of", "pk"
    )
    free = [(first_id, last_id)]
    found: list[tuple[int, int, date | None]] = []
    for night in slices.values_list("first_id", "last_id", "as_of").iterator():
        if not free:
            break
        left: list[tuple[int, int]] = []
        for low, high in free:
            start, end = max(low, night[0]), min(high, night[1])
            if start > end:
                left.append((low, high))
                continue
            found.append((start, end, night[2]))
            if low < start:
                left.append((low, start - 1))
            if end < high:
                left.append((end + 1, high))
        free = left
    return found + [(low, high, None) for low, high in free]


def _draft(
    portfolio: str,
    currency: str,
    earned: tuple[Decimal, Decimal, Decimal],
    as_of: date,
    first_id: int,
    last_id: int,
) -> JournalDraft:
    interest, penalty, fees = earned
    signed = {
        Role.INTEREST_RECEIVABLE: interest,
        Role.INTEREST_INCOME: -interest,
        Role.PENALTY_RECEIVABLE: penalty,
        Role.PENALTY_INCOME: -penalty,
        Role.FEE_RECEIVABLE: fees,
        Role.FEE_INCOME: -fees,
    }
    reach = "all" if (first_id, last_id) == (1, LAST_ID) else f"{first_id}-{last_id}"
    return JournalDraft(
        source=f"accrual:{as_of}:{portfolio}:{currency}:{reach}",
        leg="EARNED",
        kind="ACCRUAL",
        value_date=as_of,
        booked_date=as_of,
        postings=lines_from(signed, portfolio=portfolio),
        currency=currency,
    )

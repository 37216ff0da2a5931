"""What collectors do: call within the rules, take promises, and see whether they were kept."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.db import connection, transaction

from accounts.access import role_for
from accounts.models import Call, User
from accounts.operations import write_audit
from accounts.operations.contacts import record_call, refuse_contact
from ledger.domain.money import is_money
from loans.casework import case_facts, strategy
from loans.domain.casework import OBSTACLE_WORDS, CaseFacts, latest_promise, obstacle
from loans.models import Loan, Promise
from loans.operations.events import UnableToFindLoan
from regimes.errors import N_, InvalidInput, Refusal


class ContactForbidden(Refusal):
    """Refuse a contact that the rules of collection forbid, and say why."""


class UnableToPromise(InvalidInput):
    """Refuse a promise that nobody could keep or check."""


def _loan(loan_id: int, actor: User) -> Loan:
    loan = Loan.objects.select_related("borrower").filter(pk=loan_id).first()
    if loan is None:
        raise UnableToFindLoan("not_found", N_("There is nothing here, or it is not yours."))
    if role_for(user=actor, borrower=loan.borrower) is not None:
        raise ContactForbidden("own_item", N_("You cannot decide about yourself. Ask a colleague."))
    return loan


def refuse_case_contact(
    *, loan: Loan, is_debtor: bool, as_of: date, now: datetime, facts: CaseFacts | None = None
) -> None:
    """Pass a contact that may be made now, or refuse it saying why: the case first, then hours and numbers.

    `facts`: of the case, where the caller has just read them.
    """
    held = obstacle(facts or case_facts(loan=loan, as_of=as_of), is_debtor=is_debtor, as_of=as_of)
    if held is not None:
        raise ContactForbidden(held.value, OBSTACLE_WORDS[held])
    refuse_contact(borrower_id=loan.borrower_id, now=now)


def call_debtor(
    *, loan_id: int, is_debtor: bool, is_effective: bool, note: str, actor: User, as_of: date, now: datetime
) -> Call:
    """Write a call about an overdue loan down, before the number is dialled; refuse it when it may not be made."""
    loan = _loan(loan_id, actor)
    with transaction.atomic():
        refuse_case_contact(loan=loan, is_debtor=is_debtor, as_of=as_of, now=now)
        return record_call(
            borrower_id=loan.borrower_id, actor=actor, now=now, is_effective=is_effective, note=note
        )


def take_promise(
    *, loan_id: int, amount: Decimal, pay_by_date: date, note: str, actor: User, as_of: date
) -> Promise:
    """Write a borrower's promise down: at most what is due, soon, and one at a time."""
    loan = _loan(loan_id, actor)
    if not is_money(amount, currency=loan.currency) or amount <= 0:
        raise UnableToPromise("amount_invalid", N_("Enter an amount such as 1500.00."), field="amount")
    if len(note) > 200:
        raise UnableToPromise("too_long", N_("Use at most 200 characters."), field="note")
    with transaction.atomic():
        loan = Loan.objects.select_for_update(of=("self",)).get(pk=loan.pk)
        if loan.status != Loan.Status.OVERDUE:
            raise UnableToPromise("not_overdue", N_("Nothing is overdue, so nobody is contacted about it."))
        last = latest_promise(strategy()[loan.bucket], as_of=as_of)
        if not as_of <= pay_by_date <= last:
            raise UnableToPromise(
                "promise_too_late",
                N_("Choose a day until %(date)s."),
                field="pay_by_date",
                params={"date": last.isoformat()},
            )
        if Promise.objects.filter(loan_id=loan.pk, status=Promise.Status.OPEN).exists():
            raise UnableToPromise(
                "promise_runs", N_("A promise to pay runs. Nobody calls before its day is over.")
            )
        promise = Promise(
            loan=loan, amount=amount, made_date=as_of, pay_by_date=pay_by_date, actor=actor, note=note
        )
        promise.save(force_insert=True)
        write_audit(
            actor=actor,
            action="promise.taken",
            object_type="loans.Loan",
            object_ref=loan.ref,
            after={"amount": str(amount), "pay_by": pay_by_date.isoformat()},
        )
    return promise


_SETTLE = """
WITH paid AS (
    SELECT p.id, p.amount, p.pay_by_date, coalesce(sum(e.amount), 0) AS came, max(e.booked_date) AS last_day
    FROM loans_promise p
    LEFT JOIN loans_event e ON e.loan_id = p.loan_id AND e.kind = 'REPAYMENT'
         AND e.value_date BETWEEN p.made_date AND p.pay_by_date AND e.created_at >= p.created_at
         AND NOT EXISTS (SELECT FROM loans_event r WHERE r.loan_id = e.loan_id AND r.kind = 'REVERSAL'
                         AND r.data ->> 'reverses' = e.reference)
    WHERE p.status = 'OPEN' GROUP BY p.id)
UPDATE loans_promise p SET status = CASE WHEN paid.came >= paid.amount THEN 'KEPT' ELSE 'BROKEN' END, settled_date = %(as_of)s
FROM paid WHERE paid.id = p.id AND (paid.came >= paid.amount OR paid.pay_by_date < %(as_of)s)
"""


def settle_promises(*, as_of: date) -> int:
    """See which promises were kept by the money that came, and which days passed; set-wise, and safe to repeat."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SETTLE, {"as_of": as_of})
        return int(cursor.rowcount)

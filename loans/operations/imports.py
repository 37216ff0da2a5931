"""Take loans over from another system with their history: the same rows, projection and journals as if lived here.

Each event gets the journal of what it changed, folded as of the day of the import, so that a loan that came in and a loan that
was lived are alike to every invariant. Written set-wise: a table is one statement for a whole batch.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from accounts.models import User
from ledger.domain.chart import Role
from ledger.domain.journal import JournalDraft, lines_from
from ledger.operations import post_journals
from loans.domain.engine import append_event, check_history
from loans.domain.events import EventKind, LoanEvent
from loans.domain.terms import LoanTerms
from loans.domain.validation import validate_terms
from loans.models import AccrualLine, Instalment, Loan, LoanEventRow, Payout
from loans.operations.contracts import columns_of_terms
from loans.operations.events import EARNINGS_LOCK, line_of
from loans.projection import Projection, difference, position, project


@dataclass(frozen=True, slots=True)
class LoanHistory:
    """One loan to take over: its terms and what happened, the payout first, whose reference is `payout:<uuid>`."""

    reference: uuid.UUID
    borrower_id: int
    bank_account_id: int | None
    terms: LoanTerms
    events: tuple[LoanEvent, ...]


def check_history_of(*, terms: LoanTerms, events: Sequence[LoanEvent], as_of: date) -> tuple[LoanEvent, ...]:
    """Number the events and prove that they can have happened, or raise the refusal of the first that cannot."""
    validate_terms(terms)
    numbered = tuple(
        replace(event, sequence=number, recorded_date=as_of) for number, event in enumerate(events, start=1)
    )
    # folded once and not once an event: what is in the order of its days meets the same rules in the same order
    days = [event.value_date for event in numbered]
    if days == sorted(days) and {event.kind for event in numbered} <= {EventKind.PAYOUT, EventKind.REPAYMENT}:
        check_history(terms, numbered)
        return numbered
    known: tuple[LoanEvent, ...] = ()
    for event in numbered:
        known = append_event(terms, known, event)
    return known


def import_loans(*, histories: Sequence[LoanHistory], actor: User, as_of: date, now: datetime) -> list[Loan]:
    """Write checked histories in the caller's transaction; return the loans in the same order."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [EARNINGS_LOCK])
        projections = [project(one.terms, one.events, as_of=as_of) for one in histories]
        loans = [_loan(one, seen, as_of) for one, seen in zip(histories, projections, strict=True)]
        Loan.objects.bulk_create(loans)
        Payout.objects.bulk_create(
            [
                Payout(
                    loan=loan,
                    amount=one.terms.principal,
                    bank_account_id=one.bank_account_id,
                    gateway="import",
                    gateway_reference=uuid.UUID(one.events[0].ref.partition(":")[2]),
                    provider_reference=f"import:{one.reference}",
                    status="CONFIRMED",
                    requested_date=one.terms.start_date,
                    attempts=1,
                    sent_at=now,
                    done_at=now,
                )
                for loan, one in zip(loans, histories, strict=True)
            ]
        )
        LoanEventRow.objects.bulk_create(
            [_event(loan, event, actor, as_of) for loan, one in zip(loans, histories, strict=True) for event in one.events]
        )  # fmt: skip
        _copy_instalments(cursor, loans, projections)
        lines = [
            line_of(loan=loan, rows=seen.instalments) for loan, seen in zip(loans, projections, strict=True)
        ]
        AccrualLine.objects.bulk_create([line for line in lines if line is not None])
        drafts = [
            draft for loan, one in zip(loans, histories, strict=True) for draft in _drafts(loan, one, as_of)
        ]
        post_journals(drafts=drafts)
    return loans


def _copy_instalments(cursor: Any, loans: Sequence[Loan], projections: Sequence[Projection]) -> None:
    """Stream the widest table in: thirty columns a row cost more as an INSERT than all folds together."""
    columns = [field.attname for field in Instalment._meta.concrete_fields if not field.primary_key]
    assert columns[0] == "loan_id", "the first column is written by hand below"
    with cursor.copy(f"COPY {Instalment._meta.db_table} ({', '.join(columns)}) FROM STDIN") as copy:
        for loan, seen in zip(loans, projections, strict=True):
            for row in seen.instalments:
                copy.write_row([loan.pk, *(row[name] for name in columns[1:])])


def _loan(one: LoanHistory, seen: Projection, as_of: date) -> Loan:
    loan = Loan(
        borrower_id=one.borrower_id,
        bank_account_id=one.bank_account_id,
        reference=one.reference,
        **columns_of_terms(one.terms),
        accrued_through=as_of,
    )
    for name, value in seen.loan.items():
        setattr(loan, name, value)
    loan.worst_days_past_due = loan.days_past_due
    return loan


def _event(loan: Loan, event: LoanEvent, actor: User, as_of: date) -> LoanEventRow:
    return LoanEventRow(
        loan_id=loan.pk,
        sequence=event.sequence,
        kind=event.kind.value,
        value_date=event.value_date,
        booked_date=as_of,
        amount=event.amount,
        data=dict(event.data),
        reference=event.ref,
        actor_id=actor.pk,
    )


def _drafts(loan: Loan, one: LoanHistory, as_of: date) -> list[JournalDraft]:
    drafts: list[JournalDraft] = []
    held: dict[Role, Decimal] = {}
    for count, event in enumerate(one.events, start=1):
        wanted = position(one.terms, one.events[:count], value_date=as_of)
        change = difference(held, wanted)
        held = wanted
        if change:
            drafts.append(
                JournalDraft(
                    source=f"loan:{loan.ref}:{event.sequence}",
                    leg="EVENT",
                    kind=event.kind.value,
                    value_date=event.value_date,
                    booked_date=as_of,
                    postings=lines_from(
                        change, loan_id=loan.pk, borrower_id=loan.borrower_id, portfolio=loan.portfolio
                    ),
                    currency=loan.currency,
                )
            )
    return drafts

"""Open and cancel loans."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django.db import connection, transaction

from accounts.rows import columns_of
from ledger.domain.money import is_money
from loans.domain.changes import kept_fees
from loans.domain.day_count import actual_year
from loans.domain.events import EventKind, LoanEvent
from loans.domain.terms import LoanTerms
from loans.domain.validation import validate_terms
from loans.gateways import paying_gateway
from loans.models import Instalment, Loan, Payout
from loans.operations.events import UnableToRecord, write_event, write_instalments
from loans.projection import project
from regimes.errors import N_, InvalidInput


class UnableToOrder(InvalidInput):
    """Refuse an order of money for the borrower that breaks the rule of a field."""


def open_loan(
    *,
    borrower_id: int,
    terms: LoanTerms,
    bank_account_id: int | None,
    reference: uuid.UUID,
    as_of: date,
    portfolio: str = "",
    first_tranche: Decimal | None = None,
) -> Loan:
    """Write a loan with its plan and a payout that waits to be sent, in the caller's transaction.

    The same reference with the same terms gives the first loan; with other terms it is refused. With `first_tranche` only
    that part of the principal is paid out now, and `pay_tranche` orders the others.
    """
    validate_terms(terms)
    principal = terms.principal if first_tranche is None else first_tranche
    _check_tranche(terms, principal)
    with transaction.atomic():
        loan, is_new = write_contract(
            borrower_id=borrower_id,
            terms=terms,
            bank_account_id=bank_account_id,
            reference=reference,
            as_of=as_of,
            portfolio=portfolio,
        )
        if not is_new:
            return loan
        Payout.objects.create(
            loan=loan,
            amount=principal - kept_from_payout(terms),
            currency=terms.currency,
            gateway=paying_gateway(),
            bank_account_id=bank_account_id,
            requested_date=as_of,
        )
    return loan


def write_contract(
    *,
    borrower_id: int,
    terms: LoanTerms,
    bank_account_id: int | None,
    reference: uuid.UUID,
    as_of: date,
    portfolio: str = "",
) -> tuple[Loan, bool]:
    """Write a contract and its plan, or give the loan that the same reference opened before. The flag says which."""
    found = Loan.objects.filter(reference=reference).first()
    if found is None:
        draft, planned = _draft(borrower_id, terms, bank_account_id, reference, as_of, portfolio)
        found, is_new = Loan.objects.get_or_create(reference=reference, defaults=columns_of(draft))
        if is_new:
            write_instalments(loan_id=found.pk, rows=planned, is_new=True)
            return found, True
    if found.borrower_id != borrower_id or found.agreed != terms:
        raise UnableToRecord("reference_reused", N_("The reference was used before with another content."))
    return found, False


def columns_of_terms(terms: LoanTerms) -> dict[str, Any]:
    """Give the columns of a loan that say what was agreed."""
    return {
        "portfolio": terms.repayment_method.value,
        "currency": terms.currency,
        "terms": terms.to_dict(),
        "repayment_method": terms.repayment_method.value,
        "principal": terms.principal,
        "instalment_count": terms.instalment_count,
        "start_date": terms.start_date,
        "penalty_rate": terms.penalty_rate,
        "penalty_year": min(actual_year(terms.day_count), 366),
        "grace_days": terms.grace_days,
        "annual_rate": terms.annual_rate,
    }


def _draft(
    borrower_id: int,
    terms: LoanTerms,
    bank_account_id: int | None,
    reference: uuid.UUID,
    as_of: date,
    portfolio: str,
) -> tuple[Loan, list[dict[str, Any]]]:
    """Make a contract and the rows of its plan; nothing is written."""
    planned = project(terms, (), as_of=as_of)
    loan = Loan(
        reference=reference,
        borrower_id=borrower_id,
        bank_account_id=bank_account_id,
        **columns_of_terms(terms) | ({"portfolio": portfolio} if portfolio else {}),
        maturity_date=planned.state.maturity_date,
    )
    return loan, planned.instalments


@dataclass(frozen=True, slots=True)
class ContractDraft:
    """Hold a contract, its plan and its first payout, not yet written."""

    loan: Loan
    payout: Payout
    plan: list[dict[str, Any]]

    def due(self) -> list[tuple[date, Decimal]]:
        """List the days and amounts of the plan."""
        parts = ("principal_due", "interest_due", "fee_due", "penalty_due")
        return [(row["due_date"], sum((row[name] for name in parts), Decimal(0))) for row in self.plan]

    def arguments(self) -> list[Any]:
        """Give what the database's function `loans_write_contract` takes."""
        plain = _plain_instalment()
        plan = [{name: value for name, value in row.items() if plain[name] != value} for row in self.plan]
        return [columns_of(self.loan), plain, plan, columns_of(self.payout)]

    def written(self, *, loan_id: int, payout_id: int, at: datetime) -> Loan:
        """Give the loan, once a statement wrote the draft, with the keys that the database chose."""
        for row, key in ((self.loan, loan_id), (self.payout, payout_id)):
            row.pk, row.created_at = key, at
            row._state.adding, row._state.db = False, connection.alias
        self.payout.loan = self.loan
        known = self.loan.payouts.all()
        known._result_cache = [self.payout]  # who opens a loan asks next where its money is
        self.loan._prefetched_objects_cache = {"payouts": known}  # type: ignore[attr-defined]
        return self.loan


@cache
def _plain_instalment() -> dict[str, Any]:
    return {name: value for name, value in columns_of(Instalment()).items() if name != "loan_id"}


def draft_loan(
    *,
    borrower_id: int,
    terms: LoanTerms,
    bank_account_id: int | None,
    reference: uuid.UUID,
    as_of: date,
    portfolio: str = "",
) -> ContractDraft:
    """Make what `open_loan` writes, for a statement that writes more than the contract.

    The caller makes sure that the reference is new; a used one is refused by the database.
    """
    validate_terms(terms)
    loan, plan = _draft(borrower_id, terms, bank_account_id, reference, as_of, portfolio)
    payout = Payout(
        amount=terms.principal - kept_from_payout(terms),
        currency=terms.currency,
        gateway=paying_gateway(),
        bank_account_id=bank_account_id,
        requested_date=as_of,
    )
    return ContractDraft(loan, payout, plan)


def _check_tranche(terms: LoanTerms, amount: Decimal) -> None:
    """Refuse a first tranche that is no money, more than the principal, or eaten up by the fees kept back."""
    if (
        not is_money(amount, currency=terms.currency)
        or not kept_from_payout(terms) < amount <= terms.principal
    ):
        raise UnableToOrder(
            "tranche_invalid",
            N_("A part of the principal is more than the fees kept back and at most what is left of it."),
            field="first_tranche",
        )


def kept_from_payout(terms: LoanTerms) -> Decimal:
    """Return the fees that are kept back, so that the borrower's bank gets the rest."""
    return kept_fees(terms, terms.principal)


def cancel_loan(*, loan: Loan, reason: str, as_of: date) -> None:
    """Cancel a loan that was not paid out, or whose payout came back. The caller has locked it."""
    if loan.status == Loan.Status.CANCELLED:
        return
    if loan.status != Loan.Status.PENDING:
        raise UnableToRecord("loan_paid_out", N_("The loan was paid out and cannot be cancelled."))
    event = LoanEvent(
        kind=EventKind.WITHDRAWAL,
        value_date=as_of,
        ref="cancel",
        sequence=0,
        recorded_date=as_of,
        data={"reason": reason[:80]},
    )
    write_event(loan=loan, event=event, as_of=as_of)

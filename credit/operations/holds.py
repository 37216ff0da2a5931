"""Keep room free on a line for a purchase, lend from it when the shop captures, let it go.

Lock order: line, hold, loan. What a hold keeps free was checked when it was placed, so a capture within it is
not asked again: the shop ships on our word.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from accounts.models import Borrower, User
from accounts.operations import write_audit
from credit.affording import affordability_with
from credit.domain.line import DrawGate, UnableToDrawDown, check_draw
from credit.domain.products import check_choice
from credit.models import CreditLine, Drawdown, Hold, LimitChange
from credit.operations import lines
from credit.operations.drawdowns import find_account, find_product
from credit.queries import ceiling_now, consent_to_decide, debt_of_line, identity_confirmed, regime_now
from loans.domain.terms import LoanTerms, RepaymentMethod
from loans.operations import open_loan_at_merchant
from regimes.errors import N_, NotFound, Refusal


class UnableToHold(Refusal):
    """Refuse what the state of a hold does not allow."""


@dataclass(frozen=True, slots=True)
class HoldTerms:
    """Say what the borrower agreed to. `annual_rate` None is the line's own; 0 is a plan that the shop pays for."""

    amount: Decimal
    instalment_count: int
    repayment_method: str
    purpose: str
    scenario: str
    terms_version: str = ""
    annual_rate: Decimal | None = None


def place_hold(
    *,
    line_id: int,
    terms: HoldTerms,
    bank_account_id: int,
    reference: uuid.UUID,
    expires_date: date,
    actor: User | None,
    as_of: date,
) -> Hold:
    """Keep room free, by the rules of a draw. The same reference gives the first hold."""
    with transaction.atomic():
        line = lines.lock_line(line_id=line_id)
        if (before := Hold.objects.filter(reference=reference, line_id=line.pk).first()) is not None:
            return before
        product = find_product(line, terms.scenario, terms.terms_version)
        check_choice(
            product.terms(),
            amount=terms.amount,
            count=terms.instalment_count,
            method=terms.repayment_method,
            purpose=terms.purpose,
            ceiling=ceiling_now(),
        )
        account = find_account(line, bank_account_id, as_of)
        exposure = _check(line, terms.amount, as_of)
        in_force = LimitChange.objects.filter(line_id=line.pk).order_by("-pk").values_list("pk", flat=True)
        hold = Hold(
            reference=reference,
            line=line,
            product=product,
            amount=terms.amount,
            annual_rate=line.annual_rate if terms.annual_rate is None else terms.annual_rate,
            penalty_rate=line.penalty_rate,
            instalment_count=terms.instalment_count,
            repayment_method=terms.repayment_method,
            purpose=terms.purpose,
            bank_account_id=account.pk,
            limit_change_id=in_force[:1][0],
            limit_at_hold=line.limit,
            exposure_before=exposure,
            actor=actor,
            held_date=as_of,
            expires_date=expires_date,
        )
        hold.save(force_insert=True)
        write_audit(
            actor=actor,
            action="line.hold",
            object_type="credit.Hold",
            object_ref=str(hold.ref),
            after={"amount": f"{terms.amount:.2f}", "line": str(line.ref), "purpose": terms.purpose},
        )
    return hold


def _check(line: CreditLine, amount: Decimal, as_of: date) -> Decimal:
    """Pass the amount by the gate of a draw; return what was owed and held before."""
    debt = debt_of_line(line_id=line.pk)
    borrower = line.borrower
    check_draw(
        DrawGate(
            status=line.status,
            freeze_reason=line.freeze_reason,
            valid_until=line.valid_until,
            as_of=as_of,
            limit=line.limit,
            exposure=debt.exposure,
            days_past_due=debt.days_past_due,
            identity_verified=identity_confirmed(borrower=borrower),
            consent_given=consent_to_decide(borrower_id=borrower.pk),
            borrower_blocked=borrower.status != Borrower.Status.ACTIVE,
        ),
        amount=amount,
    )
    return debt.exposure


def hold_terms(*, hold: Hold, amount: Decimal, as_of: date) -> LoanTerms:
    """Make the contract of one capture: the terms that the borrower agreed to, from the day of the goods."""
    return LoanTerms(
        principal=amount,
        annual_rate=hold.annual_rate,
        repayment_method=RepaymentMethod(hold.repayment_method),
        instalment_count=hold.instalment_count,
        start_date=as_of,
        penalty_rate=hold.penalty_rate,
        cooling_off_days=regime_now().cooling_off_days,
    )


def lock_hold(*, hold_id: int) -> Hold:
    """Lock a hold, its line first."""
    line_id = Hold.objects.filter(pk=hold_id).values_list("line_id", flat=True).first()
    if line_id is None:
        raise NotFound("not_found", N_("There is nothing here, or it is not yours."))
    line = lines.lock_line(line_id=line_id)
    hold = Hold.objects.select_for_update(of=("self",)).select_related("product").get(pk=hold_id)
    hold.line = line
    return hold


def draw_hold(
    *,
    hold_id: int,
    amount: Decimal,
    reference: uuid.UUID,
    actor: User | None,
    as_of: date,
    now: datetime,
) -> Drawdown:
    """Lend part of what is kept free, the whole or the rest: the loan pays the shop. Within the caller's transaction."""
    with transaction.atomic():
        hold = lock_hold(hold_id=hold_id)
        line = hold.line
        left = hold.amount - hold.taken - hold.released
        if hold.status != Hold.Status.OPEN or amount > left:
            raise UnableToHold(
                "hold_exceeded",
                N_("Only %(left)s of this authorisation is left."),
                field="amount",
                params={"left": f"{left:.2f}"},
            )
        before = debt_of_line(line_id=line.pk).exposure - left
        hold.taken += amount
        if hold.taken + hold.released == hold.amount:
            hold.status = Hold.Status.USED
        hold.save(update_fields=["taken", "status"])
        terms = hold_terms(hold=hold, amount=amount, as_of=as_of)
        found = affordability_with(borrower_id=line.borrower_id, terms=terms, as_of=as_of)
        loan = open_loan_at_merchant(
            borrower_id=line.borrower_id,
            terms=terms,
            bank_account_id=hold.bank_account_id,
            reference=reference,
            as_of=as_of,
            now=now,
        )
        drawdown = Drawdown(
            line=line,
            loan=loan,
            product=hold.product,
            amount=amount,
            purpose=hold.purpose,
            scenario=hold.product.scenario,
            bank_account_id=hold.bank_account_id,
            limit_change_id=hold.limit_change_id,
            hold=hold,
            limit_at_draw=line.limit,
            exposure_before=max(before, Decimal(0)),
            affordability=found.to_dict(),
            idempotency_key=f"capture:{reference}",
            request_hash="",
            actor=actor,
            drawn_date=as_of,
        )
        drawdown.save(force_insert=True)
        write_audit(
            actor=actor,
            action="line.draw_hold",
            object_type="credit.Drawdown",
            object_ref=str(drawdown.ref),
            after={"amount": f"{amount:.2f}", "hold": str(hold.ref)},
        )
    return drawdown


def release_hold(*, hold_id: int, actor: User | None, reason: str) -> Hold:
    """Let go of what is left of a hold; the line has the room back at once. A repeat changes nothing."""
    with transaction.atomic():
        hold = lock_hold(hold_id=hold_id)
        if hold.status != Hold.Status.OPEN:
            return hold
        hold.released = hold.amount - hold.taken
        hold.status = Hold.Status.RELEASED
        hold.save(update_fields=["released", "status"])
        write_audit(
            actor=actor,
            action="line.release_hold",
            object_type="credit.Hold",
            object_ref=str(hold.ref),
            after={"released": f"{hold.released:.2f}"},
            reason=reason,
        )
    return hold


__all__ = [
    "HoldTerms",
    "UnableToDrawDown",
    "UnableToHold",
    "draw_hold",
    "hold_terms",
    "lock_hold",
    "place_hold",
    "release_hold",
]

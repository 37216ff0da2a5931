"""This loan for this user, or 404: the only way in which a page or the API gets a loan."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from accounts.access import check_own
from accounts.models import User
from loans.models import Collection as Payment
from loans.models import HardshipPlan, HardshipRequest, Loan
from regimes.errors import N_, NotFound


class LoanNotFound(NotFound):
    """Refuse a loan that is missing or not the asker's: the two look alike."""


def own_loan(*, user: User, ref: uuid.UUID | str, roles: Collection[str] | None = None) -> Loan:
    """Return a loan of a borrower that the user may act for, or refuse as if it were not there."""
    loan = Loan.objects.select_related("borrower").filter(ref=_as_uuid(ref)).first()
    if loan is None:
        raise _missing()
    check_own(user=user, borrower=loan.borrower, roles=roles)
    return loan


def own_collection(*, user: User, ref: uuid.UUID | str) -> Payment:
    """Return a payment on a loan of a borrower that the user may act for, or refuse as if it were not there."""
    payment = Payment.objects.select_related("loan__borrower").filter(ref=_as_uuid(ref)).first()
    if payment is None:
        raise _missing()
    check_own(user=user, borrower=payment.loan.borrower)
    return payment


def own_hardship(
    *, user: User, ref: uuid.UUID | str, roles: Collection[str] | None = None
) -> HardshipRequest:
    """Return a hardship request of a borrower that the user may act for, or refuse as if it were not there."""
    found = HardshipRequest.objects.select_related("loan__borrower").filter(ref=_as_uuid(ref)).first()
    if found is None:
        raise _missing()
    check_own(user=user, borrower=found.loan.borrower, roles=roles)
    return found


def own_hardship_plan(
    *, user: User, ref: uuid.UUID | str, roles: Collection[str] | None = None
) -> HardshipPlan:
    """Return a plan offered to a borrower that the user may act for, or refuse as if it were not there."""
    found = HardshipPlan.objects.select_related("request__loan__borrower").filter(ref=_as_uuid(ref)).first()
    if found is None:
        raise _missing()
    check_own(user=user, borrower=found.request.loan.borrower, roles=roles)
    return found


def _as_uuid(ref: uuid.UUID | str) -> uuid.UUID:
    if isinstance(ref, uuid.UUID):
        return ref
    try:
        return uuid.UUID(ref)
    except ValueError:
        raise _missing() from None


def _missing() -> LoanNotFound:
    return LoanNotFound("not_found", N_("There is nothing here, or it is not yours."))

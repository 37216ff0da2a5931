"""This object for this user, or 404: the only way by which a view gets an object of credit."""

from __future__ import annotations

import uuid
from datetime import date
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from accounts.models import BusinessMember, User
from credit.models import Application, CreditLine, Decision, Drawdown, DrawRequest, LimitChange, ReviewRequest
from credit.rows import read_own_line
from ledger.queries import business_date
from regimes.errors import N_, NotFound

Row = TypeVar("Row", bound=Model)
READERS = (BusinessMember.Role.OWNER, BusinessMember.Role.FINANCE, BusinessMember.Role.VIEWER)
SPENDERS = (BusinessMember.Role.OWNER, BusinessMember.Role.FINANCE)


def own_line(*, user: User, ref: uuid.UUID | str, roles: tuple[str, ...] = READERS) -> CreditLine:
    """Give a line of the user or of a business in which the user has a role, or refuse as missing."""
    return _own_line(user, ref, roles)[0]


def own_line_today(
    *, user: User, ref: uuid.UUID | str, roles: tuple[str, ...] = READERS
) -> tuple[CreditLine, date]:
    """Give the same line with the business date, which whoever acts on it asks next."""
    line, today = _own_line(user, ref, roles)
    return line, today or business_date()  # which says that the books are not open


def _own_line(user: User, ref: uuid.UUID | str, roles: tuple[str, ...]) -> tuple[CreditLine, date | None]:
    found = read_own_line(ref=_as_uuid(ref), user_id=user.pk, roles=roles) if user.pk else None
    if found is None:
        raise _missing()
    return found


def own_application(*, user: User, ref: uuid.UUID | str, roles: tuple[str, ...] = READERS) -> Application:
    """Give an application of the user or of the user's business, or refuse as missing."""
    return _one(Application.objects.select_related("borrower", "product"), user, ref, roles, "borrower")


def own_decision(*, user: User, ref: uuid.UUID | str, roles: tuple[str, ...] = READERS) -> Decision:
    """Give a decision on an application of the user, or refuse as missing."""
    return _one(Decision.objects.select_related("application"), user, ref, roles, "application__borrower")


def own_limit_change(*, user: User, ref: uuid.UUID | str, roles: tuple[str, ...] = READERS) -> LimitChange:
    """Give a change of the limit of the user's line, or refuse as missing."""
    return _one(LimitChange.objects.select_related("line"), user, ref, roles, "line__borrower")


def own_drawdown(*, user: User, ref: uuid.UUID | str, roles: tuple[str, ...] = READERS) -> Drawdown:
    """Give a draw on the user's line, or refuse as missing."""
    return _one(Drawdown.objects.select_related("line", "loan"), user, ref, roles, "line__borrower")


def own_drawdown_of_loan(
    *, user: User, loan_ref: uuid.UUID | str, roles: tuple[str, ...] = READERS
) -> Drawdown:
    """Give the draw that made a loan, when it is the user's, or refuse as missing."""
    rows = Drawdown.objects.select_related("line__borrower__business_profile", "loan")
    return _one(rows, user, loan_ref, roles, "line__borrower", by="loan__ref")


def own_draw_request(*, user: User, ref: uuid.UUID | str, roles: tuple[str, ...] = READERS) -> DrawRequest:
    """Give a draw that waits for a second member of the user's business, or refuse as missing."""
    rows = DrawRequest.objects.select_related("line__borrower", "asked_by", "decided_by", "drawdown")
    return _one(rows, user, ref, roles, "line__borrower")


def own_review(*, user: User, ref: uuid.UUID | str, roles: tuple[str, ...] = READERS) -> ReviewRequest:
    """Give a request for a person made by the user, or refuse as missing."""
    return _one(ReviewRequest.objects.all(), user, ref, roles, "borrower")


def _one(
    rows: QuerySet[Row], user: User, ref: uuid.UUID | str, roles: tuple[str, ...], path: str, by: str = "ref"
) -> Row:
    wanted = _as_uuid(ref)
    businesses = BusinessMember.objects.filter(user_id=user.pk, is_active=True, role__in=roles).values(
        "business_id"
    )
    mine = Q(**{f"{path}__user_id": user.pk}) | Q(**{f"{path}_id__in": businesses})
    found = rows.filter(mine, **{by: wanted}).first()
    if found is None:
        raise _missing()
    return found


def _as_uuid(ref: uuid.UUID | str) -> uuid.UUID:
    try:
        return ref if isinstance(ref, uuid.UUID) else uuid.UUID(str(ref))
    except ValueError:
        raise _missing() from None


def _missing() -> NotFound:
    return NotFound("not_found", N_("There is nothing here, or it is not yours."))

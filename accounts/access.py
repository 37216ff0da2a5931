"""The only way to an object of this room: yours, or 404."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from django.db import connection

from accounts.models import BankAccount, Borrower, BusinessMember, Notice, User
from accounts.rows import columns, names_of, read_row
from regimes.errors import N_, NotFound, Refusal

SELF = "SELF"
MAY_VIEW = frozenset({SELF, "OWNER", "FINANCE", "VIEWER"})
MAY_DRAW = frozenset({SELF, "OWNER", "FINANCE"})
MAY_MANAGE = frozenset({SELF, "OWNER"})


class RoleNotAllowed(Refusal):
    """Refuse a member of a business what the role does not carry."""

    http_status = 403


def _missing() -> NotFound:
    return NotFound("not_found", N_("There is nothing here, or it is not yours."))


def _as_uuid(ref: object) -> uuid.UUID:
    if isinstance(ref, uuid.UUID):
        return ref
    try:
        return uuid.UUID(str(ref))
    except ValueError:
        raise _missing() from None


def role_for(*, user: User, borrower: Borrower) -> str | None:
    """Return in which role a user acts for a borrower, or None for a stranger."""
    if not user.is_authenticated or not user.is_active:
        return None
    if borrower.kind == Borrower.Kind.PERSON:
        return SELF if borrower.user_id == user.pk else None
    member = BusinessMember.objects.filter(business=borrower, user_id=user.pk, is_active=True).first()
    return member.role if member else None


def own_borrower(*, user: User, ref: object, roles: Collection[str] | None = None) -> Borrower:
    """Return the borrower if the user acts for it; a stranger gets the 404 of what is not there.

    A member whose role is not among `roles` knows that the business exists and is told what is missing.
    """
    found = Borrower.objects.filter(ref=_as_uuid(ref)).first()
    return check_own(user=user, borrower=found, roles=roles)


def check_own(*, user: User, borrower: Borrower | None, roles: Collection[str] | None = None) -> Borrower:
    """Return a borrower that was read already, by the rule of `own_borrower`."""
    if borrower is not None and borrower.status == Borrower.Status.ERASED:
        borrower = None
    role = role_for(user=user, borrower=borrower) if borrower else None
    if borrower is None or role is None:
        raise _missing()
    if roles is not None and role not in roles:
        raise RoleNotAllowed(
            "role_not_allowed", N_("Your role in this business does not allow this. Ask an owner.")
        )
    return borrower


def own_bank_account(*, user: User, ref: object, roles: Collection[str] | None = None) -> BankAccount:
    """Return a bank account in use of a borrower for whom the user acts."""
    with connection.cursor() as cursor:
        cursor.execute(_ACCOUNT, [_as_uuid(ref)])
        row = cursor.fetchone()
    account = read_row(BankAccount, names_of(BankAccount), row[:_ACCOUNT_WIDTH]) if row else None
    if account is None:
        raise _missing()
    account.borrower = check_own(
        user=user, borrower=read_row(Borrower, names_of(Borrower), row[_ACCOUNT_WIDTH:]), roles=roles
    )
    return account


_ACCOUNT = f"""
SELECT {columns("a", BankAccount)}, {columns("b", Borrower)}
FROM accounts_bankaccount a JOIN accounts_borrower b ON b.id = a.borrower_id WHERE a.ref = %s AND a.removed_at IS NULL
"""  # noqa: S608  the names are those of our own columns
_ACCOUNT_WIDTH = len(names_of(BankAccount))


def own_notice(*, user: User, ref: object) -> Notice:
    """Return a notice in the portal of a borrower for whom the user acts."""
    notice = (
        Notice.objects.filter(ref=_as_uuid(ref), channel=Notice.Channel.IN_APP)
        .select_related("borrower")
        .first()
    )
    if notice is None:
        raise _missing()
    check_own(user=user, borrower=notice.borrower)
    return notice

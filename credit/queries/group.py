"""Who belongs together, and what a group owes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from django.db import connection
from django.db.models import QuerySet

from accounts.models import Borrower, BusinessMember, Consent, Identity
from credit.models import (
    CreditLine,
    SelfExclusion,
)
from credit.queries.debts import ZERO, debts_of_lines
from credit.queries.rules import active_policy, rules_of


def users_behind(*, borrower_id: int) -> set[int]:
    """Give the users of a borrower: the person, or every active member of the business."""
    owner = Borrower.objects.filter(pk=borrower_id, user__isnull=False).values_list("user_id", flat=True)
    members = BusinessMember.objects.filter(business_id=borrower_id, is_active=True).values_list(
        "user_id", flat=True
    )
    return {int(user) for user in [*owner, *members] if user is not None}


def group_of(*, borrower_ids: Iterable[int]) -> dict[int, set[int]]:
    """Give for each borrower the group that counts as one: the owners as persons and all their businesses."""
    wanted = set(borrower_ids)
    groups = {pk: {pk} for pk in wanted}
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS, [sorted(wanted)] * 2)
        for pk, member in cursor.fetchall():
            groups[pk].add(member)
    return groups


# a person's own borrower and every business owned, for each owner of what was asked for
_GROUPS = """
WITH owner AS (
    SELECT b.id, b.user_id FROM accounts_borrower b WHERE b.id = ANY(%s) AND b.user_id IS NOT NULL
    UNION SELECT m.business_id, m.user_id FROM accounts_businessmember m
    WHERE m.business_id = ANY(%s) AND m.role = 'OWNER' AND m.is_active
)
SELECT o.id, b.id FROM owner o JOIN accounts_borrower b ON b.user_id = o.user_id
UNION SELECT o.id, m.business_id FROM owner o JOIN accounts_businessmember m ON m.user_id = o.user_id
WHERE m.role = 'OWNER' AND m.is_active"""


def identity_confirmed(*, borrower: Borrower) -> bool:
    """Tell whether the person, or an owner of the business, has a confirmed identity."""
    return _identities(borrower).exists()


def age_of(*, borrower: Borrower, as_of: date) -> int | None:
    """Give the age of the person, or of the youngest confirmed owner; None when unknown."""
    ages = [
        as_of.year - born.year - ((as_of.month, as_of.day) < (born.month, born.day))
        for born in _identities(borrower).values_list("birth_date", flat=True)
        if born is not None
    ]
    return min(ages) if ages else None


def _identities(borrower: Borrower) -> QuerySet[Identity]:
    confirmed = Identity.objects.filter(status=Identity.Status.VERIFIED)
    if not borrower.is_business:
        return confirmed.filter(borrower_id=borrower.pk)
    owners = BusinessMember.objects.filter(
        business_id=borrower.pk, role=BusinessMember.Role.OWNER, is_active=True
    )
    return confirmed.filter(borrower__user_id__in=owners.values("user_id"))


def consent_to_decide(*, borrower_id: int) -> bool:
    """Tell whether the borrower agrees to credit decisions on the own data."""
    return Consent.objects.filter(
        borrower_id=borrower_id, purpose="CREDIT_DECISION", withdrawn_at__isnull=True
    ).exists()


def group_exposure(*, borrower_id: int, except_line_id: int | None = None) -> Decimal:
    """Sum what is promised, or owed if more, on the open lines of a person and of the businesses owned."""
    members = group_of(borrower_ids=[borrower_id])[borrower_id]
    lines = dict(
        CreditLine.objects.filter(borrower_id__in=members)
        .exclude(status__in=["OFFERED", "CLOSED"])
        .exclude(pk=except_line_id or 0)
        .values_list("pk", "limit")
    )
    debts = debts_of_lines(line_ids=list(lines))
    return sum((max(limit, debts[pk].exposure) for pk, limit in lines.items()), ZERO)


def room_in_group(*, line: CreditLine) -> Decimal:
    """Say how high a line's limit may be, so that the whole group stays within the policy in force."""
    others = group_exposure(borrower_id=line.borrower_id, except_line_id=line.pk)
    return rules_of(active_policy()).group_limit - others


def exclusion_of(*, borrower_id: int) -> SelfExclusion | None:
    """Give the borrower's self-exclusion that was not ended, if there is one."""
    return SelfExclusion.objects.filter(borrower_id=borrower_id, ended_date__isnull=True).first()

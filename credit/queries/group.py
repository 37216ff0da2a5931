"""Who belongs together, and what a group owes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection
from django.db.models import QuerySet

from accounts.models import Borrower, BusinessMember, Consent, Identity
from credit.models import CreditLine
from credit.queries.debts import DEBTS, ZERO, debts_of_lines
from credit.queries.rules import active_policy, rules_of

# a person's own borrower and every business owned, for each owner of what was asked for
_PAIRS = """
SELECT o.id, b.id FROM owner o JOIN accounts_borrower b ON b.user_id = o.user_id
UNION SELECT o.id, m.business_id FROM owner o JOIN accounts_businessmember m ON m.user_id = o.user_id
WHERE m.role = 'OWNER' AND m.is_active"""
_OWNERS = """
WITH owner AS (
    SELECT b.id, b.user_id FROM accounts_borrower b WHERE b.id = ANY(%(ids)s) AND b.user_id IS NOT NULL
    UNION SELECT m.business_id, m.user_id FROM accounts_businessmember m
    WHERE m.business_id = ANY(%(ids)s) AND m.role = 'OWNER' AND m.is_active
)"""
_GROUPS = _OWNERS + _PAIRS


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
        cursor.execute(_GROUPS, {"ids": sorted(wanted)})
        for pk, member in cursor.fetchall():
            groups[pk].add(member)
    return groups


@dataclass(frozen=True, slots=True)
class GroupLine:
    """Hold one open line of a group, with what counts of it: the limit, or what is owed if more."""

    line_id: int
    borrower_id: int
    counts: Decimal


@dataclass(frozen=True, slots=True)
class Group:
    """Hold who counts as one with a borrower, and their open lines."""

    members: frozenset[int]
    lines: tuple[GroupLine, ...]


_GROUP_LINES = f"""{_OWNERS},
pair(asked, member) AS (SELECT id, id FROM unnest(%(ids)s::bigint[]) AS wanted(id) UNION ({_PAIRS})),
line AS (
    SELECT id, borrower_id, "limit" FROM credit_creditline
    WHERE borrower_id IN (SELECT member FROM pair) AND status IN ('ACTIVE', 'FROZEN', 'SUSPENDED')
),
debt AS ({DEBTS.format(lines="IN (SELECT id FROM line)")})
SELECT p.asked, p.member, l.id, l."limit", coalesce(d.waiting + d.owed + d.held, 0)
FROM pair p LEFT JOIN line l ON l.borrower_id = p.member LEFT JOIN debt d ON d.line_id = l.id
ORDER BY l.id"""  # noqa: S608  no value is put into the text


def groups_with_lines(*, borrower_ids: Iterable[int]) -> dict[int, Group]:
    """Give each borrower's group with its open lines, in one statement."""
    wanted = sorted(set(borrower_ids))
    members: dict[int, set[int]] = {pk: {pk} for pk in wanted}
    lines: dict[int, list[GroupLine]] = {pk: [] for pk in wanted}
    with connection.cursor() as cursor:
        cursor.execute(_GROUP_LINES, {"ids": wanted})
        for asked, member, line_id, limit, owed in cursor.fetchall():
            members[asked].add(member)
            if line_id is not None:
                lines[asked].append(GroupLine(line_id, member, max(limit, owed)))
    return {pk: Group(frozenset(members[pk]), tuple(lines[pk])) for pk in wanted}


def identity_confirmed(*, borrower: Borrower) -> bool:
    """Tell whether the person, or an owner of the business, has a confirmed identity."""
    return _identities(borrower).exists()


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

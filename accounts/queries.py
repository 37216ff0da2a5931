"""Questions about people and businesses; none of them writes."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from accounts.models import (
    BankAccount,
    Borrower,
    BusinessMember,
    Consent,
    ContactPreference,
    Identity,
    Notice,
    Proposal,
    TemporaryRole,
    User,
)
from accounts.notifications.kinds import render
from accounts.proposal_kinds import kinds
from accounts.rows import columns, names_of, read_row

SELF = "SELF"


@dataclass(frozen=True)
class Acting:
    """A borrower for whom a user may act, in which role (SELF, OWNER, FINANCE or VIEWER), and the notices not read yet."""

    borrower: Borrower
    role: str
    unread: int = 0


@dataclass(frozen=True)
class NoticeView:
    """A notice as it is read in the portal."""

    ref: uuid.UUID
    kind: str
    subject: str
    body: str
    params: dict[str, Any]
    at: datetime
    is_read: bool


def borrowers_of(*, user: User) -> list[Acting]:
    """Return for whom a user may act: the person first, then businesses by name. One statement: every page asks."""
    with connection.cursor() as cursor:
        cursor.execute(_ACTING, [user.pk, user.pk])
        rows = cursor.fetchall()
    found = [Acting(_borrower(row[2:]), row[0], row[1]) for row in rows]
    return sorted(
        found, key=lambda one: (one.borrower.is_business, one.borrower.display_name, one.borrower.pk)
    )


def _borrower(values: Sequence[Any]) -> Borrower:
    row = read_row(Borrower, names_of(Borrower), values)
    assert row is not None, "joined, not left out"
    return row


_UNREAD = """
(SELECT count(*) FROM accounts_notice n
  WHERE n.borrower_id = b.id AND n.channel = 'IN_APP' AND n.status = 'SENT' AND n.read_at IS NULL)"""
_ACTING = f"""
SELECT '{SELF}', {_UNREAD}, {columns("b", Borrower)} FROM accounts_borrower b WHERE b.user_id = %s
UNION ALL
SELECT m.role, {_UNREAD}, {columns("b", Borrower)} FROM accounts_businessmember m
  JOIN accounts_borrower b ON b.id = m.business_id WHERE m.user_id = %s AND m.is_active"""  # noqa: S608  names of our own columns


def active_consents(*, borrower_ids: Iterable[int]) -> dict[int, frozenset[str]]:
    """Return the purposes that each borrower agrees to now; every id has an entry, empty when there is none."""
    ids = list(borrower_ids)
    found: dict[int, set[str]] = {borrower_id: set() for borrower_id in ids}
    rows = Consent.objects.filter(borrower_id__in=ids, withdrawn_at=None).values_list(
        "borrower_id", "purpose"
    )
    for borrower_id, purpose in rows:
        found[borrower_id].add(purpose)
    return {borrower_id: frozenset(purposes) for borrower_id, purposes in found.items()}


def consents_of(*, borrower_id: int) -> QuerySet[Consent]:
    """Return every agreement that a borrower gave, newest first."""
    return Consent.objects.filter(borrower_id=borrower_id).order_by("-given_at", "-pk")


def identity_verified(*, borrower_id: int) -> bool:
    """Tell whether a person's document was checked and accepted; for a business, an active owner's."""
    borrower = Borrower.objects.get(pk=borrower_id)
    verified = Identity.objects.filter(status=Identity.Status.VERIFIED)
    if borrower.kind == Borrower.Kind.PERSON:
        return verified.filter(borrower_id=borrower_id).exists()
    owners = BusinessMember.objects.filter(
        business_id=borrower_id, role=BusinessMember.Role.OWNER, is_active=True
    ).values("user")
    return verified.filter(borrower__user__in=owners).exists()


def identity_of(*, borrower_id: int) -> Identity | None:
    """Return a person's document, whatever became of it."""
    return Identity.objects.filter(borrower_id=borrower_id).first()


def pending_identities() -> QuerySet[Identity]:
    """Return the documents that wait for a person's eyes, oldest first."""
    return (
        Identity.objects.filter(status=Identity.Status.PENDING)
        .select_related("borrower")
        .order_by("submitted_at", "pk")
    )


def members_of(*, business_id: int) -> list[BusinessMember]:
    """Return who may act for a business."""
    members = BusinessMember.objects.filter(business_id=business_id, is_active=True)
    return list(members.select_related("user").order_by("pk"))


def bank_accounts_of(*, borrower_id: int) -> list[BankAccount]:
    """Return the accounts in use, the default first."""
    accounts = BankAccount.objects.filter(borrower_id=borrower_id, removed_at=None)
    return list(accounts.order_by("-is_default", "pk"))


def usable_bank_account(*, borrower_id: int, account_id: int, now: datetime) -> BankAccount | None:
    """Return an account that money may go to now: the borrower's, verified, and past its waiting time."""
    return BankAccount.objects.filter(
        pk=account_id,
        borrower_id=borrower_id,
        removed_at=None,
        verified_at__isnull=False,
        usable_from__lte=now,
    ).first()


def channels_of(*, borrower_ids: Iterable[int]) -> dict[int, frozenset[str]]:
    """Return over which channels outside the portal each borrower, or an owner of it, can be reached."""
    ids = list(borrower_ids)
    found: dict[int, set[str]] = {borrower_id: set() for borrower_id in ids}
    people = Borrower.objects.filter(pk__in=ids, user__is_active=True)
    owners = BusinessMember.objects.filter(
        business_id__in=ids, role=BusinessMember.Role.OWNER, is_active=True, user__is_active=True
    )
    rows = [
        *people.values_list("pk", "user__email", "user__phone_verified_at"),
        *owners.values_list("business_id", "user__email", "user__phone_verified_at"),
    ]
    for borrower_id, email, phone_verified_at in rows:
        if email:
            found[borrower_id].add(Notice.Channel.EMAIL.value)
        if phone_verified_at is not None:
            found[borrower_id].add(Notice.Channel.SMS.value)
    return {borrower_id: frozenset(channels) for borrower_id, channels in found.items()}


def contact_preference(*, borrower_id: int) -> ContactPreference | None:
    """Return how a borrower wants to be reached, if a wish was said."""
    return ContactPreference.objects.filter(borrower_id=borrower_id).first()


def notices_for(*, borrower_id: int, limit: int = 50, now: datetime | None = None) -> list[NoticeView]:
    """Return what a borrower was told in the portal, newest first, in the language in which it was written."""
    due = Q(send_after=None) if now is None else Q(send_after=None) | Q(send_after__lte=now)
    rows = Notice.objects.filter(
        due | Q(status=Notice.Status.SENT), borrower_id=borrower_id, channel=Notice.Channel.IN_APP
    )
    return [_view(notice) for notice in rows.order_by("-pk")[:limit]]


def unread_count(*, borrower_id: int) -> int:
    """Return how many notices in the portal are not read yet."""
    return Notice.objects.filter(
        borrower_id=borrower_id, channel=Notice.Channel.IN_APP, status=Notice.Status.SENT, read_at=None
    ).count()


def proposals_waiting(*, user: User) -> int | None:
    """Count what a person could approve now; None for who approves nothing."""
    checks = [kind.name for kind in kinds() if user.has_perm(kind.approve_permission)]
    if not checks:
        return None
    waiting = Proposal.objects.filter(status=Proposal.Status.OPEN, kind__in=checks)
    return waiting.exclude(maker_id=user.pk).count()


def temporary_roles(*, now: datetime, user_id: int | None = None) -> QuerySet[TemporaryRole]:
    """Return the emergency roles that are in force at a moment."""
    rows = TemporaryRole.objects.filter(starts_at__lte=now, ends_at__gt=now, ended_at=None)
    rows = rows if user_id is None else rows.filter(user_id=user_id)
    return rows.select_related("user").order_by("ends_at", "pk")


def _view(notice: Notice) -> NoticeView:
    message = render(kind=notice.kind, params=notice.params, language=notice.language)
    return NoticeView(
        ref=notice.ref,
        kind=notice.kind,
        subject=message.subject,
        body=message.body,
        params=notice.params,
        at=notice.sent_at or notice.created_at,
        is_read=notice.read_at is not None,
    )

"""Make and revoke the private link of a borrower's due dates."""

from __future__ import annotations

import hashlib
import secrets
from datetime import date

from django.db import transaction

from accounts.models import Borrower, User
from accounts.operations import write_audit
from loans.models import CalendarFeed

TOKEN_BYTES = 32


def digest_of(token: str) -> str:
    """Give what a token is found by."""
    return hashlib.sha256(token.encode()).hexdigest()


def make_calendar_feed(*, borrower: Borrower, language: str, actor: User | None, as_of: date) -> CalendarFeed:
    """Make a new link; a link from before stops working."""
    with transaction.atomic():
        Borrower.objects.select_for_update(of=("self",)).get(pk=borrower.pk)
        _revoke(borrower, as_of=as_of)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        feed = CalendarFeed(
            borrower=borrower,
            token=token,
            token_digest=digest_of(token),
            language=language[:10],
            created_date=as_of,
        )
        feed.save(force_insert=True)
        _audit(borrower, "calendar.make", actor)
    return feed


def revoke_calendar_feed(*, borrower: Borrower, actor: User | None, as_of: date) -> int:
    """Revoke a borrower's link; return how many there were."""
    with transaction.atomic():
        Borrower.objects.select_for_update(of=("self",)).get(pk=borrower.pk)
        ended = _revoke(borrower, as_of=as_of)
        if ended:
            _audit(borrower, "calendar.revoke", actor)
    return ended


def _revoke(borrower: Borrower, *, as_of: date) -> int:
    return CalendarFeed.objects.filter(borrower=borrower, revoked_date=None).update(revoked_date=as_of)


def _audit(borrower: Borrower, action: str, actor: User | None) -> None:
    write_audit(
        actor=actor, action=action, object_type="accounts.Borrower", object_ref=str(borrower.ref), after={}
    )

"""Keys of shops: made, shown once, rotated with an overlap, revoked at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.models import User
from accounts.operations import write_audit
from merchants.domain import keys
from merchants.models import ApiKey, Merchant
from regimes.errors import N_, InvalidInput

MOST_KEYS = 20
LIVES = timedelta(days=365)
OVERLAP = timedelta(days=1)
NOTED_EVERY = timedelta(minutes=10)


class UnableToMakeKey(InvalidInput):
    """Refuse a key without a name or with a scope that does not exist."""


def make_key(
    *,
    merchant: Merchant,
    name: str,
    scopes: Sequence[str],
    actor: User | None,
    now: datetime,
    needs_signature: bool = True,
    lives: timedelta = LIVES,
    replaces: ApiKey | None = None,
) -> tuple[ApiKey, str]:
    """Make a key; the text is returned this once and stored nowhere."""
    words = name.strip()
    if not 1 <= len(words) <= 60:
        raise UnableToMakeKey("required", N_("Say in up to 60 characters what the key is for."), field="name")
    known = {scope.value for scope in keys.Scope}
    if not scopes or set(scopes) - known:
        raise UnableToMakeKey(
            "scope_invalid", N_("Choose what the key may do from the list."), field="scopes"
        )
    made = keys.make_key(live=settings.PRODUCTION)
    with transaction.atomic():
        Merchant.objects.select_for_update(of=("self",)).get(pk=merchant.pk)
        usable = ApiKey.objects.filter(merchant=merchant, revoked_at=None, expires_at__gt=now)
        if usable.count() >= MOST_KEYS:
            raise UnableToMakeKey("too_many_keys", N_("Revoke a key first: a shop has at most 20."))
        row = ApiKey.objects.create(
            merchant=merchant,
            name=words,
            prefix=made.prefix,
            digest=made.digest,
            scopes=sorted(set(scopes)),
            needs_signature=needs_signature,
            created_by=actor,
            replaces=replaces,
            expires_at=now + lives,
        )
        write_audit(
            actor=actor,
            action="merchant.key.made",
            object_type="merchants.ApiKey",
            object_ref=row.ref,
            after={"prefix": row.prefix, "scopes": row.scopes},
        )
    return row, made.text


def rotate_key(
    *, key: ApiKey, actor: User | None, now: datetime, overlap: timedelta = OVERLAP
) -> tuple[ApiKey, str]:
    """Make a successor with the same rights; the old key is good for another day at most."""
    with transaction.atomic():
        old = ApiKey.objects.select_for_update(of=("self",)).get(pk=key.pk)
        if old.revoked_at is not None or ApiKey.objects.filter(replaces=old).exists():
            raise UnableToMakeKey("key_state", N_("This key was revoked or replaced before."))
        made = make_key(
            merchant=old.merchant,
            name=old.name,
            scopes=old.scopes,
            needs_signature=old.needs_signature,
            actor=actor,
            now=now,
            replaces=old,
        )
        old.expires_at = min(old.expires_at, now + overlap)
        old.save(update_fields=["expires_at"])
    return made


def revoke_key(*, key: ApiKey, actor: User | None, now: datetime) -> ApiKey:
    """End a key at once; a repeat changes nothing."""
    with transaction.atomic():
        row = ApiKey.objects.select_for_update(of=("self",)).get(pk=key.pk)
        if row.revoked_at is None:
            row.revoked_at = now
            row.save(update_fields=["revoked_at"])
            write_audit(
                actor=actor,
                action="merchant.key.revoked",
                object_type="merchants.ApiKey",
                object_ref=row.ref,
                after={"prefix": row.prefix},
            )
    return row


def note_use(*, key: ApiKey, now: datetime) -> None:
    """Remember when a key was used, not more often than every ten minutes."""
    if key.last_used_at is None or now - key.last_used_at > NOTED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)

"""Seal values anew with the current key, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import models, transaction

from accounts.crypto import EncryptedTextField, Sealed, open_sealed, seal
from accounts.crypto.keys import KeyRing, key_ring
from accounts.crypto.seal import FORMAT
from accounts.sign_in.factors import AAD

BATCH = 500


@dataclass(frozen=True)
class RotationReport:
    """How many values were sealed anew, and how many are left under older keys."""

    sealed: int
    left: int


def encrypted_fields() -> Iterator[tuple[type[models.Model], EncryptedTextField]]:
    """Return every encrypted field of every room."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field


def rotate_keys(*, limit: int | None = None) -> RotationReport:
    """Seal up to `limit` values with the current key. What is done is committed batch by batch, so it can be stopped."""
    ring = key_ring()
    done = 0
    for model, field in encrypted_fields():
        while limit is None or done < limit:
            size = BATCH if limit is None else min(BATCH, limit - done)
            count = _rotate_batch(model=model, field=field, ring=ring, size=size)
            done += count
            if count < size:
                break
    if limit is None or done < limit:
        done += _rotate_authenticators(ring=ring)
    return RotationReport(sealed=done, left=values_left(ring=ring))


def _old(
    model: type[models.Model], field: EncryptedTextField, ring: KeyRing
) -> models.QuerySet[models.Model]:
    """Return rows sealed with another key, found by the text of the column itself."""
    from django.db.models.functions import Cast

    manager = model._default_manager.annotate(_token=Cast(field.name, models.TextField()))
    return manager.filter(_token__isnull=False).exclude(_token__startswith=f"{FORMAT}:{ring.current}:")


def _rotate_batch(*, model: type[models.Model], field: EncryptedTextField, ring: KeyRing, size: int) -> int:
    with transaction.atomic():
        rows = list(_old(model, field, ring).select_for_update(of=("self",)).order_by("pk")[:size])
        for row in rows:
            plaintext = open_sealed(sealed=row.__dict__[field.attname], aad=field.aad(row), ring=ring)
            fresh = seal(plaintext=plaintext, aad=field.aad(row), ring=ring)
            model._default_manager.filter(pk=row.pk).update(**{field.name: fresh})
    return len(rows)


def _rotate_authenticators(*, ring: KeyRing) -> int:
    count = 0
    with transaction.atomic():
        for row in Authenticator.objects.select_for_update().order_by("pk"):
            fresh = {name: _fresh(value, ring) for name, value in row.data.items()}
            if fresh != row.data:
                row.data = fresh
                row.save(update_fields=["data"])
                count += 1
    return count


def _fresh(value: object, ring: KeyRing) -> object:
    if isinstance(value, list):
        return [_fresh(item, ring) for item in value]
    is_old = (
        isinstance(value, str)
        and value.startswith(f"{FORMAT}:")
        and not value.startswith(f"{FORMAT}:{ring.current}:")
    )
    if not is_old:
        return value
    return seal(
        plaintext=open_sealed(sealed=Sealed(str(value)), aad=AAD, ring=ring), aad=AAD, ring=ring
    ).token


def values_left(*, ring: KeyRing) -> int:
    """Return how many values still need an older key; keep it configured until this is none."""
    return sum(_old(model, field, ring).count() for model, field in encrypted_fields())

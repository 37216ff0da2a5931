"""Seal anew, a batch at a time: persons' values under their own keys, the rest and those keys under the current one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import connection, models, transaction
from django.db.models.functions import Left

from accounts.crypto import EncryptedTextField, Sealed, Shredded, keys_ready, open_sealed, seal
from accounts.crypto.keys import KeyRing, key_ring
from accounts.crypto.seal import ERASED, FORMAT, NOTHING, PERSON_FORMAT
from accounts.sign_in.factors import AAD

BATCH = 500
HEAD = 48  # letters of a value that tell its form and key; a scan does not unpack whole files


@dataclass(frozen=True)
class RotationReport:
    """How many values were sealed anew, and how many are left under older keys."""

    sealed: int
    left: int


def encrypted_fields() -> Iterator[tuple[type[models.Model], EncryptedTextField]]:
    """Return every encrypted field of every room; the keys of persons are one of them."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field


def rotate_keys(*, limit: int | None = None) -> RotationReport:
    """Seal up to `limit` values as they should be. What is done is committed batch by batch, so it can be stopped.

    A change of the portal's key touches what lies under it: the keys of persons, and the few values that are no
    person's. A value of a person from before there were such keys is sealed under its person's own.
    """
    ring = key_ring()
    done = 0
    for model, field in encrypted_fields():
        last = 0
        while limit is None or done < limit:
            size = BATCH if limit is None else min(BATCH, limit - done)
            count, last = _rotate_batch(model=model, field=field, ring=ring, size=size, after=last)
            done += count
            if count < size:
                break
    if limit is None or done < limit:
        done += _rotate_authenticators(ring=ring)
    return RotationReport(sealed=done, left=values_left(ring=ring))


def _old(
    model: type[models.Model], field: EncryptedTextField, ring: KeyRing
) -> models.QuerySet[models.Model]:
    """Return rows sealed in another way than they should be, found by the first letters of the column itself."""
    manager = model._default_manager.annotate(
        _head=Left(field.name, HEAD, output_field=models.TextField())
    ).filter(_head__isnull=False)
    if hasattr(model, "key_holder"):
        return manager.exclude(_head__startswith=f"{PERSON_FORMAT}:").exclude(_head__in=list(NOTHING))
    return manager.exclude(_head__startswith=f"{FORMAT}:{ring.current}:").exclude(_head__in=list(NOTHING))


def _rotate_batch(
    *, model: type[models.Model], field: EncryptedTextField, ring: KeyRing, size: int, after: int
) -> tuple[int, int]:
    """Seal a batch of rows behind a key anew; give how many there were and the last row's key."""
    with transaction.atomic():
        found = _old(model, field, ring).filter(pk__gt=after).select_for_update(of=("self",))
        path = getattr(model, "key_path", None)
        rows = list((found.select_related(path) if path else found).order_by("pk")[:size])
        holders = [row.key_holder for row in rows if hasattr(row, "key_holder")]
        tokens: list[str] = []
        with keys_ready(holders=holders) if holders else nullcontext():
            for row in rows:
                plaintext = open_sealed(sealed=row.__dict__[field.attname], aad=field.aad(row), ring=ring)
                try:
                    fresh = field.sealed(row, plaintext)
                except Shredded:  # whoever it was is gone, and so is this
                    fresh = Sealed(ERASED)
                tokens.append(fresh.token)
        _write(model, field, [row.pk for row in rows], tokens)
    return len(rows), rows[-1].pk if rows else after


def _write(model: type[models.Model], field: EncryptedTextField, keys: list[int], tokens: list[str]) -> None:
    """Write a batch in one statement."""
    table, column = (
        connection.ops.quote_name(model._meta.db_table),
        connection.ops.quote_name(str(field.column)),
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} t SET {column} = d.token FROM unnest(%s::bigint[], %s::text[]) AS d(id, token) WHERE t.id = d.id",  # noqa: S608  names of our own
            [keys, tokens],
        )


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

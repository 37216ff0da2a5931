"""Seal encrypted fields with the current key."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.crypto import Tampered, UnknownKey
from accounts.crypto.keys import key_ring
from accounts.operations.keys import rotate_keys, values_left


class Command(BaseCommand):
    help = (
        "Rewrap the keys of persons with the first key of LENDPORTAL_FIELD_KEYS, and seal what is no person's with it; what "
        "is left of before each person had a key is sealed under it. Can be stopped and started again; take the old key "
        "out when nothing is left."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--limit", type=int, default=None, help="stop after so many values")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            ring = key_ring()
        except ImproperlyConfigured as error:
            raise CommandError(str(error), returncode=2) from None
        if len(ring.keys) < 2 and not values_left(ring=ring):
            raise CommandError(
                "LENDPORTAL_FIELD_KEYS: has one key only; put the new one first and keep the old",
                returncode=2,
            )
        if len(set(ring.keys.values())) < len(ring.keys):
            raise CommandError("LENDPORTAL_FIELD_KEYS: two ids have the same key", returncode=2)
        try:
            report = rotate_keys(limit=options["limit"])
        except (UnknownKey, Tampered) as error:
            raise CommandError(f"stopped, nothing lost: {error}", returncode=1) from None
        print(f"sealed anew with key {ring.current}: {report.sealed}; left under older keys: {report.left}")

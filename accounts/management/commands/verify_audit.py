"""Prove the audit trail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.audit_reader import HeadsUnreadable, read_heads, verify, write_heads


class Command(BaseCommand):
    help = (
        "Recompute every hash of the audit trail and name the first bad entry of each chain. With a file of heads, kept "
        "outside the database, a cut tail is seen too. Exit 1 on a breach."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--heads", type=Path, help="file of heads that an earlier run wrote")
        parser.add_argument("--write-heads", type=Path, help="write the heads of now, when all is well")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            heads = read_heads(path=options["heads"]) if options["heads"] else None
        except HeadsUnreadable as error:
            raise CommandError(str(error), returncode=2) from None
        found = verify(heads=heads)
        for breach in found:
            print(f"chain {breach.shard}, entry {breach.sequence} (id {breach.entry_id}): {breach.problem}")
        if found:
            raise CommandError(f"the audit trail is broken in {len(found)} places", returncode=1)
        print("the audit trail is whole")
        if options["write_heads"]:
            print(f"heads of {write_heads(path=options['write_heads'])} chains written")

"""Score stored assessments again and compare them bit by bit with what was decided from."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand

from risk import queries
from risk.models.registry import Assessment


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="first", type=date.fromisoformat, help="first business date")
        parser.add_argument("--to", dest="last", type=date.fromisoformat, help="last business date")
        parser.add_argument("--limit", type=int, default=0, help="only the newest so many")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = Assessment.objects.exclude(facts=b"")  # of whoever was forgotten nothing is left to replay
        if options["first"]:
            rows = rows.filter(as_of__gte=options["first"])
        if options["last"]:
            rows = rows.filter(as_of__lte=options["last"])
        if options["limit"] > 0:
            newest = rows.order_by("-pk").values_list("pk", flat=True)[: options["limit"]]
            rows = rows.filter(pk__in=list(newest))
        found = queries.replay(
            assessments=rows, progress=lambda done: self.stdout.write(f"  {done:,} replayed")
        )
        self.stdout.write(
            f"{found['replayed']:,} replayed, {len(found['differences'])} differ, largest gap {found['largest']:.3g}, "
            f"{found['unscored']:,} were not scored, {found['unloadable']:,} have a model that cannot be trusted"
        )
        for ref in found["differences"][:20]:
            self.stdout.write(f"  differs: {ref}")
        if found["differences"]:
            raise SystemExit(1)

"""Run the engine over the public sets and print what was reached against floors and goals."""

from __future__ import annotations

import json
import os
import time
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from risk.bench.cases import CASES, Line


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        default = os.environ.get("RISK_DATA_DIR") or settings.BASE_DIR.parent / "shared" / "data"
        parser.add_argument("--data-dir", type=Path, default=Path(default))
        parser.add_argument(
            "--case", choices=sorted(CASES), action="append", help="only this case; may be repeated"
        )
        parser.add_argument("--out", type=Path, help="also write the lines as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["data_dir"]
        if not (folder / "taiwan_cards.csv.gz").exists():
            self.stdout.write(
                f"risk_report: skipped, no public sets at {folder} (RISK_DATA_DIR or --data-dir)"
            )
            return
        lines: list[Line] = []
        for name in options["case"] or CASES:
            started = time.monotonic()
            lines += CASES[name](folder, lambda line: self.stdout.write(f"  {line}"))
            self.stdout.write(f"  {name}: {time.monotonic() - started:.0f} s")
        self.stdout.write(f"\n{'case':40} {'measure':18} {'reached':>9} {'floor':>7} {'goal':>7}  verdict")
        for line in lines:
            marks = [f"{m:7.3f}" if m is not None else " " * 7 for m in (line.floor, line.goal)]
            self.stdout.write(
                f"{line.case:40} {line.measure:18} {line.value:9.4f} {marks[0]} {marks[1]}  {line.verdict:7} {line.note}"
            )
        if options["out"]:
            rows = [asdict(line) | {"verdict": line.verdict} for line in lines]
            options["out"].write_text(json.dumps(rows, indent=1))
        if any(line.verdict == "MISSED" and line.floor is not None for line in lines):
            raise SystemExit(1)

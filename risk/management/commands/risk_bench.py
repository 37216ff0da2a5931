"""Train the engine's pipeline on a table of loans and forecast another."""

from __future__ import annotations

import csv
import json
import math
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from regimes.errors import Refusal
from risk.domain import bench
from risk.domain.table import read_table


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--train", type=Path, required=True, help="CSV with row_id, bad and any columns")
        parser.add_argument("--test", type=Path, required=True, help="CSV with the same columns and no bad")
        parser.add_argument("--out", type=Path, required=True, help="where to write row_id,pd")
        parser.add_argument("--report", type=Path, help="where to write the report (JSON)")
        parser.add_argument("--seed", type=int, default=7)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            train_table, test_table = read_table(options["train"]), read_table(options["test"])
            test_ids = test_table.need("row_id")
            train_table.need("row_id")
            train = bench.material(train_table)
            test = bench.read_test(train, test_table)
            found = bench.predict(
                train,
                test,
                rows=test_table.rows,
                seed=options["seed"],
                say=lambda line: self.stdout.write(f"  {line}"),
            )
        except Refusal as refusal:
            self.stderr.write(f"risk_bench: {refusal} ({refusal.code})")
            raise SystemExit(2) from refusal
        with options["out"].open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("row_id", "pd"))
            writer.writerows((row, f"{pd:.10f}") for row, pd in zip(test_ids, found.pd.tolist(), strict=True))
        if options["report"]:
            options["report"].write_text(json.dumps(_plain(found.report), indent=1, allow_nan=False))
        for leak in found.report["refused"]:
            self.stdout.write(f"  refused {leak['column']}: {leak['reason']}")
        self.stdout.write(f"{test_table.rows:,} forecasts written to {options['out']}")


def _plain(value: Any) -> Any:
    """Give what JSON can hold: a figure that could not be worked out is null."""
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

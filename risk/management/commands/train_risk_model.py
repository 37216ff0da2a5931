"""Train the risk models: on the synthetic population, or on a lender's own exported history."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from regimes.errors import Refusal
from risk import operations
from risk.domain.training import Fitter, fit_booster
from risk.engine import write_folder
from risk.engine.cluster import cluster_fitter
from risk.operations.registry import artefact_of


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--people", type=int, default=8_000, help="size of the synthetic population")
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument("--install", action="store_true", help="put the models to work if none ever was")
        parser.add_argument(
            "--scheduler",
            default="",
            help="grow the trees on the Dask cluster at this address, tls://host:port (docs/operations/cluster.md)",
        )
        parser.add_argument("--out", type=Path, help="also write models, card and report into this folder")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 500 <= options["people"] <= 1_000_000:
            self.stderr.write("train_risk_model: --people must be from 500 to 1,000,000")
            raise SystemExit(2)
        started = time.monotonic()

        def say(line: str) -> None:
            self.stdout.write(f"  {time.monotonic() - started:6.1f} s  {line}")
            self.stdout.flush()

        try:
            with _fitter(options["scheduler"], say) as fitter:
                trees, card = operations.train_on_synthetic_people(
                    size=options["people"],
                    seed=options["seed"],
                    now=datetime.now(UTC),
                    install=options["install"],
                    say=say,
                    fitter=fitter,
                )
        except Refusal as refusal:
            self.stderr.write(f"train_risk_model: {refusal} ({refusal.code})")
            raise SystemExit(2) from refusal
        found = trees.report["out_of_time"]
        low, high = found["auc_interval"]
        say(
            f"out of time: AUC {found['auc']:.3f} [{low:.3f}, {high:.3f}], KS {found['ks']:.3f}, ECE {found['ece']:.4f}; "
            f"scorecard AUC {found['scorecard']['auc']:.3f}"
        )
        if options["out"]:
            folder: Path = options["out"]
            write_folder(folder / "trees", artefact_of(trees))
            write_folder(folder / "scorecard", artefact_of(card))
            (folder / "card.html").write_text(trees.card_html)
            (folder / "report.json").write_text(json.dumps(trees.report, indent=1))
        trees.refresh_from_db(fields=["state"])
        say(f"{trees.name}: {trees.state}")


@contextmanager
def _fitter(scheduler: str, say: Callable[[str], None]) -> Iterator[Fitter]:
    """Fit here, or on the cluster whose scheduler is named."""
    if not scheduler:
        yield fit_booster
        return
    with cluster_fitter(scheduler=scheduler, plain_allowed=settings.ENVIRONMENT != "production") as fitter:
        say(f"trees are grown on the Dask cluster at {scheduler}")
        yield fitter

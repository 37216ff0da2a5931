"""Fit how real small businesses answer prices: the part of customers that stays at an annual rate, by rating."""

from __future__ import annotations

import csv
import gzip
import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.core.management.base import BaseCommand

from credit.domain.pricing import FittedResponse, fit_response

FILE = "cn_smallbiz_rate_churn.csv.gz"
PREFIX = "churn_rating_"


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        default = os.environ.get("RISK_DATA_DIR") or settings.BASE_DIR.parent / "shared" / "data"
        parser.add_argument("--data-dir", type=Path, default=Path(default))
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["data_dir"] / FILE
        if not path.exists():
            self.stderr.write(
                f"fit_price_response: {FILE} is not in the folder (RISK_DATA_DIR or --data-dir)"
            )
            raise SystemExit(2)
        found = fit_file(path)
        if options["as_json"]:
            self.stdout.write(json.dumps({rating: as_dict(fit) for rating, fit in found.items()}, indent=1))
            return
        self.stdout.write("the part of customers that stays at rate r: exp(-((r - base) / scale) ** shape)")
        for rating, fit in found.items():
            curve = fit.response
            self.stdout.write(
                f"  rating {rating}: base {curve.base:.4f}  scale {curve.scale:.4f}  shape {curve.shape:.3f}   "
                f"{fit.points} prices, error {fit.root_mean_square:.4f} (root mean square), {fit.largest:.4f} (largest); "
                f"stay at 8 %: {curve.retained(0.08):.0%}, at 12 %: {curve.retained(0.12):.0%}"
            )


def fit_file(path: Path) -> dict[str, FittedResponse]:
    """Fit each rating's column of the published table."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    rates = np.array([float(row["annual_rate"]) for row in rows])
    ratings = [name.removeprefix(PREFIX) for name in rows[0] if name.startswith(PREFIX)]
    return {
        rating: fit_response(rates, np.array([float(row[PREFIX + rating]) for row in rows]))
        for rating in ratings
    }


def as_dict(fit: FittedResponse) -> dict[str, float]:
    """Write a fit as JSON takes it."""
    curve = fit.response
    return {
        "base": curve.base,
        "scale": curve.scale,
        "shape": curve.shape,
        "points": fit.points,
        "root_mean_square": fit.root_mean_square,
        "largest": fit.largest,
    }

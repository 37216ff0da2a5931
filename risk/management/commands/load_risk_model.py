"""Take a signed model from a folder into the registry as a candidate."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from regimes.errors import Refusal
from risk.engine import read_folder
from risk.operations import register_model


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--name", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        try:
            version = register_model(
                artefact=read_folder(folder), name=options["name"] or folder.name, report={}
            )
        except Refusal as refusal:
            self.stderr.write(f"load_risk_model: {refusal} ({refusal.code})")
            raise SystemExit(2) from refusal
        self.stdout.write(f"{version.name}: {version.state}, sha256 {version.model_sha256[:16]}")

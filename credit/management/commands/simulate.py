"""Try a limit policy on a made-up economy before any customer feels it: the portfolio twin.

The synthetic people apply, draw, repay and default month by month; decisions, limits, re-evaluations and schedules are
those of the portal. Written are report.html with plots, the plots of its last case as files, figures.json, and with --csv the loan-month tables. Exit 1 if
a cut passed its smoothness, or the first policy does not beat the second where --must-win asks for it.
"""

from __future__ import annotations

import csv
import json
import time
from argparse import ArgumentParser
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from credit.domain.policy import PolicyRules, read_policy
from credit.domain.profit import REFERENCE
from credit.queries import ceiling_now
from credit.twin.diary import LOAN_MONTH_COLUMNS, Diary
from credit.twin.learning import fit_weight, teach
from credit.twin.pages import page, plot_files
from credit.twin.trial import Trial, run_trial
from regimes.errors import Refusal

SEED_POLICY = "credit/seed/policy_v1.json"


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--months", type=int, default=24)
        parser.add_argument("--borrowers", type=int, default=2_000)
        parser.add_argument(
            "--policy",
            default="profit",
            help="matrix, profit, the number of a stored version, or a JSON file",
        )
        parser.add_argument("--against", default="", help="a second policy for the same borrowers")
        parser.add_argument(
            "--seed", dest="seeds", type=int, action="append", help="may be repeated; default 7"
        )
        parser.add_argument(
            "--shock", action="append", default=[], metavar="MONTH:SIZE|none", help="a downturn, such as 12:1.2; may be repeated"
        )  # fmt: skip
        parser.add_argument("--fit-weight", action="store_true", help="fit how much loss counts to lose no more than --against")  # fmt: skip
        parser.add_argument("--teach", type=int, default=10_000, help="borrowers of the earlier economy that the score learns from")  # fmt: skip
        parser.add_argument("--out", type=Path, default=Path("twin"))
        parser.add_argument("--csv", action="store_true", help="write the loan-month table of every run")
        parser.add_argument("--must-win", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["months"] <= 60 or not 100 <= options["borrowers"] <= 1_000_000:
            raise CommandError("--months is 1 to 60, --borrowers 100 to 1,000,000", returncode=2)
        begun = time.perf_counter()
        policies = {options["policy"]: self._policy(options["policy"])}
        if options["against"]:
            policies[options["against"]] = self._policy(options["against"])
        ceiling, matrix = ceiling_now(), self._policy("matrix")
        score = teach(policy=matrix, ceiling=ceiling, borrowers=options["teach"], months=options["months"])
        if options["fit_weight"]:
            policies[options["policy"]] = self._fitted(options, policies, score)
        trial = Trial(
            policies=policies,
            borrowers=options["borrowers"],
            months=options["months"],
            seeds=options["seeds"] or [7],
            shocks=[self._shock(text, options["months"]) for text in options["shock"] or ["none"]],
            keep_loan_months=options["csv"],
        )
        out: Path = options["out"]
        out.mkdir(parents=True, exist_ok=True)
        keep = (lambda name, diary: write_csv(out / f"loan_months-{name}.csv", diary)) if options["csv"] else lambda *_: None  # fmt: skip
        found = run_trial(trial, ceiling=ceiling, score=score, say=self.stdout.write, keep=keep)
        (out / "report.html").write_text(page(found), encoding="utf-8")
        for name, plot in plot_files(found["cases"][-1]).items():
            (out / name).write_text(plot, encoding="utf-8")
        (out / "figures.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
        for line in found["verdicts"]:
            self.stdout.write(("holds  " if line["holds"] else "FAILS  ") + line["text"])
        self.stdout.write(
            f"{time.perf_counter() - begun:.0f} s; report.html and figures.json are in the folder"
        )
        asked = [line for line in found["verdicts"] if "largest_cut" in line or options["must_win"]]
        if not all(line["holds"] for line in asked):
            raise SystemExit(1)

    def _policy(self, name: str) -> PolicyRules:
        """Read a policy by its name, number or file."""
        try:
            if name in ("matrix", "profit"):
                document = json.loads((settings.BASE_DIR / SEED_POLICY).read_text(encoding="utf-8"))
                rules = read_policy(document, ceiling=ceiling_now())
                return rules if name == "matrix" else replace(rules, profit=rules.profit or REFERENCE)
            if name.isdecimal():
                from credit.models import Policy
                from credit.queries import rules_of

                stored = Policy.objects.filter(version=int(name)).first()
                if stored is None:
                    raise CommandError(f"there is no policy version {name}", returncode=2)
                return rules_of(stored)
            return read_policy(json.loads(Path(name).read_text(encoding="utf-8")), ceiling=ceiling_now())
        except (OSError, json.JSONDecodeError) as error:
            raise CommandError(f"the policy cannot be read: {error}", returncode=2) from error
        except Refusal as refusal:
            raise CommandError(f"{refusal} ({refusal.code})", returncode=2) from refusal

    def _fitted(self, options: dict[str, Any], policies: dict[str, PolicyRules], score: Any) -> PolicyRules:
        rules = policies[options["policy"]]
        if rules.profit is None or not options["against"]:
            raise CommandError("--fit-weight wants a policy with profit and --against", returncode=2)
        weight = fit_weight(
            policy=rules, against=policies[options["against"]], ceiling=ceiling_now(), score=score,
            borrowers=options["teach"], months=options["months"],
        )  # fmt: skip
        self.stdout.write(f"loss counts {weight} beyond itself, fitted on the earlier economy")
        return replace(rules, profit=replace(rules.profit, loss_weight=weight))

    def _shock(self, text: str, months: int) -> tuple[int, float] | None:
        if text == "none":
            return None
        month, _, size = text.partition(":")
        try:
            found = int(month), float(Decimal(size or "1.2"))
        except (ValueError, ArithmeticError) as error:
            raise CommandError("--shock is MONTH:SIZE, such as 12:1.2, or none", returncode=2) from error
        if not 0 <= found[0] < months or not 0 < found[1] <= 5:
            raise CommandError(
                "--shock: the month lies within the run, the size above 0 and at most 5", returncode=2
            )
        return found


def write_csv(path: Path, diary: Diary) -> None:
    """Write a run's loan-month table; money in units with two places."""
    money = {place for place, name in enumerate(LOAN_MONTH_COLUMNS) if name in MONEY}
    with path.open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target)
        writer.writerow(LOAN_MONTH_COLUMNS)
        for row in diary.loan_months():
            writer.writerow(
                [f"{value / 100:.2f}" if place in money else value for place, value in enumerate(row)]
            )


MONEY = {"principal", "principal_owed_before", "principal_owed", "interest_paid", "written_off", "recovered"}

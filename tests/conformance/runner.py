"""Run every case of a folder of golden files against an engine and report by kind.

    python -m tests.conformance.runner [FOLDER]

The folder is the argument, or GOLDEN_DIR, or ../shared/golden beside the project, or the project's own
cases. Another engine runs the kit by naming a module in CONFORMANCE_ENGINE that has a function
`answer(family, case) -> dict` and may raise `UnsupportedCase` or `UnknownKind`.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conformance.compare import differences
from tests.conformance.conventions import UNSUPPORTED, UnknownKind, UnsupportedCase

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
OWN_CASES = HERE / "cases"
Answer = Callable[[str, dict[str, Any]], Any]


def golden_folder() -> Path:
    """Return the folder of cases to run."""
    named = os.environ.get("GOLDEN_DIR")
    if named:
        return Path(named)
    beside = PROJECT.parent / "shared" / "golden"
    return beside if beside.is_dir() else OWN_CASES


def load_cases(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every case of a folder with its family: the first letter of the file's family name."""
    files = sorted(folder.glob("*.json"))
    if not files:
        raise SystemExit(f"no *.json in {folder}")
    for path in files:
        content = json.loads(path.read_text(encoding="utf-8"))
        family = str(content.get("family", path.stem))[:1]
        for case in content["cases"]:
            yield family, case


@dataclass
class Report:
    """Count what happened, by family and kind."""

    passed: Counter[str] = field(default_factory=Counter)
    failed: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    unsupported: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    by_kind: Counter[tuple[str, str]] = field(default_factory=Counter)

    def share_exact(self, family: str) -> float:
        """Return the share of a family's cases that passed."""
        every = sum(n for (kind, _), n in self.by_kind.items() if kind.startswith(family))
        good = sum(
            n for (kind, end), n in self.by_kind.items() if kind.startswith(family) and end == "passed"
        )
        return good / every if every else 1.0


def kind_of(family: str, case: dict[str, Any]) -> str:
    """Name the kind of a case."""
    return f"{family}:{case.get('kind') or case.get('method')}"


def run_case(answer: Answer, family: str, case: dict[str, Any]) -> tuple[str, str]:
    """Return how a case ended (passed, failed, unsupported) and why."""
    try:
        given = answer(family, case)
    except UnsupportedCase as unsupported:
        return "unsupported", unsupported.convention
    except UnknownKind:
        return "unsupported", f"kind without an adapter: {kind_of(family, case)}"
    except Exception as error:  # noqa: BLE001  an engine that falls over has failed the case
        return "failed", f"{type(error).__name__}: {error}"
    wrong = differences(family, case, given)
    return ("failed", "; ".join(wrong[:4])) if wrong else ("passed", "")


def run_folder(folder: Path, answer: Answer) -> Report:
    """Run every case of a folder."""
    report = Report()
    for family, case in load_cases(folder):
        ended, why = run_case(answer, family, case)
        kind = kind_of(family, case)
        report.by_kind[kind, ended] += 1
        if ended == "passed":
            report.passed[kind] += 1
        elif ended == "failed":
            report.failed[kind].append(f"{case['id']}: {why}")
        else:
            report.unsupported[why].append(case["id"])
    return report


def engine_answer() -> Answer:
    """Return the answer function of the engine under test."""
    module = importlib.import_module(
        os.environ.get("CONFORMANCE_ENGINE", "tests.conformance.lendportal_engine")
    )
    answer: Answer = module.answer
    return answer


def print_report(report: Report) -> None:
    """Print counts by kind, then every failure and every unsupported convention with its reason."""
    kinds = sorted({kind for kind, _ in report.by_kind})
    print(f"{'kind':52} passed failed unsupported")
    for kind in kinds:
        counts = [report.by_kind[kind, end] for end in ("passed", "failed", "unsupported")]
        print(f"{kind:52} {counts[0]:6} {counts[1]:6} {counts[2]:11}")
    for family in "abcd":
        if any(kind.startswith(family) for kind in kinds):
            print(f"{family}: {report.share_exact(family):.1%} exact")
    for reason, ids in sorted(report.unsupported.items()):
        print(f"unsupported  {reason}: {len(ids)}  ({UNSUPPORTED.get(reason, 'no adapter')})")
    for lines in report.failed.values():
        for line in lines:
            print(f"FAILED  {line}")
    failed = sum(len(lines) for lines in report.failed.values())
    skipped = sum(len(ids) for ids in report.unsupported.values())
    print(f"passed {report.passed.total()}, failed {failed}, unsupported {skipped}")


def main(arguments: list[str]) -> int:
    """Run the kit from the command line; exit 1 if a case failed."""
    folder = Path(arguments[0]) if arguments else golden_folder()
    report = run_folder(folder, engine_answer())
    print_report(report)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

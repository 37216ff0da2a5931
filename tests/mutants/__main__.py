"""Change the code of rules and money at random places and see whether a test notices: `python -m tests.mutants [--sample N]`.

The changes are mutmut's; a sample of all of them, drawn by a seed, is tried one at a time in a copy, first on the tests of its
room's rules, then, when those see nothing, on those of the whole room. The last line is JSON with the share that was noticed and
its 95 % interval (Wilson). mutmut's own runner is not used: it cannot name tests whose parameters hold odd characters, and ours do.
"""

from __future__ import annotations

import argparse
import difflib
import json
import math
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.plugins.servers import Servers
from tests.seeded.__main__ import FAILED, LEFT_OUT, ROOT

# what is changed: (files, the tests that are asked first, those that are asked then)
PLACES = (
    ("ledger/domain", "tests/ledger", ""),
    ("ledger/operations.py", "tests/ledger", "tests/loans tests/books"),
    ("loans/domain", "tests/loans/domain tests/conformance", "tests/loans"),
    ("loans/operations", "tests/loans", "tests/credit tests/desk tests/books"),
    ("credit/domain", "tests/credit/domain", "tests/credit tests/web"),
    ("credit/operations/drawdowns.py", "tests/credit", "tests/api"),
    ("credit/operations/holds.py", "tests/merchants", "tests/credit"),
    ("credit/operations/lines.py", "tests/credit", "tests/api"),
    ("merchants/domain", "tests/merchants", ""),
    ("merchants/operations/orders.py", "tests/merchants", ""),
    ("merchants/operations/settling.py", "tests/merchants", ""),
    ("risk/domain", "tests/risk", "tests/risk_evidence tests/credit"),
    ("accounts/domain", "tests/accounts", "tests/web"),
)
LONGEST_S = 600
MARKS = "not browser and not processes and not servers and not cluster"


@dataclass(frozen=True)
class Mutant:
    """One change: the file, mutmut's name of it, and the tests of its place."""

    path: Path
    name: str
    tests: tuple[str, ...]


def files_of(place: str) -> list[Path]:
    found = ROOT / place
    return [found] if found.is_file() else sorted(found.rglob("*.py"))


def all_mutants(only: str) -> tuple[list[Mutant], dict[Path, str]]:
    """Let mutmut change every function of the places; give the changes, and the text of each file with all of them in it."""
    try:
        from mutmut.mutation.file_mutation import mutate_file_contents
    except ImportError:
        raise SystemExit("mutmut is not here: `make mutants` sets up an environment that has it") from None
    found, texts = [], {}
    for place, *tests in PLACES:
        for path in files_of(place):
            name = path.relative_to(ROOT)
            if only not in str(name):
                continue
            changed = mutate_file_contents(str(name), path.read_text())
            texts[name] = changed.code
            module = ".".join(name.with_suffix("").parts)
            chosen = tuple(one for one in tests if one)
            found += [Mutant(name, f"{module}.{one}", chosen) for one in changed.mutant_names]
    return found, texts


def run_tests(tree: Path, mutant: Mutant, tests: str, *, database: str) -> tuple[int, str]:
    environment = {**os.environ, "DATABASE_URL": database, "PYTHONDONTWRITEBYTECODE": "1",
                   "MUTANT_UNDER_TEST": mutant.name}  # fmt: skip
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--reuse-db", "-m", MARKS, *tests.split()]  # fmt: skip
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=LONGEST_S
        )
    except subprocess.TimeoutExpired:
        return 1, "hung"
    failed = FAILED.search(done.stdout)
    last = (done.stdout.strip().splitlines() or [done.stderr.strip()[-120:]])[-1]
    return done.returncode, failed[1] if failed else last[:120]


def noticed(tree: Path, mutant: Mutant, text: str, *, database: str) -> tuple[bool, str]:
    """Say whether a test notices, and which did first."""
    path = tree / mutant.path
    before = path.read_text()
    path.write_text(text)
    try:
        for tests in mutant.tests:
            code, first = run_tests(tree, mutant, tests, database=database)
            if code == 1:
                return True, first
            if code != 0:  # it cannot even be imported or collected: whoever starts the portal sees it
                return True, first
    finally:
        path.write_text(before)
    return False, ""


def difference(mutant: Mutant, text: str) -> str:
    """Show what was changed, as a reader would."""
    short = mutant.name.rpartition(".")[2]
    plain = short.rpartition("__mutmut_")[0]

    def source(name: str) -> list[str]:
        found = re.search(
            rf"^( *)(?:async )?def {re.escape(name)}\(.*?(?=^\1\S|\Z)", text, re.MULTILINE | re.DOTALL
        )
        return found[0].replace(name, plain).splitlines() if found else []

    lines = difflib.unified_diff(source(f"{plain}__mutmut_orig"), source(short), lineterm="", n=0)
    return "\n".join(f"      {line}" for line in lines if not line.startswith(("---", "+++", "@@")))


def wilson(hits: int, tries: int) -> tuple[float, float]:
    """Return the 95 % interval of a share."""
    if not tries:
        return 0.0, 1.0
    z, share = 1.96, hits / tries
    middle, spread = (
        share + z * z / (2 * tries),
        z * math.sqrt(share * (1 - share) / tries + z * z / (4 * tries * tries)),
    )
    return (middle - spread) / (1 + z * z / tries), (middle + spread) / (1 + z * z / tries)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", default="", help="a part of the files' names: loans/domain")
    parser.add_argument(
        "--minutes", type=float, default=600, help="stop after so long and say how many were tried"
    )
    asked = parser.parse_args()
    mutants, texts = all_mutants(asked.only)
    chosen = random.Random(asked.seed).sample(mutants, min(asked.sample, len(mutants)))
    print(f"{len(mutants):,} changes are possible, {len(chosen)} are tried", flush=True)
    servers, folder = Servers(), Path(tempfile.mkdtemp(prefix="lp-mutants-"))
    began, tried, caught = time.monotonic(), 0, 0
    try:
        servers.start()
        tree = folder / "tree"
        shutil.copytree(ROOT, tree, ignore=LEFT_OUT, symlinks=True)
        for mutant in chosen:
            if time.monotonic() - began > asked.minutes * 60:
                break
            started = time.monotonic()
            seen, first = noticed(tree, mutant, texts[mutant.path], database=os.environ["DATABASE_URL"])
            tried, caught = tried + 1, caught + seen
            took = time.monotonic() - started
            print(
                f"{tried:4} {'caught  ' if seen else 'SURVIVED'} {took:5.0f} s  {mutant.name}  {first}",
                flush=True,
            )
            if not seen:
                print(difference(mutant, texts[mutant.path]), flush=True)
    finally:
        servers.stop()
        shutil.rmtree(folder, ignore_errors=True)
    low, high = wilson(caught, tried)
    print(
        json.dumps(
            {
                "possible": len(mutants),
                "tried": tried,
                "caught": caught,
                "score": round(caught / max(tried, 1), 3),
                "interval": [round(low, 3), round(high, 3)],
                "seconds": round(time.monotonic() - began),
            }
        )
    )
    return 0 if tried else 1


if __name__ == "__main__":
    sys.exit(main())

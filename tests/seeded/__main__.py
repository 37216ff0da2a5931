"""Put each bug into a copy of the code and run the tests of its place: `python -m tests.seeded [--only TEXT] [--from N]`.

A bug is caught when a test fails. The copy has servers of its own; the checkout is never touched. The last line is JSON;
the exit is 1 if a bug got through. The tests themselves are green before: `make test` says so.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from tests.plugins.servers import Servers
from tests.seeded.bugs import BUGS, Bug

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", "var", "__pycache__", ".*_cache", ".hypothesis", "docs")
LONGEST_S = 900
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


def run_tests(tree: Path, tests: str, *, database: str, options: tuple[str, ...] = ()) -> tuple[int, str]:
    """Return pytest's exit and what failed first."""
    environment = {**os.environ, "DATABASE_URL": database, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--reuse-db",
               "-m", "not browser and not processes and not servers and not cluster", *options, *tests.split()]  # fmt: skip
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=LONGEST_S
        )
    except subprocess.TimeoutExpired:
        return 1, "hung"
    failed = FAILED.search(done.stdout)
    return done.returncode, failed[1] if failed else done.stdout.strip().splitlines()[-1][:120]


def try_bug(bug: Bug, tree: Path, *, database: str) -> tuple[bool, str]:
    """Say whether the tests see a bug, and which does first."""
    if not bug.path:
        return try_in_database(bug, tree, database=database)
    path = tree / bug.path
    text = path.read_text()
    assert text.count(bug.old) == 1, f"{bug.name}: the place is there {text.count(bug.old)} times"
    path.write_text(text.replace(bug.old, bug.new))
    try:
        code, first = run_tests(tree, bug.tests, database=database)
    finally:
        path.write_text(text)
    return code == 1, first


def try_in_database(bug: Bug, tree: Path, *, database: str) -> tuple[bool, str]:
    """Run the tests on a copy of the test database in which something is missing."""
    server = database.replace("/lendportal?", "/postgres?").replace("postgres://", "postgresql://")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS test_bug")
        connection.execute("CREATE DATABASE test_bug TEMPLATE test_lendportal")
    with psycopg.connect(server.replace("/postgres?", "/test_bug?"), autocommit=True) as connection:
        connection.execute(bug.new.encode())
    code, first = run_tests(tree, bug.tests, database=database.replace("/lendportal?", "/bug?"))
    return code == 1, first


def main() -> int:
    """Try them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a part of the names to try")
    parser.add_argument("--from", dest="first", type=int, default=0, help="begin with this one")
    asked = parser.parse_args()
    chosen = [
        (number, bug) for number, bug in enumerate(BUGS) if asked.only in bug.name and number >= asked.first
    ]
    servers, folder = Servers(), Path(tempfile.mkdtemp(prefix="lp-seeded-"))
    began, missed = time.monotonic(), []
    try:
        servers.start()
        database = os.environ["DATABASE_URL"]
        tree = folder / "tree"
        shutil.copytree(ROOT, tree, ignore=LEFT_OUT, symlinks=True)
        code, first = run_tests(
            tree, "tests/ledger/test_journals.py", database=database, options=("--create-db",)
        )
        assert code == 0, f"the tests are not green without a bug: {first}"
        for number, bug in chosen:
            started = time.monotonic()
            caught, first = try_bug(bug, tree, database=database)
            if not caught:
                missed.append(bug.name)
            print(
                f"{number:3} {'caught' if caught else 'MISSED'} {time.monotonic() - started:5.0f} s  {bug.name}: {first}",
                flush=True,
            )
    finally:
        servers.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(
        json.dumps(
            {
                "bugs": len(chosen),
                "caught": len(chosen) - len(missed),
                "missed": missed,
                "seconds": round(time.monotonic() - began),
            }
        )
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

"""A short run of `make chaos` for every day; with DEEP=1 the runs without a guard, which must go red."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.journal import Request
from tests.chaos.sabotage import SABOTAGE

ROOT = Path(__file__).resolve().parents[2]
DEEP = bool(os.environ.get("DEEP"))
SHORT = "kill_worker,kill_web_child,database_terminate,database_swallow,broker_flush,release_changes"


def chaos(*options: str) -> tuple[int, dict[str, Any], str]:
    """Run it as `make chaos` does, and give its exit, its closing line and what it said."""
    ours = ("DATABASE_URL", "REDIS_URL", "CACHE_URL", "PORTAL_HOME")
    environment = {name: value for name, value in os.environ.items()
                   if name not in ours and not name.startswith("LENDPORTAL_")}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
    )
    lines = done.stdout.strip().splitlines()
    assert lines, done.stderr[-2000:]
    return done.returncode, json.loads(lines[-1]), done.stderr


@pytest.mark.parametrize(
    ("replies", "what"),
    [
        ([], "open"),
        ([(0, "TimeoutError")], "open"),
        ([(409, "limit_exceeded")], "refused"),
        ([(409, "limit_exceeded"), (0, "TimeoutError")], "open"),  # two clicks: the other may have been taken
        ([(0, "TimeoutError"), (409, "limit_exceeded")], "refused"),
        ([(409, "limit_exceeded"), (201, "ref")], "accepted"),
        ([(409, "idempotency_running")], "open"),
        ([(429, "throttled")], "open"),
        ([(503, "unavailable")], "open"),
        ([(422, "idempotency_mismatch")], "refused"),
    ],
)
def test_what_a_client_knows_of_its_request(replies: list[tuple[int, str]], what: str) -> None:
    request = Request(
        "key", "draw", "/", {}, 1, 1, replies=[(float(n), *each) for n, each in enumerate(replies)]
    )
    known = {"accepted": bool(request.accepted), "refused": request.refused, "open": request.open}
    assert [name for name, yes in known.items() if yes] == [what]


@pytest.mark.slow
@pytest.mark.processes
def test_a_short_run_breaks_nothing() -> None:
    code, told, said = chaos(
        "--seed", "3", "--seconds", "12", "--every", "2", "--borrowers", "3", "--faults", SHORT
    )
    assert (code, told["chaos"], told["breaches"]) == (0, "ok", 0), said[-2000:]
    assert told["faults"] >= 3
    assert told["accepted"] >= 3, "nobody got anything done"


@pytest.mark.slow
@pytest.mark.processes
@pytest.mark.skipif(not DEEP, reason="three runs of a minute and more: DEEP=1")
@pytest.mark.parametrize("guard", sorted(SABOTAGE))
def test_without_a_guard_it_goes_red(guard: str) -> None:
    code, told, _ = chaos("--seed", "3", "--seconds", "40", "--without", guard)
    assert code == 1
    assert told["breaches"] > 0

"""Load on the whole portal: `python -m bench.load [--seconds 600]` (`make load`).

Real PostgreSQL, broker, bank, gunicorn and two workers, and locust beside them on the same machine. Prints requests and money
writes a second, the 95th percentile of both, errors, and the memory of the web processes at the start and at the end; then the
books are proved. Exit 1 when a request failed on our side or the books are wrong.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.chaos.plant import ROOT, Plant

WARM_S = 30
GOALS = {"requests_s": 150, "money_writes_s": 30, "p95_ms": 300, "money_p95_ms": 500}


def resident(plant: Plant) -> int:
    """Give the megabytes that the web processes hold."""
    process = plant.processes["web"]
    assert process.running is not None
    total = 0
    for pid in (process.running.pid, *process.children()):
        text = Path(f"/proc/{pid}/status").read_text()
        total += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS"))
    return total // 1024


def read(path: Path) -> dict[str, Any]:
    """Sum up what locust wrote."""
    rows = list(csv.DictReader(path.open()))
    whole = next(row for row in rows if row["Name"] == "Aggregated")
    money = [row for row in rows if row["Name"].startswith("money")]
    return {
        "requests": int(whole["Request Count"]),
        "requests_s": round(float(whole["Requests/s"]), 1),
        "money_writes_s": round(sum(float(row["Requests/s"]) for row in money), 1),
        "p95_ms": int(float(whole["95%"])),
        "money_p95_ms": max((int(float(row["95%"])) for row in money), default=0),
        "failures": int(whole["Failure Count"]),
        "by_name": {row["Name"]: int(float(row["95%"])) for row in rows if row["Name"] != "Aggregated"},
    }


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make load", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument(
        "--rate", type=float, default=2.0, help="requests a second that each person would make"
    )
    options = parser.parse_args(given)
    plant = Plant(durable_broker=True)
    try:
        plant.start_servers()
        os.environ.update(plant.environment("command", straight=True))
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connections

        from tests.chaos import people

        call_command("migrate", verbosity=0, interactive=False)
        call_command("collectstatic", verbosity=0, interactive=False)
        people.LIMIT = Decimal(200_000)
        found = people.populate(count=options.people, first_day=date.today())  # noqa: DTZ011  the demo begins on this day
        connections.close_all()
        clients = plant.folder / "clients.json"
        clients.write_text(json.dumps([asdict(client) for client in found.borrowers]))
        plant.start_processes()
        time.sleep(3)
        _locust(
            plant, options, clients, seconds=WARM_S
        )  # what a process loads with its first requests is no growth
        began = resident(plant)
        _locust(plant, options, clients, seconds=options.seconds)
        result = read(plant.folder / "load_stats.csv")
        result["web_mb"] = [began, resident(plant)]
        time.sleep(10)
        books = plant.manage("check_books", "--strict", seconds=600)
        result["check_books"] = books.returncode
    finally:
        plant.stop(keep=False)
    missed = [name for name in ("requests_s", "money_writes_s") if result[name] < GOALS[name]]
    missed += [name for name in ("p95_ms", "money_p95_ms") if result[name] > GOALS[name]]
    good = not result["failures"] and result["check_books"] == 0
    print(
        json.dumps(
            {"load": "ok" if good else "FAILED", "seconds": options.seconds, "missed": missed, **result}
        )
    )
    return 0 if good else 1


def _locust(plant: Plant, options: argparse.Namespace, clients: Path, *, seconds: int) -> None:
    command = [sys.executable, "-m", "locust", "-f", "bench/locustfile.py", "--headless", "--host", plant.url]
    command += ["-u", str(options.people), "-r", "20", "-t", f"{seconds}s", "--only-summary"]
    command += ["--csv", str(plant.folder / "load"), "--exit-code-on-error", "0"]
    environment = {**os.environ, "LOAD_CLIENTS": str(clients), "LOAD_RATE": str(options.rate)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


if __name__ == "__main__":
    sys.exit(main())

"""Break the portal on purpose, and hold four books against each other afterwards.

    python -m tests.chaos --seed 7 --seconds 120 --faults all

Prints one JSON line at the end; exit 1 on any breach, and then everything is kept in the folder that it names.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from tests.chaos import faults, judge
from tests.chaos.journal import Journal
from tests.chaos.plant import Plant
from tests.chaos.sabotage import SABOTAGE

PATIENCE = 120.0  # seconds for quiet after the last fault


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--faults", default="all", help="all, or names and first words: kill,database_crash")
    parser.add_argument("--every", type=float, default=3.0, help="seconds between faults, on average")
    parser.add_argument("--borrowers", type=int, default=6)
    parser.add_argument(
        "--without", choices=sorted(SABOTAGE), help="take a guard out, to see that the harness notices"
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep the folder of a run that found nothing, too"
    )
    return parser.parse_args(given)


def _asked_to_stop(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def run(given: Sequence[str] | None = None, *, say: Any = print) -> dict[str, Any]:
    """Run once and give the closing line's figures."""
    options = arguments(given)
    names = faults.choose(options.faults)
    chance = random.Random(options.seed)
    plant = Plant(durable_broker=chance.random() < 0.5, without=options.without or "")
    keep = True
    signal.signal(signal.SIGTERM, _asked_to_stop)  # who stops the run leaves no process behind
    try:
        result = _run(options, names, plant, say)
        keep = options.keep or bool(result["breaches"])
        if keep:
            result["kept"] = str(plant.folder)
        return result
    finally:
        plant.stop(keep=keep)


def _run(options: argparse.Namespace, names: list[str], plant: Plant, say: Any) -> dict[str, Any]:
    plant.start_servers()
    os.environ.update(plant.environment("command", straight=True))
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from tests.chaos.clients import Borrower, Officer
    from tests.chaos.people import populate
    from tests.chaos.shops import Shop

    call_command("migrate", verbosity=0, interactive=False)
    for statement in SABOTAGE[options.without].statements if options.without else ():
        with connection.cursor() as cursor:
            cursor.execute(statement)
    people = populate(count=options.borrowers, first_day=date.today())
    plant.start_processes()
    journal = Journal(plant.folder / "journal.jsonl")
    say(f"seed {options.seed}: {len(names)} kinds of faults for {options.seconds:.0f} s", file=sys.stderr)
    stop_faults, stop_clients = threading.Event(), threading.Event()
    # everybody has a telephone and a computer open: two requests on one line at one time are ordinary
    actors: list[threading.Thread] = [
        Borrower(
            plant.web_port, client, journal, seed=f"{options.seed}|{number}|{device}", until=stop_clients
        )
        for number, client in enumerate(people.borrowers)
        for device in ("telephone", "computer")
    ]
    actors.append(Officer(people, journal, seed=f"officer|{options.seed}", until=stop_clients))
    actors.append(Shop(plant.web_port, people, journal, seed=f"shop|{options.seed}", until=stop_clients))
    trouble = faults.Troublemaker(
        plant, journal, seed=options.seed, names=names, every=options.every, until=stop_faults
    )
    for actor in (*actors, trouble):
        actor.start()
    time.sleep(options.seconds)
    stop_faults.set()
    trouble.join(30)
    stop_clients.set()
    for actor in actors:
        actor.join(30)
    return _judge(options, plant, people, journal, trouble)


def _judge(
    options: argparse.Namespace, plant: Plant, people: Any, journal: Journal, trouble: faults.Troublemaker
) -> dict[str, Any]:
    faults.heal(plant)
    healed = time.monotonic()
    with faults.DAY:  # a day that is being closed is closed first
        pass
    plant.wait_ready()
    verdict = judge.Verdict()
    verdict.unanswered = [
        f"{row.kind} {row.key} {row.replies[-3:]}"
        for row in judge.ask_again(plant, people, journal, seconds=PATIENCE)
    ]
    verdict.quiet_after, verdict.stuck = judge.wait_for_quiet(plant, journal, since=healed, seconds=PATIENCE)
    judge.compare(plant, journal, verdict)
    requests = list(journal.requests.values())
    replies = [reply for row in requests for reply in row.replies]
    return {
        "chaos": "ok" if not verdict.breaches else "BREACH",
        "seed": options.seed,
        "without": options.without,
        "seconds": options.seconds,
        "faults": sum(trouble.done.values()),
        "kinds": len(trouble.done),
        "requests": len(requests),
        "sent": sum(row.sent for row in requests),
        "accepted": sum(bool(row.accepted) for row in requests),
        "of_the_shop": sum(bool(row.accepted) for row in requests if row.kind in judge.SHOP_KINDS),
        "refused": sum(row.refused for row in requests),
        "no_reply": sum(status == 0 for _, status, _ in replies),
        "server_errors": sum(status >= 500 and status != 503 for _, status, _ in replies),
        "unavailable": sum(status == 503 for _, status, _ in replies),
        "commits_swallowed": plant.database_proxy.swallowed,
        "restarts": {process.name: process.starts - 1 for process in plant.processes.values()},
        "breaches": verdict.breaches,
        **asdict(verdict),
    }


def main() -> None:
    result = run()
    lists = {name: value for name, value in result.items() if isinstance(value, list) and value}
    for name, rows in lists.items():
        for row in rows[:20]:
            print(f"{name}: {row}", file=sys.stderr)
    short = {name: len(value) if isinstance(value, list) else value for name, value in result.items()}
    print(json.dumps(short))
    raise SystemExit(1 if result["breaches"] else 0)


if __name__ == "__main__":
    main()

"""What is done to the plant. Each fault is named, drawn from the seed, and ends by itself."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import threading
import time
import urllib.request
from collections.abc import Callable

from tests.chaos.journal import Journal
from tests.chaos.plant import ROOT, Plant
from tests.chaos.releases import unpack

Fault = Callable[[Plant, random.Random], str]
FAULTS: dict[str, Fault] = {}


def fault(work: Fault) -> Fault:
    FAULTS[work.__name__] = work
    return work


def choose(wanted: str) -> list[str]:
    """Read a list of names, or groups by their first word; `all` is everything."""
    if wanted == "all":
        return sorted(FAULTS)
    chosen = []
    for word in wanted.split(","):
        found = [name for name in FAULTS if name == word or name.startswith(f"{word}_")]
        if not found:
            raise ValueError(f"no fault is called {word}; there are: {', '.join(sorted(FAULTS))}")
        chosen += found
    return sorted(set(chosen))


class Troublemaker(threading.Thread):
    """Do a fault each few seconds until told to stop."""

    def __init__(
        self,
        plant: Plant,
        journal: Journal,
        *,
        seed: int,
        names: list[str],
        every: float,
        until: threading.Event,
    ):
        super().__init__(name="troublemaker", daemon=True)
        self.plant, self.journal, self.names, self.every, self.until = plant, journal, names, every, until
        self.chance = random.Random(f"faults|{seed}")
        self.done: dict[str, int] = {}
        # every fault once before any comes twice, so that a short run is a broad one
        self.deck: list[str] = []

    def run(self) -> None:
        while not self.until.wait(self.chance.uniform(0.3, 1.7) * self.every):
            if not self.deck:
                self.deck = list(self.names)
                self.chance.shuffle(self.deck)
            name = self.deck.pop()
            try:
                told = FAULTS[name](self.plant, self.chance)
            except Exception as error:
                told = f"could not: {type(error).__name__}: {error}"[:200]
            self.done[name] = self.done.get(name, 0) + 1
            self.journal.note("fault", name=name, told=told)


def _later(seconds: float, work: Callable[[], object]) -> None:
    def ended() -> None:
        with contextlib.suppress(Exception):  # what was hurt may be gone by then, and is started anew
            work()

    timer = threading.Timer(seconds, ended)
    timer.daemon = True
    timer.start()


# ---- processes -------------------------------------------------------------------------------------------------------
@fault
def kill_worker(plant: Plant, chance: random.Random) -> str:
    name = chance.choice(("worker1", "worker2"))
    plant.processes[name].signal_group(signal.SIGKILL)
    return name


@fault
def kill_worker_child(plant: Plant, chance: random.Random) -> str:
    children = plant.processes[chance.choice(("worker1", "worker2"))].children()
    if children:
        os.kill(chance.choice(children), signal.SIGKILL)
    return f"{len(children)} children"


@fault
def stop_worker(plant: Plant, chance: random.Random) -> str:
    process, seconds = plant.processes[chance.choice(("worker1", "worker2"))], chance.uniform(3, 9)
    process.signal_group(signal.SIGSTOP)
    _later(seconds, lambda: process.signal_group(signal.SIGCONT))
    return f"{process.name} for {seconds:.1f} s"


@fault
def end_worker(plant: Plant, chance: random.Random) -> str:
    process = plant.processes[chance.choice(("worker1", "worker2"))]
    if process.running is not None:
        process.running.send_signal(signal.SIGTERM)
    return process.name


@fault
def kill_beat(plant: Plant, chance: random.Random) -> str:
    name = chance.choice(("beat1", "beat2"))
    plant.processes[name].signal_group(signal.SIGKILL)
    return name


@fault
def kill_web(plant: Plant, chance: random.Random) -> str:
    plant.processes["web"].signal_group(signal.SIGKILL)
    return "all of it"


@fault
def kill_web_child(plant: Plant, chance: random.Random) -> str:
    children = plant.processes["web"].children()
    if children:
        os.kill(chance.choice(children), signal.SIGKILL)
    return f"{len(children)} children"


@fault
def reload_web(plant: Plant, chance: random.Random) -> str:
    process = plant.processes["web"].running
    if process is not None:
        process.send_signal(signal.SIGHUP)
    return "as a deploy does"


# ---- broker ----------------------------------------------------------------------------------------------------------
def _valkey(plant: Plant, *words: str) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(3)
        connection.connect(str(plant.valkey.socket))
        parts = [f"*{len(words)}\r\n", *(f"${len(word)}\r\n{word}\r\n" for word in words)]
        connection.sendall("".join(parts).encode())
        return connection.recv(200).decode("utf-8", "replace").strip()


@fault
def broker_flush(plant: Plant, chance: random.Random) -> str:
    return _valkey(plant, "FLUSHALL")


@fault
def broker_kill(plant: Plant, chance: random.Random) -> str:
    if plant.valkey.child is not None:
        plant.valkey.child.kill()
    return "with its file" if plant.valkey.durable else "with all that it knew"


@fault
def broker_pause(plant: Plant, chance: random.Random) -> str:
    return _valkey(plant, "CLIENT", "PAUSE", str(chance.randrange(2_000, 7_000)), "ALL")


@fault
def broker_full(plant: Plant, chance: random.Random) -> str:
    _later(6, lambda: _valkey(plant, "CONFIG", "SET", "maxmemory", "256mb"))
    return _valkey(plant, "CONFIG", "SET", "maxmemory", "1mb")


# ---- database --------------------------------------------------------------------------------------------------------
@fault
def database_crash(plant: Plant, chance: random.Random) -> str:
    if plant.postgres.child is not None:
        plant.postgres.child.send_signal(signal.SIGQUIT)  # immediate: as a power cut for its memory
    return "immediate stop"


@fault
def database_terminate(plant: Plant, chance: random.Random) -> str:
    import psycopg

    with psycopg.connect(
        plant.postgres.address("lendportal"), autocommit=True, connect_timeout=3
    ) as connection:
        row = connection.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = 'lendportal' AND pid <> pg_backend_pid()"
        ).fetchone()
    return f"{row[0] if row else 0} connections"


@fault
def database_swallow(plant: Plant, chance: random.Random) -> str:
    plant.database_proxy.swallow += chance.randrange(1, 5)
    _later(5, lambda: setattr(plant.database_proxy, "swallow", 0))
    return "answers to COMMIT"


@fault
def database_cut(plant: Plant, chance: random.Random) -> str:
    return f"{plant.database_proxy.cut()} connections"


@fault
def database_slow(plant: Plant, chance: random.Random) -> str:
    plant.database_proxy.delay = chance.uniform(0.01, 0.05)
    _later(4, lambda: setattr(plant.database_proxy, "delay", 0.0))
    return f"{plant.database_proxy.delay:.3f} s a piece"


# ---- bank ------------------------------------------------------------------------------------------------------------
def tell_bank(plant: Plant, on_what: str, what: str, *, times: int = 3, seconds: float = 0) -> str:
    from django.conf import settings

    body = json.dumps({"on": on_what, "do": what, "times": times, "seconds": seconds}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{plant.bank_port}/behaviour",
        data=body,
        headers={"Authorization": f"Bearer {settings.GATEWAY_API_KEY}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        return str(answer.status)


def _bank_fault(name: str, what: str, *, on: tuple[str, ...], seconds: float = 0) -> None:
    def work(plant: Plant, chance: random.Random) -> str:
        target, times = chance.choice(on), chance.randrange(1, 6)
        return f"{target} x {times}: {tell_bank(plant, target, what, times=times, seconds=seconds)}"

    work.__name__ = name
    fault(work)


ORDERS, MESSAGES = ("transfer", "debit"), ("webhook",)
_bank_fault("bank_timeout_after", "timeout_after", on=ORDERS, seconds=5)
_bank_fault("bank_timeout_before", "timeout_before", on=ORDERS, seconds=5)
_bank_fault("bank_fail_after", "fail_after", on=ORDERS)
_bank_fault("bank_fail_before", "fail_before", on=ORDERS)
_bank_fault("bank_busy", "busy", on=ORDERS)
_bank_fault("bank_garbage", "garbage", on=ORDERS)
_bank_fault("bank_refuse", "refuse", on=ORDERS)
_bank_fault("bank_lookup_fails", "fail_before", on=("lookup",))
_bank_fault("message_drop", "drop", on=MESSAGES)
_bank_fault("message_duplicate", "duplicate", on=MESSAGES)
_bank_fault("message_late", "delay", on=MESSAGES, seconds=8)
_bank_fault("message_shuffled", "reorder", on=MESSAGES, seconds=3)


@fault
def bank_kill(plant: Plant, chance: random.Random) -> str:
    plant.processes["bank"].signal_group(signal.SIGKILL)
    return "it comes back with its book"


@fault
def bank_cut(plant: Plant, chance: random.Random) -> str:
    return f"{plant.bank_proxy.cut()} calls"


@fault
def bank_silent(plant: Plant, chance: random.Random) -> str:
    plant.bank_proxy.silent = True
    _later(5, lambda: setattr(plant.bank_proxy, "silent", False))
    return "takes and never answers"


# ---- time, keys ------------------------------------------------------------------------------------------------------
DAY = threading.Lock()


@fault
def day_passes(plant: Plant, chance: random.Random) -> str:
    """Close the day and open the next, in a process of its own, in the middle of everything."""
    days = chance.choice((1, 1, 2, 31))

    def work() -> None:
        if DAY.acquire(blocking=False):
            try:
                plant.manage("move_date", "--days", str(days), seconds=90)
            finally:
                DAY.release()

    threading.Thread(target=work, daemon=True).start()
    return f"{days} days"


@fault
def keys_rotate(plant: Plant, chance: random.Random) -> str:
    threading.Thread(target=lambda: plant.manage("rotate_keys", seconds=60), daemon=True).start()
    return "re-wrapped under work"


@fault
def release_changes(plant: Plant, chance: random.Random) -> str:
    """Half of a deploy: one kind of process goes to the other release, the others stay, all on one schema."""
    process = plant.processes[chance.choice(("web", "worker1", "worker2"))]
    back = process.tree == ROOT
    process.tree = unpack(plant.folder) if back else ROOT
    if process.running is not None:
        process.running.send_signal(signal.SIGTERM)
    return f"{process.name} {'back' if back else 'forward'}"


def heal(plant: Plant) -> None:
    """Stop every fault; what ended comes back by the keeper."""
    plant.database_proxy.heal()
    plant.bank_proxy.heal()
    for process in plant.processes.values():
        if process.tree != ROOT:
            process.tree = ROOT
            process.signal_group(signal.SIGTERM)
    for process in plant.processes.values():
        process.signal_group(signal.SIGCONT)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            _valkey(plant, "CLIENT", "UNPAUSE")
            _valkey(plant, "CONFIG", "SET", "maxmemory", "256mb")
            break
        time.sleep(0.2)
    from django.conf import settings

    request = urllib.request.Request(
        f"http://127.0.0.1:{plant.bank_port}/behaviour",
        method="DELETE",
        headers={"Authorization": f"Bearer {settings.GATEWAY_API_KEY}"},
    )
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=3):
            return
        time.sleep(0.2)

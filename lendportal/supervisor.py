"""Run the whole portal on one machine: servers, bank, web, worker, beat; and end every one of them on the way out.

Only children that were started here are ever signalled, each in a session of its own; on Linux the kernel ends them
when this process is killed. A child that dies is started again, because a worker's death is an ordinary event.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from lendportal.embedded import openmp
from lendportal.embedded.launch import AlreadyRunning, installation_lock
from lendportal.embedded.places import Places
from lendportal.embedded.postgres import Postgres
from lendportal.embedded.process import (
    CannotStart,
    kill_group,
    last_line,
    out_of_space,
    spawn,
    stop,
    wait_until,
)
from lendportal.embedded.valkey import Valkey

MOST_RESTARTS = 5  # of one child within a minute


class Stopped(BaseException):
    """Leave whatever is being done: somebody asked the portal to stop."""


@dataclass(frozen=True)
class Plan:
    """What the portal was asked to run."""

    base: Path
    home: Path
    where: Places
    port: int
    bank_port: int | None  # without one the gateway is somebody else's
    shop_port: int | None  # the sample shop's
    own_database: bool
    own_broker: bool
    pg_bindir: Path | None
    web_processes: int
    web_threads: int
    worker_processes: int


@dataclass
class Child:
    """One process that is kept running."""

    name: str
    command: Sequence[str | Path]
    environment: dict[str, str]
    log: Path
    base: Path
    process: subprocess.Popen[bytes] | None = None
    starts: list[float] = field(default_factory=list)

    def start(self) -> None:
        self.starts = [moment for moment in self.starts if moment > time.monotonic() - 60]
        if len(self.starts) >= MOST_RESTARTS:
            raise CannotStart(f"{self.name} keeps ending{last_line(self.log)}")
        self.starts.append(time.monotonic())
        self.process = spawn(self.command, log=self.log, environment=self.environment, cwd=self.base)

    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None


def free_port(wanted: int, *, avoid: int | None = None) -> int:
    """Give the first port from the wanted one on that nobody uses on this machine."""
    for port in range(wanted, min(wanted + 50, 65536)):
        if port != avoid and port_is_free(port):
            return port
    raise CannotStart(f"no free port between {wanted} and {wanted + 50}")


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Supervisor:
    """Start in order, watch, stop in order."""

    def __init__(self, plan: Plan, *, say: Callable[[str], None]) -> None:
        self.plan, self._say = plan, say
        self.began = time.monotonic()
        self.token = secrets.token_hex(16)
        self.children: list[Child] = []
        self.postgres: Postgres | None = None
        self.valkey: Valkey | None = None
        self.is_starting = self.must_stop = False

    def say(self, line: str) -> None:
        self._say(f"  {time.monotonic() - self.began:5.1f} s  {line}")

    # ---- the way up --------------------------------------------------------------------------------------------------
    def run(self, prepare: Callable[[Supervisor], None], seed: Callable[[Supervisor], None] | None) -> None:
        """Be the whole life of the portal; return when it was asked to stop and everything has ended."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._asked_to_stop)
        with ExitStack() as stack:
            try:
                stack.enter_context(installation_lock(self.plan.home, holder="portal", patience=60))
            except AlreadyRunning:
                raise CannotStart(f"the portal already runs from {self.plan.home}") from None
            stack.callback(self.stop_all)
            try:
                self._start(prepare, seed)
                self._watch()
            except Stopped:
                pass

    def _start(
        self, prepare: Callable[[Supervisor], None], seed: Callable[[Supervisor], None] | None
    ) -> None:
        self.refuse_what_cannot_work()
        self.start_servers()
        prepare(self)
        bank = self.bank()
        if bank is not None:
            self.launch(bank)
        if seed is not None:
            seed(self)
        web = self.web()
        shop = self.shop()
        for child in (web, self.worker(), self.beat(), *([shop] if shop else [])):
            self.launch(child)
        self.say("starting web, worker and beat")
        assert web.process is not None
        wait_until(self.is_ready, web.process, name="the web server", log=web.log, seconds=90)
        if bank is not None and bank.ended():
            raise CannotStart(f"the sandbox bank ended at start{last_line(bank.log)}")

    def refuse_what_cannot_work(self) -> None:
        if not port_is_free(self.plan.port):
            raise CannotStart(
                f"port {self.plan.port} is in use by another program; choose another: make run PORT={self.plan.port + 10}"
            )
        for folder in {self.plan.home, self.plan.where.data}:
            full = out_of_space(folder)
            if full:
                raise CannotStart(full)

    def start_servers(self) -> None:
        if self.plan.own_database:
            self.postgres = Postgres.at(self.plan.where, bindir=self.plan.pg_bindir)
            with self.undisturbed():
                self.postgres.start()
            self.postgres.create_database("lendportal")
            self.say("PostgreSQL is up")
        if self.plan.own_broker:
            self.valkey = Valkey.at(self.plan.where)
            with self.undisturbed():
                self.valkey.start()
            self.say("Valkey is up")

    def environment(self, role: str, **more: str) -> dict[str, str]:
        found = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "lendportal.settings",
            "LENDPORTAL_ROLE": role,
            "LENDPORTAL_RUN_TOKEN": self.token,
            "PORT": str(self.plan.port),
            "PORTAL_HOME": str(self.plan.home),
            "PYTHONUNBUFFERED": "1",
            "OMP_NUM_THREADS": "1",
            **more,
        }
        if self.plan.bank_port:
            found["LENDPORTAL_GATEWAY_URL"] = f"http://127.0.0.1:{self.plan.bank_port}"
        openmp.add_to(found)
        return found

    def child(self, name: str, command: Sequence[str | Path], role: str, **more: str) -> Child:
        log = self.plan.where.logs / f"{name}.log"
        return Child(name, [sys.executable, *command], self.environment(role, **more), log, self.plan.base)

    def bank(self) -> Child | None:
        from django.core.management import get_commands

        if "sandbox_bank" not in get_commands() or not self.plan.bank_port:
            return None
        return self.child(
            "bank", ["manage.py", "sandbox_bank", "--port", str(self.plan.bank_port)], "command"
        )

    def shop(self) -> Child | None:
        """Return the sample shop, once a key was made for it."""
        key = self.plan.home / "shop.json"
        if not self.plan.shop_port or not key.exists():
            return None
        more = {
            "LENDPORTAL_URL": f"http://127.0.0.1:{self.plan.port}",
            "LENDPORTAL_KEY_FILE": str(key),
        }
        log = self.plan.where.logs / "shop.log"
        command = [sys.executable, "examples/shop/app.py", "--port", str(self.plan.shop_port)]
        return Child("shop", command, {**os.environ, **more, "PYTHONUNBUFFERED": "1"}, log, self.plan.base)

    def web(self) -> Child:
        threads = self.plan.web_threads
        command = [
            *("-m", "gunicorn", "lendportal.wsgi:application", "--bind", f"127.0.0.1:{self.plan.port}"),
            *(
                "--worker-class",
                "gthread",
                "--threads",
                str(threads),
                "--workers",
                str(self.plan.web_processes),
            ),
            # one import for all processes; nothing is connected before the fork
            *("--preload", "--graceful-timeout", "10", "--timeout", "60", "--no-control-socket"),
        ]
        return self.child("web", command, "web", LENDPORTAL_DB_POOL=str(threads))

    def worker(self) -> Child:
        command = [
            *("-m", "celery", "-A", "lendportal", "worker", "--queues", "default,payouts,notices,night"),
            *(
                "--concurrency",
                str(self.plan.worker_processes),
                "--loglevel",
                "INFO",
                "--hostname",
                "portal@%h",
            ),
            *("--without-gossip", "--without-mingle"),
        ]
        return self.child("worker", command, "worker", C_FORCE_ROOT="1")

    def beat(self) -> Child:
        command = ["-m", "celery", "-A", "lendportal", "beat", "--loglevel", "INFO", "--pidfile", ""]
        return self.child("beat", command, "worker")

    def is_ready(self) -> bool:
        """Ask for this run's own token: an older server on the port must not pass for ours."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.plan.port}/readyz")
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
                told: dict[str, Any] = json.load(answer)
        except (urllib.error.URLError, OSError, ValueError):
            return False
        return told.get("run") == self.token

    def command(self, *arguments: str) -> None:
        """Run a management command as a child, its lines on our own output."""
        process: subprocess.Popen[bytes] | None = None
        try:
            with self.undisturbed():
                process = subprocess.Popen(
                    [sys.executable, "manage.py", *arguments],
                    cwd=self.plan.base,
                    env=self.environment("command"),
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
            if process.wait() != 0:
                raise CannotStart(
                    f"`manage.py {' '.join(arguments)}` failed (code {process.returncode}); see above"
                )
        finally:
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    kill_group(process)

    # ---- watching and the way down -----------------------------------------------------------------------------------
    def _watch(self) -> None:
        self.announce()
        while True:
            time.sleep(0.5)
            for server, name in ((self.postgres, "PostgreSQL"), (self.valkey, "Valkey")):
                if server is not None and server.child is not None and server.child.poll() is not None:
                    self.say(f"{name} ended (code {server.child.returncode}); starting it again")
                    with self.undisturbed():
                        server.start()
            for child in self.children:
                if child.ended():
                    assert child.process is not None
                    self.say(f"{child.name} ended (code {child.process.returncode}); starting it again")
                    kill_group(child.process)
                    with self.undisturbed():
                        child.start()

    def announce(self) -> None:
        self._say(f"lendportal is ready at http://127.0.0.1:{self.plan.port}/")
        if any(child.name == "shop" for child in self.children):
            self._say(f"a sample shop sells at   http://127.0.0.1:{self.plan.shop_port}/")
        for line in demo_accounts(self.plan.home):
            self._say(line)
        self._say(f"  logs: {self.plan.where.logs}    stop: Ctrl-C")

    def launch(self, child: Child) -> None:
        """Start a child and know it from then on."""
        with self.undisturbed():
            child.start()
            self.children.append(child)

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Let nobody's wish to stop come between a process and its being known: a child that is not known is not ended."""
        self.is_starting = True
        try:
            yield
        finally:
            self.is_starting = False
        if self.must_stop:
            raise Stopped

    def _asked_to_stop(self, number: int, frame: FrameType | None) -> None:
        if self.is_starting and not self.must_stop:  # who asks a second time does not wait
            self.must_stop = True
            return
        raise Stopped

    def stop_all(self) -> None:
        """End everything, the newest first; who asks a second time does not wait for running tasks."""
        patience = 40.0

        def hurry(number: int, frame: FrameType | None) -> None:
            nonlocal patience
            patience = 0.5

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, hurry)
        running = [child.process for child in reversed(self.children) if child.process is not None]
        if running:
            self.say("stopping")
        for process in running:
            if process.poll() is None:
                process.terminate()
        began = time.monotonic()
        for process in running:
            while process.poll() is None and time.monotonic() - began < patience:
                time.sleep(0.05)
            stop(process, with_signal=signal.SIGKILL)
        for server in (self.valkey, self.postgres):
            if server is not None:
                server.stop()
        self.say("stopped")


def demo_accounts(home: Path) -> list[str]:
    """Lay out the demo accounts that the seed wrote: rows of role, login, password and maybe a code's secret."""
    try:
        rows: list[dict[str, str]] = json.loads((home / "demo_accounts.json").read_text("utf-8"))
    except (OSError, ValueError):
        return []
    lines = []
    for row in rows:
        more = "".join(
            f"   {name}: {value}" for name, value in row.items() if name not in {"role", "login", "password"}
        )
        lines.append(
            f"  {row.get('role', ''):<18} {row.get('login', ''):<28} {row.get('password', '')}{more}"
        )
    return lines

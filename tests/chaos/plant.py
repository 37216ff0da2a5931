"""The portal's real processes for a run of chaos: each can be killed, stopped, and comes back as an operator's manager would bring it."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from lendportal.embedded import openmp
from lendportal.embedded.places import server_user
from lendportal.embedded.postgres import DURABLE, Postgres
from lendportal.embedded.valkey import Valkey
from tests.chaos.proxy import Proxy

ROOT = Path(__file__).resolve().parents[2]
GATEWAY_SECONDS = 3
KEEP = ("PATH", "HOME", "LD_LIBRARY_PATH", "LANG")


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Process:
    """One kind of process that is kept running."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    tree: Path = ROOT  # whose code it runs: this release's, or that of the one before
    running: subprocess.Popen[bytes] | None = None
    starts: int = 0
    held: bool = field(default=False)  # stays down until a fault lets it go

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.running = subprocess.Popen(
                [sys.executable, *self.command],
                cwd=self.tree,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.starts += 1

    @property
    def alive(self) -> bool:
        return self.running is not None and self.running.poll() is None

    def signal_group(self, number: int) -> None:
        if self.running is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.running.pid, number)

    def children(self) -> list[int]:
        """List the processes below this one, by the kernel's own table."""
        if self.running is None:
            return []
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError, IndexError, ValueError):
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                    if int(fields[1]) == self.running.pid:
                        found.append(int(entry.name))
        return sorted(found)


class Plant:
    """Everything of one run, in a folder of its own."""

    def __init__(self, *, durable_broker: bool, without: str = "") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="lpc-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.without = without
        self.logs = self.folder / "log"
        self.logs.mkdir()
        user, sockets = server_user(), self.folder / "run"
        self.postgres = Postgres(
            data=self.folder / "pg",
            sockets=sockets,
            log=self.logs / "postgres.log",
            user=user,
            settings={**DURABLE, "max_connections": "160", "deadlock_timeout": "1s", "log_lock_waits": "off"},
        )
        self.valkey = Valkey(
            data=self.folder / "valkey",
            sockets=sockets,
            log=self.logs / "valkey.log",
            user=user,
            durable=durable_broker,
        )
        self.web_port, self.bank_port = free_port(), free_port()
        self.database_proxy = Proxy(lambda: sockets / ".s.PGSQL.5432")
        self.bank_proxy = Proxy(lambda: self.bank_port)
        self.processes: dict[str, Process] = {}
        self.lock = threading.RLock()
        self.ending = False
        # what the people's data were sealed with, and with what the portal seals since
        first, second = (f"k{number}:{base64.b64encode(os.urandom(32)).decode()}" for number in (1, 2))
        self.field_keys, self.both_keys = first, f"{second},{first}"
        self.database_held = self.broker_held = False

    # ---- addresses ---------------------------------------------------------------------------------------------------
    @property
    def database_url(self) -> str:
        return f"postgres://lendportal@/lendportal?host={self.folder / 'run'}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    def environment(self, role: str, *, straight: bool = False) -> dict[str, str]:
        kept = {name: os.environ[name] for name in KEEP if name in os.environ}
        database = (
            self.database_url
            if straight
            else f"postgres://lendportal@127.0.0.1:{self.database_proxy.port}/lendportal"
        )
        found = {
            **kept,
            "DJANGO_SETTINGS_MODULE": "tests.chaos.sabotaged" if self.without else "lendportal.settings",
            "CHAOS_WITHOUT": self.without,
            "PYTHONUNBUFFERED": "1",
            "OMP_NUM_THREADS": "1",
            "C_FORCE_ROOT": "1",
            "PORTAL_HOME": str(self.folder / "home"),
            "PORT": str(self.web_port),
            "DATABASE_URL": database,
            "REDIS_URL": f"redis+socket://{self.valkey.socket}?virtual_host=0",
            "CACHE_URL": f"unix://{self.valkey.socket}?db=1",
            "LENDPORTAL_ROLE": role,
            "LENDPORTAL_GATEWAY_URL": f"http://127.0.0.1:{self.bank_proxy.port}",
            "LENDPORTAL_GATEWAY_TIMEOUT": str(GATEWAY_SECONDS),
            "LENDPORTAL_SWEEP_SECONDS": "5",
            "LENDPORTAL_FIELD_KEYS": self.field_keys,
        }
        openmp.add_to(found)
        return found

    # ---- the way up --------------------------------------------------------------------------------------------------
    def start_servers(self) -> None:
        self.postgres.start()
        self.postgres.create_database("lendportal")
        self.valkey.start()

    def start_processes(self) -> None:
        self.field_keys = self.both_keys
        celery = ["-m", "celery", "-A", "lendportal"]
        worker = [*celery, "worker", "--queues", "default,payouts,notices,night", "--concurrency", "2"]
        worker += ["--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
        beat = [*celery, "beat", "--loglevel", "WARNING", "--pidfile", ""]
        web = ["-m", "gunicorn", "lendportal.wsgi:application", "--bind", f"127.0.0.1:{self.web_port}"]
        web += ["--worker-class", "gthread", "--threads", "6", "--workers", "2", "--timeout", "30"]
        web += ["--graceful-timeout", "5", "--no-control-socket"]
        web_environment = {**self.environment("web"), "LENDPORTAL_DB_POOL": "6"}
        self._add(
            "bank",
            ["manage.py", "sandbox_bank", "--port", str(self.bank_port)],
            self.environment("command", straight=True),
        )
        self._add("web", web, web_environment)
        for name in ("worker1", "worker2"):
            self._add(name, [*worker, "--hostname", f"{name}@%h"], self.environment("worker"))
        for name in ("beat1", "beat2"):
            schedule = str(self.folder / f"{name}-schedule")
            self._add(name, [*beat, "--schedule", schedule], self.environment("worker"))
        for process in self.processes.values():
            process.start()
        self.wait_ready()
        threading.Thread(target=self._keep, name="keeper", daemon=True).start()

    def _add(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        self.processes[name] = Process(name, command, environment, self.logs / f"{name}.log")

    def wait_ready(self, *, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(f"{self.url}/readyz", timeout=3) as answer,
            ):
                if answer.status == 200:
                    return
            time.sleep(0.2)
        raise RuntimeError(f"the web server was not ready within {seconds} s; see {self.logs}")

    # ---- keeping it up -----------------------------------------------------------------------------------------------
    def _keep(self) -> None:
        """Bring back whatever ended, as systemd or a container engine would."""
        while not self.ending:
            with self.lock:
                if not self.ending:
                    self._bring_back()
            time.sleep(0.3)

    def _bring_back(self) -> None:
        for held, server in ((self.database_held, self.postgres), (self.broker_held, self.valkey)):
            if not held and (server.child is None or server.child.poll() is not None):
                if server.child is not None:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.killpg(server.child.pid, signal.SIGKILL)
                with contextlib.suppress(Exception):
                    server.start()
        for process in self.processes.values():
            if not process.held and not process.alive and not self.ending:
                process.signal_group(signal.SIGKILL)
                process.start()

    def stop(self, *, keep: bool) -> None:
        self.ending = True
        with self.lock:
            for process in self.processes.values():
                process.signal_group(signal.SIGCONT)
                process.signal_group(signal.SIGKILL)
            for process in self.processes.values():
                if process.running is not None:
                    process.running.wait(10)
            self.database_proxy.close()
            self.bank_proxy.close()
            self.valkey.stop()
            self.postgres.stop()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def manage(self, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a management command straight at the database, past the proxy."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment("command", straight=True),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

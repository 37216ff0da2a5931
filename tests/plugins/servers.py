"""Real servers for the tests: loaded by `-p tests.plugins.servers`, before any settings are read.

Every run of pytest gets a PostgreSQL and a Valkey of its own, in a folder of its own, on Unix sockets: two people can
test in one checkout at one time. With DATABASE_URL and REDIS_URL set, those are used instead.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Servers:
    """What this run started, and must stop."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="lp-", dir="/tmp" if Path("/tmp").is_dir() else None))
        self.folder.chmod(0o755)
        self.running: list[object] = []

    def start(self) -> None:
        from lendportal.embedded.places import server_user
        from lendportal.embedded.postgres import FORGETFUL, Postgres
        from lendportal.embedded.valkey import Valkey

        user, sockets = server_user(), self.folder / "run"
        if not os.environ.get("DATABASE_URL"):
            bindir = os.environ.get("PG_BINDIR")
            postgres = Postgres(
                data=self.folder / "pg",
                sockets=sockets,
                log=self.folder / "postgres.log",
                user=user,
                bindir=Path(bindir) if bindir else None,
                settings=FORGETFUL,
            )
            self.running.append(postgres)
            postgres.start()
            os.environ["DATABASE_URL"] = f"postgres://lendportal@/lendportal?host={sockets}"
        if not os.environ.get("REDIS_URL"):
            valkey = Valkey(
                data=self.folder / "valkey",
                sockets=sockets,
                log=self.folder / "valkey.log",
                user=user,
                durable=False,
            )
            self.running.append(valkey)
            valkey.start()
            os.environ["REDIS_URL"] = f"redis+socket://{valkey.socket}?virtual_host=0"
            os.environ["CACHE_URL"] = f"unix://{valkey.socket}?db=1"

    def stop(self) -> None:
        for server in reversed(self.running):
            server.stop()  # type: ignore[attr-defined]
        shutil.rmtree(self.folder, ignore_errors=True)


_servers: Servers | None = None


def _forget_the_developer() -> None:
    """Take nothing from the developer's own settings: tests say what they need."""
    for name in list(os.environ):
        if name.startswith("LENDPORTAL_") or name in {
            "SECRET_KEY",
            "DEBUG",
            "ALLOWED_HOSTS",
            "PORT",
            "PORTAL_HOME",
        }:
            del os.environ[name]
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    global _servers
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        from lendportal.embedded.process import CannotStart

        _forget_the_developer()
        _servers = Servers()
        try:
            _servers.start()
        except CannotStart as error:
            _servers.stop()
            raise pytest.UsageError(f"the tests' servers: {error}") from None
        os.environ["LENDPORTAL_ENV"] = "test"
        home = _servers.folder / "home"
        (home / "static").mkdir(parents=True)
        os.environ["PORTAL_HOME"] = str(home)
        _compile_messages()
    else:
        number = int(worker.removeprefix("gw") or 0)
        os.environ["CACHE_URL"] = _numbered(os.environ.get("CACHE_URL", ""), 1 + 2 * ((number + 1) % 7))
        os.environ["REDIS_URL"] = _numbered_broker(os.environ["REDIS_URL"], 2 * ((number + 1) % 7))


def _compile_messages() -> None:
    """Compile the translations; one that cannot be read is the business of `messages --check`, not of every test."""
    from lendportal.messages import BrokenMessages, compile_all

    try:
        compile_all(ROOT)
    except BrokenMessages as error:
        print(f"translations were not compiled: {error}", file=sys.stderr)


# one Valkey for all: each xdist worker has its own numbered databases
def _numbered(address: str, number: int) -> str:
    if address.startswith("unix://"):
        return f"{address.partition('?')[0]}?db={number}"
    head, _, tail = address.rpartition("/")
    return f"{head}/{number}" if tail.isdigit() else address


def _numbered_broker(address: str, number: int) -> str:
    if address.startswith("redis+socket://"):
        return f"{address.partition('?')[0]}?virtual_host={number}"
    return _numbered(address, number)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    global _servers
    if _servers is not None:
        _servers.stop()
        _servers = None

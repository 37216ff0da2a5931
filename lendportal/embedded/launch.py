"""Run a management command, with the embedded servers under it when it needs them and nothing else runs them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from lendportal.embedded import openmp
from lendportal.embedded.places import places
from lendportal.embedded.postgres import Postgres
from lendportal.embedded.process import CannotStart
from lendportal.embedded.valkey import Valkey
from lendportal.environment import load
from lendportal.environment_readers import BadSetting

BASE_DIR = Path(__file__).resolve().parents[2]
# these start servers of their own or need none
WITHOUT_SERVERS = {
    "portal",
    "messages",
    "help",
    "--help",
    "-h",
    "--version",
    "version",
    "makemessages",
    "makemigrations",
    "compilemessages",
    "collectstatic",
    "check",
    "startapp",
    "diffsettings",
    "findstatic",
    "spectacular",
    "sandbox_bank",
}


class AlreadyRunning(Exception):
    """Tell that another process holds this installation."""


@contextlib.contextmanager
def installation_lock(home: Path, *, holder: str, patience: float = 0) -> Iterator[None]:
    """Hold the installation for ourselves; wait while a short-lived command holds it; raise when the portal does."""
    home.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + patience
    with (home / "lock").open("a+") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                file.seek(0)
                if file.read().startswith("portal") or time.monotonic() > deadline:
                    raise AlreadyRunning(str(home)) from None
                time.sleep(0.1)
        file.truncate(0)
        file.write(f"{holder} {os.getpid()}\n")
        file.flush()
        yield


@contextlib.contextmanager
def servers_for_a_command() -> Iterator[None]:
    """Start embedded servers for one command, unless the portal already runs them."""
    values = load(BASE_DIR)
    home = values["PORTAL_HOME"] or BASE_DIR / "var"
    where = places(home)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(installation_lock(home, holder="command", patience=120))
        except AlreadyRunning:
            yield
            return
        if not values["DATABASE_URL"]:
            postgres = Postgres.at(where, bindir=values["PG_BINDIR"])
            stack.callback(postgres.stop)
            postgres.start()
            postgres.create_database("lendportal")
        if not values["REDIS_URL"]:
            valkey = Valkey.at(where)
            stack.callback(valkey.stop)
            valkey.start()
        yield


def execute(arguments: list[str]) -> None:
    """Be what manage.py calls."""
    if openmp.add_to(os.environ):
        # the loader reads its path once, at the start of a process
        os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606
    name = arguments[1] if len(arguments) > 1 else "help"
    try:
        values = load(BASE_DIR)
        wanted = (
            name not in WITHOUT_SERVERS
            and "--help" not in arguments
            and values["LENDPORTAL_ENV"] == "sandbox"
            and not (values["DATABASE_URL"] and values["REDIS_URL"])
        )
        with servers_for_a_command() if wanted else contextlib.nullcontext():
            from django.core.management import execute_from_command_line

            execute_from_command_line(arguments)
    except (BadSetting, CannotStart, PermissionError) as error:
        print(f"lendportal: {error}", file=sys.stderr)
        raise SystemExit(2) from None

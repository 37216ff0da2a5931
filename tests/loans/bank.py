"""The real bank in a process of its own, for tests that need somebody else at the other end."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
API_KEY, SECRET = "bank-key-of-the-tests-0123456789", "webhook-secret-of-the-tests-0123456789ab"


def dsn() -> str:
    """Return the test database as a connection string."""
    found = connection.get_connection_params()
    parts = {name: found.get(name) for name in ("dbname", "user", "host", "port", "password")}
    return " ".join(f"{name}='{value}'" for name, value in parts.items() if value)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class BankProcess:
    """Start gunicorn with the bank, ask it, and end it: this process alone."""

    def __init__(self, *, webhook_url: str = "http://127.0.0.1:9/", settle_seconds: float = 0.05) -> None:
        self.port = free_port()
        environment = {
            **os.environ,
            "BANK_DATABASE_URL": dsn(),
            "BANK_API_KEY": API_KEY,
            "BANK_WEBHOOK_SECRET": SECRET,
            "BANK_WEBHOOK_URL": webhook_url,
            "BANK_SETTLE_SECONDS": str(settle_seconds),
        }
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gunicorn",
                "loans.sandbox_bank.wsgi:application",
                "--bind",
                f"127.0.0.1:{self.port}",
                "--worker-class",
                "gthread",
                "--threads",
                "16",
                "--timeout",
                "60",
                "--graceful-timeout",
                "1",
                "--no-control-socket",
            ],  # fmt: skip
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait(self) -> None:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                if self.ask("GET", "/livez")[0] == 200:
                    return
            except OSError:
                assert self.process.poll() is None, self.process.stderr.read().decode()  # type: ignore[union-attr]
                time.sleep(0.1)
        raise AssertionError("the bank does not answer")

    def ask(self, method: str, path: str, body: Any = None, *, key: str = API_KEY) -> tuple[int, Any]:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            link.request(
                method,
                path,
                body=json.dumps(body) if body is not None else None,
                headers={"Authorization": f"Bearer {key}"},
            )
            answer = link.getresponse()
            raw = answer.read()
            return answer.status, json.loads(raw) if raw[:1] in (b"{", b"[") else raw
        finally:
            link.close()

    def behave(self, on: str, do: str, **values: Any) -> None:
        status, answer = self.ask("POST", "/behaviour", {"on": on, "do": do, **values})
        assert status == 200, answer

    def movements(self) -> list[dict[str, Any]]:
        return list(self.ask("GET", "/book")[1]["movements"])

    def reset(self) -> None:
        self.ask("DELETE", "/behaviour")
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM sandbox_bank.outbox; DELETE FROM sandbox_bank.movement")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

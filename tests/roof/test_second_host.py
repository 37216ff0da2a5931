"""A worker on another host joins by configuration alone: it has an address of its own and reaches nothing but servers by theirs."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from loans.models import Payout
from tests.chaos.proxy import Proxy
from tests.loans import factories
from tests.plugins.servers import ROOT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]
HERE, THERE = "10.231.47.1", "10.231.47.2"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def host() -> Iterator[str]:
    """A host with one cable to us."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("needs root and iproute2")
    name = f"lp{os.getpid() % 10_000}"
    try:
        _ip("netns", "add", name)
    except subprocess.CalledProcessError:
        pytest.skip("this system makes no network namespaces")
    try:
        _ip("link", "add", f"{name}a", "type", "veth", "peer", "name", f"{name}b", "netns", name)
        _ip("addr", "add", f"{HERE}/30", "dev", f"{name}a")
        _ip("link", "set", f"{name}a", "up")
        _ip("-n", name, "addr", "add", f"{THERE}/30", "dev", f"{name}b")
        _ip("-n", name, "link", "set", f"{name}b", "up")
        yield name
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            _ip("netns", "del", name)


def reachable(target: Path) -> tuple[Proxy, int]:
    """Offer a Unix socket of ours under the cable's address."""
    proxy = Proxy(lambda: target)
    outside = socket.create_server((HERE, 0))

    def carry() -> None:
        while True:
            try:
                client, _ = outside.accept()
            except OSError:
                return
            threading.Thread(target=proxy._carry, args=(client,), daemon=True).start()

    threading.Thread(target=carry, daemon=True).start()
    return proxy, int(outside.getsockname()[1])


def test_a_worker_on_another_host_takes_work(host: str, tmp_path: Path) -> None:
    settings = connection.settings_dict
    _, database = reachable(Path(settings["HOST"] or settings["OPTIONS"]["host"]) / ".s.PGSQL.5432")
    broker_socket = os.environ["REDIS_URL"].removeprefix("redis+socket://").partition("?")
    _, broker = reachable(Path(broker_socket[0]))
    number = broker_socket[2].rpartition("=")[2] or "0"
    loan = factories.open_loan()
    Payout.objects.filter(pk=loan.payout.pk).update(next_attempt_at=timezone.now())
    environment = {
        **{key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LD_LIBRARY_PATH")},
        "DATABASE_URL": f"postgres://{settings['USER']}@{HERE}:{database}/{settings['NAME']}",
        "REDIS_URL": f"redis://{HERE}:{broker}/{number}",
        "CACHE_URL": f"redis://{HERE}:{broker}/{(int(number) + 1) % 16}",
        "LENDPORTAL_FIELD_KEYS": ",".join(
            f"{name}:{base64.b64encode(key).decode()}" for name, key in django_settings.FIELD_KEYS.items()
        ),
        "PORTAL_HOME": str(tmp_path),
        "LENDPORTAL_ROLE": "worker",
        "LENDPORTAL_GATEWAY_URL": f"http://{HERE}:9",
        "C_FORCE_ROOT": "1",
    }
    worker = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "lendportal",
        "worker",
        "--queues",
        "payouts",
        "--pool",
        "solo",
    ]
    log = (tmp_path / "worker.log").open("wb")
    process = subprocess.Popen(
        ["ip", "netns", "exec", host, *worker, "--loglevel", "WARNING", "--hostname", "second@host"],
        cwd=ROOT,
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        from loans.tasks import wake_payout

        wake_payout.apply_async(args=[loan.payout.pk])
        deadline = time.monotonic() + 150
        while time.monotonic() < deadline:
            loan.payout.refresh_from_db()
            if loan.payout.attempts:
                break
            time.sleep(0.2)
    finally:
        process.terminate()
        process.wait(20)
    # it claimed the row and tried the bank, which is not there: the row waits for the next try
    text = (tmp_path / "worker.log").read_text("utf-8", "replace")[-2000:]
    assert loan.payout.attempts == 1, text
    assert (loan.payout.status, loan.payout.last_error.split(":")[0]) == (
        "PENDING",
        "the gateway cannot be reached",
    ), text

"""The portal with its real processes and a browser, for journeys from sign-up to the last instalment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.plugins.servers import ROOT
from tests.roof.processes import clean_environment, free_port, get, running, until

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SET_UP = """
from django.utils import timezone
from ledger.operations import open_books
from risk.operations import train_on_synthetic_people
open_books(first_date=timezone.localtime().date())
train_on_synthetic_people(size=3000, seed=7, now=timezone.now(), install=True)
"""


@dataclass
class Portal:
    """The running portal: where it is, and what it wrote to its log."""

    url: str
    home: Path
    environment: dict[str, str]

    def shell(self, code: str) -> str:
        """Run code beside the portal and give what it printed."""
        return _command(self.environment, "shell", "-v0", "-c", code)

    def code_for(self, login: str) -> str:
        """Read the code that the sandbox wrote instead of sending it."""

        def found() -> str | None:
            text = (self.home / "log" / "web.log").read_text("utf-8", "replace")
            after = text[text.rfind(login) - 3000 :] if login in text else ""
            codes = re.findall(r"(?<!\d)\d{7}(?!\d)", after)
            return codes[-1] if codes else None

        return str(until(found, seconds=10, what=f"a code for {login}"))


def _command(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-1500:]
    return done.stdout


def given_servers(config: pytest.Config) -> dict[str, str]:
    """Name the servers that were given from outside: `-m servers` runs the journeys on production's own kind."""
    if config.getoption("markexpr") != "servers":
        return {}
    return {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL", "CACHE_URL")}


@pytest.fixture(scope="session")
def portal(pytestconfig: pytest.Config) -> Iterator[Portal]:
    """Start everything as `make run` does, on a port of its own, with a model and open books."""
    folder = Path(tempfile.mkdtemp(prefix="lpj-", dir="/tmp"))
    folder.chmod(0o755)
    home, port = folder / "home", free_port()
    environment = clean_environment(PORTAL_HOME=home, PORT=port, **given_servers(pytestconfig))
    url, log = f"http://127.0.0.1:{port}", folder / "out.txt"
    try:
        with running(["manage.py", "portal", "--no-demo"], environment, log):
            until(lambda: get(f"{url}/readyz")[0] == 200, seconds=300, what="the portal", output=log)
            _command(environment, "shell", "-c", SET_UP)
            yield Portal(url, home, environment)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# for a module at a time: the browser's event loop would make Django refuse the database to whatever test comes next
@pytest.fixture(scope="module")
def chromium():  # type: ignore[no-untyped-def]
    if not CHROMIUM.exists():
        pytest.skip("Debian's chromium is not installed (apt-get install chromium fonts-noto-cjk)")
    from playwright.sync_api import sync_playwright

    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=flags)
        yield browser
        browser.close()


def wait_for(true, *, seconds: float = 75, what: str) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.25)

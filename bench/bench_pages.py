"""Time the borrower's pages on the real servers: `python -m bench.bench_pages [--seconds 30] [--clients 8] [--no-paint]`.

Starts the portal as `make run` does (gunicorn, embedded PostgreSQL and Valkey) in a folder of its own, puts one borrower
with everything into it, and lets clients ask for all pages in turn over loopback. The answer's time is the client's, the
limit is 150 ms at the 95th percentile; `/livez`, which asks nothing, is the peer in the same run. Then Chromium opens each
main page with an empty cache on a throttled line and tells by its own trace when it first painted, and how much came in.
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.plugins.servers import ROOT
from tests.roof.processes import clean_environment, free_port, get, running, until

LIMIT_MS = 150.0
LIMIT_PAINT_MS = 1000.0
LIMIT_BYTES = 60_000
# DevTools' presets: "Fast 4G" and "Slow 4G": milliseconds to the first byte, bytes a second down and up
LINES = {"4G": (165, 8.1e6 / 8, 1.35e6 / 8), "slow 4G": (562.5, 1.44e6 / 8, 675e3 / 8)}
MAIN = (
    "credit:home", "credit:draw", "cost", "loans:loan", "loans:repay", "prepay-compared", "loans:hardship", "loans:list",
    "credit:history", "credit:contract", "/", "/calculator/",
)  # fmt: skip
OPEN_BOOKS = """
from django.utils import timezone
from ledger.operations import open_books
open_books(first_date=timezone.localtime().date())
"""


def shell(environment: dict[str, str], code: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    return done.stdout


class Client(threading.Thread):
    """One visitor: asks for pages one after the other on one connection."""

    def __init__(
        self, port: int, cookie: str, pages: list[tuple[str, str]], until_: float, seed: int
    ) -> None:
        super().__init__(daemon=True)
        self.port, self.cookie, self.pages, self.until = port, cookie, pages, until_
        self.random = random.Random(seed)
        self.times: dict[str, list[float]] = defaultdict(list)
        self.broken: list[str] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        while time.monotonic() < self.until:
            name, address = self.random.choice(self.pages)
            began = time.perf_counter()
            try:
                connection.request("GET", address, headers={"Cookie": self.cookie, "Accept-Language": "en"})
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.broken.append(f"{name}: {type(error).__name__}")
                connection.close()
                continue
            self.times[name].append((time.perf_counter() - began) * 1000)
            if answer.status >= 400:
                self.broken.append(f"{name}: {answer.status}")


def p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1] if len(times) > 1 else max(times, default=0.0)


def load(
    port: int, cookie: str, pages: list[tuple[str, str]], *, clients: int, seconds: float
) -> dict[str, list[float]]:
    threads = [Client(port, cookie, pages, time.monotonic() + seconds, seed) for seed in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    broken = [text for thread in threads for text in thread.broken]
    if broken:
        sys.exit(f"{len(broken)} broken answers, such as {broken[:5]}")
    found: dict[str, list[float]] = defaultdict(list)
    for thread in threads:
        for name, times in thread.times.items():
            found[name] += times
    return found


def answers(port: int, cookie: str, pages: dict[str, str]) -> list[tuple[str, str]]:
    """Keep the addresses that are pages for this borrower."""
    found = []
    for name, address in pages.items():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", address, headers={"Cookie": cookie})
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200 and (answer.getheader("Content-Type") or "").startswith("text/html"):
            found.append((name, address))
    return found


def paint(
    url: str, cookie: dict[str, str], pages: list[tuple[str, str]]
) -> list[tuple[str, str, float, int]]:
    """Open pages with an empty cache on each line; give (line, page, first paint in ms, bytes)."""
    from playwright.sync_api import sync_playwright

    found = []
    flags = ["--disable-gpu", "--no-first-run"] + (["--no-sandbox"] if os.geteuid() == 0 else [])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        for line, (latency, down, up) in LINES.items():
            for name, address in pages:
                context = browser.new_context(
                    viewport={"width": 390, "height": 844}, device_scale_factor=2, service_workers="block"
                )
                context.add_cookies([{**cookie, "url": url}])
                page = context.new_page()
                wire: list[int] = []
                cdp = context.new_cdp_session(page)
                cdp.send("Network.enable")
                cdp.send("Network.setCacheDisabled", {"cacheDisabled": True})
                cdp.send("Network.emulateNetworkConditions", {
                    "offline": False, "latency": latency, "downloadThroughput": down, "uploadThroughput": up,
                })  # fmt: skip
                cdp.on(
                    "Network.loadingFinished", lambda e, wire=wire: wire.append(int(e["encodedDataLength"]))
                )
                browser.start_tracing(
                    page=page, categories=["loading", "blink.user_timing", "devtools.timeline"]
                )
                page.goto(url + address, wait_until="load")
                page.wait_for_timeout(300)
                ms = first_paint(json.loads(browser.stop_tracing())["traceEvents"])
                if math.isnan(ms):  # the trace lost the start of the navigation: ask the page itself
                    ms = float(
                        page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
                    )
                found.append((line, name, ms, sum(wire)))
                context.close()
        browser.close()
    return found


def first_paint(events: list[dict[str, Any]]) -> float:
    """Read from Chromium's trace the milliseconds from the start of the navigation to the first paint of content."""
    paints = [e for e in events if e["name"] == "firstContentfulPaint"]
    if not paints:
        return float("nan")
    last = max(paints, key=lambda e: e["ts"])
    starts = [
        e["ts"] for e in events
        if e["name"] == "navigationStart" and e["ts"] <= last["ts"]
        and (e.get("args", {}).get("data") or {}).get("documentLoaderURL", "").startswith("http")
    ]  # fmt: skip
    return (last["ts"] - max(starts)) / 1000 if starts else float("nan")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--no-paint", action="store_true")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="lp-pages-"))
    folder.chmod(0o755)
    port = free_port()
    environment = clean_environment(PORTAL_HOME=folder / "home", PORT=port)
    url, log = f"http://127.0.0.1:{port}", folder / "out.txt"
    missed = 0
    try:
        with running(["manage.py", "portal", "--no-demo"], environment, log):
            until(lambda: get(f"{url}/readyz")[0] == 200, seconds=180, what="the portal", output=log)
            shell(environment, OPEN_BOOKS)
            scene = json.loads(
                shell(environment, "from tests.journeys.scene import tell; tell()").splitlines()[-1]
            )
            cookie = scene["cookie"]
            header = f"{cookie['name']}={cookie['value']}"
            pages = answers(port, header, scene["pages"])
            load(port, header, pages, clients=2, seconds=min(asked.seconds, 5))  # warm
            idle = load(port, header, [("/livez", "/livez")], clients=asked.clients, seconds=3)
            found = load(port, header, pages, clients=asked.clients, seconds=asked.seconds)
            whole = [value for times in found.values() for value in times]
            print(
                f"{len(pages)} pages, {asked.clients} clients, {asked.seconds:.0f} s: {len(whole)} answers, "
                f"{len(whole) / asked.seconds:.0f} a second"
            )
            print(f"{'page':28}{'answers':>8}{'p50 ms':>9}{'p95 ms':>9}")
            for name, times in sorted(found.items(), key=lambda item: -p95(item[1])):
                print(f"{name[:27]:28}{len(times):8}{statistics.median(times):9.1f}{p95(times):9.1f}")
            peer = p95(idle["/livez"])
            print(
                f"all pages: p50 {statistics.median(whole):.1f} ms, p95 {p95(whole):.1f} ms = "
                f"{p95(whole) / LIMIT_MS:.2f} of the limit of {LIMIT_MS:.0f} ms; /livez p95 {peer:.1f} ms"
            )
            missed += p95(whole) > LIMIT_MS
            if not asked.no_paint:
                wanted = [
                    (n, a) for n, a in [*pages, ("/", "/"), ("/calculator/", "/calculator/")] if n in MAIN
                ]
                for line, name, ms, size in paint(url, cookie, wanted):
                    print(f"{line:8} {name:20} first paint {ms:7.0f} ms, {size:7} bytes")
                    missed += (line == "4G" and not ms <= LIMIT_PAINT_MS) or size > LIMIT_BYTES
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"goals missed: {missed}")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Time the application's page on the real servers: `python -m bench.bench_apply [--people 160] [--clients 8]`.

Starts the portal as `make run` does (gunicorn, embedded PostgreSQL and Valkey) in a folder of its own, puts applicants with two
years of records into it, and lets clients apply over loopback: the form is fetched, sent, and the page with the answer read. The
form's answer holds the whole decision and its commit. The limit is 300 ms at the 95th percentile; `/livez`, which asks nothing, is
the peer in the same run.
"""

from __future__ import annotations

import argparse
import http.client
import json
import queue
import re
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path
from urllib.parse import urlencode

from bench.bench_pages import OPEN_BOOKS, load, p95, shell
from tests.roof.processes import clean_environment, free_port, get, running, until

LIMIT_MS = 300.0
SETTLE = """
import json
from django.utils import timezone
from accounts.models import User
from credit.demo.people import name_of, settle_in
from ledger.queries import business_date
from risk import operations as risk, queries
from risk.models import ModelVersion
from tests.journeys.scene import session_of
now, as_of = timezone.now(), business_date()
if queries.champion() is None:
    risk.train_on_synthetic_people(size=2_000, seed=7, now=now, install=True)
found = []
for order in range({people}):
    user = User.objects.create_user(email=f"apply{{order}}@example.org", password=None)
    person = settle_in(user=user, name=name_of(order), order=order, as_of=as_of, now=now)
    risk.connect_sandbox_person(
        borrower_id=person.pk, persona=("steady", "tight", "risky")[order % 3], seed=order % 60, as_of=as_of, now=now
    )
    found.append([str(person.ref), session_of(user)["value"]])
print(json.dumps([session_of(user)["name"], found]))
"""
FORM = {
    "product_code": "everyday",
    "requested_amount": "3000",
    "purpose": "DAILY_GOODS",
    "occupation": "EMPLOYED",
}
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


class Applicant(threading.Thread):
    """Apply for one person after the other on one connection."""

    def __init__(self, port: int, cookie: str, waiting: queue.Queue[tuple[str, str]]) -> None:
        super().__init__(daemon=True)
        self.port, self.cookie, self.waiting = port, cookie, waiting
        self.times: dict[str, list[float]] = defaultdict(list)
        self.status: Counter[str] = Counter()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

        def ask(
            name: str, method: str, address: str, headers: dict[str, str], body: str = ""
        ) -> tuple[int, str, str]:
            began = time.perf_counter()
            connection.request(method, address, body=body or None, headers=headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            self.times[name].append((time.perf_counter() - began) * 1000)
            self.status[f"{name} {answer.status}"] += 1
            cookies = ";".join(v for k, v in answer.getheaders() if k.lower() == "set-cookie")
            return answer.status, text, cookies if method == "GET" else str(answer.getheader("Location"))

        while True:
            try:
                ref, session = self.waiting.get_nowait()
            except queue.Empty:
                return
            own = f"{self.cookie}={session}"
            address = f"/for/{ref}/apply/"
            headers = {"Cookie": own, "Accept-Language": "en"}
            _status, text, cookies = ask("the form", "GET", address, headers)
            token, csrf = TOKEN.search(text), re.search(r"(\w*csrftoken)=(\w+)", cookies)
            if token is None or csrf is None:
                self.status["the form without its token"] += 1
                continue
            headers |= {
                "Cookie": f"{own}; {csrf[1]}={csrf[2]}",
                "Content-Type": "application/x-www-form-urlencoded",
            }
            body = urlencode(FORM | {"csrfmiddlewaretoken": token[1]})
            status, _text, where = ask("the decision", "POST", address, headers, body)
            if status == 302:
                ask("the answer", "GET", where, {"Cookie": own, "Accept-Language": "en"})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=160)
    parser.add_argument("--clients", type=int, default=8)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="lp-apply-"))
    folder.chmod(0o755)
    port = free_port()
    environment = clean_environment(PORTAL_HOME=folder / "home", PORT=port)
    url, log = f"http://127.0.0.1:{port}", folder / "out.txt"
    try:
        with running(["manage.py", "portal", "--no-demo"], environment, log):
            until(lambda: get(f"{url}/readyz")[0] == 200, seconds=300, what="the portal", output=log)
            shell(environment, OPEN_BOOKS)
            cookie, people = json.loads(
                shell(environment, SETTLE.format(people=asked.people + 8)).splitlines()[-1]
            )
            warm: queue.Queue[tuple[str, str]] = queue.Queue()
            for row in people[:8]:
                warm.put(tuple(row))
            _apply(port, cookie, warm, 2)
            idle = load(
                port, f"{cookie}={people[0][1]}", [("/livez", "/livez")], clients=asked.clients, seconds=3
            )
            waiting: queue.Queue[tuple[str, str]] = queue.Queue()
            for row in people[8:]:
                waiting.put(tuple(row))
            began = time.perf_counter()
            times, status = _apply(port, cookie, waiting, asked.clients)
            spent = time.perf_counter() - began
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{asked.people} applications, {asked.clients} clients: {spent:.1f} s; {dict(status)}")
    for name, found in times.items():
        print(
            f"{name:14} p50 {statistics.median(found):7.1f} ms, p95 {p95(found):7.1f} ms (limit {LIMIT_MS:.0f})"
        )
    print(f"/livez p95 {p95(idle['/livez']):.1f} ms in the same run")
    return 0 if p95(times["the decision"]) <= LIMIT_MS and status["the decision 302"] == asked.people else 1


def _apply(
    port: int, cookie: str, waiting: queue.Queue[tuple[str, str]], clients: int
) -> tuple[dict[str, list[float]], Counter[str]]:
    threads = [Applicant(port, cookie, waiting) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times: dict[str, list[float]] = defaultdict(list)
    status: Counter[str] = Counter()
    for thread in threads:
        status += thread.status
        for name, found in thread.times.items():
            times[name] += found
    return times, status


if __name__ == "__main__":
    sys.exit(main())

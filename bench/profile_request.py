"""Say where the processor time of one request goes: `python -m bench.profile_request [draw|quote] [--requests 300] [--lines 45]`.

The whole WSGI application is called in this process, on a PostgreSQL and a Valkey of its own as in `bench_draw`, without
gunicorn and sockets. First the processor time of a request is measured bare, in blocks, then the profiler tells the functions.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import json
import os
import pstats
import random
import resource
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

from bench.bench_draw import Stage, fill, say, servers
from bench.draw_client import TOKEN

BLOCKS = 6


def environ_of(method: str, path: str, query: str, cookie: str, body: bytes) -> dict[str, Any]:
    """Lay out a request as gunicorn hands it over."""
    found: dict[str, Any] = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000", "SERVER_PROTOCOL": "HTTP/1.1", "SCRIPT_NAME": "", "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1", "HTTP_COOKIE": cookie, "HTTP_X_CSRFTOKEN": TOKEN, "HTTP_ACCEPT_LANGUAGE": "en",
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr,
        "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False,
    }  # fmt: skip
    if body:
        found |= {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)),
                  "HTTP_IDEMPOTENCY_KEY": str(uuid.uuid4())}  # fmt: skip
    return found


def draw(target: dict[str, Any]) -> dict[str, Any]:
    body = {
        "amount": "50.00", "currency": "CNY", "instalment_count": 12, "repayment_method": "EQUAL_INSTALMENT",
        "scenario": "EVERYDAY", "purpose": "DAILY_GOODS", "bank_account": target["account"],
        "terms_version": "everyday@1",
    }  # fmt: skip
    raw = json.dumps(body).encode()
    return environ_of("POST", target["path"] + "/drawdowns", "", target["cookie"], raw)


def quote(target: dict[str, Any]) -> dict[str, Any]:
    amount = random.randrange(100, 9000)
    query = f"amount={amount}.00&scenario=EVERYDAY&repayment_method=EQUAL_INSTALMENT&instalment_count=12"
    return environ_of("GET", target["path"] + "/quote", query, target["cookie"], b"")


def asker(stage: Stage, make: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[], None]:
    """Give a function that sends one request and reads its answer."""
    from lendportal.wsgi import application

    def ask() -> None:
        seen: list[str] = []
        answer = application(
            make(random.choice(stage.targets)), lambda status, _headers, *_: seen.append(status)
        )
        content = b"".join(answer)
        answer.close()
        assert seen[0][:2] == "20", (seen, content[:300])

    return ask


def bare_loop() -> float:
    """Give the processor time of 10,000 calls of Python, in milliseconds: what the machine makes of the same work now."""

    def nothing(value: int) -> int:
        return value + 1

    begun = time.process_time()
    for number in range(10_000):
        nothing(number)
    return (time.process_time() - begun) * 1000


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", nargs="?", choices=("draw", "quote"), default="draw")
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--lines", type=int, default=45)
    parser.add_argument("--sort", default="tottime")
    asked = parser.parse_args(arguments)
    os.environ["LENDPORTAL_DB_POOL"] = "4"
    with servers() as stage:
        fill(stage)
        ask = asker(stage, draw if asked.kind == "draw" else quote)
        for _ in range(50):
            ask()
        blocks = []
        for _ in range(BLOCKS):
            loop = bare_loop()
            begun, clock = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
            for _ in range(asked.requests):
                ask()
            clock, ended = time.perf_counter() - clock, resource.getrusage(resource.RUSAGE_SELF)
            each = 1000 / asked.requests
            user, system = (ended.ru_utime - begun.ru_utime) * each, (ended.ru_stime - begun.ru_stime) * each
            blocks.append(user + system)
            switches = (ended.ru_nvcsw - begun.ru_nvcsw) / asked.requests
            say(f"  block: processor {user + system:.2f} ms ({user:.2f} own + {system:.2f} system), clock {clock * each:.2f} ms, "
                f"{switches:.0f} waits; a bare loop of Python {loop:.2f} ms")  # fmt: skip
        say(f"{asked.kind}: processor time of a request, median of {BLOCKS} blocks {statistics.median(blocks):.2f} ms, least {min(blocks):.2f} ms")  # fmt: skip
        profile = cProfile.Profile()
        profile.enable()
        for _ in range(asked.requests):
            ask()
        profile.disable()
        figures = pstats.Stats(profile)
        say(f"function calls of a request: {figures.total_calls / asked.requests:.0f}")  # type: ignore[attr-defined]
        figures.sort_stats(asked.sort).print_stats(asked.lines)
        profile.dump_stats(str(os.environ.get("PROFILE_OUT") or stage.folder / "profile"))
    return 0


if __name__ == "__main__":
    sys.exit(main())

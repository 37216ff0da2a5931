"""The clients of `bench_draw`, in a process of their own: read what to ask from stdin, tell the times on stdout."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
import uuid
from typing import Any

HEAD = "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\nX-CSRFToken: {token}\r\nAccept-Language: en\r\n"
TOKEN = "a" * 32


class Asker:
    """One client on one connection."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, cookie: str, body: Any = None) -> tuple[int, bytes]:
        """Send one request; open the connection anew where the server closed it."""
        raw = b"" if body is None else json.dumps(body).encode()
        text = HEAD.format(method=method, path=path, cookie=cookie, token=TOKEN)
        if body is not None:
            text += f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\nIdempotency-Key: {uuid.uuid4()}\r\n"
        sent = text.encode() + b"\r\n" + raw
        for again in (True, False):
            if self.streams is None:
                self.streams = await asyncio.open_connection("127.0.0.1", self.port)
            reader, writer = self.streams
            writer.write(sent)
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                # an idle connection that the server gave up before it read anything
                self.streams = None
                if again:
                    continue
                raise
            lines = head.decode("latin-1").lower().split("\r\n")
            named = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
            content = await reader.readexactly(int(named.get("content-length", "0")))
            if named.get("connection") == "close":
                writer.close()
                self.streams = None
            return int(lines[0].split()[1]), content
        raise AssertionError


async def draw(asker: Asker, target: dict[str, Any], _: int) -> tuple[int, bytes]:
    body = {
        "amount": "50.00",
        "currency": "CNY",
        "instalment_count": 12,
        "repayment_method": "EQUAL_INSTALMENT",
        "scenario": "EVERYDAY",
        "purpose": "DAILY_GOODS",
        "bank_account": target["account"],
        "terms_version": "everyday@1",
    }
    return await asker.ask("POST", target["path"] + "/drawdowns", target["cookie"], body)


async def quote(asker: Asker, target: dict[str, Any], _: int) -> tuple[int, bytes]:
    amount = random.randrange(100, 9000)
    query = f"?amount={amount}.00&scenario=EVERYDAY&repayment_method=EQUAL_INSTALMENT&instalment_count=12"
    return await asker.ask("GET", target["path"] + "/quote" + query, target["cookie"])


async def checkout(asker: Asker, target: dict[str, Any], _: int) -> tuple[int, bytes]:
    """Be decided, then agree to the plan; who is declined has no plan to agree to."""
    body = {"borrower": target["borrower"], "occupation": "EMPLOYED"}
    status, content = await asker.ask("POST", target["path"] + "/decide", target["cookie"], body)
    if status != 201 or json.loads(content)["status"] != "APPROVED":
        return (status, content) if status != 201 else (0, b"")
    status, content = await asker.ask("GET", target["path"], target["cookie"])
    plan = json.loads(content)["plans"][0]
    agreed = {
        "borrower": target["borrower"],
        "instalment_count": plan["instalment_count"],
        "zero_interest": plan["zero_interest"],
        "bank_account": target["account"],
        "terms_version": plan["terms_version"],
    }
    return await asker.ask("POST", target["path"] + "/agree", target["cookie"], agreed)


KINDS = {"draw": draw, "quote": quote, "checkout": checkout}


async def main(wanted: dict[str, Any]) -> dict[str, Any]:
    times: list[float] = []
    broken: list[str] = []
    work, targets = KINDS[wanted["kind"]], wanted["targets"]
    left = wanted["most"] or 10**9
    begun = time.perf_counter()

    async def one(number: int) -> None:
        nonlocal left
        asker, chance = Asker(wanted["port"]), random.Random(number)
        while time.perf_counter() - begun < wanted["seconds"] and left > 0:
            left -= 1
            target = targets[left % len(targets)] if wanted["most"] else chance.choice(targets)
            at = time.perf_counter()
            status, content = await work(asker, target, number)
            if status in (200, 201):
                times.append((time.perf_counter() - at) * 1000)
            elif status:
                broken.append(f"{status} {content[:200]!r}")

    await asyncio.gather(*(one(number) for number in range(wanted["clients"])))
    spent = time.perf_counter() - begun
    return {"rate": len(times) / spent, "times": times, "broken": broken}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(json.load(sys.stdin)))))

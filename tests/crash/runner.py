"""Run a flow in a child that breaks at a point, then do what the portal does afterwards, and judge."""

from __future__ import annotations

import json
import os
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connections

from tests.crash.points import Points

MODES = ("kill", "raise", "raise_after", "hang")
HANG_SECONDS = 0.4


@dataclass(frozen=True)
class Flow:
    """One way that money or a promise takes.

    `prepare` makes a fresh subject; `act` is what breaks; `settle` is what sweepers and a careful client do afterwards;
    `judge` says what is wrong then.
    """

    name: str
    prepare: Callable[[], Any]
    act: Callable[[Any], object]
    settle: Callable[[Any], object]
    judge: Callable[[Any], list[str]]


def record(flow: Flow) -> list[str]:
    """Run a flow to its end in a child and list the points that it passed."""
    subject = flow.prepare()
    told = _child(flow, subject, Points())
    assert told["outcome"] == "done", (flow.name, told)
    flow.settle(subject)
    assert not flow.judge(subject), (flow.name, flow.judge(subject))
    passed: list[str] = told["passed"]
    return passed


def crash(flow: Flow, at: int, mode: str) -> list[str]:
    """Break one run at its n-th point; give what is wrong after the recovery."""
    subject = flow.prepare()
    _child(flow, subject, Points(at=at, mode=mode), meanwhile=lambda: _try(flow, subject))
    flow.settle(subject)
    return flow.judge(subject)


def _try(flow: Flow, subject: Any) -> None:
    """Let somebody else come while the first hangs; what is locked may be refused to them."""
    from django.db import OperationalError, connection

    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'")
    try:
        flow.settle(subject)
    except OperationalError:
        connection.close()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '10s'")


def _child(
    flow: Flow, subject: Any, points: Points, *, meanwhile: Callable[[], object] | None = None
) -> dict[str, Any]:
    connections.close_all()
    told_by, tell = os.pipe()
    go_on, release = os.pipe()
    pid = os.fork()
    if pid == 0:
        _be_child(flow, subject, points, tell, go_on)
    os.close(tell)
    os.close(go_on)
    try:
        return _watch(pid, told_by, release, meanwhile)
    except BaseException:
        os.kill(pid, signal.SIGKILL)  # who hangs would hold its locks beyond this test
        os.waitpid(pid, 0)
        raise
    finally:
        os.close(told_by)
        os.close(release)


def _be_child(flow: Flow, subject: Any, points: Points, tell: int, go_on: int) -> None:
    """Never return: the child leaves by the door of the kernel, so that nothing of pytest runs twice."""
    outcome = "done"

    def hang() -> None:
        os.write(tell, b'{"outcome": "hangs"}\n')
        os.read(go_on, 1)

    points.on_hang = hang
    try:
        with points.installed():
            flow.act(subject)
    except BaseException as error:
        outcome = f"{type(error).__name__}: {error}"[:300]
    finally:
        try:
            connections.close_all()
            os.write(tell, (json.dumps({"outcome": outcome, "passed": points.passed}) + "\n").encode())
        finally:
            os._exit(0)


def _watch(pid: int, told_by: int, release: int, meanwhile: Callable[[], object] | None) -> dict[str, Any]:
    told, text = {"outcome": "killed", "passed": []}, b""
    deadline = time.monotonic() + 30
    while True:
        ready, _, _ = select.select([told_by], [], [], max(0.0, deadline - time.monotonic()))
        piece = os.read(told_by, 65536) if ready else b""
        if not piece:
            break
        text += piece
        while b"\n" in text:
            line, _, text = text.partition(b"\n")
            told = json.loads(line)
            if told["outcome"] == "hangs":
                if meanwhile is not None:
                    meanwhile()
                time.sleep(HANG_SECONDS)
                os.write(release, b".")
    if time.monotonic() >= deadline:
        os.kill(pid, signal.SIGKILL)
        told = {"outcome": "stuck", "passed": []}
    os.waitpid(pid, 0)
    return told

"""Start and stop child processes so that none outlives the process that started it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1


class CannotStart(Exception):
    """Say in one line why a server cannot start."""


def die_with_parent(with_signal: int = signal.SIGTERM) -> Callable[[], None] | None:
    """Give the hook that ties a child's life to ours, where the system can (Linux).

    It runs after the child changed its user: changing the user clears the tie.
    """
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, int(with_signal))
        if os.getppid() != parent:
            os.kill(os.getpid(), with_signal)

    return tie


def spawn(
    command: Sequence[str | os.PathLike[str]],
    *,
    log: Path | None = None,
    environment: Mapping[str, str] | None = None,
    user: pwd.struct_passwd | None = None,
    cwd: Path | None = None,
    death_signal: int = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, so that Ctrl-C at the terminal reaches the supervisor alone."""
    output: IO[bytes] | int = subprocess.DEVNULL
    if log is not None:
        output = log.open("ab")
    try:
        return subprocess.Popen(
            [os.fspath(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment) if environment is not None else None,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=die_with_parent(death_signal),  # noqa: PLW1509  callers have one thread
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )
    except OSError as error:
        raise CannotStart(f"cannot start {Path(os.fspath(command[0])).name}: {error.strerror}") from None
    finally:
        if not isinstance(output, int):
            output.close()


def stop(child: subprocess.Popen[bytes], *, with_signal: int = signal.SIGTERM, patience: float = 10) -> None:
    """Ask a child to end, and end it and its group when it does not."""
    if child.poll() is None:
        child.send_signal(with_signal)
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            kill_group(child)
            child.wait(5)
    kill_group(child)


def kill_group(child: subprocess.Popen[bytes]) -> None:
    """End what is left of the child's session; it has one of its own, so nobody else is met."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def wait_until(
    ready: Callable[[], bool], child: subprocess.Popen[bytes], *, name: str, log: Path | None, seconds: float
) -> None:
    """Wait for a child to be ready, or say what its log says when it ends or takes too long."""
    deadline = time.monotonic() + seconds
    while not ready():
        if child.poll() is not None:
            raise CannotStart(f"{name} ended at start (code {child.returncode}){last_line(log)}")
        if time.monotonic() > deadline:
            raise CannotStart(f"{name} was not ready within {seconds:.0f} s{last_line(log)}")
        time.sleep(0.03)


def last_line(log: Path | None) -> str:
    if log is None or not log.exists():
        return ""
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return f": {lines[-1][:300]}  [{log}]" if lines else f"  [{log}]"


def out_of_space(folder: Path, *, need: int = 300 * 1024 * 1024) -> str | None:
    """Tell in words that the disk has too little room, or give nothing."""
    while not folder.exists():
        folder = folder.parent
    room = os.statvfs(folder)
    free = room.f_bavail * room.f_frsize
    if free < need:
        return f"the disk of {folder} has {free // 2**20} MB free; {need // 2**20} MB are needed"
    return None

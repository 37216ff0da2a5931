"""What the clients asked and were told, written before each request is sent and after each reply."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Request:
    """One thing that somebody wants, however often it is sent under its key."""

    key: str
    kind: str  # draw | repay | order | agree | capture | refund | void
    path: str
    body: dict[str, Any]
    who: int  # a user, or 0 for the shop
    about: int  # the line or the loan, by primary key
    sent: int = 0
    replies: list[tuple[float, int, str]] = field(
        default_factory=list
    )  # seconds, status (0: none), ref or code

    @property
    def accepted(self) -> str:
        """Give the reference that was promised, or nothing."""
        return next((ref for _, status, ref in self.replies if status in (200, 201)), "")

    @property
    def refused(self) -> bool:
        """Tell whether the last answer said no for good. A no before a lost reply settles nothing: the other of two clicks
        may have been taken, when room came back between them."""
        if self.accepted or not self.replies:
            return False
        _, status, code = self.replies[-1]
        return 400 <= status < 500 and status != 429 and code != "idempotency_running"

    @property
    def open(self) -> bool:
        return not self.accepted and not self.refused


class Journal:
    """A list in memory and a file that survives."""

    def __init__(self, path: Path) -> None:
        self.requests: dict[str, Request] = {}
        self.began = time.monotonic()
        self.lock = threading.Lock()
        self.file = path.open("a", buffering=1)
        self.events: list[dict[str, Any]] = []

    def at(self) -> float:
        return round(time.monotonic() - self.began, 3)

    def before(self, request: Request) -> None:
        with self.lock:
            self.requests[request.key] = request
            request.sent += 1
            self.file.write(json.dumps({"t": self.at(), "send": asdict(request)}) + "\n")

    def after(self, request: Request, status: int, word: str) -> None:
        with self.lock:
            request.replies.append((self.at(), status, word))
            self.file.write(
                json.dumps({"t": self.at(), "key": request.key, "status": status, "word": word}) + "\n"
            )

    def note(self, what: str, **more: Any) -> None:
        with self.lock:
            row = {"t": self.at(), "event": what, **more}
            self.events.append(row)
            self.file.write(json.dumps(row, default=str) + "\n")

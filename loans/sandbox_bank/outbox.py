"""Send the bank's signed messages, with retries, from a thread of its own."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import logging
import threading
import time
from urllib.parse import urlsplit

from loans.sandbox_bank.store import Row, Store

log = logging.getLogger("sandbox_bank")
MAX_ATTEMPTS = 12


def signature(*, body: bytes, secret: str, timestamp: int) -> str:
    """Sign a message. Written apart from the portal's own check: two parties, one wire format."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


class Outbox(threading.Thread):
    """Settle what is due and send what waits, until the process ends."""

    def __init__(self, store: Store, *, url: str, secret: str, pause: float = 0.1) -> None:
        super().__init__(name="sandbox-bank-outbox", daemon=True)
        self.store, self.url, self.secret, self.pause = store, url, secret, pause

    def run(self) -> None:
        while True:
            try:
                worked = self.store.settle_due() + self.send_waiting()
            except Exception:
                log.exception("the outbox stumbled")
                worked = 0
                time.sleep(1)
            if not worked:
                time.sleep(self.pause)

    def send_waiting(self) -> int:
        rows = self.store.claim_messages()
        for row in rows:
            self.send(row)
        return len(rows)

    def send(self, row: Row) -> None:
        body = str(row["body"]).encode()
        status = self.post(body)
        if 200 <= status < 300:
            self.store.mark(row["id"], status="SENT")
        elif row["attempts"] >= MAX_ATTEMPTS:
            self.store.mark(row["id"], status="GIVEN_UP")
        else:
            self.store.mark(row["id"], status="WAITING", wait=min(0.5 * 2 ** row["attempts"], 300))

    def post(self, body: bytes) -> int:
        """Return the status of the answer, or 0."""
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=5)
        try:
            connection.request(
                "POST",
                parts.path,
                body=body,
                headers={
                    "Content-Type": "application/json",
                    "Gateway-Signature": signature(body=body, secret=self.secret, timestamp=int(time.time())),
                },
            )
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

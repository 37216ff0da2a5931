"""What gunicorn serves: `gunicorn loans.sandbox_bank.wsgi:application`. Settings come from BANK_ variables."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable
from typing import Any

from loans.sandbox_bank.app import Bank, Start
from loans.sandbox_bank.outbox import Outbox
from loans.sandbox_bank.store import Store


def setting(name: str, *fallbacks: str) -> str:
    """Read a variable, or the portal's own where the bank may share it; without any, say which is missing."""
    for candidate in (name, *fallbacks):
        if value := os.environ.get(candidate, "").strip():
            return value
    sys.stderr.write(f"sandbox bank: {name} is missing\n")
    raise SystemExit(2)


class Application:
    """Build the bank at the first request, after gunicorn has forked: connections and threads do not survive a fork."""

    def __init__(self) -> None:
        self.bank: Bank | None = None
        self.lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        return self.ready()(environ, start_response)

    def ready(self) -> Bank:
        with self.lock:
            if self.bank is None:
                store = Store(
                    setting("BANK_DATABASE_URL", "DATABASE_URL"),
                    settle_seconds=float(os.environ.get("BANK_SETTLE_SECONDS", "0.2")),
                )
                store.lay_tables()
                public = os.environ.get("LENDPORTAL_PUBLIC_URL", "").rstrip("/")
                os.environ.setdefault(
                    "BANK_WEBHOOK_URL", f"{public}/gateway/sandbox/webhook/" if public else ""
                )
                secret = setting("BANK_WEBHOOK_SECRET", "LENDPORTAL_GATEWAY_SECRETS").split(",")[0]
                Outbox(store, url=setting("BANK_WEBHOOK_URL"), secret=secret).start()
                self.bank = Bank(store, api_key=setting("BANK_API_KEY", "LENDPORTAL_GATEWAY_API_KEY"))
            return self.bank


application = Application()

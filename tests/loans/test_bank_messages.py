"""The bank's own messages, from its outbox to the loan; the bank of this file is the only one that sends from it."""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from loans import operations
from loans.gateways.signature import HEADER
from loans.models import GatewayMessage, Loan
from tests.loans import factories
from tests.loans.bank import API_KEY, SECRET, BankProcess
from tests.loans.books import breaches
from tests.loans.factories import START


class Portal(BaseHTTPRequestHandler):
    """Stand where the portal stands, and hand each message to the portal's own view."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = Client().post(
            "/gateway/sandbox/webhook/",
            data=body,
            content_type="application/json",
            headers={HEADER: self.headers[HEADER]},
        )
        self.send_response(answer.status_code)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        return None


def apply_until(found: Any, *, seconds: float = 60) -> None:
    """Do as the sweeper does until something is found."""
    until = time.monotonic() + seconds
    while not found() and time.monotonic() < until:
        for pk in operations.due_messages(now=timezone.now(), limit=50):
            operations.apply_gateway_message(message_id=pk, as_of=START, now=timezone.now())
        time.sleep(0.05)
    assert found()


@pytest.mark.slow
@pytest.mark.parametrize("trick", ["", "duplicate", "reorder"])
def test_the_banks_own_messages_confirm_a_payout(
    transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch, trick: str
) -> None:
    monkeypatch.setattr("loans.api.wake_webhook.apply_async", lambda **kwargs: None)
    portal = HTTPServer(("127.0.0.1", 0), Portal)
    Thread(target=portal.serve_forever, daemon=True).start()
    bank = BankProcess(webhook_url=f"http://127.0.0.1:{portal.server_port}/gateway/sandbox/webhook/")
    settings.GATEWAY_URL = bank.url
    settings.GATEWAY_API_KEY, settings.GATEWAY_SECRETS = API_KEY, [SECRET]
    try:
        bank.reset()
        if trick:
            bank.behave("transfer.accepted", trick, seconds=1)
        loan = factories.open_loan()
        operations.send_payout(payout_id=loan.payout.pk, now=timezone.now(), as_of=START)
        apply_until(lambda: Loan.objects.get().status == "ACTIVE")
        apply_until(lambda: GatewayMessage.objects.filter(state="APPLIED").count() == 2)
        assert len(bank.movements()) == 1
        assert breaches() == {}
    finally:
        bank.stop()
        portal.shutdown()
        portal.server_close()

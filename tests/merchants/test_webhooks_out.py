"""What shops are told: signed, in order, tried again, never to an address inside."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from credit.models import CreditLine
from merchants import operations
from merchants.gateways import webhooks
from merchants.models import Delivery, DeliveryAttempt, WebhookEndpoint
from regimes.errors import Refusal
from tests.factories import NOW
from tests.merchants.shop import agree, capture, make_checkout

PUBLIC = "93.184.216.34"


class Ear:
    """A server of a shop that remembers what it heard and answers as it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[int] = []
        ear = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                ear.heard.append((self.path, dict(self.headers), body))
                status = ear.answers.pop(0) if ear.answers else 200
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "http://127.0.0.1:1/")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _path, _headers, body in self.heard]


@pytest.fixture
def ear() -> Iterator[Ear]:
    made = Ear()
    yield made
    made.server.shutdown()
    made.server.server_close()


def genuine(body: bytes, header: str, secret: str) -> bool:
    parts = [part.split("=", 1) for part in header.split(",")]
    at = next(value for name, value in parts if name == "t")
    wanted = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return wanted in [value for name, value in parts if name == "v1"]


def sweep(now: Any = NOW) -> list[str | None]:
    return [
        operations.send_delivery(delivery_id=pk, now=now)
        for pk in operations.due_deliveries(now=now, limit=100)
    ]


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/", "https://127.0.0.1/", "https://169.254.169.254/latest/meta-data/", "https://localhost/",
        "https://10.1.2.3/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://0x7f000001/", "https://2130706433/",
        "https://shop.example:22/", "https://a:b@shop.example/", "ftp://shop.example/", "https://shop.example/#x", "https://",
        "https://shop.example/ x", "https://100.64.0.1/", "https://[64:ff9b::7f00:1]/", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_it_refuses_an_address_inside(merchant: Any, settings: Any, url: str) -> None:
    settings.SANDBOX = False
    with pytest.raises(Refusal) as caught:
        operations.add_endpoint(merchant=merchant, url=url, events=[], actor=None)
    assert caught.value.code == "url_invalid"
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize(
    "found", [["127.0.0.1"], ["169.254.169.254"], [PUBLIC, "10.0.0.1"], ["::1"], ["::ffff:192.168.0.1"], []]
)
def test_it_never_calls_a_name_that_leads_inside(merchant: Any, settings: Any, found: list[str]) -> None:
    settings.SANDBOX = False
    endpoint, _secret = operations.add_endpoint(
        merchant=merchant, url="https://shop.example/hook", events=[], actor=None
    )
    row = operations.ping_endpoint(endpoint=endpoint, now=NOW)
    status = operations.send_delivery(delivery_id=row.pk, now=NOW, resolver=lambda host, port: found)
    assert status == "PENDING"
    assert DeliveryAttempt.objects.get().error in ("address_not_public", "name_unknown")


def test_an_answer_that_changes_after_the_look_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection goes to the address that was judged; the name is not asked again."""
    from merchants.domain.addresses import read_url

    asked, called = [], []

    def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return [PUBLIC] if len(asked) == 1 else ["127.0.0.1"]

    def connect(address: tuple[str, int], **_options: Any) -> Any:
        called.append(address)
        raise OSError("no network in tests")

    monkeypatch.setattr(webhooks.socket, "create_connection", connect)
    with pytest.raises(webhooks.NotCallable):
        webhooks.post(
            read_url("https://shop.example/", field="url"),
            body=b"{}",
            headers={},
            allow_local=False,
            resolver=resolver,
        )
    assert (asked, called) == (["shop.example"], [(PUBLIC, 443)])


def test_events_are_signed_and_come_in_order(merchant: Any, line: CreditLine, ear: Ear) -> None:
    endpoint, secret = operations.add_endpoint(merchant=merchant, url=ear.url, events=[], actor=None)
    order = agree(make_checkout(merchant), line)
    capture(order, "100.00")
    capture(order, "200.00")
    ear.answers = [500]
    assert sweep() == ["PENDING"]  # the first of the order is not through, so the others wait
    assert sweep() == []
    later = NOW + timedelta(seconds=10)
    assert [sweep(later) for _ in range(3)] == [["DELIVERED"]] * 3
    kinds = [body["type"] for body in ear.bodies()]
    assert kinds == ["checkout.authorised", "checkout.authorised", "capture.created", "capture.created"]
    ids = [body["id"] for body in ear.bodies()]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    for _path, headers, body in ear.heard:
        assert genuine(body, headers["X-Signature"], secret)
        assert not genuine(body + b" ", headers["X-Signature"], secret)
    assert [row.http_status for row in DeliveryAttempt.objects.order_by("pk")] == [500, 200, 200, 200]
    endpoint.refresh_from_db()
    assert endpoint.failures == 0


def test_two_secrets_live_while_one_is_changed(merchant: Any, ear: Ear) -> None:
    endpoint, old = operations.add_endpoint(merchant=merchant, url=ear.url, events=[], actor=None)
    endpoint, new = operations.rotate_secret(endpoint=endpoint, actor=None, now=NOW)
    for now in (NOW + timedelta(hours=1), NOW + timedelta(hours=25)):
        operations.send_delivery(delivery_id=operations.ping_endpoint(endpoint=endpoint, now=now).pk, now=now)
    (_, first, body), (_, second, other) = ear.heard
    assert genuine(body, first["X-Signature"], old)
    assert genuine(body, first["X-Signature"], new)
    assert not genuine(other, second["X-Signature"], old)
    assert genuine(other, second["X-Signature"], new)


def test_a_redirect_is_not_followed(merchant: Any, ear: Ear) -> None:
    endpoint, _secret = operations.add_endpoint(merchant=merchant, url=ear.url, events=[], actor=None)
    ear.answers = [302]
    row = operations.ping_endpoint(endpoint=endpoint, now=NOW)
    assert operations.send_delivery(delivery_id=row.pk, now=NOW) == "PENDING"
    assert len(ear.heard) == 1


def test_it_gives_up_after_a_day_and_sends_again_when_asked(merchant: Any, ear: Ear) -> None:
    endpoint, _secret = operations.add_endpoint(merchant=merchant, url=ear.url, events=[], actor=None)
    ear.answers = [503] * 20
    row = operations.ping_endpoint(endpoint=endpoint, now=NOW)
    now, tries = NOW, 0
    while Delivery.objects.get(pk=row.pk).status == "PENDING":
        assert operations.send_delivery(delivery_id=row.pk, now=now) is not None
        tries += 1
        found = Delivery.objects.get(pk=row.pk)
        now = found.next_attempt_at or now
    assert tries == 10
    assert timedelta(hours=20) < now - NOW <= timedelta(hours=24)
    ear.answers = []
    operations.replay_delivery(delivery=row, now=now)
    assert operations.send_delivery(delivery_id=row.pk, now=now) == "DELIVERED"
    assert len({body["id"] for body in ear.bodies()}) == 1
    operations.remove_endpoint(endpoint=endpoint, actor=None)
    with pytest.raises(Refusal):
        operations.replay_delivery(delivery=row, now=now)


def test_an_endpoint_that_never_answers_is_switched_off(merchant: Any, ear: Ear) -> None:
    endpoint, _secret = operations.add_endpoint(merchant=merchant, url=ear.url, events=[], actor=None)
    WebhookEndpoint.objects.update(failures=49)
    ear.answers = [500]
    row = operations.ping_endpoint(endpoint=endpoint, now=NOW)
    operations.send_delivery(delivery_id=row.pk, now=NOW)
    endpoint.refresh_from_db()
    assert (endpoint.is_active, endpoint.disabled_reason) == (False, "too_many_failures")


def test_one_worker_sends_a_delivery(merchant: Any, ear: Ear) -> None:
    endpoint, _secret = operations.add_endpoint(merchant=merchant, url=ear.url, events=[], actor=None)
    row = operations.ping_endpoint(endpoint=endpoint, now=NOW)
    Delivery.objects.filter(pk=row.pk).update(status="CLAIMED", claimed_until=NOW + timedelta(seconds=30))
    assert operations.send_delivery(delivery_id=row.pk, now=NOW) is None
    assert operations.send_delivery(delivery_id=row.pk, now=NOW + timedelta(seconds=31)) == "DELIVERED"
    assert len(ear.heard) == 1

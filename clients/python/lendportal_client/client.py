"""Call the API of a portal for a shop: signed, keyed, and tried again only where a repeat is harmless."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from lendportal_client.shapes import Capture, Checkout, Refund, Settlement

Answer = tuple[int, Mapping[str, str], bytes]
Transport = Callable[[str, str, Mapping[str, str], bytes | None], Answer]
AGAIN = frozenset({429, 502, 503, 504})
TRIES = 4


class Problem(Exception):
    """A refusal of the portal (RFC 9457). `code` is stable; `detail` is a sentence for people."""

    def __init__(
        self, status: int, code: str, detail: str, field: str | None, request_id: str | None
    ) -> None:
        self.status, self.code, self.detail = status, code, detail
        self.field, self.request_id = field, request_id
        super().__init__(f"{status} {code}: {detail}")


class NoAnswer(Exception):
    """The portal did not answer: the write may have happened. The same call with the same key finds out."""


def http(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
    """Send a request by the standard library."""
    request = urllib.request.Request(url, data=body, headers=dict(headers), method=method)  # noqa: S310  the scheme was checked
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


class Shop:
    """The API of one portal, with the key of one shop."""

    transport: Transport = staticmethod(http)

    def __init__(
        self, url: str, *, key: str, language: str = "en", transport: Transport | None = None
    ) -> None:
        if urllib.parse.urlsplit(url).scheme not in ("https", "http"):
            raise ValueError("the address of a portal begins with https://")
        self.url, self.key, self.language = url.rstrip("/"), key, language
        if transport is not None:
            self.transport = transport

    # ---- orders ---------------------------------------------------------------------------------------------------

    def create_checkout(
        self,
        *,
        order_id: str,
        amount: Decimal | str,
        category: str,
        description: str,
        return_url: str,
        cancel_url: str = "",
        currency: str = "CNY",
        items: Sequence[Mapping[str, Any]] = (),
    ) -> Checkout:
        """Start an order; send the buyer to its `url`. The same number with the same content gives the first."""
        body = {
            "order_id": order_id,
            "amount": f"{Decimal(amount):.2f}",
            "currency": currency,
            "category": category,
            "description": description,
            "return_url": return_url,
            "cancel_url": cancel_url,
            "items": [dict(item) for item in items],
        }
        return Checkout.read(self._call("POST", "/checkouts", body))

    def checkout(self, ref: str) -> Checkout:
        """Return an order as it stands."""
        return Checkout.read(self._call("GET", f"/checkouts/{_quoted(ref)}"))

    def checkouts(self) -> Iterator[Checkout]:
        """Walk through all orders, newest first."""
        return (Checkout.read(row) for row in self._pages("/checkouts"))

    def cancel(self, ref: str) -> Checkout:
        """Take an order back to which nobody agreed."""
        return Checkout.read(self._call("POST", f"/checkouts/{_quoted(ref)}/cancel", {}))

    def void(self, ref: str) -> Checkout:
        """Let go of what was not captured."""
        return Checkout.read(self._call("POST", f"/checkouts/{_quoted(ref)}/void", {}))

    def capture(self, ref: str, *, key: str, amount: Decimal | str | None = None) -> Capture:
        """Say that goods are on their way: of an amount, or of the rest. The same key captures once."""
        path = f"/checkouts/{_quoted(ref)}/captures"
        return Capture.read(self._call("POST", path, _money(amount), key=key))

    def refund(self, ref: str, *, key: str, amount: Decimal | str | None = None, reason: str = "") -> Refund:
        """Say that goods came back: of an amount, or of all. The same key refunds once."""
        path = f"/checkouts/{_quoted(ref)}/refunds"
        return Refund.read(self._call("POST", path, {**_money(amount), "reason": reason}, key=key))

    def settlements(self) -> Iterator[Settlement]:
        """Walk through what the shop was paid, newest first."""
        return (Settlement.read(row) for row in self._pages("/settlements"))

    # ---- events ---------------------------------------------------------------------------------------------------

    def add_endpoint(self, url: str, events: Sequence[str] = ()) -> tuple[str, str]:
        """Let an address hear of events; return its reference and its secret, which is shown this once."""
        made = self._call("POST", "/webhook-endpoints", {"url": url, "events": list(events)})
        return str(made["ref"]), str(made["secret"])

    def move_sandbox_date(self, to: str) -> str:
        """Let a sandbox live through every day up to a date; a portal in production has no such address."""
        return str(self._call("POST", "/sandbox/date", {"to": to})["business_date"])

    # ---- the wire -------------------------------------------------------------------------------------------------

    def _pages(self, path: str) -> Iterator[Mapping[str, Any]]:
        page = self._call("GET", path)
        while True:
            yield from page["results"]
            if not page["next"]:
                return
            query = urllib.parse.urlsplit(page["next"]).query
            page = self._call("GET", f"{path}?{query}")

    def _call(self, method: str, path: str, body: Any = None, *, key: str = "") -> Any:
        raw = None if body is None else json.dumps(body).encode()
        for attempt in range(1, TRIES + 1):
            try:
                status, headers, answer = self.transport(
                    method, self.url + "/api/v1" + path, self._headers(method, path, raw, key), raw
                )
            except OSError as error:
                if attempt == TRIES:
                    raise NoAnswer(str(error)) from error
                status, headers, answer = 503, {}, b""
            if status in AGAIN and attempt < TRIES:
                time.sleep(min(float(headers.get("Retry-After", 0) or 0) or 0.5 * 2**attempt, 30))
                continue
            return _read(status, answer)
        raise AssertionError("the last try answers or raises")

    def _headers(self, method: str, path: str, raw: bytes | None, key: str) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self.key}", "Accept-Language": self.language}
        if raw is not None:
            headers["Content-Type"] = "application/json"
            headers["X-Signature"] = self._signature(method, "/api/v1" + path, raw)
        if key:
            headers["Idempotency-Key"] = key
        return headers

    def _signature(self, method: str, path: str, raw: bytes) -> str:
        """Sign this very request; a try again is signed anew, because a nonce is good once."""
        at, nonce = int(time.time()), secrets.token_hex(12)
        lines = [
            method,
            urllib.parse.urlsplit(self.url).path + path,
            str(at),
            nonce,
            hashlib.sha256(raw).hexdigest(),
        ]
        digest = hashlib.sha256(self.key.encode()).digest()
        value = hmac.new(digest, "\n".join(lines).encode(), hashlib.sha256).hexdigest()
        return f"t={at},n={nonce},v1={value}"


def _quoted(ref: str) -> str:
    return urllib.parse.quote(ref, safe="")


def _money(amount: Decimal | str | None) -> dict[str, str]:
    return {"currency": "CNY"} if amount is None else {"currency": "CNY", "amount": f"{Decimal(amount):.2f}"}


def _read(status: int, answer: bytes) -> Any:
    try:
        data = json.loads(answer) if answer else None
    except ValueError:
        data = None
    if 200 <= status < 300:
        return data
    found = data if isinstance(data, dict) else {}
    raise Problem(
        status,
        str(found.get("code", "unknown")),
        str(found.get("detail", "")),
        found.get("field"),
        found.get("request_id"),
    )

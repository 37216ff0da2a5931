"""The bank's HTTP API, as a WSGI application."""

from __future__ import annotations

import hmac
import json
import re
import time
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, unquote

from loans.sandbox_bank.store import Row, Store

Answer = tuple[int, Any]
Start = Callable[[str, list[tuple[str, str]]], Any]
REASONS = {
    200: "OK", 201: "Created", 202: "Accepted", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found",
    405: "Method Not Allowed", 409: "Conflict", 413: "Content Too Large", 422: "Unprocessable Content",
    429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip
AMOUNT = re.compile(r"(?:0|[1-9][0-9]{0,11})\.[0-9]{2}")
REFERENCE = re.compile(r"[A-Za-z0-9-]{8,64}")
# what an order may be told to do; "after" means that it is executed first
ORDER_TRICKS = {
    "fail_before",
    "fail_after",
    "timeout_before",
    "timeout_after",
    "delay",
    "refuse",
    "busy",
    "sync",
    "garbage",
    "forget",
}
MESSAGE_TRICKS = {"drop", "duplicate", "delay", "reorder"}
TARGETS = {"transfer", "debit", "lookup", "webhook"}
# account numbers with an outcome of their own, by their last four digits
OUTCOMES = {"0000": "insufficient_funds", "9999": "account_refused"}


class Refused(Exception):
    """Answer with a status and a code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class Bank:
    """Answer requests; everything it knows is in the store."""

    def __init__(self, store: Store, *, api_key: str) -> None:
        self.store, self.api_key = store, api_key

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        try:
            status, answer = self.route(environ)
        except Refused as refused:
            status, answer = refused.status, {"code": refused.code}
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        start_response(
            f"{status} {REASONS.get(status, 'Unknown')}",
            [("Content-Type", "application/json"), ("Content-Length", str(len(body)))],
        )
        return [body]

    def route(self, environ: dict[str, Any]) -> Answer:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        if path == "/livez":
            return 200, {"status": "ok"}
        given = str(environ.get("HTTP_AUTHORIZATION", ""))
        if not hmac.compare_digest(given.encode(), f"Bearer {self.api_key}".encode()):
            raise Refused(401, "api_key_invalid")
        routes: dict[tuple[str, str], Callable[[dict[str, Any]], Answer]] = {
            ("POST", "/transfers"): lambda body: self.order("transfer", body),
            ("POST", "/debits"): lambda body: self.order("debit", body),
            ("POST", "/behaviour"): self.behave,
            ("POST", "/returns"): self.give_back,
        }
        if (method, path) in routes:
            return routes[method, path](read_body(environ))
        if method == "GET" and path.startswith("/transfers/"):
            return self.look_up(unquote(path.removeprefix("/transfers/")))
        if method == "GET" and path == "/book":
            return self.book(parse_qs(environ.get("QUERY_STRING", "")))
        if method == "DELETE" and path == "/behaviour":
            self.store.forget_behaviour()
            return 200, {"forgotten": True}
        raise Refused(404 if method in ("GET", "POST") else 405, "not_found")

    def order(self, kind: str, body: dict[str, Any]) -> Answer:
        """Execute an order once for its reference, unless told to misbehave."""
        reference, amount, currency, account = read_order(body)
        trick = self.store.take_behaviour(kind) or {"what": "", "seconds": 0, "reason": ""}
        what, seconds = trick["what"], float(trick["seconds"])
        if what == "busy":
            raise Refused(503, "busy")
        if what == "fail_before":
            raise Refused(500, "internal_error")
        if what == "timeout_before":
            time.sleep(seconds)
            raise Refused(500, "internal_error")
        failed = trick["reason"] or "account_refused" if what == "refuse" else OUTCOMES.get(account[-4:], "")
        if kind == "transfer" and failed == "insufficient_funds":
            failed = ""  # an empty account can still be paid into
        row = self.store.order(
            kind=kind,
            reference=reference,
            amount=amount,
            currency=currency,
            account=account,
            failed=failed,
            settles_in=0 if what == "sync" else self.store.settle_seconds,
        )
        if (row["kind"], row["amount"], row["currency"], row["account_number"]) != (
            kind,
            amount,
            currency,
            account,
        ):
            raise Refused(422, "reference_reused")
        if what == "sync":
            self.store.settle_due()
            row = self.store.find(reference) or row
        if what in ("timeout_after", "delay"):
            time.sleep(seconds)
        if what == "fail_after":
            raise Refused(500, "internal_error")
        if what == "garbage":
            return 200, b"<html>It works!</html>"
        return (201 if row.get("is_new", True) else 200), shown(row)

    def look_up(self, reference: str) -> Answer:
        trick = self.store.take_behaviour("lookup")
        if trick is not None:
            if trick["what"] == "delay":
                time.sleep(float(trick["seconds"]))
            elif trick["what"] == "forget":
                raise Refused(404, "not_found")
            else:
                raise Refused(500, "internal_error")
        row = self.store.find(reference)
        if row is None:
            raise Refused(404, "not_found")
        return 200, shown(row)

    def book(self, query: dict[str, list[str]]) -> Answer:
        after, limit = (
            query.get(name, [default])[0] for name, default in (("after", "0"), ("limit", "1000"))
        )
        if not (after.isdigit() and limit.isdigit() and len(after) < 18):
            raise Refused(400, "query_invalid")
        rows = self.store.book(after=int(after), limit=max(1, min(int(limit), 5000)))
        return 200, {
            "movements": [
                {"id": row["id"], "kind": row["kind"], "orders": row["orders"], **shown(row)} for row in rows
            ],
            "balance": f"{self.store.total():.2f}",
        }

    def behave(self, body: dict[str, Any]) -> Answer:
        on_what, what = body.get("on"), body.get("do")
        known = (
            MESSAGE_TRICKS
            if str(on_what).split(".")[0] in ("webhook",) or "." in str(on_what)
            else ORDER_TRICKS
        )
        times, seconds = body.get("times", 1), body.get("seconds", 0)
        target_known = on_what in TARGETS or re.fullmatch(
            r"(transfer|debit)\.(accepted|succeeded|failed|returned)", str(on_what)
        )
        if not target_known or what not in known or type(times) is not int or not 1 <= times <= 1_000_000:
            raise Refused(400, "behaviour_unknown")
        if type(seconds) not in (int, float) or not 0 <= seconds <= 300:
            raise Refused(400, "behaviour_unknown")
        self.store.behave(
            on_what=str(on_what),
            what=str(what),
            seconds=seconds,
            reason=str(body.get("reason", ""))[:80],
            times=times,
        )
        return 200, {"on": on_what, "do": what, "times": times}

    def give_back(self, body: dict[str, Any]) -> Answer:
        row = self.store.give_back(str(body.get("reference", "")))
        if row is None:
            raise Refused(409, "nothing_to_return")
        return 200, shown(row)


def read_body(environ: dict[str, Any]) -> dict[str, Any]:
    length = str(environ.get("CONTENT_LENGTH") or "0")
    if not length.isdigit() or int(length) > 64 * 1024:
        raise Refused(413, "too_large")
    try:
        body = json.loads(environ["wsgi.input"].read(int(length)))
    except ValueError:
        raise Refused(400, "json_invalid") from None
    if not isinstance(body, dict):
        raise Refused(400, "json_invalid")
    return body


def read_order(body: dict[str, Any]) -> tuple[str, Decimal, str, str]:
    values = [body.get(name) for name in ("reference", "amount", "currency", "account_number")]
    if not all(isinstance(value, str) for value in values):
        raise Refused(400, "order_invalid")
    reference, amount, currency, account = (str(value) for value in values)
    if not REFERENCE.fullmatch(reference) or not AMOUNT.fullmatch(amount) or Decimal(amount) <= 0:
        raise Refused(400, "order_invalid")
    if not re.fullmatch("[A-Z]{3}", currency) or not re.fullmatch("[0-9]{6,32}", account):
        raise Refused(400, "order_invalid")
    return reference, Decimal(amount), currency, account


def shown(row: Row) -> dict[str, Any]:
    """Show a movement; a returned one had succeeded, and a message tells of its return."""
    return {
        "reference": row["reference"],
        "provider_reference": row["provider_reference"],
        "status": "SUCCEEDED" if row["status"] == "RETURNED" else row["status"],
        "returned": row["status"] == "RETURNED",
        "amount": f"{row['amount']:.2f}",
        "currency": row["currency"],
        "reason": row["reason"],
    }

"""The client of the sandbox bank: plain HTTP, strict about what it believes."""

from __future__ import annotations

import http.client
import json
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlsplit

from ledger.domain.money import parse_amount
from loans.gateways.base import BookLine, BookPage, NotExecuted, Order, Outcome, OutcomeUnknown, Receipt
from regimes.errors import Refusal

MAX_ANSWER = 64 * 1024


class SandboxGateway:
    """Talk to the bank of `loans/sandbox_bank`."""

    def __init__(self, *, url: str, api_key: str, timeout: float) -> None:
        parts = urlsplit(url)
        self.host, self.is_https = parts.hostname or "127.0.0.1", parts.scheme == "https"
        self.port = parts.port or (443 if self.is_https else 80)
        self.base = parts.path.rstrip("/")
        self.api_key, self.timeout = api_key, timeout

    def pay_out(self, order: Order) -> Receipt:
        return self._order("/transfers", order)

    def collect(self, order: Order) -> Receipt:
        return self._order("/debits", order)

    def look_up(self, reference: str) -> Receipt | None:
        status, answer = self._call("GET", f"/transfers/{quote(reference, safe='')}")
        if status == 404:
            return None
        if status != 200:
            raise OutcomeUnknown(f"the gateway answered {status}")
        return _receipt(answer)

    def book(self, *, after: int, limit: int) -> BookPage:
        status, answer = self._call("GET", f"/book?after={after}&limit={limit}")
        if status != 200:
            raise OutcomeUnknown(f"the gateway answered {status}")
        try:
            lines = tuple(_book_line(item) for item in answer["movements"])
            return BookPage(lines=lines, balance=Decimal(str(answer["balance"])))
        except (KeyError, TypeError, ArithmeticError) as error:
            raise OutcomeUnknown("the book cannot be read") from error

    def _order(self, path: str, order: Order) -> Receipt:
        status, answer = self._call(
            "POST",
            path,
            {
                "reference": order.reference,
                "amount": f"{order.amount:.2f}",
                "currency": order.currency,
                "account_number": order.account_number,
                "holder_name": order.holder_name,
                "bank_name": order.bank_name,
            },
        )
        if status in (200, 201, 202):
            return _receipt(answer)
        if status == 429 or status == 503:
            raise NotExecuted(f"the gateway is busy ({status})")
        # whatever else it was, the order may stand in the bank's book: that is for a question to find out
        raise OutcomeUnknown(f"the gateway answered {status}")

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        kind = http.client.HTTPSConnection if self.is_https else http.client.HTTPConnection
        connection = kind(self.host, self.port, timeout=self.timeout)
        try:
            try:
                connection.connect()
            except OSError as error:
                raise NotExecuted(f"the gateway cannot be reached: {type(error).__name__}") from error
            try:
                connection.request(
                    method,
                    self.base + path,
                    body=json.dumps(body).encode() if body is not None else None,
                    headers={"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"},
                )
                response = connection.getresponse()
                raw = response.read(MAX_ANSWER + 1)
            except (OSError, http.client.HTTPException) as error:
                raise OutcomeUnknown(f"no answer: {type(error).__name__}") from error
        finally:
            connection.close()
        if len(raw) > MAX_ANSWER:
            raise OutcomeUnknown("the answer is too long")
        try:
            return response.status, json.loads(raw) if raw else None
        except ValueError as error:
            if response.status >= 400:
                return response.status, None
            raise OutcomeUnknown("the answer is not JSON") from error


def _book_line(item: Any) -> BookLine:
    receipt = _receipt(item)
    return BookLine(
        number=int(item["id"]),
        kind=str(item["kind"]),
        reference=receipt.reference,
        provider_reference=receipt.provider_reference,
        status=receipt.outcome.value,
        returned=item["returned"] is True,
        amount=receipt.amount,
        currency=receipt.currency,
    )


def _receipt(answer: Any) -> Receipt:
    try:
        amount: Decimal = parse_amount(answer["amount"], currency=answer["currency"])
        return Receipt(
            reference=str(answer["reference"]),
            provider_reference=str(answer["provider_reference"]),
            outcome=Outcome(answer["status"]),
            amount=amount,
            currency=str(answer["currency"]),
            reason=str(answer.get("reason") or "")[:80],
        )
    except (KeyError, TypeError, ValueError, Refusal) as error:
        raise OutcomeUnknown("the answer cannot be read") from error

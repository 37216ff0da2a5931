"""A shop that sells, a buyer who can pay, and the way from one to the other."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.test import Client

from credit.models import CreditLine
from merchants import operations
from merchants.domain.keys import digest_of, sign_request
from merchants.models import ApiKey, Capture, Checkout, Merchant, Refund
from merchants.operations.buying import Purchase
from merchants.operations.checkouts import OrderRequest
from tests.credit.factories import account_of, make_line, make_person
from tests.factories import AS_OF, NOW, BankAccountFactory, BusinessFactory, StaffFactory, UserFactory

_order = itertools.count(1)
SCOPES = ("checkout", "capture", "refund", "read")


def make_merchant(
    *,
    categories: tuple[str, ...] = ("PHONES", "TRAINING", "TRAVEL_AGENCY"),
    fee_rate: str = "0.02",
    **values: Any,
) -> Merchant:
    """Make a shop that two people of staff let in."""
    owner = values.pop("owner", None) or UserFactory()
    business = BusinessFactory(owner=owner)
    account = BankAccountFactory(borrower=business, holder_name=business.display_name)
    row = operations.apply_as_merchant(
        business=business,
        name=values.pop("name", "Paper Lantern"),
        website="https://shop.example/",
        categories=categories,
        return_origins=["https://shop.example"],
        settlement_account=account,
        actor=owner,
    )
    return operations.approve_merchant(
        merchant=row,
        categories=categories,
        fee_rate=Decimal(fee_rate),
        settlement_days=values.pop("settlement_days", 0),
        maker=StaffFactory(),
        checker=StaffFactory(),
        now=NOW,
    )


def make_key(merchant: Merchant, *, scopes: tuple[str, ...] = SCOPES, **values: Any) -> tuple[ApiKey, str]:
    values.setdefault("needs_signature", False)
    now = values.pop("now", None) or datetime.now(tz=NOW.tzinfo)
    return operations.make_key(merchant=merchant, name="till", scopes=scopes, actor=None, now=now, **values)


def make_checkout(merchant: Merchant, amount: str | Decimal = "600.00", **values: Any) -> Checkout:
    now = values.pop("now", NOW)
    wanted = {
        "order_id": f"order-{next(_order)}",
        "amount": Decimal(amount),
        "currency": "CNY",
        "category": "PHONES",
        "description": "A phone",
        "return_url": "https://shop.example/thanks",
        **values,
    }
    return operations.create_checkout(merchant=merchant, request=OrderRequest(**wanted), key=None, now=now)[0]


def make_buyer(*, limit: Decimal | int = 5_000, **values: Any) -> CreditLine:
    """Make a line of a person who may buy."""
    return make_line(borrower=make_person(), limit=limit, **values)


def agree(
    checkout: Checkout,
    line: CreditLine,
    *,
    count: int = 6,
    zero: bool = False,
    as_of: date = AS_OF,
    now: datetime = NOW,
) -> Checkout:
    return operations.authorise_checkout(
        checkout_id=checkout.pk,
        line_id=line.pk,
        purchase=Purchase(count, zero, account_of(line.borrower).pk),
        actor=None,
        as_of=as_of,
        now=now,
    )


def capture(
    checkout: Checkout, amount: str | Decimal | None = None, *, as_of: date = AS_OF, key: str = ""
) -> Capture:
    return operations.capture_checkout(
        checkout_id=checkout.pk,
        amount=None if amount is None else Decimal(amount),
        reference=key or uuid.uuid4().hex,
        as_of=as_of,
        now=NOW,
    )


def refund(
    checkout: Checkout, amount: str | Decimal | None = None, *, as_of: date = AS_OF, key: str = ""
) -> Refund:
    return operations.refund_checkout(
        checkout_id=checkout.pk,
        amount=None if amount is None else Decimal(amount),
        reference=key or uuid.uuid4().hex,
        reason="",
        as_of=as_of,
        now=NOW,
    )


@dataclass
class Till:
    """The computer of a shop: speaks JSON with a key, and signs where it is told to."""

    text: str
    signs: bool = False
    language: str = "en"
    skew: int = 0

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        whole = "/api/v1" + path
        sent = {"Authorization": f"Bearer {self.text}", "Accept-Language": self.language, **headers}
        if self.signs:
            sent.setdefault("X-Signature", self.sign(method, whole, raw))
        options: dict[str, Any] = {"headers": sent}
        if method != "get":
            options |= {"data": raw, "content_type": "application/json"}
        return getattr(Client(), method)(whole, **options)

    def sign(self, method: str, path: str, body: bytes, *, nonce: str = "") -> str:
        nonce, at = nonce or uuid.uuid4().hex, int(time.time()) + self.skew
        value = sign_request(
            digest=digest_of(self.text), method=method, path=path, body=body, timestamp=at, nonce=nonce
        )
        return f"t={at},n={nonce},v1={value}"

    def get(self, path: str, **headers: str) -> Any:
        return self.send("get", path, **headers)

    def post(self, path: str, body: Any, *, key: str = "", **headers: str) -> Any:
        return self.send("post", path, body, **({"Idempotency-Key": key} if key else {}), **headers)

"""Put an example into the schema for every body and every refusal, so that an engineer can copy instead of guess.

Values are made from each field's name and type; a test holds every example against the schema that it stands in.
"""

from __future__ import annotations

import copy
from http import HTTPStatus
from typing import Any, Final

from lendportal.api_codes import OWN, codes_of

PROBLEM: Final = "application/problem+json"
REQUEST_ID: Final = "0c6f1f3a5b7d4e0f9a2b3c4d5e6f7081"
REF: Final = "5d1f6d1e-6f3c-4b8e-9f53-0a5f0c1d2e3f"
DEPTH: Final = 8
BY_NAME: Final[dict[str, Any]] = {
    "amount": "500.00",
    "currency": "CNY",
    "instalment_count": 12,
    "number": 1,
    "page_size": 50,
    "repayment_method": "EQUAL_INSTALMENT",
    "repayment_methods": ["EQUAL_INSTALMENT"],
    "scenario": "EVERYDAY",
    "family": "PERSONAL",
    "purpose": "DAILY_GOODS",
    "purposes": ["DAILY_GOODS"],
    "occupation": "EMPLOYED",
    "product": "everyday",
    "code": "everyday",
    "terms_version": "everyday@1",
    "status": "ACTIVE",
    "outcome": "APPROVE",
    "direction": "UP",
    "kind": "PERSON",
    "role": "OWNER",
    "document": "PRC_ID",
    "full_name": "王小明",
    "name": "Paper Lantern",
    "shop": "Paper Lantern",
    "description": "A phone",
    "order_id": "2026-000123",
    "category": "PHONES",
    "categories": ["PHONES"],
    "return_url": "https://shop.example/thanks",
    "url": "https://shop.example/hook",
    "pay_url": "https://lender.example/pay/" + REF,
    "events": ["checkout.authorised"],
    "event": "checkout.authorised",
    "annual_rate": "0.144000",
    "penalty_rate": "0.216000",
    "limit": "20000.00",
    "available": "18800.00",
    "exposure": "1200.00",
    "held": "0.00",
    "next": None,
    "previous": None,
    "language": "en",
    "reason": "Paid back",
    "text": "Paid on time for six months.",
    "persona": "steady",
    "seed": 7,
    "bank_name": "Lake Bank",
    "holder_name": "王小明",
    "last4": "0026",
    "number_last4": "0026",
    "email": "owner@example.com",
    "version": 1,
    "choice": "SMALLER_INSTALMENTS",
    "loan_status": "PENDING",
    "payout_status": "PENDING",
    "freeze_reason": "",
    "uscc": "91330106MA2CFHTE7K",
    "industry": "RETAIL",
}
# what a name alone cannot tell
BY_PLACE: Final[dict[tuple[str, str], Any]] = {
    ("postIdentityOfBorrower", "number"): "11010519491231002X",
    ("postBankAccounts", "number"): "6222020200112233446",
    ("postRepayments", "amount"): "200.00",
    ("postSandboxDate", "to"): "2026-12-01",
    ("postApplications", "requested_amount"): "20000.00",
}
# optional, and no example of it would work for everybody
LEFT_OUT: Final = {("postDrawdowns", name) for name in ("evidence", "payee", "invoice")}
METHODS: Final = ("get", "post", "put", "patch", "delete")


def add_examples(result: Any, generator: Any, request: Any, public: bool) -> Any:
    """Be a hook of the schema's generator."""
    components = result["components"]["schemas"]
    for methods in result["paths"].values():
        for method, operation in methods.items():
            if method in METHODS:
                _fill(operation, Examples(components, operation["operationId"]), writes=method != "get")
    return result


def _fill(operation: dict[str, Any], examples: Examples, *, writes: bool) -> None:
    by_key = any("shopKey" in way for way in operation.get("security", []))
    for content in operation.get("requestBody", {}).get("content", {}).values():
        content["examples"] = {"request": {"value": examples.of(content["schema"])}}
    for own in OWN.get(examples.operation, {}):  # a read may refuse by more than every read does
        operation["responses"].setdefault(str(own), copy.deepcopy(operation["responses"]["404"]))
    for status, answer in operation["responses"].items():
        for kind, content in answer.get("content", {}).items():
            if kind == PROBLEM:
                codes = codes_of(examples.operation, int(status), writes=writes, by_key=by_key)
                answer["description"] = "Codes: " + ", ".join(f"`{code}`" for code in codes) + "."
                content["examples"] = {code: {"value": refusal(int(status), code)} for code in codes}
            else:
                content["examples"] = {"answer": {"value": examples.of(content["schema"])}}


def refusal(status: int, code: str) -> dict[str, Any]:
    """Lay out a problem document as an example."""
    return {
        "type": f"urn:lendportal:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": "A sentence in your language that says what to do.",
        "field": None,
        "request_id": REQUEST_ID,
    }


class Examples:
    """Make examples for one operation."""

    def __init__(self, components: dict[str, Any], operation: str) -> None:
        self.components, self.operation = components, operation

    def of(self, schema: dict[str, Any], name: str = "", depth: int = 0) -> Any:
        """Make a value that a schema admits."""
        if "$ref" in schema:
            return self.of(self.components[schema["$ref"].rsplit("/", 1)[1]], name, depth)
        for listed in ("allOf", "oneOf", "anyOf"):
            if listed in schema:
                parts = [part for part in schema[listed] if part.get("type") != "null"]
                return self.of(parts[0], name, depth)
        if "const" in schema:
            return schema["const"]
        known = BY_PLACE.get((self.operation, name), BY_NAME.get(name, ...))
        kinds = schema.get("type", "object")
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if "enum" in schema:
            return known if known in schema["enum"] else schema["enum"][0]
        if known is not ... and _fits(known, kinds, schema):
            return known
        if "example" in schema:
            return schema["example"]
        return self._plain(schema, next(kind for kind in kinds if kind != "null"), name, depth)

    def _plain(self, schema: dict[str, Any], kind: str, name: str, depth: int) -> Any:
        if kind == "array":
            return [] if depth > DEPTH else [self.of(schema.get("items", {}), name.rstrip("s"), depth + 1)]
        if kind == "object":
            fields = schema.get("properties", {})
            must = schema.get("required", [])
            return {
                key: self.of(inner, key, depth + 1)
                for key, inner in fields.items()
                if key in must or (self.operation, key) not in LEFT_OUT
            }
        if kind == "boolean":
            return True
        if kind in ("integer", "number"):
            return max(int(schema.get("minimum", 1)), 1)
        return _text(schema, name)


def _fits(value: Any, kinds: list[str], schema: dict[str, Any]) -> bool:
    if isinstance(value, list) and schema.get("items", {}).get("type") != "string":
        return False
    names = {str: "string", int: "integer", list: "array", type(None): "null", bool: "boolean"}
    return names.get(type(value)) in kinds


def _text(schema: dict[str, Any], name: str) -> str:
    formats = {
        "uuid": REF, "date": "2026-12-01", "date-time": "2026-12-01T09:30:00+08:00", "uri": "https://shop.example/hook",
        "binary": "(a file)", "email": "owner@example.com",
    }  # fmt: skip
    if schema.get("format") in formats:
        return formats[schema["format"]]
    pattern = schema.get("pattern", "")
    if "\\d" in pattern or "[0-9]" in pattern:
        return "0.144000" if "{0,6}" in pattern or "rate" in name else "500.00"
    return name.upper() or "TEXT"

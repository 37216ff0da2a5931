"""The schema as an engineer reads it: an example for every body, a code for every refusal, and both are true."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from drf_spectacular.generators import SchemaGenerator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from lendportal.api_codes import OWN, READ, SHOP, WRITE
from tests.api.conftest import Caller, Scene

ROOT = Path(__file__).resolve().parents[2]


@cache
def schema() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-any-return,no-untyped-call]


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in schema()["paths"].items()
        for method, operation in methods.items()
        if method in ("get", "post", "put", "patch", "delete")
    ]


def contents(operation: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Give every body that an operation takes or answers."""
    found = [("request", content) for content in operation.get("requestBody", {}).get("content", {}).values()]
    for status, answer in operation["responses"].items():
        found += [(status, content) for content in answer.get("content", {}).values()]
    return found


def lacking(listed: list[tuple[str, str, dict[str, Any]]]) -> list[str]:
    """Name every operation that says too little."""
    found = []
    for method, path, operation in listed:
        name = f"{method} {path}"
        found += [
            f"{name}: no example for {what}" for what, it in contents(operation) if not it.get("examples")
        ]
        refused = [status for status in operation["responses"] if int(status) >= 400]
        found += [
            f"{name}: {status} without a body"
            for status in refused
            if not operation["responses"][status].get("content")
        ]
        if not {"400", "401", "404"} <= set(refused):
            found.append(f"{name}: lacks refusals")
        if not any(str(status).startswith("2") for status in operation["responses"]):
            found.append(f"{name}: no answer")
    return found


def test_every_operation_has_examples_and_its_codes() -> None:
    assert len(operations()) > 60
    assert lacking(operations()) == []


def test_an_operation_without_an_example_or_a_code_is_found() -> None:
    bare = {
        "responses": {"200": {"content": {"application/json": {"schema": {}}}}, "400": {"description": "no"}}
    }
    assert len(lacking([("get", "/x", bare)])) == 3


@pytest.mark.parametrize(
    ("method", "path", "operation"), [pytest.param(*one, id=f"{one[0]} {one[1]}") for one in operations()]
)
def test_examples_are_what_the_schema_says(method: str, path: str, operation: dict[str, Any]) -> None:
    registry: Registry[Any] = Registry().with_resource("urn:portal", Resource(schema(), DRAFT202012))
    for what, content in contents(operation):
        at = json.loads(json.dumps(content["schema"]).replace('"#/', '"urn:portal#/'))
        check = jsonschema.Draft202012Validator(at, registry=registry)
        for name, example in content["examples"].items():
            wrong = [error.message for error in check.iter_errors(example["value"])]
            assert not wrong, (what, name, wrong[:3])


def test_codes_are_those_that_the_portal_raises() -> None:
    """A code that nothing raises is a promise to nobody; operations that are not there have none."""
    sources = "".join(
        file.read_text("utf-8") for room in ("accounts", "credit", "loans", "merchants", "risk", "lendportal", "ledger", "regimes")
        for file in (ROOT / room).rglob("*.py") if file.name != "api_codes.py"
    )  # fmt: skip
    named = {code for rows in (READ, WRITE, SHOP, *OWN.values()) for codes in rows.values() for code in codes}
    raised = set(re.findall(r"""["']([a-z0-9_]+)["']""", sources))
    assert sorted(named - raised) == []
    written = {operation["operationId"]: set(operation["responses"]) for _, _, operation in operations()}
    missing = [
        (name, status) for name, rows in OWN.items() for status in rows if str(status) not in written[name]
    ]
    assert missing == [], "a code stands under its status"
    assert set(OWN) <= {operation["operationId"] for _, _, operation in operations()}


def test_a_write_that_was_meant_for_another_state_is_refused(scene: Scene, alice: Caller) -> None:
    line = f"/lines/{scene.line.ref}"
    seen = alice.get(line)["ETag"]
    for given in ('"0000"', 'W/"1", "2"', "nonsense"):
        refused = alice.post(f"{line}/freeze", {}, **{"If-Match": given})
        assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed")
    scene.line.refresh_from_db()
    assert scene.line.status == "ACTIVE"
    assert alice.post(f"{line}/freeze", {}, **{"If-Match": seen}).status_code == 200
    late = alice.post(f"{line}/unfreeze", {}, **{"If-Match": seen})
    assert late.status_code == 412, "the line is frozen since it was read"
    assert alice.post(f"{line}/unfreeze", {}, **{"If-Match": "*"}).status_code == 200


def test_a_repeat_gets_its_first_answer_though_the_state_is_another_by_then(
    scene: Scene, alice: Caller
) -> None:
    from tests.api.conftest import draw_body

    path = f"/lines/{scene.line.ref}/drawdowns"
    seen = alice.get(path)["ETag"]
    first = alice.post(path, draw_body(scene), key="k-1", **{"If-Match": seen})
    assert first.status_code == 201, first.json()
    again = alice.post(path, draw_body(scene), key="k-1", **{"If-Match": seen})
    assert (again.status_code, again.json()) == (201, first.json())
    other = alice.post(path, draw_body(scene, amount="60.00"), key="k-2", **{"If-Match": seen})
    assert other.status_code == 412


def test_if_match_shows_nothing_of_what_is_not_ones_own(scene: Scene, alice: Caller) -> None:
    stranger = Caller(scene.world.charlie)
    seen = alice.get(f"/lines/{scene.line.ref}")["ETag"]
    for given in (seen, '"0000"'):
        refused = stranger.post(f"/lines/{scene.line.ref}/freeze", {}, **{"If-Match": given})
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")

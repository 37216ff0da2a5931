"""Every row of the tables beside this file: the exact status and code, a sentence that helps, nothing written.

A row is added without code:

    id         its number in bad_inputs.md and a word
    surface    one door or several, from surfaces.py; each input is tried at each of them
    field      and `inputs`, a list of values for it (one try each); or
    input      what changes in the body that is let in; `drop` names fields to leave out
    raw, hex   the whole body as text, as bytes; `body` the whole body as any JSON
    query      a query string; `path` another address; `method`, `headers`, `content_type`, `as` (who), `key`
    given      a preparation, from preparations.py
    status, code, message (regex)    the answer; `page` and `api` hold what differs at doors of one kind,
               `query_code` the code where the field travels in a query of the API
    accepted   true when the input is good: any answer below 400
    A value `{repeat: x, times: 500}` stands for a long one.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from tests.api.conftest import Scene
from tests.bad_inputs.preparations import PREPARATIONS
from tests.bad_inputs.surfaces import SURFACES, Surface
from tests.web.pages import words

FOLDER = Path(__file__).parent
TABLES = ("people", "applying", "drawing", "repaying", "pages", "api")
# written by refusals too, as it should be: the trail of who tried, and the visitor's own session
REMEMBERED = "acting_id"  # for whom a visitor last acted: where the start page leads, not what is owed
LET = {"accounts_auditentry", "django_session", "django_migrations"}
ALWAYS = 3.0  # seconds in which any answer comes


def expand(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"repeat", "times"}:
            return value["repeat"] * value["times"]
        return {name: expand(inner) for name, inner in value.items()}
    return [expand(inner) for inner in value] if isinstance(value, list) else value


def tries() -> Iterator[Any]:
    for table in TABLES:
        for row in yaml.safe_load((FOLDER / f"{table}.yaml").read_text("utf-8")):
            doors = row["surface"] if isinstance(row["surface"], list) else [row["surface"]]
            inputs = row.get("inputs", [None])
            for door in doors:
                for number, value in enumerate(inputs):
                    name = f"{row['id']}-{door}" + (f"-{number}" if len(inputs) > 1 else "")
                    given = {**row.get("input", {}), **({row["field"]: value} if "inputs" in row else {})}
                    yield pytest.param(row, door, expand(given), id=name)


@cache
def digest_statement() -> str:
    with connection.cursor() as cursor:
        tables = [name for name in connection.introspection.table_names(cursor) if name not in LET]
    return " UNION ALL ".join(
        f"SELECT '{name}', count(*), coalesce(sum(hashtextextended((to_jsonb(t) - '{{{REMEMBERED}}}'::text[])::text, 0)), 0) FROM \"{name}\" t"
        for name in tables
    )


def digest() -> dict[str, tuple[int, int]]:
    """Give for each table how many rows it has and a sum over all that is in them."""
    with connection.cursor() as cursor:
        cursor.execute(digest_statement())
        return {name: (count, total) for name, count, total in cursor.fetchall()}


def visitor(row: dict[str, Any], door: Surface, scene: Scene) -> Client:
    who = row.get("as", door.who)
    client = Client(headers={"accept-language": "en"}, enforce_csrf_checks=row.get("csrf", False))
    if who != "nobody":
        client.force_login(getattr(scene.world, who))
    return client


def knock(client: Client, row: dict[str, Any], door: Surface, scene: Scene, changes: dict[str, Any]) -> Any:
    path = row.get("path") or door.path(scene)
    fields = {name: value for name, value in door.body(scene).items() if name not in row.get("drop", [])}
    body = row.get("body", {**fields, **changes})
    headers = {**row.get("headers", {})}
    if door.keyed and row.get("key", "") is not None:
        headers["Idempotency-Key"] = expand(row.get("key") or uuid.uuid4().hex)
    method = row.get("method", door.method)
    options: dict[str, Any] = {"headers": headers}
    if door.way in ("form", "file"):
        files = {n: file_of(v) if isinstance(v, dict) else v for n, v in body.items() if v is not None}
        return getattr(client, method)(path, files, **options)
    if door.way == "query":
        return (
            getattr(client, method)(path, body, **options)
            if "query" not in row
            else client.get(f"{path}?{row['query']}", **options)
        )
    if method in ("get", "head"):
        return getattr(client, method)(path + (f"?{row['query']}" if "query" in row else ""), **options)
    kind = row.get("content_type", "application/json")
    return client.generic(
        method.upper(),
        path + (f"?{row['query']}" if "query" in row else ""),
        raw(row, body),
        content_type=kind,
        **options,
    )


def raw(row: dict[str, Any], body: Any) -> bytes:
    if "hex" in row:
        return bytes.fromhex(row["hex"])
    if "raw" in row:
        text = expand(row["raw"])
        return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else "".join(text).encode()
    return json.dumps(body).encode()


def file_of(given: dict[str, Any]) -> SimpleUploadedFile:
    content = bytes.fromhex(given["hex"]) if "hex" in given else expand(given.get("text", "")).encode()
    return SimpleUploadedFile(expand(given.get("name", "statement.csv")), content)


def told(answer: Any, door: Surface) -> tuple[set[str], str]:
    """Give the codes of an answer and its sentences."""
    if not door.is_page:
        document = answer.json()
        assert answer["Content-Type"].startswith("application/problem+json"), answer["Content-Type"]
        assert document["request_id"] == answer["X-Request-ID"]
        assert document["status"] == answer.status_code
        return {document["code"]}, document["detail"]
    codes = set()
    for name in ("form", "cap", "away"):
        form = answer.context and answer.context.get(name)
        for errors in form.errors.as_data().values() if form else ():
            codes |= {error.code for error in errors}
    problem = answer.context and answer.context.get("problem")
    if isinstance(problem, dict):
        codes.add(problem.get("code"))
    return codes, words(answer.content)


@pytest.mark.parametrize(("row", "surface", "changes"), list(tries()))
def test_a_bad_input_gets_its_answer(
    row: dict[str, Any], surface: str, changes: dict[str, Any], scene: Scene
) -> None:
    door = SURFACES[surface]
    expected = {**row, **row.get("page" if door.is_page else "api", {})}
    if door.way == "query" and not door.is_page and "query_code" in row:
        expected["code"] = row["query_code"]
    if "given" in row:
        PREPARATIONS[row["given"]](scene)
    client = visitor(row, door, scene)
    before = digest()
    started = time.monotonic()
    answer = knock(client, row, door, scene, changes)
    took = time.monotonic() - started
    assert took < ALWAYS, f"{took:.1f} s"
    if expected.get("accepted"):
        assert answer.status_code < 400, answer.content.decode()[:2000]
        return
    assert answer.status_code == expected["status"], answer.content.decode()[:2000]
    after = digest()
    assert {name for name in after if after[name] != before[name]} <= set(row.get("writes", ())), (
        "something was written"
    )
    if expected.get("message") and not expected.get("code"):
        assert re.search(expected["message"], told(answer, door)[1])
    if expected.get("code"):
        codes, text = told(answer, door)
        assert any(re.fullmatch(expected["code"], code or "") for code in codes), (codes, text[:500])
        assert re.search(expected.get("message", ""), text), text[:1500]
        for secret in row.get("never", ()):
            assert secret not in text


def test_there_are_as_many_rows_as_promised() -> None:
    assert sum(1 for _ in tries()) >= 250

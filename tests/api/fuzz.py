"""Throw generated requests at every operation of the schema, as borrower, shop, officer and stranger.

Each answer has a documented status and code, none is a 5xx, and without a log-in or key none is a success. Most requests are
about things that are there and the caller's own, so that they come past the door: a reference that is made up ends at 404.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from django.test import Client
from schemathesis.generation import GenerationMode

BY_HAND = {
    "/api/v1/evidence",
    "/api/v1/lines/{ref}/purpose-evidence",
}  # forms with a file: tests/risk_evidence and tests/web/test_draw_uses.py feed them
OWN = 0.8  # how many of the references are of things that are there
OPEN = {"/api/v1/quotes"}


@dataclass
class Report:
    """What came of it."""

    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    by_caller: dict[str, Counter[int]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    meant: Counter[int] = field(
        default_factory=Counter
    )  # of those who are logged in, at addresses meant for them

    def past_the_door(self) -> float:
        """Give the share of the answers to those who may ask that say more than 401, 403 or 404."""
        shut = sum(n for status, n in self.meant.items() if status in (401, 403, 404))
        return 1 - shut / max(self.meant.total(), 1)


@dataclass(frozen=True)
class Caller:
    """Somebody who asks: the client with its log-in, and what there is of that caller's, by the place it is named in."""

    client: Client
    headers: dict[str, str] = field(default_factory=dict)
    own: dict[str, list[str]] = field(default_factory=dict)
    areas: tuple[str, ...] = ()  # first parts of the addresses that this caller is meant for; all when empty

    def is_meant(self, path: str) -> bool:
        """Tell whether an address is for this caller; for a stranger none is."""
        return path.removeprefix("/api/v1/").split("/")[0] in self.areas

    def known(self, path: str, name: str) -> list[str]:
        """Give references that fit a parameter: `{ref}` is of the first part of the address."""
        return self.own.get(path.removeprefix("/api/v1/").split("/")[0] if name == "ref" else name, [])


def load() -> Any:
    """Read the schema that the portal serves."""
    from drf_spectacular.generators import SchemaGenerator

    return schemathesis.openapi.from_dict(SchemaGenerator().get_schema(request=None, public=True))


def put_known(caller: Caller, case: Any, path: str, chance: random.Random) -> None:
    """Let most references of a case be of things that are there."""
    for place in (case.path_parameters, case.query, case.body):
        if not isinstance(place, dict):
            continue
        for name in list(place):
            found = caller.known(path, name)
            if found and chance.random() < OWN:
                place[name] = chance.choice(found)


def send(client: Client, case: Any, headers: dict[str, str]) -> Any:
    """Send a case through Django's handler; what is no HTTP is passed over."""
    wire = case.as_transport_kwargs(base_url="http://testserver")
    path = wire["url"].removeprefix("http://testserver")
    sent = {**{str(k): str(v) for k, v in (wire.get("headers") or {}).items()}, **headers}
    options: dict[str, Any] = {
        "headers": {k: v for k, v in sent.items() if k.lower() not in ("cookie", "content-type")}
    }
    query = {k: v for k, v in (wire.get("params") or {}).items() if v is not None}
    if query:
        options["query_params"] = query
    body = wire.get("data") if wire.get("data") is not None else wire.get("json")
    if case.method.upper() not in ("GET", "HEAD"):
        import json

        raw = body if isinstance(body, bytes | str) else json.dumps(body, default=str)
        options |= {"data": raw, "content_type": sent.get("Content-Type", "application/json")}
    return client.generic(case.method.upper(), path, **options)


def judge(report: Report, operation: Any, answer: Any, *, who: str, body: str, meant: bool) -> None:
    """Note what the schema does not say, and what nobody should ever see."""
    report.cases += 1
    status = answer.status_code
    report.statuses[status] += 1
    report.by_caller.setdefault(who, Counter())[status] += 1
    report.meant[status] += meant
    where = f"{operation.method.upper()} {operation.path} as {who}: {status}"
    known = set(operation.definition.raw["responses"])
    if status >= 500:
        report.faults.append(f"server error: {where} {body[:200]}")
    elif str(status) not in known:
        report.faults.append(f"undocumented: {where} {answer.content[:200]!r}")
    elif status >= 400 and (code := _code(answer)) not in _codes(operation, status):
        report.faults.append(f"undocumented code: {where} {code}")
    if who == "stranger" and status < 300 and operation.path not in OPEN:
        report.faults.append(f"ignored authentication: {where}")


def _code(answer: Any) -> str:
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return f"no problem document: {answer.content[:80]!r}"


def _codes(operation: Any, status: int) -> set[str]:
    """Give the codes that the schema names for a status of an operation, by its examples."""
    content = operation.definition.raw["responses"][str(status)].get("content", {})
    return {code for one in content.values() for code in one.get("examples", {})}


def run(callers: dict[str, Caller], *, cases: int, seed: int) -> Report:
    """Try `cases` requests, spread over operations, callers and valid or broken input."""
    report, schema = Report(), load()
    operations = [found.ok() for found in schema.get_all_operations()]
    operations = [one for one in operations if one.path not in BY_HAND and one.path.startswith("/api/v1")]
    random.seed(seed)
    most = max(
        1, cases // len(callers)
    )  # a short run takes some operations, two cases of each for every caller
    operations = random.sample(operations, min(most, len(operations)))
    asked = sum(
        1 if _is_meant(caller, operation) else 0.1 for operation in operations for caller in callers.values()
    )
    each = max(1, math.ceil(cases / asked))
    for operation in operations:
        rooms = {
            mode: operation.as_strategy(generation_mode=mode)
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        }
        for number, (who, caller) in enumerate(callers.items()):
            # at an address that is not meant for a caller, a tenth of the cases is enough to see the door shut
            count = (each + 1) // 2 if _is_meant(caller, operation) else max(each // 20, 1)
            for strategy in rooms.values():
                _draw(report, operation, strategy, who, caller, count, seed + number)
    return report


def _is_meant(caller: Caller, operation: Any) -> bool:
    return not caller.areas or caller.is_meant(operation.path)


def _draw(
    report: Report,
    operation: Any,
    strategy: Any,
    who: str,
    caller: Caller,
    count: int,
    seed: int,
) -> None:
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from hypothesis.errors import Unsatisfiable

    chance = random.Random(f"{seed} {operation.label}")

    @seeded(seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def one(case: Any) -> None:
        from django.core.cache import cache

        cache.clear()  # the rate is not what is tried here
        put_known(caller, case, operation.path, chance)
        try:
            answer = send(caller.client, case, caller.headers)
        except (UnicodeError, ValueError):
            return  # no HTTP client could send this
        judge(report, operation, answer, who=who, body=str(case.body), meant=caller.is_meant(operation.path))

    try:
        one()
    except Unsatisfiable:
        return

"""Throw generated requests at every operation of the schema, as borrower, shop, officer and stranger.

Each answer has a documented status and a documented body, none is a 5xx, and without a log-in or key none is a success.
"""

from __future__ import annotations

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
OPEN = {"/api/v1/quotes"}


@dataclass
class Report:
    """What came of it."""

    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def load() -> Any:
    """Read the schema that the portal serves."""
    from drf_spectacular.generators import SchemaGenerator

    return schemathesis.openapi.from_dict(SchemaGenerator().get_schema(request=None, public=True))


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


def judge(report: Report, operation: Any, answer: Any, *, who: str, body: str) -> None:
    """Note what the schema does not say, and what nobody should ever see."""
    report.cases += 1
    status = answer.status_code
    report.statuses[status] += 1
    where = f"{operation.method.upper()} {operation.path} as {who}: {status}"
    known = set(operation.definition.raw["responses"])
    if status >= 500:
        report.faults.append(f"server error: {where} {body[:200]}")
    elif str(status) not in known:
        report.faults.append(f"undocumented: {where} {answer.content[:200]!r}")
    if who == "stranger" and status < 300 and operation.path not in OPEN:
        report.faults.append(f"ignored authentication: {where}")


def run(callers: dict[str, tuple[Client, dict[str, str]]], *, cases: int, seed: int) -> Report:
    """Try `cases` requests, spread over operations, callers and valid or broken input."""
    report, schema = Report(), load()
    operations = [found.ok() for found in schema.get_all_operations()]
    operations = [one for one in operations if one.path not in BY_HAND and one.path.startswith("/api/v1")]
    random.seed(seed)
    most = max(
        1, cases // (2 * len(callers))
    )  # a short run takes some operations, two cases of each for every caller
    operations = random.sample(operations, min(most, len(operations)))
    each = max(1, -(-cases // (len(operations) * len(callers))))
    for operation in operations:
        rooms = {
            mode: operation.as_strategy(generation_mode=mode)
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        }
        for number, (who, (client, headers)) in enumerate(callers.items()):
            for strategy in rooms.values():
                _draw(report, operation, strategy, who, client, headers, (each + 1) // 2, seed + number)
    return report


def _draw(
    report: Report,
    operation: Any,
    strategy: Any,
    who: str,
    client: Client,
    headers: dict[str, str],
    count: int,
    seed: int,
) -> None:
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from hypothesis.errors import Unsatisfiable

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
        try:
            answer = send(client, case, headers)
        except (UnicodeError, ValueError):
            return  # no HTTP client could send this
        judge(report, operation, answer, who=who, body=str(case.body))

    try:
        one()
    except Unsatisfiable:
        return

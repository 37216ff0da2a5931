"""The schema's promises, held against generated requests: some here, 20,000 by `make fuzz`."""

from __future__ import annotations

import os

import pytest
from django.test import Client

from tests.api.conftest import Scene
from tests.api.fuzz import run
from tests.merchants.shop import make_key, make_merchant

CASES = 20_000 if os.environ.get("DEEP") else 120


@pytest.mark.slow
def test_every_answer_is_documented_and_none_is_our_fault(scene: Scene) -> None:
    key = make_key(make_merchant())[1]
    callers = {}
    for name, user in (("borrower", scene.world.alice), ("officer", scene.world.bob)):
        client = Client(raise_request_exception=False)
        client.force_login(user)
        callers[name] = (client, {})
    callers["shop"] = (Client(raise_request_exception=False), {"Authorization": f"Bearer {key}"})
    callers["stranger"] = (Client(raise_request_exception=False), {})
    report = run(callers, cases=CASES, seed=20261129)
    print(f"{report.cases} cases: {dict(sorted(report.statuses.items()))}")
    assert report.cases >= CASES * 0.8
    assert not report.faults, "\n".join(sorted(set(report.faults))[:40])

"""The schema's promises, held against generated requests: some here, 20,000 by `make fuzz`."""

from __future__ import annotations

import os
from decimal import Decimal

import pytest
from django.conf import settings
from django.test import Client
from django.utils.crypto import get_random_string

from accounts.models import User
from merchants import operations as shops
from merchants.models import Settlement
from tests.api.conftest import Scene
from tests.api.fuzz import Caller, run
from tests.factories import AS_OF, NOW
from tests.merchants.shop import agree, capture, make_checkout, make_key, make_merchant

CASES = int(os.environ.get("FUZZ_CASES", "20000")) if os.environ.get("DEEP") else 100
SEED = int(os.environ.get("FUZZ_SEED", "20261129"))
SHOP = ("shop", "checkouts", "settlements", "webhook-endpoints", "deliveries", "sandbox")


def logged_in(user: User) -> tuple[Client, dict[str, str]]:
    """Log a browser in, with the token against forgery that a real one must show."""
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(user)
    token = get_random_string(32)
    client.cookies[settings.CSRF_COOKIE_NAME] = token
    return client, {"X-CSRFToken": token}


def callers(scene: Scene) -> dict[str, Caller]:
    """Log four people in, and tell what is whose."""
    world = scene.world
    merchant = make_merchant()
    key = make_key(merchant)[1]
    orders = [make_checkout(merchant, Decimal(300)) for _ in range(3)]
    agree(orders[1], scene.line)
    agree(orders[2], scene.line)
    capture(orders[2])
    shops.settle_merchants(as_of=AS_OF, now=NOW)
    endpoint = shops.add_endpoint(
        merchant=merchant, url="https://shop.example/hook", events=["checkout.authorised"], actor=None
    )[0]  # fmt: skip
    own = {
        "lines": [str(scene.line.ref), str(scene.shop_line.ref)],
        "loans": [str(scene.loan.ref), str(scene.shop_loan.ref)],
        "drawdowns": [str(scene.drawdown.ref)],
        "applications": [str(scene.line.application.ref)],
        "limit-changes": [str(row.ref) for row in scene.line.changes.all()],
        "businesses": [str(world.shop.ref)],
        "purchases": [str(orders[0].ref)],
        "borrower": [str(world.alice_person.ref), str(world.shop.ref)],
        "bank_account": [str(world.alice_account.ref)],
    }
    made = {
        "checkouts": [str(row.ref) for row in orders],
        "settlements": [str(ref) for ref in Settlement.objects.values_list("ref", flat=True)],
        "webhook-endpoints": [str(endpoint.ref)],
    }
    people = tuple(dict.fromkeys((
        *own, "me", "consents", "identity", "bank-accounts", "notices", "evidence", "products", "quotes", "repayments",
    )))  # fmt: skip
    borrower, as_borrower = logged_in(world.alice)
    officer, as_officer = logged_in(world.bob)
    return {
        "borrower": Caller(borrower, as_borrower, own, people),
        "officer": Caller(officer, as_officer, own, ("me", "products", "quotes", "notices")),
        "shop": Caller(Client(raise_request_exception=False), {"Authorization": f"Bearer {key}"}, made, SHOP),
        "stranger": Caller(Client(raise_request_exception=False), {}, own | made),
    }


@pytest.mark.slow
def test_every_answer_is_documented_and_none_is_our_fault(scene: Scene) -> None:
    report = run(callers(scene), cases=CASES, seed=SEED)
    print(
        f"{report.cases} cases, {report.past_the_door():.0%} past the door: {dict(sorted(report.statuses.items()))}"
    )
    for who, found in report.by_caller.items():
        print(f"  {who}: {dict(sorted(found.items()))}")
    assert not report.faults, f"{len(report.faults)} faults\n" + "\n".join(sorted(set(report.faults))[:60])
    assert report.cases >= CASES * 0.3, "each operation gave its cases"
    assert CASES < 1000 or report.past_the_door() > 0.5, "most requests came past the door"

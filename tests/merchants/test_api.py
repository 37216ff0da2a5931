"""A shop's computer: keys, signatures, orders over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from credit.models import CreditLine
from merchants import operations
from merchants.models import ApiKey, Capture, Checkout
from tests.merchants.shop import Till, agree, make_checkout, make_key, make_merchant

BODY = {
    "order_id": "2026-0001",
    "amount": "600.00",
    "currency": "CNY",
    "category": "PHONES",
    "description": "Phone, 128 GB",
    "return_url": "https://shop.example/thanks",
    "items": [{"name": "Phone, 128 GB", "quantity": 1, "amount": "600.00"}],
}
NOW = datetime.now(UTC)


def said(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def test_it_refuses_who_shows_no_good_key(merchant: Any) -> None:
    key, text = make_key(merchant)
    for sent in ("", "Bearer", "Bearer lp_test_x", f"Bearer {text}x", f"Bearer {text[:-1]}", f"Basic {text}"):
        answer = Till(text).get("/checkouts", Authorization=sent)
        assert said(answer) in ((401, "key_invalid"), (401, "not_authenticated")), sent
        assert answer["WWW-Authenticate"].startswith("Bearer")
    operations.revoke_key(key=key, actor=None, now=NOW)
    assert said(Till(text).get("/checkouts")) == (401, "key_invalid")
    _expired, text = make_key(merchant, lives=timedelta(days=1), now=NOW - timedelta(days=2))
    assert said(Till(text).get("/checkouts")) == (401, "key_invalid")


def test_a_key_is_shown_once_and_stored_as_a_hash(merchant: Any) -> None:
    key, text = make_key(merchant)
    row = ApiKey.objects.values().get(pk=key.pk)
    assert text not in str(row)
    assert text.rpartition("_")[2] not in str(row)


def test_a_rotated_key_is_good_for_another_day(merchant: Any) -> None:
    key, text = make_key(merchant)
    _new, other = operations.rotate_key(key=key, actor=None, now=NOW)
    assert Till(text).get("/shop").status_code == Till(other).get("/shop").status_code == 200
    ApiKey.objects.filter(pk=key.pk).update(expires_at=NOW - timedelta(seconds=1))
    assert Till(text).get("/shop").status_code == 401
    with pytest.raises(operations.UnableToMakeKey):
        operations.rotate_key(key=key, actor=None, now=NOW)


def test_it_refuses_a_key_without_the_scope(merchant: Any, line: CreditLine) -> None:
    order = agree(make_checkout(merchant), line)
    till = Till(make_key(merchant, scopes=("read",))[1])
    assert till.get(f"/checkouts/{order.ref}").status_code == 200
    assert said(till.post("/checkouts", BODY)) == (403, "scope_missing")
    assert said(till.post(f"/checkouts/{order.ref}/captures", {"currency": "CNY"}, key="k")) == (
        403,
        "scope_missing",
    )
    assert not Capture.objects.exists()


def test_another_shops_order_is_not_there(line: CreditLine) -> None:
    order = agree(make_checkout(make_merchant()), line)
    till = Till(make_key(make_merchant(name="Another"))[1])
    for path in ("", "/captures", "/refunds"):
        assert said(till.get(f"/checkouts/{order.ref}{path}")) == (404, "not_found")
    for path in ("/captures", "/refunds"):
        assert said(till.post(f"/checkouts/{order.ref}{path}", {"currency": "CNY"}, key="k")) == (
            404,
            "not_found",
        )
    for path in ("/void", "/cancel"):
        assert said(till.post(f"/checkouts/{order.ref}{path}", {})) == (404, "not_found")
    assert till.get("/checkouts").json()["results"] == []
    assert not Capture.objects.exists()


@pytest.mark.parametrize("skew", [-360, 360, 10**11])
def test_it_refuses_a_clock_that_is_six_minutes_off(merchant: Any, skew: int) -> None:
    till = Till(make_key(merchant, needs_signature=True)[1], signs=True, skew=skew)
    assert said(till.post("/checkouts", BODY)) in ((401, "signature_expired"), (401, "signature_invalid"))
    assert not Checkout.objects.exists()


def test_it_refuses_a_signature_that_is_missing_replayed_or_of_another_request(merchant: Any) -> None:
    till = Till(make_key(merchant, needs_signature=True)[1], signs=True)
    assert said(Till(till.text).post("/checkouts", BODY)) == (401, "signature_required")
    header = till.sign("post", "/api/v1/checkouts", b"{}")
    assert said(till.post("/checkouts", BODY, **{"X-Signature": header})) == (401, "signature_invalid")
    for wrong in ("", "t=1", "v1=" + "0" * 64, header.upper(), header + "," + header):
        assert said(till.post("/checkouts", BODY, **{"X-Signature": wrong})) == (401, "signature_invalid")
    import json

    raw = json.dumps(BODY).encode()
    good = till.sign("post", "/api/v1/checkouts", raw)
    elsewhere = till.sign("get", "/api/v1/checkouts", raw)
    assert said(till.post("/checkouts", raw, **{"X-Signature": elsewhere})) == (401, "signature_invalid")
    assert till.post("/checkouts", raw, **{"X-Signature": good}).status_code == 201
    assert said(till.post("/checkouts", raw, **{"X-Signature": good})) == (401, "signature_replayed")
    assert till.post("/checkouts", raw).status_code == 201
    assert Checkout.objects.count() == 1


@pytest.mark.parametrize("signs", [False, True])
def test_it_refuses_five_megabytes(merchant: Any, signs: bool) -> None:
    till = Till(make_key(merchant)[1], signs=signs)
    assert said(till.post("/checkouts", {**BODY, "description": "x" * 5_000_000})) == (413, "too_large")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"amount": 600}, 400, "amount_invalid"),
        ({"amount": "6e2"}, 400, "amount_invalid"),
        ({"amount": "0"}, 400, "amount_invalid"),
        ({"amount": "-5.00"}, 400, "amount_invalid"),
        ({"currency": "USD"}, 400, "currency_invalid"),
        ({"status": "AUTHORISED"}, 400, "unknown_field"),
        ({"fee_rate": "0"}, 400, "unknown_field"),
        ({"category": "CLINIC"}, 400, "category_invalid"),
        ({"return_url": "https://evil.example/"}, 400, "return_url_unknown"),
        ({"order_id": "x" * 65}, 400, "order_id_invalid"),
        ({"order_id": "x" * 301}, 400, "too_long"),
        ({"items": [{"name": "a", "quantity": 0, "amount": "1.00"}]}, 400, "quantity_invalid"),
        ({"items": [{"name": "a", "quantity": 1, "amount": "1.00", "x": 1}]}, 400, "unknown_field"),
        ({"items": "a"}, 400, None),
    ],
)
def test_it_refuses_an_order_that_is_not_in_form(
    till: Till, change: Any, status: int, code: str | None
) -> None:
    answer = till.post("/checkouts", {**BODY, **change})
    assert answer.status_code == status
    assert code is None or answer.json()["code"] == code
    assert answer["Content-Type"] == "application/problem+json"
    assert not Checkout.objects.exists()


def test_the_whole_way(merchant: Any, till: Till, line: CreditLine) -> None:
    made = till.post("/checkouts", BODY)
    assert made.status_code == 201
    order = made.json()
    assert till.post("/checkouts", BODY).json()["ref"] == order["ref"]
    assert said(till.post("/checkouts", {**BODY, "amount": "700.00"})) == (422, "order_id_reused")
    path = f"/checkouts/{order['ref']}"
    assert said(till.post(path + "/captures", {"currency": "CNY"}, key="c1")) == (
        409,
        "checkout_not_authorised",
    )
    row = Checkout.objects.get()
    agree(row, line, now=row.created_at)
    assert till.get(path).json()["plan"] == {
        "instalment_count": 6,
        "zero_interest": False,
        "subvention_rate": "0.0000",
    }
    assert said(till.post(path + "/captures", {"currency": "CNY"})) == (400, "idempotency_key_required")
    assert said(till.post(path + "/captures", {"currency": "CNY"}, key="x" * 65)) == (
        400,
        "idempotency_key_invalid",
    )
    taken = till.post(path + "/captures", {"amount": "400.00", "currency": "CNY"}, key="c1")
    assert (taken.status_code, taken.json()["net"]) == (201, "392.00")
    again = till.post(path + "/captures", {"amount": "400.00", "currency": "CNY"}, key="c1")
    assert again.json() == taken.json()
    assert said(till.post(path + "/captures", {"amount": "300.00", "currency": "CNY"}, key="c2")) == (
        409,
        "capture_exceeds_authorisation",
    )
    assert till.post(path + "/void", {}).json()["released"] == "200.00"
    assert said(till.post(path + "/cancel", {}))[0] == 409
    back = till.post(path + "/refunds", {"amount": "50.00", "currency": "CNY", "reason": "late"}, key="r1")
    assert (back.status_code, back.json()["fee_returned"]) == (201, "1.00")
    assert said(till.post(path + "/refunds", {"amount": "350.01", "currency": "CNY"}, key="r2")) == (
        409,
        "refund_exceeds_capture",
    )
    assert [item["amount"] for item in till.get(path + "/captures").json()] == ["400.00"]
    operations.settle_merchants(as_of=Capture.objects.get().captured_date, now=NOW)
    [paid] = till.get("/settlements").json()["results"]
    assert paid["net"] == "343.00"
    parts = till.get(f"/settlements/{paid['ref']}").json()
    assert (len(parts["captures"]), len(parts["refunds"])) == (1, 1)


def test_refusals_speak_the_callers_language(merchant: Any) -> None:
    till = Till(make_key(merchant)[1], language="zh-hans")
    assert "商户" in till.post("/checkouts", {**BODY, "category": "CLINIC"}).json()["detail"]


def test_a_buyers_app_sees_plans_and_agrees(merchant: Any, till: Till, line: CreditLine) -> None:
    from tests.api.conftest import Caller
    from tests.credit.factories import account_of

    ref = till.post("/checkouts", BODY).json()["ref"]
    buyer = Caller(line.borrower.user)
    seen = buyer.get(f"/purchases/{ref}").json()
    assert [plan["instalment_count"] for plan in seen["plans"]]
    chosen = seen["plans"][0]
    body = {
        "borrower": str(line.borrower.ref),
        "instalment_count": chosen["instalment_count"],
        "zero_interest": False,
        "bank_account": str(account_of(line.borrower).ref),
        "terms_version": "old@0",
    }
    refused = buyer.post(f"/purchases/{ref}/agree", body)
    assert said(refused) == (409, "terms_outdated")
    done = buyer.post(f"/purchases/{ref}/agree", {**body, "terms_version": chosen["terms_version"]})
    assert (done.status_code, done.json()["status"]) == (200, "AUTHORISED")
    assert Caller(make_checkout_stranger()).get(f"/purchases/{ref}").status_code == 404


def make_checkout_stranger() -> Any:
    from tests.credit.factories import make_person

    return make_person().user

"""Every address of the API, for a stranger, for a viewer, without a log-in, without the token: nothing is told."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.api import PortalView
from accounts.models import BusinessMember
from credit.models import Application, LimitChange
from loans.models import Collection
from loans.operations import start_collection
from merchants.api.keys import MerchantView
from tests.api.conftest import API, Caller, Scene, draw_body
from tests.factories import AS_OF

UPLOAD = object()  # a body that is a form with a file


def patterns(found: Any, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in found:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry.url_patterns, path)
        elif path.startswith("api/v1/"):
            yield path.removeprefix("api/v1"), entry


ROUTES = sorted(patterns(get_resolver().url_patterns), key=lambda row: row[0])


def verbs() -> list[tuple[str, str]]:
    return [
        (path, method)
        for path, entry in ROUTES
        for method in ("get", "post", "put", "patch", "delete")
        if hasattr(entry.callback.view_class, method)  # type: ignore[attr-defined]
    ]


EVERY = verbs()
# addresses of shops take a key and no log-in: tests/merchants/test_api.py asks them as another shop
OF_SHOPS = {path for path, entry in ROUTES if issubclass(entry.callback.view_class, MerchantView)}  # type: ignore[attr-defined]
VERBS = [row for row in EVERY if row[0] not in OF_SHOPS]


def a_collection(scene: Scene) -> Collection:
    return start_collection(
        loan_id=scene.loan.pk,
        amount=scene.loan.next_due_amount,
        choice=None,
        idempotency_key=uuid.uuid4().hex,
        bank_account_id=scene.world.alice_account.pk,
        actor=scene.world.alice,
        as_of=AS_OF,
    )


def refs(scene: Scene) -> dict[str, uuid.UUID]:
    """Name Alice's object of each address."""
    application = Application.objects.get(lines=scene.line)
    return {
        "applications": application.ref,
        "limit-changes": LimitChange.objects.filter(line=scene.line).latest("pk").ref,
        "lines": scene.line.ref,
        "drawdowns": scene.drawdown.ref,
        "loans": scene.loan.ref,
        "repayments": a_collection(scene).ref,
        "businesses": scene.world.shop.ref,
    }


def address(path: str, known: dict[str, uuid.UUID], scene: Scene) -> str:
    room = path.split("/")[1]
    member = BusinessMember.objects.filter(business=scene.world.shop).earliest("pk").ref
    return path.replace("<uuid:ref>", str(known.get(room, uuid.uuid4()))).replace(
        "<uuid:member_ref>", str(member)
    ).replace("<int:sequence>", "1") + ("?" + QUERIES[path] if path in QUERIES else "")


QUERIES = {
    "/lines/<uuid:ref>/quote": "amount=500.00&scenario=EVERYDAY&repayment_method=EQUAL_INSTALMENT&instalment_count=12",
    "/loans/<uuid:ref>/prepayment": "amount=100.00",
    "/quotes": "amount=500.00&annual_rate=0.1&repayment_method=BULLET&instalment_count=3",
}


def bodies(scene: Scene, borrower: uuid.UUID) -> dict[str, Any]:
    """Give a valid body of each write, for a borrower who is not the caller's."""
    of = {"borrower": str(borrower)}
    account = str(scene.world.alice_account.ref)
    return {
        "/consents": {**of, "purpose": "MARKETING", "text_version": "2026-11-01"},
        "/consents/withdraw": {**of, "purpose": "BANK"},
        "/identity": {
            **of,
            "document": "PASSPORT",
            "full_name": "Al Ice",
            "number": "E12345678",
            "birth_date": "1990-01-01",
        },
        "/bank-accounts": {**of, "bank_name": "Bank", "holder_name": "Al Ice", "number": "12345678"},
        "/notices/read": of,
        "/calendar": of,
        "/calendar/revoke": of,
        "/evidence/sandbox-person": {**of, "persona": "steady"},
        "/applications": {**of, "product": "everyday", "requested_amount": "5000.00", "purpose": "RENT"},
        "/businesses/<uuid:ref>/members": {"login": "charlie@example.com", "role": "OWNER"},
        "/lines/<uuid:ref>/auto-debit": {"is_on": True},
        "/lines/<uuid:ref>/drawdowns": draw_body(scene),
        "/loans/<uuid:ref>/repayments": {"amount": "10.00", "currency": "CNY", "bank_account": account},
    }


def send(caller: Caller, method: str, path: str, body: Any) -> Any:
    if path.startswith("/evidence") and method == "post" and "sandbox" not in path:
        form = {"borrower": body["borrower"], "kind": "BANK_CSV"}
        return caller.client.post(API + path, form)
    return caller.send(
        method, path, body if method != "get" else None, **{"Idempotency-Key": uuid.uuid4().hex}
    )


def test_every_address_is_of_the_one_kind() -> None:
    assert len(ROUTES) >= 30
    for path, entry in ROUTES:
        assert issubclass(entry.callback.view_class, PortalView), path  # type: ignore[attr-defined]


LEAKS = ("alice", "Bank of the Lake", "1200.00", "20000.00", "Noodles", "50000.00", "3000.00")
OPEN_TO_ALL = {
    ("/me", "get"), ("/quotes", "get"), ("/businesses", "post"), ("/products", "get"), ("/consents", "get"),
    ("/bank-accounts", "get"), ("/applications", "get"), ("/lines", "get"), ("/loans", "get"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "method"), VERBS)
def test_a_stranger_finds_nothing(scene: Scene, path: str, method: str) -> None:
    known = refs(scene)
    for borrower in (scene.world.alice_person.ref, scene.world.shop.ref):
        body = bodies(scene, borrower).get(path, {})
        if path in ("/evidence",) and method == "post":
            body = {"borrower": str(borrower)}
        where = address(path, known, scene)
        if "<uuid" not in path and method == "get" and path not in QUERIES and path != "/me":
            where += f"?borrower={borrower}"
        answer = send(Caller(scene.world.charlie), method, where, body)
        text = answer.content.decode()
        if (path, method) in OPEN_TO_ALL and "borrower=" not in where:
            assert answer.status_code in (200, 400), text
        elif path == "/evidence" and method == "post":
            assert answer.status_code in (400, 404), text
        else:
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), text
        if path != "/quotes":
            assert not any(leak in text for leak in LEAKS), text


@pytest.mark.parametrize("path", ["/consents", "/bank-accounts", "/applications", "/lines", "/loans"])
def test_a_stranger_s_lists_are_his_own(scene: Scene, path: str) -> None:
    answer = Caller(scene.world.charlie).get(path)
    assert answer.status_code == 200
    assert not any(leak in answer.content.decode() for leak in LEAKS)


# what a viewer of a business may do besides reading
READING = {
    ("/notices/read", "post"), ("/businesses", "post"), ("/calendar", "post"), ("/calendar/revoke", "post"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "method"), [row for row in VERBS if row not in READING and row[1] != "get"])
def test_a_viewer_changes_nothing(scene: Scene, path: str, method: str) -> None:
    shop = scene.world.shop
    known = {
        **refs(scene),
        "applications": Application.objects.get(lines=scene.shop_line).ref,
        "limit-changes": LimitChange.objects.filter(line=scene.shop_line).latest("pk").ref,
        "lines": scene.shop_line.ref,
        "loans": scene.shop_loan.ref,
    }
    body = bodies(scene, shop.ref).get(path, {})
    vic = Caller(scene.world.vic)
    if path == "/evidence":
        from django.core.files.uploadedfile import SimpleUploadedFile

        form = {
            "borrower": str(shop.ref),
            "kind": "BANK_CSV",
            "file": SimpleUploadedFile("a.csv", b"date,amount\n"),
        }
        answer = vic.client.post(API + path, form)
    else:
        answer = send(vic, method, address(path, known, scene), body)
    assert answer.status_code in (403, 404), (path, answer.content)
    assert answer.json()["code"] in ("role_not_allowed", "not_found")


def test_a_viewer_reads(scene: Scene) -> None:
    vic = Caller(scene.world.vic)
    shop = scene.world.shop.ref
    assert [row["role"] for row in vic.get("/me").json()["borrowers"]] == ["SELF", "VIEWER"]
    assert vic.get(f"/lines/{scene.shop_line.ref}").json()["limit"] == "50000.00"
    assert vic.get(f"/loans/{scene.shop_loan.ref}").status_code == 200
    assert len(vic.get(f"/businesses/{shop}/members").json()) == 3
    assert [row["role"] for row in vic.get("/me").json()["borrowers"] if row["ref"] == str(shop)] == [
        "VIEWER"
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "method"), EVERY)
def test_without_a_log_in_nothing_is_answered(path: str, method: str) -> None:
    where = path.replace("<int:sequence>", "1")
    for name in ("<uuid:ref>", "<uuid:member_ref>"):
        where = where.replace(name, str(uuid.uuid4()))
    answer = Caller(None).send(method, where, {} if method != "get" else None)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert answer["WWW-Authenticate"]


@pytest.mark.parametrize(("path", "method"), [row for row in VERBS if row[1] != "get"])
def test_a_write_shows_the_session_s_token(scene: Scene, path: str, method: str) -> None:
    alice = Caller(scene.world.alice, enforce_csrf_checks=True)
    known = refs(scene)
    answer = send(alice, method, address(path, known, scene), {"borrower": str(scene.world.alice_person.ref)})
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed"), answer.content
    assert answer.json()["detail"] == "Your page expired. Reload and try again."


def test_with_the_token_it_is_taken(scene: Scene) -> None:
    client = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
    client.force_login(scene.world.alice)
    token = client.get(f"{API}/me").cookies["csrftoken"].value
    body = json.dumps({"is_on": True})
    path = f"{API}/lines/{scene.line.ref}/auto-debit"
    foreign = client.post(path, body, content_type="application/json", headers={"X-CSRFToken": "x" * 32})
    assert foreign.status_code == 403
    answer = client.post(path, body, content_type="application/json", headers={"X-CSRFToken": token})
    assert answer.status_code == 200, answer.content


def test_one_may_not_pay_from_another_s_account_nor_draw_to_it(scene: Scene, alice: Caller) -> None:
    theirs = str(scene.world.shop_account.ref)
    drawn = alice.post(f"/lines/{scene.line.ref}/drawdowns", draw_body(scene, bank_account=theirs), key="a")
    assert (drawn.status_code, drawn.json()["code"]) == (404, "not_found")
    body = {"amount": "10.00", "currency": "CNY", "bank_account": theirs}
    paid = alice.post(f"/loans/{scene.loan.ref}/repayments", body, key="a")
    assert (paid.status_code, paid.json()["code"]) == (404, "not_found")


def test_one_hat_is_not_worn_for_the_other(scene: Scene) -> None:
    """Dora acts for her shop and for herself; the shop's line does not pay into her own account."""
    from tests.factories import BankAccountFactory

    own = BankAccountFactory(borrower=scene.world.dora_person, holder_name="Dora Li")
    body = draw_body(
        scene,
        scenario="WORKING_CAPITAL",
        purpose="STOCK",
        terms_version="working-capital@1",
        bank_account=str(own.ref),
    )
    answer = Caller(scene.world.dora).post(f"/lines/{scene.shop_line.ref}/drawdowns", body, key="a")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

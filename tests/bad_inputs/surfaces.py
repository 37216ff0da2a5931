"""The doors at which bad input is tried: the API's addresses and the pages' forms, each with a body that passes."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from tests.api.conftest import API, Scene, draw_body
from tests.factories import PASSWORD, card_number, prc_id, uscc


@dataclass(frozen=True)
class Surface:
    """One door: who knocks, where, how the body travels, and a body that is let in."""

    path: Callable[[Scene], str]
    body: Callable[[Scene], dict[str, Any]] = lambda _scene: {}
    who: str = "alice"
    method: str = "post"
    way: str = "json"  # json, form, query or file
    keyed: bool = False
    is_page: bool = False


def _person(scene: Scene, who: str) -> str:
    return str(getattr(scene.world, who).borrower.ref)


def _identity(scene: Scene) -> dict[str, Any]:
    return {"document": "PRC_ID", "full_name": "王小明", "number": prc_id()}


def _bank(scene: Scene) -> dict[str, Any]:
    return {"bank_name": "Bank of the Lake", "holder_name": "Alice Wong", "number": card_number()}


def _business(scene: Scene) -> dict[str, Any]:
    return {
        "legal_name": "Corner Noodles",
        "uscc": uscc(),
        "industry": "CATERING",
        "founded_date": "2020-05-01",
    }


def _application(scene: Scene) -> dict[str, Any]:
    return {"requested_amount": "5000.00", "purpose": "RENT", "occupation": "EMPLOYED"}


def _repayment(scene: Scene) -> dict[str, Any]:
    return {"amount": "100.00", "bank_account": str(scene.world.alice_account.ref)}


def _member(scene: Scene) -> dict[str, Any]:
    return {"login": "charlie@example.com", "role": "FINANCE"}


def _draw_page(scene: Scene) -> dict[str, Any]:
    body = draw_body(scene)
    return {name: value for name, value in body.items() if name not in ("currency", "terms_version")}


def _evidence(scene: Scene) -> dict[str, Any]:
    statement = SimpleUploadedFile("statement.csv", b"date,amount,memo\n2026-01-01,10.00,x\n")
    return {"borrower": _person(scene, "alice"), "kind": "BANK_CSV", "file": statement}


def _of(ref: Callable[[Scene], Any], tail: str, prefix: str = API) -> Callable[[Scene], str]:
    return lambda scene: prefix + tail.replace("@", str(ref(scene)))


def line(scene: Scene) -> Any:
    return scene.line.ref


def loan(scene: Scene) -> Any:
    return scene.loan.ref


def application(scene: Scene) -> Any:
    return scene.line.application.ref


def shop(scene: Scene) -> Any:
    return scene.world.shop.ref


def fay(scene: Scene) -> Any:
    return scene.world.fay.borrower.ref


def alice(scene: Scene) -> Any:
    return scene.world.alice_person.ref


SURFACES: dict[str, Surface] = {
    # the API
    "api.me": Surface(lambda _s: f"{API}/me", method="get"),
    "api.consent": Surface(
        lambda _s: f"{API}/consents",
        lambda s: {"borrower": _person(s, "alice"), "purpose": "MARKETING", "text_version": "2026-11-01"},
    ),
    "api.consent-withdraw": Surface(
        lambda _s: f"{API}/consents/withdraw", lambda s: {"borrower": _person(s, "alice"), "purpose": "BANK"}
    ),
    "api.consents": Surface(lambda _s: f"{API}/consents", method="get"),
    "api.identity": Surface(
        lambda _s: f"{API}/identity", lambda s: {"borrower": _person(s, "fay"), **_identity(s)}, who="fay"
    ),
    "api.bank": Surface(
        lambda _s: f"{API}/bank-accounts", lambda s: {"borrower": _person(s, "alice"), **_bank(s)}
    ),
    "api.business": Surface(lambda _s: f"{API}/businesses", _business),
    "api.member": Surface(_of(shop, "/businesses/@/members"), _member, who="dora"),
    "api.notices": Surface(lambda s: f"{API}/notices?borrower={_person(s, 'alice')}", method="get"),
    "api.evidence": Surface(lambda _s: f"{API}/evidence", _evidence, way="file"),
    "api.products": Surface(lambda _s: f"{API}/products", method="get"),
    "api.apply": Surface(
        lambda _s: f"{API}/applications",
        lambda s: {"borrower": _person(s, "alice"), "product": "everyday", **_application(s)},
    ),
    "api.applications": Surface(lambda _s: f"{API}/applications", method="get"),
    "api.withdraw": Surface(_of(application, "/applications/@/withdraw")),
    "api.review": Surface(_of(application, "/applications/@/review")),
    "api.lines": Surface(lambda _s: f"{API}/lines", method="get"),
    "api.line": Surface(_of(line, "/lines/@"), method="get"),
    "api.accept": Surface(_of(line, "/lines/@/accept")),
    "api.freeze": Surface(_of(line, "/lines/@/freeze")),
    "api.unfreeze": Surface(_of(line, "/lines/@/unfreeze")),
    "api.auto-debit": Surface(_of(line, "/lines/@/auto-debit"), lambda _s: {"is_on": True}),
    "api.quote": Surface(
        _of(line, "/lines/@/quote"),
        lambda _s: {
            "amount": "500.00",
            "scenario": "EVERYDAY",
            "repayment_method": "BULLET",
            "instalment_count": "12",
        },
        method="get",
        way="query",
    ),
    "api.draw": Surface(_of(line, "/lines/@/drawdowns"), draw_body, keyed=True),
    "api.drawdowns": Surface(_of(line, "/lines/@/drawdowns"), method="get"),
    "api.loans": Surface(lambda _s: f"{API}/loans", method="get"),
    "api.loan": Surface(_of(loan, "/loans/@"), method="get"),
    "api.payoff": Surface(_of(loan, "/loans/@/payoff"), method="get"),
    "api.repay": Surface(
        _of(loan, "/loans/@/repayments"), lambda s: {**_repayment(s), "currency": "CNY"}, keyed=True
    ),
    "api.any-quote": Surface(
        lambda _s: f"{API}/quotes",
        lambda _s: {
            "amount": "500.00",
            "annual_rate": "0.18",
            "repayment_method": "EQUAL_INSTALMENT",
            "instalment_count": "12",
        },
        method="get",
        way="query",
    ),
    # the pages
    "page.sign-up": Surface(
        lambda _s: "/accounts/signup/",
        lambda _s: {"login": f"{uuid.uuid4().hex[:8]}@example.com", "password1": PASSWORD},
        who="nobody",
        way="form",
        is_page=True,
    ),
    "page.log-in": Surface(
        lambda _s: "/accounts/login/",
        lambda _s: {"login": "alice@example.com", "password": PASSWORD},
        who="nobody",
        way="form",
        is_page=True,
    ),
    "page.identity": Surface(
        _of(fay, "/for/@/identity/", ""), _identity, who="fay", way="form", is_page=True
    ),
    "page.bank": Surface(_of(alice, "/for/@/banks/", ""), _bank, way="form", is_page=True),
    "page.business": Surface(lambda _s: "/business/new/", _business, way="form", is_page=True),
    "page.member": Surface(_of(shop, "/for/@/members/", ""), _member, who="dora", way="form", is_page=True),
    "page.apply": Surface(
        _of(alice, "/for/@/apply/", ""),
        lambda s: {"product_code": "everyday", **_application(s)},
        way="form",
        is_page=True,
    ),
    "page.draw": Surface(
        _of(line, "/lines/@/draw/cost/", ""), _draw_page, method="get", way="query", is_page=True
    ),
    "page.repay": Surface(
        _of(loan, "/loans/@/repay/", ""),
        lambda s: {**_repayment(s), "part": "PART", "choice": "PAY_AHEAD", "key": str(uuid.uuid4())},
        way="form",
        is_page=True,
    ),
    "page.hardship": Surface(
        _of(loan, "/loans/@/hardship/", ""),
        lambda _s: {"reason": "JOB", "wish": "LOWER"},
        way="form",
        is_page=True,
    ),
    "page.contact": Surface(
        _of(alice, "/for/@/contact/", ""), lambda _s: {"channel": "SMS"}, way="form", is_page=True
    ),
    "page.prepay": Surface(
        _of(loan, "/loans/@/prepay/", ""),
        lambda _s: {"amount": "100.00"},
        method="get",
        way="query",
        is_page=True,
    ),
    "page.cap": Surface(
        _of(line, "/lines/@/control/", ""), lambda _s: {"act": "cap", "cap": "5000"}, way="form", is_page=True
    ),
    "page.rule": Surface(
        _of(shop, "/for/@/members/rule/", ""),
        lambda _s: {"above": "500"},
        who="dora",
        way="form",
        is_page=True,
    ),
    "page.licence": Surface(
        _of(shop, "/for/@/licence/", ""),
        lambda _s: {"file": SimpleUploadedFile("licence.pdf", b"%PDF-1.7\n")},
        who="dora",
        way="form",
        is_page=True,
    ),
    "page.calculator": Surface(
        lambda _s: "/calculator/",
        lambda _s: {"amount": "1000", "annual_rate": "14.4", "fee": "0", "count": "12", "method": "BULLET"},
        who="nobody",
        method="get",
        way="query",
        is_page=True,
    ),
}

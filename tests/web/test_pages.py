"""Every page: there in both languages, only its owner's, light, and within the content policy."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from credit import operations
from loans import operations as loan_operations
from tests.loans.factories import confirm
from tests.web.conftest import AS_OF, Scene, signed_in
from tests.web.pages import read, words
from tests.web.places import PUBLIC, candidates

STATIC = Path(__file__).parents[2] / "static"
CHINESE = re.compile(r"[一-鿿]")


@pytest.fixture
def pages(scene: Scene, alice: Client) -> dict[str, str]:
    """Every page of Alice's, who has a line, a loan with a payment, and an application."""
    account = scene.world.alice_account
    drawn = operations.draw_down(
        line_id=scene.line.pk,
        amount=Decimal("6000.00"),
        instalment_count=12,
        repayment_method="EQUAL_INSTALMENT",
        purpose="DAILY_GOODS",
        scenario="EVERYDAY",
        terms_version="",
        bank_account_id=account.pk,
        idempotency_key="pages",
        actor=scene.world.alice,
        as_of=AS_OF,
    )
    loan = confirm(drawn.loan, as_of=AS_OF)
    paid = loan_operations.start_collection(
        loan_id=loan.pk,
        amount=Decimal("100.00"),
        choice=None,
        idempotency_key="pages",
        bank_account_id=account.pk,
        actor=None,
        as_of=AS_OF,
    )
    refs = {
        "borrower": scene.world.alice_person.ref,
        "line": scene.line.ref,
        "loan": loan.ref,
        "drawdown": drawn.ref,
        "collection": paid.ref,
        "application": scene.line.application.ref,
    }
    return {
        name: address
        for name, address in candidates(refs)
        if (answer := alice.get(address)).status_code == 200
        and answer["Content-Type"].startswith("text/html")
    }


def private(pages: dict[str, str]) -> dict[str, str]:
    """Give those pages that are somebody's."""
    return {name: address for name, address in pages.items() if re.search(r"[0-9a-f]{8}-", address)}


def check_markup(content: bytes, name: str) -> None:
    """Hold a page against the content policy and against what a screen reader needs."""
    page = read(content)
    assert not page.styles, (name, page.styles)
    assert not page.handlers, (name, page.handlers)
    assert not page.inline_scripts, name
    assert not page.outside, (name, page.outside)
    unlabelled = [field for _tag, field in page.fields if field not in page.labels]
    assert not unlabelled, (name, unlabelled)
    assert len(page.ids) == len(set(page.ids)), (name, sorted(page.ids))
    assert page.headings.count(1) == 1, (name, page.headings)
    assert all(b - a <= 1 for a, b in zip(page.headings, page.headings[1:], strict=False)), (
        name,
        page.headings,
    )
    assert b'<html lang="' in content
    assert b'class="skip"' in content or name in (
        "/offline/",
        "accounts:offline",
    )  # a page with nothing to skip


@pytest.mark.parametrize("address", PUBLIC)
@pytest.mark.django_db
def test_public_pages_stand_in_both_languages(address: str) -> None:
    for language in ("en", "zh-hans"):
        answer = Client(headers={"accept-language": language}).get(address)
        assert answer.status_code == 200
        check_markup(answer.content, address)
        if address == "/offline/":
            continue  # one page for both
        assert bool(CHINESE.search(words(answer.content).replace("中文", ""))) == (language == "zh-hans"), (
            address
        )


def test_a_borrowers_pages_stand_in_both_languages(alice: Client, pages: dict[str, str]) -> None:
    assert len(pages) >= 25, sorted(pages)
    for name, address in pages.items():
        for language in ("en", "zh-hans"):
            alice.cookies["django_language"] = language
            answer = alice.get(address)
            assert answer.status_code == 200, (name, answer.status_code)
            check_markup(answer.content, name)
            text = words(answer.content).replace("中文", "")
            if language == "en" and name != "accounts:offline":
                assert not CHINESE.search(text), (name, CHINESE.findall(text)[:20])
            if name in private(pages):
                assert answer["Cache-Control"].find("no-store") >= 0, name


def test_a_borrowers_pages_are_nobody_elses(scene: Scene, pages: dict[str, str]) -> None:
    charlie, nobody = signed_in(scene.world.charlie), Client()
    for name, address in private(pages).items():
        assert charlie.get(address).status_code == 404, name
        assert charlie.post(address).status_code in (404, 405), name
        answer = nobody.get(address)
        assert answer.status_code == 302, name
        assert "/accounts/login/" in answer.url, name


def test_pages_ask_the_database_at_most_twelve_times(
    scene: Scene, alice: Client, pages: dict[str, str]
) -> None:
    asked = "scenario=EVERYDAY&amount=6000&instalment_count=12"
    signed = f"{asked}&repayment_method=EQUAL_INSTALMENT&purpose=DAILY_GOODS&bank_account={scene.world.alice_account.ref}"
    more = {
        "compared": f"{pages['credit:draw']}?{asked}",
        "cost": f"{pages['credit:draw']}cost/?{signed}",
        "prepay-compared": f"{pages['loans:prepay']}?amount=2000",
    }
    for name, address in (pages | more).items():
        assert alice.get(address).status_code == 200, name
        with CaptureQueriesContext(connection) as found:
            alice.get(address)
        assert len(found) <= 12, f"{name}: {len(found)}\n" + "\n".join(row["sql"][:150] for row in found)


def served(address: str) -> Iterator[int]:
    for found in re.findall(r'(?:href|src)="/static/([^"#]+)"', address):
        path = STATIC / found
        if not path.exists():
            from django.contrib.staticfiles import finders

            path = Path(str(finders.find(found)))
        if path.suffix in {".css", ".js", ".svg"}:
            yield len(gzip.compress(path.read_bytes()))


def test_a_page_with_style_and_script_is_under_sixty_kilobytes(alice: Client, pages: dict[str, str]) -> None:
    for name, address in pages.items():
        content = alice.get(address).content  # as it is sent; only files of style and script go out packed
        total = len(content) + sum(served(content.decode()))
        assert total < 60_000, (name, total)


def test_a_missing_page_and_a_missing_token_are_said_kindly(scene: Scene) -> None:
    answer = Client(headers={"accept-language": "en"}).get("/loans/00000000-0000-4000-8000-000000000000/")
    assert answer.status_code == 302
    lost = Client(headers={"accept-language": "zh-hans"}).get("/no-such-page/")
    assert lost.status_code == 404
    assert "这里没有内容" in words(lost.content)
    strict = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
    refused = strict.post("/language/", {"language": "en"})
    assert refused.status_code == 403
    assert "Your page expired" in words(refused.content)


def test_the_policy_of_content_allows_nothing_inline_and_nobody_else(scene: Scene, alice: Client) -> None:
    policy = alice.get(reverse("credit:home", args=[scene.world.alice_person.ref]))["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    for part in (
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ):
        assert part in policy

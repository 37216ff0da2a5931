"""Every page: there in both languages, only its owner's, light, and within the content policy."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.web.conftest import Scene, signed_in
from tests.web.pages import read, words

STATIC = Path(__file__).parents[2] / "static"
PUBLIC = ["/", "/calculator/", "/accounts/login/", "/accounts/signup/", "/style/"]
CHINESE = re.compile(r"[一-鿿]")


def own(scene: Scene) -> dict[str, str]:
    """Name every page of Alice's."""
    ref, line = scene.world.alice_person.ref, scene.line.ref
    return {
        "home": reverse("credit:home", args=[ref]),
        "apply": reverse("credit:apply", args=[ref]),
        "history": reverse("credit:history", args=[line]),
        "draw": reverse("credit:draw", args=[line]),
        "loans": reverse("loans:list", args=[ref]),
        "evidence": reverse("risk:evidence", args=[ref]),
        "identity": reverse("accounts:identity", args=[ref]),
        "consents": reverse("accounts:consents", args=[ref]),
        "banks": reverse("accounts:banks", args=[ref]),
        "notices": reverse("accounts:notices", args=[ref]),
    }


ALSO = {"settings": "/settings/", "switch": "/switch/", "business": "/business/new/", "mfa": "/accounts/2fa/"}


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
    assert b'class="skip"' in content


@pytest.mark.parametrize("address", PUBLIC)
@pytest.mark.django_db
def test_public_pages_stand_in_both_languages(address: str) -> None:
    for language in ("en", "zh-hans"):
        answer = Client(headers={"accept-language": language}).get(address)
        assert answer.status_code == 200
        check_markup(answer.content, address)
        assert bool(CHINESE.search(words(answer.content).replace("中文", ""))) == (language == "zh-hans"), (
            address
        )


def test_a_borrowers_pages_stand_in_both_languages(scene: Scene, alice: Client) -> None:
    for name, address in {**own(scene), **ALSO}.items():
        for language in ("en", "zh-hans"):
            alice.cookies["django_language"] = language
            answer = alice.get(address)
            assert answer.status_code == 200, (name, answer.status_code)
            check_markup(answer.content, name)
            text = words(answer.content).replace("中文", "")
            if language == "en":
                assert not CHINESE.search(text), (name, CHINESE.findall(text)[:20])
            assert answer["Cache-Control"].find("no-store") >= 0, name


def test_a_borrowers_pages_are_nobody_elses(scene: Scene) -> None:
    charlie, nobody = signed_in(scene.world.charlie), Client()
    for name, address in own(scene).items():
        assert charlie.get(address).status_code == 404, name
        assert charlie.post(address).status_code in (404, 405), name
        answer = nobody.get(address)
        assert answer.status_code == 302, name
        assert "/accounts/login/" in answer.url, name


def test_pages_ask_the_database_at_most_twelve_times(scene: Scene, alice: Client) -> None:
    for name, address in own(scene).items():
        alice.get(address)
        with CaptureQueriesContext(connection) as asked:
            alice.get(address)
        assert len(asked) <= 12, f"{name}: {len(asked)}\n" + "\n".join(row["sql"][:150] for row in asked)


def served(address: str) -> Iterator[int]:
    for found in re.findall(r'(?:href|src)="/static/([^"#]+)"', address):
        path = STATIC / found
        if not path.exists():
            from django.contrib.staticfiles import finders

            path = Path(str(finders.find(found)))
        if path.suffix in {".css", ".js", ".svg"}:
            yield len(gzip.compress(path.read_bytes()))


def test_a_page_with_style_and_script_is_under_sixty_kilobytes(scene: Scene, alice: Client) -> None:
    for name, address in own(scene).items():
        content = alice.get(address).content
        total = len(gzip.compress(content)) + sum(served(content.decode()))
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
    policy = alice.get(own(scene)["home"])["Content-Security-Policy"]
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

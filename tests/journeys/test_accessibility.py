"""Every page for everybody: axe in both languages and themes, text twice as large, a narrow screen, the keyboard alone."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.journeys.conftest import Portal, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.slow]
# each page in both languages and both themes; DEEP=1 tries the four pairs
LOOKS = [("en", "light"), ("zh-hans", "dark")]
if os.environ.get("DEEP"):
    LOOKS += [("en", "dark"), ("zh-hans", "light")]
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
         "resultTypes": ["violations"]}  # fmt: skip
CUT_OFF = """() => {
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const cut = [...document.querySelectorAll("main h1, main p, main li, main dd, main dt, main .btn, main label")]
    .filter((e) => e.offsetParent && !e.closest(".table-wrap, .faces, .unseen") && e.scrollWidth > e.clientWidth + 2
      && getComputedStyle(e).overflowX !== "visible")
    .map((e) => e.outerHTML.slice(0, 120));
  return { wide, cut };
}"""


@pytest.fixture(scope="module")
def scene(portal: Portal) -> dict[str, Any]:
    """The borrower with everything."""
    said = portal.shell("from tests.journeys.scene import tell; tell()")
    return dict(json.loads(said.strip().splitlines()[-1]))


@pytest.fixture(scope="module")
def pages(portal: Portal, chromium: Any, scene: dict[str, Any]) -> dict[str, str]:
    """The addresses that are pages for her."""
    context = opened(chromium, portal, scene, language="en")
    found = {}
    for name, address in scene["pages"].items():
        answer = context.request.get(portal.url + address, max_redirects=0)
        if answer.status in (200, 400) and answer.headers["content-type"].startswith("text/html"):
            found[name] = address
        assert answer.status < 500, (name, answer.status)
    context.close()
    assert len(found) >= 30, sorted(found)
    return found | {address: address for address in scene["public"]}


def opened(chromium: Any, portal: Portal, scene: dict[str, Any], *, language: str, **how: Any) -> Any:
    context = chromium.new_context(**{"viewport": {"width": 390, "height": 844}, **how})
    context.add_cookies(
        [
            {"name": "django_language", "value": language, "url": portal.url},
            {**scene["cookie"], "url": portal.url},
        ]
    )
    return context


@pytest.fixture
def page(portal: Portal, chromium: Any, scene: dict[str, Any]) -> Iterator[Any]:
    context = opened(chromium, portal, scene, language="en", viewport={"width": 1280, "height": 844})
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(("language", "scheme"), LOOKS)
def test_nothing_serious_by_axe_and_nothing_lost_when_text_grows_or_the_screen_shrinks(
    portal: Portal, chromium: Any, scene: dict[str, Any], pages: dict[str, str], language: str, scheme: str
) -> None:
    context = opened(chromium, portal, scene, language=language, color_scheme=scheme)
    page, axe, found = context.new_page(), Axe(), []
    for name, address in pages.items():
        page.goto(portal.url + address)
        for item in axe.run(page, options=RULES).response["violations"]:
            if item["impact"] in ("serious", "critical"):
                found += [(name, item["id"], node["html"][:160]) for node in item["nodes"][:3]]
        for width, size in ((640, "200%"), (320, "100%")):
            page.set_viewport_size({"width": width, "height": 844})
            page.evaluate("(size) => { document.documentElement.style.fontSize = size; }", size)
            said = page.evaluate(CUT_OFF)
            if said["wide"] > 0 or said["cut"]:
                found.append((name, width, size, said))
        page.set_viewport_size({"width": 390, "height": 844})
    context.close()
    assert not found, "\n".join(map(str, found))


def tab_to(page: Any, selector: str, *, most: int = 90) -> None:
    """Press Tab until the focus is there, and see that it can be seen."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("(s) => document.activeElement.matches(s)", selector):
            assert page.evaluate(
                """() => { const e = document.activeElement;
                   const seen = (n) => n && getComputedStyle(n).outlineStyle !== "none";
                   return seen(e) || seen(e.nextElementSibling); }"""
            ), f"the focus on {selector} is not seen"
            return
    raise AssertionError(f"{selector} is not reached by the keyboard")


def go(page: Any, selector: str) -> None:
    """Press Enter on a link or a button, and wait for the next page."""
    tab_to(page, selector)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_the_keyboard_alone_borrows_asks_for_a_plan_and_accepts_it(
    portal: Portal, page: Any, scene: dict[str, Any]
) -> None:
    refs = scene["refs"]
    page.goto(f"{portal.url}/for/{refs['borrower']}/")
    go(page, "a.btn[href*='/draw/']")
    tab_to(page, "[name=amount]")
    page.keyboard.type("1000")
    tab_to(page, "[name=instalment_count]")
    page.keyboard.press("ArrowRight")
    tab_to(page, "[name=purpose]")
    page.keyboard.press("ArrowDown")
    go(page, "form[action*='/draw/cost/'] button.btn:not([formaction])")
    tab_to(page, "[name=agree]")
    page.keyboard.press("Space")
    time.sleep(5.5)
    go(page, "form[action*='/draw/confirm/'] button.btn")
    wait_for(lambda: page.locator(".track .now").count() == 0, what="the money to arrive")
    page.goto(f"{portal.url}/loans/{refs['loan']}/")
    go(page, "a[href$='/hardship/']")
    go(page, "form[action*='/accept/'] button")
    assert page.locator(".alert-good").count() == 1, page.locator("main").inner_text()

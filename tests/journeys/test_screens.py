"""Take the pictures of docs/screens: `SCREENS=docs/screens pytest tests/journeys/test_screens.py`."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import Portal
from tests.journeys.person import Person

FOLDER = os.environ.get("SCREENS", "")
LOOKS = (("zh-hans", 390, "light"), ("en", 390, "dark"), ("en", 1280, "light"))
pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.skipif(not FOLDER, reason="pictures are taken only on request: set SCREENS to a folder"),
]


def test_it_takes_the_pictures(portal: Portal, chromium: Any) -> None:
    person = Person(chromium, portal, language="en")
    person.sign_up(f"screens-{time.time_ns()}@example.com")
    home = person.page.url
    person.press(".hero a.btn")
    person.identify("李小明")
    person.consent()
    person.connect("steady")
    person.add_bank("李小明")
    person.apply("30000")
    pages = {"outcome": person.page.url}
    if person.page.locator("form[action*=accept]").count():
        person.press("form[action*=accept] button")
    person.page.goto(home)
    person.press("a[href*='/draw/']")
    pages["draw"] = person.page.url + "?scenario=EVERYDAY&amount=6000&instalment_count=12"
    person.draw("6000", months="12")
    pages["cost"] = person.page.url
    person.sign()
    person.wait_until_final()
    pages["arrived"] = person.page.url
    person.press("a.btn[href*='/loans/']")
    pages["loan"] = person.page.url
    loan = person.page.url
    pages |= {name: f"{loan}{name}/" for name in ("repay", "hardship", "statement", "contract")}
    pages["prepay"] = f"{loan}prepay/?amount=2000"
    line = pages["draw"].partition("draw/")[0]
    pages |= {"auto-debit": f"{line}auto-debit/", "brakes": f"{line}control/", "calendar": f"{home}calendar/"}
    pages |= {name: f"{home}{name}/" for name in ("evidence", "consents", "notices")}
    pages |= {"home": home, "start": portal.url + "/", "calculator": portal.url + "/calculator/"}
    pages["learn"] = portal.url + "/learn/"
    folder = Path(FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    state = person.context.storage_state()
    for language, width, scheme in LOOKS:
        for name, url in pages.items():
            known = None if name in ("start", "calculator", "learn") else state
            context = chromium.new_context(
                viewport={"width": width, "height": 844}, color_scheme=scheme, storage_state=known
            )
            context.add_cookies([{"name": "django_language", "value": language, "url": portal.url}])
            page = context.new_page()
            page.goto(url)
            page.screenshot(path=folder / f"{name}-{width}-{language}-{scheme}.png", full_page=width == 390)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, language)
            context.close()
    assert len(list(folder.glob("*.png"))) >= len(pages) * len(LOOKS)

"""Take the pictures of the borrower's pages: `make screens`."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import Portal
from tests.journeys.person import Person
from tests.journeys.pictures import LOOKS, take

FOLDER = os.environ.get("SCREENS", "")
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
    state = person.context.storage_state()
    public = {name: pages.pop(name) for name in ("start", "calculator", "learn")}
    folder = Path(FOLDER)
    taken = take(chromium, folder=folder, pages=pages, url=portal.url, state=state)
    taken += take(chromium, folder=folder, pages=public, url=portal.url)
    assert taken == (len(pages) + len(public)) * len(LOOKS)

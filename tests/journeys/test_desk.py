"""The officers' day: an application that the engine referred, decided by a person; the sandbox's date moved on."""

from __future__ import annotations

import os
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from risk.domain.events import SHANGHAI
from risk.evidence.samples import sample
from tests.journeys.conftest import Portal
from tests.journeys.officer import Officer, hire
from tests.journeys.person import Person

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.slow]
WORDS = {
    "en": {
        "queue": "Applications that need a person",
        "done": "The decision is recorded",
        "moved": "The books are open",
    },
    "zh-hans": {"queue": "需要人工的申请", "done": "决定已记录", "moved": "账簿已开到"},
}
FOLDER = os.environ.get("SCREENS", "")


def _picture(officer: Officer, name: str, language: str) -> None:
    if FOLDER:
        officer.page.screenshot(path=Path(FOLDER) / f"desk-{name}-1280-{language}-light.png")


@pytest.mark.parametrize("language", ["zh-hans", "en"] if FOLDER else ["zh-hans"])
def test_an_officer_decides_and_the_date_moves(
    portal: Portal, chromium: Any, language: str, tmp_path: Path
) -> None:
    said, mark = WORDS[language], time.time_ns()
    officers = {f"officer-{mark}@example.com": "Credit officer", f"admin-{mark}@example.com": "Administrator"}
    hire(portal, officers)
    borrower = Person(chromium, portal, language=language)
    borrower.sign_up(f"referred-{mark}@example.com")
    home = borrower.page.url
    borrower.press(".hero a.btn")
    borrower.identify("王小明")
    borrower.consent()
    # a statement of somebody else: the engine refers
    name, content = sample("ALIPAY", seed=mark % 10**6, holder="张大伟", end=datetime.now(SHANGHAI).date())
    (tmp_path / name).write_bytes(content)
    borrower.give("ALIPAY", str(tmp_path / name))
    borrower.page.goto(home + "evidence/")
    borrower.connect("steady")
    borrower.add_bank("王小明")
    borrower.apply("8000")

    officer = Officer(chromium, portal, language=language)
    officer.log_in(next(iter(officers)))
    officer.desk()
    _picture(officer, "start", language)
    officer.desk("queue/")
    assert said["queue"] in officer.said()
    _picture(officer, "queue", language)
    officer.press("a.button[href*='/review/'] >> nth=-1")
    _picture(officer, "review", language)
    officer.press("input[type=submit]")
    assert officer.page.locator(".errorlist").count() >= 2, (
        "a decision without outcome and note says so at its fields"
    )
    officer.page.check("input[name=outcome][value=APPROVE]")
    officer.page.fill("[name=limit]", "6000")
    officer.page.fill("[name=note]", "Works at the school, seen the contract.")
    officer.press("input[type=submit]")
    assert said["done"] in officer.said()
    officer.desk("ledger/journal/")
    assert officer.page.locator("a.addlink").count() == 0, "nobody writes a journal by hand"

    borrower.page.goto(home)
    if borrower.page.locator("form[action*=accept]").count():
        borrower.press("form[action*=accept] button")
        borrower.page.goto(home)
    assert borrower.figure() == 6000
    borrower.press("a[href*='/draw/']")
    borrower.draw("1200", months="3")
    borrower.sign()
    borrower.wait_until_final()

    administrator = Officer(chromium, portal, language=language)
    administrator.log_in(list(officers)[1])
    administrator.desk("business-date/")
    to = administrator.page.locator("input[name=to]")
    today = date.fromisoformat(str(administrator.page.locator("time").first.get_attribute("datetime")))
    to.fill((today + timedelta(days=2)).isoformat())
    administrator.page.set_default_timeout(120_000)
    administrator.press("input[type=submit]")
    assert said["moved"] in administrator.said()
    _picture(administrator, "date", language)
    borrower.page.goto(home)
    for browser in (borrower, officer, administrator):
        assert not browser.broken
        assert not browser.outside

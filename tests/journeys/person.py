"""A person at a phone: what is clicked and typed, in either language, with script or without."""

from __future__ import annotations

import itertools
import re
import time
from decimal import Decimal
from typing import Any

from tests.factories import card_number, prc_id, uscc
from tests.journeys.conftest import Portal, wait_for

PASSWORD = "paper lantern over water"
_number = itertools.count(int(time.time()) % 900)


class Person:
    """One browser in one person's hand."""

    def __init__(
        self, browser: Any, portal: Portal, *, language: str, script: bool = True, width: int = 390
    ) -> None:
        self.portal = portal
        self.context = browser.new_context(
            viewport={"width": width, "height": 844}, java_script_enabled=script, accept_downloads=True
        )
        self.context.add_cookies([{"name": "django_language", "value": language, "url": portal.url}])
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.script, self.width = script, width
        self.outside: list[str] = []
        self.broken: list[str] = []
        self.clicks = 0
        self.page.on("request", lambda request: self._ask(request.url))
        self.page.on(
            "response", lambda answer: self.broken.append(answer.url) if answer.status >= 500 else None
        )
        self.page.on("console", self._console)

    def _ask(self, url: str) -> None:
        if not url.startswith((self.portal.url, "data:", "blob:")):
            self.outside.append(url)

    def _console(self, message: Any) -> None:
        if "Content Security Policy" in message.text:
            self.broken.append(message.text)

    def open(self, path: str) -> None:
        self.page.goto(self.portal.url + path)

    def press(self, selector: str) -> None:
        self.clicks += 1
        self.page.locator(selector).first.click()
        self.page.wait_for_load_state()

    def submit(self) -> None:
        self.press("main form[method=post] button.btn")

    def fits(self) -> bool:
        """Tell whether the page is as wide as the phone."""
        return (
            bool(self.page.evaluate("document.documentElement.scrollWidth") <= self.width)
            if self.script
            else True
        )

    def text(self) -> str:
        return str(self.page.locator("main").inner_text())

    def figure(self) -> Decimal:
        """Read the biggest number of the page."""
        said = self.page.locator(".figure").first.inner_text()
        return Decimal(re.sub(r"[^0-9.]", "", said))

    # ---- the steps -----------------------------------------------------------------------------------------------
    def sign_up(self, login: str) -> None:
        self.login, self.password = login, PASSWORD
        self.open("/accounts/signup/")
        self.page.fill("[name=login]", login)
        self.page.fill("[name=password1]", PASSWORD)
        self.submit()
        self.page.fill("[name=code]", self.portal.code_for(login))
        self.submit()

    def identify(self, name: str) -> None:
        self.page.fill("[name=full_name]", name)
        self.page.fill("[name=number]", prc_id(order=next(_number)))
        self.submit()

    def consent(self) -> None:
        for box in self.page.locator("input[name=purpose]").all():
            if not (box.get_attribute("value") or "").startswith(("SOCIAL", "MARKETING")):
                box.check()
                self.clicks += 1
        self.submit()

    def connect(self, persona: str) -> None:
        self.page.locator(f"input[value={persona}]").check(force=True)
        self.press("form[action*=sandbox] button.btn")
        self.press("a.btn[href*='banks']")

    def give(self, kind: str, path: str) -> None:
        self.page.locator(f"input[name=kind][value={kind}]").check(force=True)
        self.page.set_input_files("[name=file]", path)
        self.press("form[enctype] button.btn")

    def add_bank(self, holder: str) -> None:
        self.page.fill("[name=bank_name]", "招商银行")
        self.page.fill("[name=holder_name]", holder)
        self.page.fill("[name=number]", card_number(next(_number) + int(time.time())))
        self.submit()

    def open_business(self, name: str) -> None:
        self.open("/business/new/")
        self.page.fill("[name=legal_name]", name)
        self.page.fill("[name=uscc]", uscc(next(_number) + int(time.time()) % 10**8))
        self.page.select_option("[name=industry]", "RETAIL")
        self.page.fill("[name=founded_date]", "2019-03-01")
        self.submit()

    def apply(self, amount: str, *, work: bool = True) -> None:
        self.page.fill("[name=requested_amount]", amount)
        self.page.select_option("[name=purpose]", index=1)
        if work:
            self.page.select_option("[name=occupation]", "EMPLOYED")
        self.submit()

    def draw(self, amount: str, *, months: str) -> None:
        self.page.fill("[name=amount]", amount)
        self.page.locator(f"input[name=instalment_count][value='{months}']").check(force=True)
        self.page.select_option("[name=purpose]", index=1)
        self.press("form[action*='/draw/cost/'] button.btn")

    def sign(self) -> None:
        self.page.check("[name=agree]")
        time.sleep(5.5)
        self.submit()

    def wait_until_final(self) -> None:
        """Wait for the money: the page looks by itself with script, by its own refresh without."""
        wait_for(lambda: self.page.locator(".track .now").count() == 0, what="the money to arrive")

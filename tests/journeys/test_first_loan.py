"""From sign-up to the last instalment, on a phone, in both languages, with script and without."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from tests.journeys.conftest import Portal
from tests.journeys.person import Person

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.slow]
WORDS = {
    "en": {
        "sent": "Your money has arrived",
        "paid": "Thank you, this is paid",
        "done": "Everything is repaid",
    },
    "zh-hans": {"sent": "钱已到账", "paid": "还款成功", "done": "已全部还清"},
}


@pytest.mark.parametrize(
    ("language", "script"),
    [("zh-hans", True), pytest.param("en", True, marks=pytest.mark.servers), ("en", False)],
)
def test_a_first_loan_is_drawn_and_repaid(portal: Portal, chromium: Any, language: str, script: bool) -> None:
    width = 1280 if language == "en" and script else 390
    said, person = WORDS[language], Person(chromium, portal, language=language, script=script, width=width)
    login = f"first-{language}-{script}-{time.time_ns()}@example.com".lower()
    began = time.monotonic()
    person.sign_up(login)
    person.press(".hero a.btn")
    person.submit()
    assert person.page.locator(".field-error").count() >= 2, "an empty form says so at its fields"
    person.identify("李小明")
    person.consent()
    person.connect("steady")
    person.add_bank("李小明")
    person.apply("20000")
    limit = person.figure()
    assert limit >= 50
    assert person.fits()
    if person.page.locator("form[action*=accept]").count():
        person.press("form[action*=accept] button")
        person.press("a[href*='/draw/']")
    else:
        person.press("a[href*='/draw/']")
    person.draw("1200", months="3")
    assert person.fits()
    assert "%" in person.page.locator(".figure").first.inner_text(), "the annual rate is the biggest thing"
    person.sign()
    person.wait_until_final()
    assert said["sent"] in person.text()
    assert time.monotonic() - began < 180, "a first loan takes under three minutes"
    # a double click and the back button draw nothing more
    person.page.go_back()
    person.open("/")
    assert person.figure() == limit - 1200
    # one instalment, then everything
    person.press("a.btn[href*='/repay/']")
    person.submit()
    person.wait_until_final()
    assert said["paid"] in person.text()
    person.open("/")
    assert limit - 1200 < person.figure() < limit, "what is available rises at once"
    person.press("a.btn[href*='/repay/']")
    person.page.locator("input[name=part][value=ALL]").check(force=True)
    person.submit()
    person.wait_until_final()
    person.press("a.btn[href*='/loans/']")
    assert said["done"] in person.text()
    person.open("/")
    assert person.figure() == limit
    assert not person.outside
    assert not person.broken


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_shop_owner_opens_a_business_draws_and_repays(portal: Portal, chromium: Any, language: str) -> None:
    owner = Person(chromium, portal, language=language, width=1280)
    owner.sign_up(f"shop-{language}-{time.time_ns()}@example.com")
    owner.press(".hero a.btn")
    owner.identify("王大海")
    helper = Person(chromium, portal, language=language)
    member = f"member-{language}-{time.time_ns()}@example.com"
    helper.sign_up(member)
    name = f"大海面馆{time.time_ns() % 10**6}"
    owner.open_business(name)
    owner.consent()
    home = owner.page.url.replace("evidence/", "")
    owner.open("/" + home.removeprefix(portal.url).strip("/") + "/members/")
    owner.page.fill("[name=login]", member)
    owner.page.locator("input[name=role][value=FINANCE]").check(force=True)
    owner.press("main form:has([name=login]) button.btn")
    assert owner.page.locator("div.rows-item").count() == 2
    owner.page.goto(home + "evidence/")
    for kind in ("INVOICES_SALES", "INVOICES_PURCHASE"):
        owner.page.locator("summary").first.click()
        with owner.page.expect_download() as download:
            owner.page.locator(f"a[href*='sample/{kind}/']").click()
        owner.give(kind, str(download.value.path()))
        assert "/evidence/" in owner.page.url
        assert owner.page.locator("table").count() >= 1, owner.text()
        owner.page.goto(home + "evidence/")
    owner.connect("shop")
    owner.add_bank(name)
    owner.apply("50000", work=False)
    assert Decimal(0) < owner.figure()
    if owner.page.locator("form[action*=accept]").count():
        owner.press("form[action*=accept] button")
    # the member with the role for finance draws, and the owner repays
    helper.page.goto(home)
    limit = helper.figure()
    helper.press("a[href*='/draw/']")
    helper.draw("800", months="3")
    helper.sign()
    helper.wait_until_final()
    owner.page.goto(home)
    assert owner.figure() == limit - 800
    owner.press("a.btn[href*='/repay/']")
    owner.page.locator("input[name=part][value=ALL]").check(force=True)
    owner.submit()
    owner.wait_until_final()
    owner.page.goto(home)
    assert owner.figure() == limit
    assert not owner.broken + helper.broken + owner.outside

"""Two members draw for a shop, a stranger verifies its passport, and a passkey opens the door; on phone and desktop.

`make screens` takes the pictures of these pages on the way.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import Portal
from tests.journeys.person import Person
from tests.journeys.pictures import take

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.slow]
FOLDER = os.environ.get("SCREENS", "")
LOOKS = (("zh-hans", 390, "light"), ("en", 1280, "light"))


def show(chromium: Any, person: Person, pages: dict[str, str]) -> None:
    """Take the pictures of pages that a person may see, when they are asked for."""
    if FOLDER:
        state = person.context.storage_state()
        take(chromium, folder=Path(FOLDER), pages=pages, url=person.portal.url, state=state, looks=LOOKS)


def open_shop(chromium: Any, portal: Portal, language: str) -> tuple[Person, Person, str]:
    """Open a shop with an owner at a desk and a finance member on a phone, and a limit; give its first page."""
    mark = f"{language}-{time.time_ns()}"
    owner = Person(chromium, portal, language=language, width=1280)
    owner.sign_up(f"owner-{mark}@example.com")
    owner.press(".hero a.btn")
    owner.identify("王大海")
    helper = Person(chromium, portal, language=language)
    member = f"helper-{mark}@example.com"
    helper.sign_up(member)
    name = f"大海面馆{time.time_ns() % 10**6}"
    owner.open_business(name)
    owner.consent()
    home = owner.page.url.replace("evidence/", "")
    owner.connect("shop")
    owner.add_bank(name)
    owner.apply("50000", work=False)
    if owner.page.locator("form[action*=accept]").count():
        owner.press("form[action*=accept] button")
    owner.page.goto(home + "members/")
    owner.page.fill("[name=login]", member)
    owner.page.locator("input[name=role][value=FINANCE]").check(force=True)
    owner.press("main form:has([name=login]) button.btn")
    return owner, helper, home


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_two_members_draw_and_a_stranger_verifies_the_passport(
    portal: Portal, chromium: Any, language: str, tmp_path: Path
) -> None:
    owner, helper, home = open_shop(chromium, portal, language)
    # two must agree above 500
    owner.page.goto(home + "members/rule/")
    owner.page.fill("[name=above]", "500")
    owner.submit()
    helper.page.goto(home)
    limit = helper.figure()
    helper.press("a[href*='/draw/']")
    helper.draw("800", months="3")
    helper.sign()
    request = helper.page.url
    assert "/draw-requests/" in request
    assert helper.fits()
    helper.page.goto(home)
    assert helper.figure() == limit, "nothing is borrowed yet"
    owner.page.goto(home + "business/")
    assert owner.page.locator("svg.chart rect.a").count() >= 6
    owner.press("a[href*='/draw-requests/']")
    if language == "en":
        show(chromium, owner, {"business": home + "business/", "second-approval": request})
    owner.page.check("[name=agree]")
    time.sleep(5.5)
    owner.press("form[action$='/approve/'] button.btn")
    owner.wait_until_final()
    owner.page.goto(home)
    assert owner.figure() == limit - 800
    # the passport: two sections are released, the limit is not
    owner.page.goto(home + "passport/")
    for section in ("holder", "standing"):
        owner.page.check(f"[name=sections][value={section}]")
    owner.submit()
    one = owner.page.url
    owner.page.fill("[name=label]", "Bank")
    owner.submit()
    link = owner.page.input_value("#fresh")
    with owner.page.expect_download() as download:
        owner.page.locator("a[href$='/file/json/']").click()
    given = json.loads(Path(download.value.path()).read_text("utf-8"))
    assert set(given["passport"]["sections"]) == {"holder", "standing"}
    stranger = Person(chromium, portal, language=language)
    stranger.page.goto(link)
    assert stranger.page.locator(".alert-good").count() == 1
    assert stranger.fits()
    stranger.open("/passport/verify/")
    stranger.page.fill("[name=code]", given["passport"]["code"].lower())
    stranger.submit()
    stranger.page.locator(".alert-good").wait_for(
        timeout=20_000
    )  # the address stays the same: wait for the answer
    if language == "en":
        show(chromium, owner, {"passport": home + "passport/", "rights": home + "rights/", "contact": home + "contact/",
             "members": home + "members/"})  # fmt: skip
        show(chromium, stranger, {"passport-shared": link})
    # a forged file
    given["passport"]["sections"]["standing"]["level"] = "4"
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps(given), "utf-8")
    stranger.open("/passport/verify/")
    stranger.page.set_input_files("[name=file]", str(forged))
    stranger.submit()
    assert stranger.page.locator(".alert-bad").count() == 1
    # taken back
    owner.page.goto(one)
    owner.press("form[action$='/revoke/'] button.btn")
    assert stranger.page.goto(link).status == 404
    assert not owner.broken + helper.broken + stranger.broken + owner.outside + stranger.outside


def test_a_passkey_opens_the_door(portal: Portal, chromium: Any) -> None:
    person = Person(chromium, portal, language="en", width=1280)
    person.sign_up(f"passkey-{time.time_ns()}@example.com")
    keys = person.context.new_cdp_session(person.page)
    keys.send("WebAuthn.enable")
    keys.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
                "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
            }
        },
    )  # fmt: skip
    # a passkey belongs to a name, not to a number
    at = portal.url.replace("127.0.0.1", "localhost")
    person.page.goto(at + "/accounts/login/")
    person.page.fill("[name=login]", person.login)
    person.page.fill("[name=password]", person.password)
    person.submit()
    person.page.goto(at + "/accounts/2fa/webauthn/add/")
    if "reauthenticate" in person.page.url:
        person.page.fill("[name=password]", person.password)
        person.submit()
    person.page.fill("[name=name]", "My phone")
    if person.page.locator("[name=passwordless]").count():
        person.page.check("[name=passwordless]")
    person.page.click("#mfa_webauthn_add")
    person.page.wait_for_url(lambda url: "/webauthn/add" not in url)
    person.page.goto(at + "/accounts/logout/")
    person.submit()
    person.page.goto(at + "/accounts/login/")
    person.page.click("#passkey_login")
    person.page.wait_for_url(lambda url: "/accounts/login" not in url)
    assert person.page.locator(".nav").count() == 1, "logged in without a password"
    assert not [row for row in person.broken if "Security Policy" in row]

"""A running loan in its owner's hand: a plan answered, part paid early, an instalment paid; on a phone and on a desk."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.journeys.conftest import Portal
from tests.journeys.person import Person

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.slow]
WORDS = {
    "en": {
        "asked": "We have your request",
        "paid": "Thank you, this is paid",
        "runs": "The plan that runs",
        "receipt": "Receipt",
        "busy": "Choose one",
    },
    "zh-hans": {
        "asked": "已收到您的申请",
        "paid": "还款成功",
        "runs": "正在执行的方案",
        "receipt": "还款凭证",
        "busy": "请选择",
    },
}
OFFER = """
from loans import operations
from loans.models import HardshipRequest
from ledger.queries import business_date
from tests.factories import StaffFactory
request = HardshipRequest.objects.filter(loan__ref="{loan}", status="OPEN").get()
operations.offer_hardship_plan(request_id=request.pk, measures=[{{"kind": "EXTENSION", "extra_instalments": "3"}}],
    actor=StaffFactory(email="second-{stamp}@example.com"), as_of=business_date())
"""


@pytest.mark.parametrize(("language", "width"), [("zh-hans", 390), ("en", 1280)])
def test_a_loan_that_got_hard_gets_a_plan_and_is_paid(
    portal: Portal, chromium: Any, language: str, width: int
) -> None:
    said = WORDS[language]
    out = portal.shell(f"from tests.journeys.scene import tell; tell(language={language!r})")
    scene = json.loads(out.strip().splitlines()[-1])
    refs = scene["refs"]
    person = Person(chromium, portal, language=language, width=width)
    person.context.add_cookies([{**scene["cookie"], "url": portal.url}])
    began = time.monotonic()
    # the plan that waits stands on the first page; declined, the request is open again
    person.open(f"/for/{refs['borrower']}/")
    person.press("a.rows-item[href*='/hardship/']")
    assert person.fits()
    person.press("form[action*='/decline/'] button")
    person.press("form[action*='/withdraw/'] button")
    # asked anew: an empty form says so at its fields, and keeps what is typed
    person.page.fill("[name=text]", "I begin again in March.")
    person.press("form[enctype] button.btn")
    assert person.page.locator(".field-error").count() == 2
    assert person.page.input_value("[name=text]") == "I begin again in March."
    person.page.locator("input[name=reason][value=JOB]").check()
    person.page.locator("input[name=wish][value=LOWER]").check()
    person.page.set_input_files(
        "[name=papers]",
        {
            "name": "note.pdf",
            "mimeType": "application/pdf",
            "buffer": b"%PDF-1.4\n1 0 obj <<>> endobj\n%%EOF\n",
        },
    )
    person.press("form[enctype] button.btn")
    assert said["asked"] in person.text()
    portal.shell(OFFER.format(loan=refs["loan"], stamp=time.time_ns()))
    person.page.reload()
    person.press("form[action*='/accept/'] button")
    assert said["runs"] in person.text()
    # paid early, in the way that is chosen among three
    person.open(f"/loans/{refs['loan']}/")
    person.press("a[href$='/prepay/']")
    person.page.fill("[name=amount]", "1000")
    person.press("main form[method=get] button.btn")
    assert person.page.locator("input[name=choice]").count() == 3
    person.page.locator("input[name=choice][value=SMALLER_INSTALMENTS]").check()
    assert person.fits()
    person.press("#choices button.btn")
    person.wait_until_final()
    assert said["paid"] in person.text()
    paid = person.page.url
    person.page.go_back()
    person.page.go_forward()
    person.page.goto(paid + "receipt/")
    assert said["receipt"] in person.text()
    with person.page.expect_download() as download:
        person.page.locator("a[href*='as=pdf']").click()
    assert download.value.path().read_bytes().startswith(b"%PDF-")
    # and one instalment
    person.open(f"/loans/{refs['loan']}/")
    person.press("a.btn[href*='/repay/']")
    person.submit()
    person.wait_until_final()
    assert said["paid"] in person.text()
    assert time.monotonic() - began < 180
    assert not person.outside
    assert not person.broken
    person.context.close()


def test_without_a_connection_nothing_is_sent_and_the_page_says_so(portal: Portal, chromium: Any) -> None:
    out = portal.shell("from tests.journeys.scene import tell; tell()")
    scene = json.loads(out.strip().splitlines()[-1])
    person = Person(chromium, portal, language="en")
    person.context.add_cookies([{**scene["cookie"], "url": portal.url}])
    loan = f"/loans/{scene['refs']['loan']}/"
    person.open(loan)
    person.page.wait_for_function("navigator.serviceWorker.ready.then((r) => Boolean(r.active))")
    person.open(loan + "repay/")
    person.context.set_offline(True)
    person.page.wait_for_selector("#offline:not([hidden])")
    person.page.locator("main form[method=post] button.btn").click()
    assert "/repay/" in person.page.url, "the page stays, with what was typed"
    person.page.goto(portal.url + loan)
    assert "Nothing is borrowed or paid while you are offline" in person.text()
    person.context.set_offline(False)
    person.open(loan)
    assert person.page.locator(".hero").count() == 1
    assert (
        portal.shell(
            f"from loans.models import Collection; print(Collection.objects.filter(loan__ref='{scene['refs']['loan']}').count())"
        )
        .strip()
        .endswith("1")
    ), "only the payment that was there before"
    person.context.close()

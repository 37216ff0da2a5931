"""A shop draws working capital both ways: by a share of sales with a second member's yes, and on an invoice of its own list.

`SCREENS=docs/screens pytest tests/journeys/test_working.py` takes the pictures of these pages on the way.
"""

from __future__ import annotations

import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import Portal
from tests.journeys.person import Person
from tests.journeys.test_owner import open_shop, take

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.slow]
CUSTOMER = "长江贸易有限公司"


def choose(person: Person, scenario: str) -> None:
    """Go to the page of a draw and pick a product there."""
    person.press("a[href*='/draw/']")
    person.press(f".picks a[href*='scenario={scenario}']")
    assert person.fits()


def test_a_share_of_sales_for_two_and_an_invoice_once(portal: Portal, chromium: Any, tmp_path: Path) -> None:
    owner, helper, home = open_shop(chromium, portal, "en")
    owner.page.goto(home + "members/rule/")
    owner.page.fill("[name=above]", "900")
    owner.submit()
    # the helper asks for a share of sales on a phone; the owner reads the same table and says yes
    helper.page.goto(home)
    limit = helper.figure()
    choose(helper, "SALES_SHARE")
    draw_page = helper.page.url
    assert "Share asked each month" in helper.text()
    helper.draw("1000", months="6")
    assert "Annual rate if sales are as expected" in helper.text()
    assert helper.fits()
    cost_page = helper.page.url
    helper.sign()
    request = helper.page.url
    assert "/draw-requests/" in request
    owner.page.goto(request)
    assert "No sales at all" in owner.text()
    take(chromium, owner, {"share-draw": draw_page, "share-cost": cost_page, "share-second": request})
    owner.page.check("[name=agree]")
    time.sleep(5.5)
    owner.press("form[action$='/approve/'] button.btn")
    owner.wait_until_final()
    owner.press("a[href*='/loans/']")
    loan = owner.page.url
    assert "at most" in owner.text()
    owner.press("a[href$='/sales/']")
    assert "is not over" in owner.text()
    take(chromium, owner, {"share-loan": loan, "share-sales": owner.page.url})
    # an invoice of a list that the owner uploads is named, and drawn on once
    number, issued = f"2633{date.today():%Y%m%d}{time.time_ns() % 10**8:08d}", date.today() - timedelta(4)
    invoices = tmp_path / "invoices.csv"
    invoices.write_text(
        f"发票号码,开票日期,购方名称,价税合计,发票状态\n{number},{issued},{CUSTOMER},2000.00,正常\n", "utf-8"
    )
    owner.page.goto(home + "evidence/")
    owner.give("INVOICES_SALES", str(invoices))
    owner.page.goto(home)
    choose(owner, "INVOICE_ADVANCE")
    draw_page = owner.page.url
    take(chromium, owner, {"invoice-put-forward": draw_page})
    owner.page.fill("[name=number]", number)
    owner.page.fill("[name=customer_name]", CUSTOMER)
    owner.page.fill("[name=due_date]", f"{date.today() + timedelta(30)}")
    owner.press("form[action$='/draw/invoice/'] button.btn")
    owner.page.fill("[name=amount]", "800")
    owner.page.select_option("[name=purpose]", index=1)
    assert owner.page.locator("select[name=invoice]").input_value(), "the invoice is chosen already"
    owner.press("form[action*='/draw/cost/'] button.btn")
    assert "At most 80% of the invoice of ¥2,000.00 is advanced." in owner.text()
    take(chromium, owner, {"invoice-cost": owner.page.url})
    owner.sign()
    owner.wait_until_final()
    owner.page.goto(home)
    assert owner.figure() == limit - 1800
    choose(owner, "INVOICE_ADVANCE")
    assert "one invoice serves one draw" in owner.text()
    owner.press("a[href*='/loans/']") if owner.page.locator("main a[href*='/loans/']").count() else None
    assert not owner.broken + helper.broken + owner.outside + helper.outside
    told = portal.shell("from credit.operations import prove_books\nprint(prove_books())")
    assert told.strip().endswith("{}"), told

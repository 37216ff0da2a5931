"""A shop draws by a share of its sales: one member asks on a phone, another reads the same table and says yes.

`SCREENS=docs/screens pytest tests/journeys/test_working.py` takes the pictures of these pages on the way.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.journeys.conftest import Portal
from tests.journeys.person import Person
from tests.journeys.test_owner import open_shop, show

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.slow]


def choose(person: Person, scenario: str) -> None:
    """Go to the page of a draw and pick a product there."""
    person.press("a[href*='/draw/']")
    person.press(f".picks a[href*='scenario={scenario}']")
    assert person.fits()


def test_a_share_of_sales_for_two(portal: Portal, chromium: Any) -> None:
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
    show(chromium, owner, {"share-draw": draw_page, "share-cost": cost_page, "share-second": request})
    owner.page.check("[name=agree]")
    time.sleep(5.5)
    owner.press("form[action$='/approve/'] button.btn")
    owner.wait_until_final()
    owner.page.goto(home)
    assert owner.figure() == limit - 1000
    assert not owner.broken + helper.broken + owner.outside + helper.outside

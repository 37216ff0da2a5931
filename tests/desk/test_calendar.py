"""The calendar at the desk: who may keep it, and that a button does what it says."""

from __future__ import annotations

import pytest
from django.urls import reverse

from loans.business_days import calendar_rule
from loans.models import CalendarDay
from tests.desk.test_finance import as_role
from tests.world import World

pytestmark = pytest.mark.django_db
PAGE = "admin:calendar_year"


def test_it_refuses_borrowers_and_roles_that_only_look(world: World) -> None:
    address = reverse(PAGE, args=[2026])
    assert as_role(world.alice).get(address).status_code in (302, 403)
    auditor = as_role(world.erin, "Auditor")
    assert auditor.get(address).status_code == 200
    assert b"Bring the public holidays" not in auditor.get(address).content
    assert auditor.post(address, {"act": "seed"}).status_code == 403
    assert not CalendarDay.objects.exists()


@pytest.mark.parametrize(
    "form",
    [
        {"act": "set", "day": "2026-02-30", "kind": "HOLIDAY"},
        {"act": "set", "day": "2026-10-01", "kind": "PARTY"},
        {"act": "set", "day": "1999-12-31", "kind": "HOLIDAY"},
        {"act": "rule", "roll": "SOMEHOW"},
        {"act": "forget", "day": "2026-10-01"},
    ],
)
def test_it_refuses_what_is_no_day(world: World, form: dict[str, str]) -> None:
    answer = as_role(world.bob, "Finance").post(reverse(PAGE, args=[2026]), form)
    assert answer.status_code == 400
    assert not CalendarDay.objects.exists()


def test_finance_keeps_the_calendar(world: World) -> None:
    finance, address = as_role(world.bob, "Finance"), reverse(PAGE, args=[2026])
    assert b"Nothing is known of this year yet" in finance.get(address).content
    assert finance.post(address, {"act": "seed"}).status_code == 302
    assert CalendarDay.objects.filter(day__year=2026).count() > 20
    finance.post(address, {"act": "set", "day": "2026-10-10", "kind": "HOLIDAY", "name": "Stocktaking"})
    finance.post(address, {"act": "rule", "roll": "NEXT", "weekends": "on"})
    assert (calendar_rule().roll, calendar_rule().weekends) == ("NEXT", True)
    page = finance.get(address).content.decode()
    assert "Stocktaking" in page
    assert "moves to the next business day" in page
    finance.post(address, {"act": "forget", "day": "2026-10-10"})
    assert not CalendarDay.objects.filter(day="2026-10-10").exists()


@pytest.mark.parametrize("year", [1999, 2200])
def test_years_out_of_range_are_not_there(world: World, year: int) -> None:
    assert as_role(world.bob, "Finance").get(reverse(PAGE, args=[year])).status_code == 404

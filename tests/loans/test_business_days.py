"""The calendar: seeded, edited, frozen with a contract; no year fails."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from accounts.models import AuditEntry
from loans import operations
from loans.business_days import calendar_year, on_the_calendar
from loans.domain.calendar import due_dates
from loans.domain.terms import HolidayRoll, LoanTerms
from loans.models import CalendarDay
from regimes.errors import Refusal
from tests.factories import UserFactory
from tests.loans import factories

pytestmark = pytest.mark.django_db
NATIONAL_DAY = date(2026, 10, 1)


def draw_terms() -> LoanTerms:
    """Terms whose fourth due date is the first of October 2026, and whose last is a Saturday that is worked."""
    return factories.terms(start_date=date(2026, 6, 1), first_due_date=date(2026, 7, 1), instalment_count=4)


@pytest.mark.parametrize(
    ("work", "code"),
    [
        (lambda: operations.seed_calendar(year=1999), "year_invalid"),
        (lambda: operations.set_day(day=date(2200, 1, 1), kind="HOLIDAY"), "day_out_of_range"),
        (lambda: operations.set_day(day=NATIONAL_DAY, kind="PARTY"), "kind_invalid"),
        (lambda: operations.set_day(day=NATIONAL_DAY, kind="HOLIDAY", name="x" * 81), "name_invalid"),
        (lambda: operations.forget_day(day=NATIONAL_DAY), "day_unknown"),
        (lambda: operations.set_rule(roll="SOMEHOW", weekends=True), "roll_invalid"),
    ],
)
def test_it_refuses(work, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        work()
    assert refused.value.code == code
    assert not CalendarDay.objects.exists()


@pytest.mark.parametrize("year", [2000, 2026, 2027, 2040, 2199])
def test_no_year_fails(year: int) -> None:
    operations.seed_calendar(year=year)
    assert not CalendarDay.objects.exclude(day__year=year).exists()


def test_a_year_is_seeded_once_and_what_was_written_stays() -> None:
    operations.set_day(day=NATIONAL_DAY, kind="WORKDAY", name="we work", actor=UserFactory(is_staff=True))
    assert operations.seed_calendar(year=2026) > 20
    assert operations.seed_calendar(year=2026) == 0
    assert CalendarDay.objects.get(day=NATIONAL_DAY).kind == "WORKDAY"
    assert CalendarDay.objects.get(day=date(2026, 10, 10)).kind == "WORKDAY", "a Saturday that is worked"
    assert AuditEntry.objects.filter(action="calendar.set_day").count() == 1
    assert not calendar_year(year=2026).is_empty
    assert calendar_year(year=2031).is_empty


def test_due_dates_stay_until_somebody_says_otherwise() -> None:
    operations.seed_calendar(year=2026)
    assert due_dates(on_the_calendar(draw_terms()))[-1] == NATIONAL_DAY


@pytest.mark.parametrize(
    ("roll", "wanted"),
    [("NEXT", date(2026, 10, 8)), ("MODIFIED_FOLLOWING", date(2026, 10, 8)), ("PREVIOUS", date(2026, 9, 30))],
)
def test_due_dates_keep_off_the_holidays(roll: str, wanted: date) -> None:
    operations.seed_calendar(year=2026)
    operations.set_rule(roll=roll, weekends=True)
    agreed = on_the_calendar(draw_terms())
    assert due_dates(agreed)[-1] == wanted
    assert LoanTerms.from_dict(agreed.to_dict()) == agreed


def test_a_weekend_that_is_worked_is_a_business_day() -> None:
    operations.seed_calendar(year=2026)
    operations.set_rule(roll="NEXT", weekends=True)
    agreed = on_the_calendar(factories.terms(start_date=date(2026, 9, 10), instalment_count=2))
    assert due_dates(agreed) == [date(2026, 10, 10), date(2026, 11, 10)], (
        "10 October 2026 is a worked Saturday"
    )
    operations.forget_day(day=date(2026, 10, 10))
    assert due_dates(on_the_calendar(factories.terms(start_date=date(2026, 9, 10), instalment_count=2)))[
        0
    ] == date(2026, 10, 12)


def test_a_contract_keeps_the_calendar_that_it_was_agreed_under() -> None:
    operations.seed_calendar(year=2026)
    operations.set_rule(roll="NEXT", weekends=False)
    loan = factories.active_loan(
        holiday_roll=HolidayRoll.NEXT, holidays=(date(2026, 4, 2),), principal=Decimal("1200.00")
    )
    assert loan.instalments.get(number=1).due_date == date(2026, 4, 3)
    operations.set_day(day=date(2026, 4, 3), kind="HOLIDAY")
    assert on_the_calendar(loan.agreed) == loan.agreed
    assert due_dates(loan.agreed)[0] == date(2026, 4, 3)


def test_a_year_that_the_calendar_lacks_has_weekends_alone() -> None:
    operations.set_rule(roll="NEXT", weekends=True)
    agreed = on_the_calendar(factories.terms(start_date=date(2150, 9, 1), instalment_count=1))
    assert agreed.holidays == ()
    assert due_dates(agreed)[0].weekday() < 5

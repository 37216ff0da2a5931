"""The 30/360 family at the ends of months, by the words of each convention; the kit has many more where its cases are at hand."""

from __future__ import annotations

from datetime import date

import pytest

from loans.domain import day_count
from loans.domain.terms import DayCount


@pytest.mark.parametrize(
    ("start", "end", "bond", "european", "american"),
    [
        (date(2026, 1, 15), date(2026, 2, 15), 30, 30, 30),
        (date(2026, 1, 30), date(2026, 3, 31), 60, 60, 60),
        (date(2026, 1, 31), date(2026, 3, 31), 60, 60, 60),
        (date(2026, 1, 29), date(2026, 3, 31), 62, 61, 62),
        (date(2026, 2, 28), date(2026, 3, 31), 33, 32, 30),
        (date(2024, 2, 29), date(2024, 3, 31), 32, 31, 30),
        (date(2026, 2, 28), date(2027, 2, 28), 360, 360, 360),
        (date(2026, 12, 31), date(2027, 1, 1), 1, 1, 1),
    ],
)
def test_the_ends_of_months(start: date, end: date, bond: int, european: int, american: int) -> None:
    assert day_count.days_30_360_bond(start, end) == bond
    assert day_count.days_30e_360(start, end) == european
    assert day_count.days_30_360_us(start, end) == american


def test_a_final_end_of_february_stays_as_it_is_under_isda_alone() -> None:
    start, end = date(2025, 8, 31), date(2026, 2, 28)
    assert day_count.days_30e_360_isda(start, end) == 180
    assert day_count.days_30e_360_isda(start, end, termination=end) == 178
    assert day_count.days_360(DayCount.THIRTY_E_360_ISDA, start, end, termination=end) == 178

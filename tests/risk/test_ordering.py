"""The fast order of rows is the order that two sorted keys give."""

from __future__ import annotations

import numpy as np
import pytest

from risk.domain.ordering import in_time, is_in_time


@pytest.mark.parametrize("widest", [10, 2**20, 2**45, 2**62], ids=["narrow", "usual", "wide", "hashed"])
@pytest.mark.parametrize("count", [0, 1, 2, 3_000])
def test_it_gives_the_order_of_two_sorted_keys(widest: int, count: int) -> None:
    rng = np.random.default_rng(count)
    subject = rng.integers(-5, 40, count)
    moment = rng.integers(-3, widest, count)
    assert in_time(subject, moment).tolist() == np.lexsort((moment, subject)).tolist()


def test_rows_that_are_equal_stay_as_they_came() -> None:
    same = np.zeros(50, dtype=np.int64)
    assert in_time(same, same).tolist() == list(range(50))
    assert is_in_time(same, same)


def test_it_tells_what_is_out_of_order() -> None:
    subject, moment = np.array([1, 1, 2, 2]), np.array([5, 9, 1, 3])
    assert is_in_time(subject, moment)
    assert not is_in_time(subject, moment[::-1].copy())
    assert not is_in_time(subject[::-1].copy(), moment)
    assert is_in_time(subject[:0], moment[:0])

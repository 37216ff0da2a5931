"""The list of seeded bugs still fits the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.seeded.bugs import BUGS, Bug

ROOT = Path(__file__).resolve().parents[2]


def test_there_are_enough_and_no_name_twice() -> None:
    assert len(BUGS) >= 40
    assert len({bug.name for bug in BUGS}) == len(BUGS)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_has_its_place(bug: Bug) -> None:
    if bug.path:
        assert (ROOT / bug.path).read_text().count(bug.old) == 1
        assert bug.new != bug.old
    assert all((ROOT / test).exists() for test in bug.tests.split())

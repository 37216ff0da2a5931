"""Jurisdictions: numbers as published, and honest about what was not seen."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import time
from decimal import Decimal

import pytest

import regimes


def test_it_refuses_a_name_that_is_not_there() -> None:
    with pytest.raises(KeyError, match="cn_demo"):
        regimes.get("atlantis")


def test_it_refuses_to_be_changed_while_running() -> None:
    with pytest.raises(FrozenInstanceError):
        regimes.get("cn").max_annual_rate = Decimal(1)  # type: ignore[misc]


@pytest.mark.parametrize(
    "change",
    [{"contact_opens": time(23)}, {"max_bullet_months": 99}, {"unverified": frozenset({"nonsense"})}],
)
def test_it_refuses_numbers_that_contradict(change: dict) -> None:
    with pytest.raises(AssertionError):
        replace(regimes.get("cn"), **change)


def test_china_as_published() -> None:
    cn = regimes.get("CN")
    assert cn.max_limit_person == Decimal("200000.00")
    assert cn.max_annual_rate == Decimal("0.24")
    assert cn.max_bullet_months == 12
    assert (cn.contact_opens, cn.contact_closes, cn.max_contacts_a_day) == (time(8), time(22), 3)
    assert cn.students_excluded
    assert cn.human_review_right
    assert cn.is_verified("max_annual_rate")
    assert not cn.is_verified("reading_seconds")


def test_the_demonstration_shows_limits_from_50_to_300_000() -> None:
    demo = regimes.get("cn_demo")
    assert (demo.min_limit, demo.max_limit_person, demo.max_limit_business) == (
        Decimal("50.00"),
        Decimal("300000.00"),
        Decimal("300000.00"),
    )


@pytest.mark.parametrize("regime", regimes.REGIMES.values(), ids=list(regimes.REGIMES))
def test_every_number_is_sourced_or_marked(regime: regimes.Regime) -> None:
    """A legal number is either backed by a source or named as unverified; plain facts of the file need neither."""
    plain = {"code", "name", "currency", "country", "min_limit", "sources", "unverified"}
    sourced = {field for field, _ in regime.sources}
    off = {name for name in regime.__dataclass_fields__ if getattr(regime, name) in (False, 0, ())}
    partner = {"contact_closes"} if "contact_opens" in sourced else set()
    missing = set(regime.__dataclass_fields__) - plain - sourced - set(regime.unverified) - off - partner
    assert not missing

"""The line's state table, the gate before a draw, products, reminders, the night's plan."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from credit.domain.line import (
    AFTER,
    DrawGate,
    LineAction,
    LineStatus,
    UnableToDrawDown,
    UnableToMoveLine,
    check_draw,
    next_status,
)
from credit.domain.night import STEPS, Step, open_days, ranges, step_after
from credit.domain.policy import Ceiling
from credit.domain.products import (
    DRAW_ONLY,
    PURPOSE_NAMES,
    Family,
    ProductTerms,
    Scenario,
    UnableToUseProduct,
    UnableToUsePurpose,
    check_choice,
    check_product,
    counts_of,
)
from credit.domain.reminders import LADDER, due_dates
from credit.domain.working import read_rules

TODAY = date(2026, 6, 10)
GATE = DrawGate(
    status="ACTIVE",
    freeze_reason="",
    valid_until=TODAY,
    as_of=TODAY,
    limit=Decimal(1_000),
    exposure=Decimal(900),
    days_past_due=0,
    identity_verified=True,
    consent_given=True,
    borrower_blocked=False,
)
CEILING = Ceiling(
    Decimal(300_000), Decimal(300_000), Decimal("0.24"), bullet_months=12, forbidden_purposes=("PROPERTY",)
)
SEEDS = Path(__file__).resolve().parents[3] / "credit/seed"


def offered_in(name: str) -> list[ProductTerms]:
    """Read the products of a file that a migration brings."""
    seed = json.loads((SEEDS / name).read_text("utf-8"))
    return [
        ProductTerms(
            item["code"],
            1,
            Scenario(item["scenario"]),
            Family(item["family"]),
            tuple(item["methods"]),
            tuple(item["instalment_counts"]),
            Decimal(item["minimum"]),
            Decimal(item["maximum"]),
            tuple(item["purposes"]),
            tuple(seed["forbidden"]),
            working=read_rules(item.get("rules")),
        )
        for item in seed["products"]
    ]


PRODUCTS = offered_in("products_v1.json")
WORKING = offered_in("products_working_v1.json")
EVERYDAY = PRODUCTS[0]


@pytest.mark.parametrize("status", LineStatus)
@pytest.mark.parametrize("action", LineAction)
def test_a_line_moves_by_its_table_and_no_other_way(status: LineStatus, action: LineAction) -> None:
    if (status, action) in AFTER:
        assert next_status(status, action) is AFTER[status, action]
    else:
        with pytest.raises(UnableToMoveLine):
            next_status(status, action)


def test_every_state_but_closed_has_an_exit() -> None:
    assert {before for before, _ in AFTER} == set(LineStatus) - {LineStatus.CLOSED}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"status": "OFFERED"}, "line_not_accepted"),
        ({"status": "FROZEN", "freeze_reason": "RISK"}, "line_frozen"),
        ({"status": "CLOSED"}, "line_closed"),
        ({"valid_until": TODAY - timedelta(1)}, "line_expired"),
        ({"borrower_blocked": True}, "borrower_blocked"),
        ({"identity_verified": False}, "identity_missing"),
        ({"consent_given": False}, "consent_missing"),
        ({"days_past_due": 1}, "line_overdue"),
        ({"exposure": Decimal("900.01")}, "limit_exceeded"),
        ({"limit": Decimal("500")}, "limit_exceeded"),
    ],
)
def test_a_draw_is_refused_by_a_code_of_its_own(change: dict, code: str) -> None:
    with pytest.raises(UnableToDrawDown) as caught:
        check_draw(replace(GATE, **change), amount=Decimal(100))
    assert caught.value.code == code


def test_a_refused_draw_names_what_is_left() -> None:
    with pytest.raises(UnableToDrawDown) as caught:
        check_draw(GATE, amount=Decimal("100.01"))
    assert str(caught.value) == "You can draw up to 100.00."
    with pytest.raises(UnableToDrawDown) as caught:
        check_draw(replace(GATE, limit=Decimal(50)), amount=Decimal(50))
    assert str(caught.value) == "You can draw up to 0.00."


def test_a_draw_of_the_last_cent_passes() -> None:
    check_draw(GATE, amount=Decimal(100))


def choice(**change: object) -> None:
    given = {
        "amount": Decimal(500),
        "count": 12,
        "method": "EQUAL_INSTALMENT",
        "purpose": "DAILY_GOODS",
        **change,
    }
    check_choice(EVERYDAY, ceiling=CEILING, **given)


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"purpose": "SECURITIES"}, UnableToUsePurpose, "purpose_forbidden"),
        ({"purpose": "PROPERTY"}, UnableToUsePurpose, "purpose_forbidden"),
        ({"purpose": ""}, UnableToUseProduct, "purpose_invalid"),
        ({"purpose": "<script>"}, UnableToUseProduct, "purpose_invalid"),
        ({"purpose": "STOCK"}, UnableToUseProduct, "purpose_invalid"),
        ({"method": "FLAT"}, UnableToUseProduct, "repayment_method_invalid"),
        ({"count": 0}, UnableToUseProduct, "instalment_count_invalid"),
        ({"count": 999}, UnableToUseProduct, "instalment_count_invalid"),
        ({"amount": Decimal("49.99")}, UnableToUseProduct, "amount_out_of_range"),
        ({"amount": Decimal("200000.01")}, UnableToUseProduct, "amount_out_of_range"),
        ({"amount": Decimal("100.001")}, UnableToUseProduct, "amount_invalid"),
    ],
)
def test_a_choice_that_is_not_offered_is_refused(change: dict, error: type, code: str) -> None:
    with pytest.raises(error) as caught:
        choice(**change)
    assert caught.value.code == code
    choice()


def test_every_scenario_is_offered_and_no_product_allows_what_is_forbidden() -> None:
    assert {product.scenario for product in PRODUCTS} == set(Scenario) - DRAW_ONLY
    assert {product.scenario for product in WORKING} == DRAW_ONLY
    for product in [*PRODUCTS, *WORKING]:
        check_product(product)
        assert not set(product.purposes) & set(product.forbidden)
        assert set(product.purposes) | set(product.forbidden) <= set(PURPOSE_NAMES)
        assert {"PROPERTY", "SECURITIES", "DERIVATIVES", "EQUITY", "DEBT_REPAYMENT"} <= set(product.forbidden)


def test_everything_at_the_end_lasts_a_year_at_most() -> None:
    shop = PRODUCTS[-1]
    assert max(counts_of(shop, "BULLET", CEILING)) == 12
    assert max(counts_of(shop, "EQUAL_INSTALMENT", CEILING)) == 24


def test_the_ladder_finds_each_due_date_once() -> None:
    found = due_dates(TODAY)
    assert len(found) == len(LADDER) == 9
    assert {TODAY - day: rung for day, rung in found.items()} == {
        timedelta(rung.days): rung for rung in LADDER
    }
    assert all("SMS" not in rung.channels for rung in LADDER if rung.days == -7)


def test_the_nights_plan_has_no_gap() -> None:
    assert list(ranges(5, 5, 10)) == [(5, 5)]
    covered = [n for first, last in ranges(1, 1003, 100) for n in range(first, last + 1)]
    assert covered == list(range(1, 1004))
    assert list(open_days(TODAY, TODAY - timedelta(1))) == []
    assert len(list(open_days(TODAY, TODAY + timedelta(2)))) == 3
    walked, step = [], STEPS[0]
    while step is not None:
        walked.append(step)
        step = step_after(step)
    assert walked == list(Step)
    assert STEPS.index(Step.PROVE) < STEPS.index(Step.REEVALUATE) < STEPS.index(Step.ROLL)

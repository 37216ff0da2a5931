"""The policy's schema: what it refuses, field by field, and what it reads."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from credit.domain.policy import Ceiling, UnableToReadPolicy, read_policy

CEILING = Ceiling(Decimal(300_000), Decimal(300_000), Decimal("0.24"))
SEED = Path(__file__).resolve().parents[3] / "credit/seed/policy_v1.json"


def document() -> dict[str, Any]:
    return json.loads(SEED.read_text())


def changed(path: str, value: Any) -> dict[str, Any]:
    written = copy.deepcopy(document())
    *way, last = path.split(".")
    place: Any = written
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    place[int(last) if isinstance(place, list) else last] = value
    return written


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("cut_offs.approve_below", "1.2", "policy_field_invalid"),
        ("cut_offs.refer_below", "0.01", "policy_field_invalid"),
        ("cut_offs.approve_below", "NaN", "policy_field_invalid"),
        ("cut_offs.approve_below", 0.08, "policy_field_invalid"),
        ("cut_offs.approve_below", "-0.1", "policy_field_invalid"),
        ("grades.1.pd_below", "0.01", "policy_grades_overlap"),
        ("grades.1.pd_below", "0.005", "policy_grades_overlap"),
        ("grades.4.pd_below", "0.13", "policy_grades_gap"),
        ("grades.4.annual_rate", "0.25", "policy_price_over_guard"),
        ("grades.4.annual_rate", "0.22", "policy_price_over_guard"),  # under 24 % nominal, 24.4 % all in
        ("grades.1.annual_rate", "0.05", "policy_grades_fall"),
        ("grades.0.limit", "300001", "policy_limit_over_cap"),
        ("grades.4.limit", "49", "policy_limit_over_cap"),
        ("grades.0.name", "B", "policy_field_invalid"),
        ("exploration.share", "0.2", "policy_field_invalid"),
        ("exploration.up_to", "0.2", "policy_field_invalid"),
        ("knock_outs.minimum_age", 17, "policy_field_invalid"),
        ("knock_outs.minimum_age", True, "policy_field_invalid"),
        ("knock_outs.minimum_age", "18", "policy_field_invalid"),
        ("reevaluation.most_cut", "1.5", "policy_field_invalid"),
        ("reevaluation.unfreeze_pd", "0.5", "policy_field_invalid"),
        ("schema", 2, "policy_field_invalid"),
        ("surprise", "1", "unknown_field"),
        ("knock_outs.surprise", "1", "unknown_field"),
        ("grades", [], "policy_field_invalid"),
        ("grades", "A", "policy_field_invalid"),
        ("cut_offs", "x", "policy_field_invalid"),
    ],
)
def test_it_refuses_a_document_that_breaks_a_rule(path: str, value: Any, code: str) -> None:
    with pytest.raises(UnableToReadPolicy) as caught:
        read_policy(changed(path, value), ceiling=CEILING)
    assert caught.value.code == code, str(caught.value)
    assert caught.value.field
    assert caught.value.field.split(".")[0] in path
    assert "%(" not in str(caught.value)


@pytest.mark.parametrize("name", list(json.loads(SEED.read_text())))
def test_it_refuses_a_document_without_a_field(name: str) -> None:
    written = document()
    del written[name]
    with pytest.raises(UnableToReadPolicy) as caught:
        read_policy(written, ceiling=CEILING)
    assert (caught.value.code, caught.value.field) == ("policy_field_missing", name)


def test_it_refuses_prices_over_a_stricter_regime() -> None:
    strict = Ceiling(Decimal(200_000), Decimal(200_000), Decimal("0.12"))
    with pytest.raises(UnableToReadPolicy, match="costs more a year than the regime allows"):
        read_policy(document(), ceiling=strict)


def test_it_reads_the_policy_of_the_installation() -> None:
    rules = read_policy(document(), ceiling=CEILING)
    assert [rules.grade_of(Decimal(pd)).name for pd in ("0", "0.0099", "0.01", "0.0399", "0.1")] == list(
        "AABCE"
    )
    assert rules.grade_of(Decimal("0.14")) is None

"""The columns decide what `decide` decides, row by row, whatever the policy."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from credit.domain.decision import decide
from credit.domain.policy import PolicyRules, read_policy
from credit.domain.profit import REFERENCE
from credit.laboratory.columns import CODES, OUTCOMES, decide_columns
from tests.credit.domain.test_policy import CEILING, document
from tests.credit.laboratory.rows import drawn, one

MATRIX = read_policy(document(), ceiling=CEILING)
STRICT = replace(
    MATRIX,
    cut_offs=replace(MATRIX.cut_offs, approve_below=Decimal("0.05"), refer_below=Decimal("0.10")),
    knock_outs=replace(MATRIX.knock_outs, maximum_age=45, worst_days_past_due_12m=0),
)
PROFIT = replace(MATRIX, profit=replace(REFERENCE, loss_weight=Decimal("0.7")))
CHEAP = replace(CEILING, annual_rate=Decimal("0.12"), person_limit=Decimal(20_000), refuses_students=False)


@pytest.mark.parametrize("policy", [MATRIX, STRICT, PROFIT], ids=["matrix", "strict", "profit"])
@pytest.mark.parametrize("ceiling", [CEILING, CHEAP], ids=["regime", "tight regime"])
def test_every_row_is_decided_as_the_rule_decides_it(policy: PolicyRules, ceiling: object) -> None:
    stored = drawn(1_500)
    found = decide_columns(policy, ceiling, stored)  # type: ignore[arg-type]
    seen = set()
    for at in range(len(stored)):
        applicant, scored, asked = one(stored, at)
        decided = decide(policy=policy, ceiling=ceiling, applicant=applicant, scored=scored, asked=asked)  # type: ignore[arg-type]
        assert OUTCOMES[found.outcome[at]] == decided.outcome, at
        assert found.limit[at] == float(decided.limit), at
        assert found.annual_rate[at] == float(decided.annual_rate), at
        assert bool(found.explores[at]) == decided.is_exploration, at
        grade = policy.grades[found.grade[at]].name if found.grade[at] >= 0 else ""
        assert grade == decided.grade, at
        # a decline for the score is told by its factors; here they are empty, so the code of the policy stands
        assert CODES[found.why[at]] == decided.reasons[0].code, at
        seen.add((str(decided.outcome), decided.reasons[0].code))
    assert len(seen) >= 18, "the rows meet the rules"


def test_an_empty_block_gives_an_empty_answer() -> None:
    stored = drawn(5)
    nobody = replace(
        stored, **{name: getattr(stored, name)[:0] for name in stored.__slots__ if name != "means"}
    )
    nobody = replace(
        nobody,
        means=type(stored.means)(*(getattr(stored.means, n)[:0] for n in type(stored.means).__slots__)),
    )
    assert len(decide_columns(MATRIX, CEILING, nobody).outcome) == 0


def test_the_columns_are_fast_enough_to_be_worth_it() -> None:
    stored = drawn(50_000, seed=8)
    counts = np.bincount(decide_columns(MATRIX, CEILING, stored).outcome, minlength=4)
    assert counts.sum() == 50_000
    assert (counts > 1_000).all()

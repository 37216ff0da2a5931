"""The engine against a second one that was written from the rules alone."""

from __future__ import annotations

import os
import random
from datetime import timedelta

import pytest

from loans.domain.engine import fold, payoff_quote
from loans.domain.events import EventKind
from tests.loans.domain.histories import EVERY_KIND, Story, random_story
from tests.loans.domain.reference import Reference, cents

DEEP = bool(os.environ.get("DEEP"))
# DEEP_STORIES=1000 DEEP_FROM=3000 runs the stories 3000 to 3999: a long run may be cut and done in parts
FIRST = int(os.environ.get("DEEP_FROM", "0")) if DEEP else 0
STORIES = int(os.environ.get("DEEP_STORIES", "10000")) if DEEP else 120
STEPS = 50 if DEEP else 12
KINDS = [
    *(kind for kind in EVERY_KIND if kind is not EventKind.CHARGE_BACK),
    EventKind.RECOVERY,
]


def engine_view(story: Story, day) -> dict:
    state = fold(story.terms, story.events, value_date=day)
    owed = payoff_quote(story.terms, story.events, value_date=day)
    return {
        "rows": [
            (
                row.number,
                row.due_date,
                [cents(getattr(row.due, part)) for part in ("principal", "interest")],
                [cents(getattr(row.paid, part)) for part in ("principal", "interest", "fee", "penalty")],
            )
            for row in state.instalments
            if row.is_due
        ],
        "principal": cents(state.principal_outstanding),
        "accrued": cents(state.accrued_interest),
        "credit": cents(state.credit),
        "earned": cents(state.interest_earned),
        "payoff": cents(owed.total + owed.credit),
    }


def reference_view(story: Story, day) -> dict:
    loan = Reference(story.terms, list(story.events), day)
    over = loan.written_off
    return {
        "rows": [
            (
                line.number,
                line.due,
                [line.asked[part] - line.moved[part] for part in ("principal", "interest")],
                [line.paid[part] for part in ("principal", "interest", "fee", "penalty")],
            )
            for line in loan.lines
            if line.fallen
        ],
        "principal": loan.running + loan.arrears(),
        "accrued": 0 if over else loan.running_interest(),
        "credit": loan.credit,
        "earned": loan.earned_before + loan.earned(),
        "payoff": 0 if over else loan.payoff(),
    }


@pytest.mark.parametrize("seed", range(FIRST, FIRST + STORIES))
def test_both_engines_agree(seed: int) -> None:
    kinds = [*KINDS, EventKind.WRITE_OFF] if seed % 10 == 0 else KINDS
    story = random_story(seed + 500_000, steps=STEPS, kinds=kinds)
    later = story.day + timedelta(days=random.Random(seed).randint(1, 300))
    middle = story.terms.start_date + (story.day - story.terms.start_date) / 2
    for day in (middle, story.day, later):
        assert engine_view(story, day) == reference_view(story, day)

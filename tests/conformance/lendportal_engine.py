"""The adapter of this project's engine: one module a family."""

from __future__ import annotations

from typing import Any

from tests.conformance import allocations, day_counts, rates, schedules

FAMILIES = {"a": schedules.answer, "b": rates.answer, "c": allocations.answer, "d": day_counts.answer}


def answer(family: str, case: dict[str, Any]) -> Any:
    """Answer one case."""
    return FAMILIES[family](case)

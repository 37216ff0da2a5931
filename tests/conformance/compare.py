"""Compare an engine's answer with what a case expects, within the case's own tolerance."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

IGNORED = {"source_prints", "from", "days", "type", "total_payment_unrounded_level_times_n"}


def tolerance_of(family: str, case: dict[str, Any]) -> Decimal:
    """Return how far a number may be off: the case's own tolerance, else half a unit of what is printed."""
    for name in ("tolerance", "tolerance_percent_points"):
        if case.get(name) is not None:
            return Decimal(str(case[name]))
    if family == "b":
        return Decimal("1e-7")
    return Decimal(0)


def differences(family: str, case: dict[str, Any], given: Any) -> list[str]:
    """Return every place where the answer differs; an expected field that is not answered differs."""
    wrong: list[str] = []
    _walk("", case["expected"], given, tolerance_of(family, case), wrong)
    return wrong


def _walk(path: str, expected: Any, given: Any, tolerance: Decimal, wrong: list[str]) -> None:
    if isinstance(expected, dict):
        for key, value in expected.items():
            if key in IGNORED or value is None:
                continue
            if not isinstance(given, dict) or key not in given:
                wrong.append(f"{path}{key}: not answered")
            else:
                _walk(f"{path}{key}.", value, given[key], tolerance, wrong)
    elif isinstance(expected, list):
        if not isinstance(given, list) or len(given) != len(expected):
            wrong.append(f"{path}: {len(expected)} expected, got {given!r:.200}")
            return
        for index, value in enumerate(expected):
            _walk(f"{path}{index}.", value, given[index], tolerance, wrong)
    elif not _same(expected, given, tolerance):
        wrong.append(f"{path} expected {expected}, got {given}")


def _same(expected: Any, given: Any, tolerance: Decimal) -> bool:
    if str(expected) == str(given):
        return True
    try:
        wanted, got = Decimal(str(expected)), Decimal(str(given))
    except InvalidOperation:
        return False
    if wanted.is_finite() and got.is_finite():
        printed = tolerance
        if not tolerance and len(str(expected)) > 14 and "." in str(expected):
            # an unrounded figure of a spreadsheet: fifteen digits of a double
            printed = abs(wanted) * Decimal("1e-13") + Decimal("1e-12")
        return abs(wanted - got) <= printed
    return False

"""The kit run on the project's own cases always, and on the published ones where they are at hand."""

from __future__ import annotations

import copy
from decimal import Decimal
from pathlib import Path

import pytest

from tests.conformance.compare import differences
from tests.conformance.conventions import UNSUPPORTED
from tests.conformance.runner import OWN_CASES, engine_answer, golden_folder, load_cases, run_case, run_folder


def failures(folder: Path) -> list[str]:
    report = run_folder(folder, engine_answer())
    return [line for lines in report.failed.values() for line in lines]


def test_own_cases_pass() -> None:
    report = run_folder(OWN_CASES, engine_answer())
    assert not report.failed, report.failed
    assert report.passed.total() >= 20
    assert set(report.unsupported) <= set(UNSUPPORTED)


def test_published_cases_pass() -> None:
    folder = golden_folder()
    if folder == OWN_CASES:
        pytest.skip("no published cases beside the project; GOLDEN_DIR names a folder of them")
    report = run_folder(folder, engine_answer())
    assert not report.failed, report.failed
    for family, least in (("b", 0.9), ("c", 0.9), ("d", 0.9)):
        assert report.share_exact(family) >= least


def test_a_textbook_case_is_never_set_aside() -> None:
    answer = engine_answer()
    for family, case in load_cases(golden_folder()):
        if case.get("plain_engine_ok"):
            assert run_case(answer, family, case)[0] == "passed", case["id"]


def test_a_wrong_cent_is_seen() -> None:
    """The kit would not be worth its name if it let a changed figure through."""
    answer = engine_answer()
    for family, case in load_cases(OWN_CASES):
        if run_case(answer, family, case)[0] != "passed":
            continue
        spoiled = copy.deepcopy(case)
        assert spoil(spoiled["expected"], spoiled), case["id"]
        assert run_case(answer, family, spoiled)[0] == "failed", case["id"]


def spoil(expected: object, holder: dict) -> bool:
    """Change the first number of what is expected."""
    if isinstance(expected, str):
        holder["expected"] = spoiled_text(expected)
        return True
    items = expected.items() if isinstance(expected, dict) else enumerate(expected)  # type: ignore[arg-type]
    for key, value in items:
        if isinstance(value, (dict, list)):
            if spoil(value, holder):
                return True
        elif value is not None and key not in ("n", "number", "date", "due", "due_date"):
            expected[key] = spoiled_text(str(value))  # type: ignore[index]
            return True
    return False


def spoiled_text(text: str) -> str:
    try:
        return str(Decimal(text) + Decimal("0.01"))
    except ArithmeticError:
        return text.replace("0", "1").replace("2/12", "1/12") + "9"


def test_an_unanswered_field_is_a_difference() -> None:
    case = {"expected": {"interest": "1.00", "principal": "2.00"}}
    assert differences("a", case, {"interest": "1.00"}) == ["principal: not answered"]

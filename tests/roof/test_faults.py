"""The list of faults names tests that are there, and leaves no fault out."""

from __future__ import annotations

import re

from tests.chaos.faults import FAULTS
from tests.plugins.servers import ROOT

ROW = re.compile(r"^\| ([A-I]\d+) \|(.+)\|(.+)\|(.+)\|$", re.MULTILINE)
COUNTS = {"A": 15, "B": 18, "C": 12, "D": 20, "E": 10, "F": 10, "G": 13, "H": 27, "I": 7}
TEXT = (ROOT / "docs" / "faults.md").read_text("utf-8")


def test_every_fault_has_a_row() -> None:
    rows = [row[0] for row in ROW.findall(TEXT)]
    assert rows == [f"{group}{number}" for group, most in COUNTS.items() for number in range(1, most + 1)]
    assert len(rows) == 132


def test_every_test_that_is_named_is_there() -> None:
    missing = []
    for path, _, name in re.findall(r"`([\w/]+\.py)(::(\w+))?`", TEXT):
        file = ROOT / "tests" / path
        if not file.exists() or (name and f"def {name}(" not in file.read_text("utf-8")):
            missing.append(f"{path}::{name}")
    assert not missing


def test_every_fault_of_the_harness_that_is_named_is_there() -> None:
    shown = "\n".join(row[3] for row in ROW.findall(TEXT))
    named = set(re.findall(r"`((?:kill|stop|end|reload|broker|database|bank|message|day|keys)_\w+)`", shown))
    assert named
    assert named <= set(FAULTS)

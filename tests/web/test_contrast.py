"""The colours of static/css/tokens.css: every pair that carries text is at least 4.5 to 1, in both themes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOKENS = (Path(__file__).parents[2] / "static/css/tokens.css").read_text("utf-8")
LIGHT, _, DARK = TOKENS.partition("@media (prefers-color-scheme: dark)")
PAIRS = [
    ("ink", "paper"),
    ("ink", "card"),
    ("ink", "sunk"),
    ("ink-soft", "paper"),
    ("ink-soft", "card"),
    ("ink-soft", "sunk"),
    ("brand", "paper"),
    ("brand", "card"),
    ("on-brand", "brand"),
    ("on-brand", "brand-strong"),
    ("on-brand-soft", "brand-soft"),
    ("ink", "brand-soft"),
    ("on-hero", "hero"),
    ("on-hero", "hero-edge"),
    ("on-hero-soft", "hero"),
    ("on-hero-soft", "hero-edge"),
    ("warn", "warn-soft"),
    ("ink", "warn-soft"),
    ("bad", "bad-soft"),
    ("bad", "card"),
    ("ink", "bad-soft"),
    ("info", "info-soft"),
    ("ink", "info-soft"),
    ("card", "bad"),
]


def colours(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", css))


def brightness(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((brightness(one), brightness(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("pair", PAIRS, ids="-on-".join)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read(theme: str, pair: tuple[str, str]) -> None:
    known = colours(LIGHT) | (colours(DARK) if theme == "dark" else {})
    found = contrast(known[pair[0]], known[pair[1]])
    assert found >= 4.5, f"{theme}: {pair[0]} on {pair[1]} is {found:.2f}"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_edges_of_fields_and_the_focus_can_be_seen(theme: str) -> None:
    known = colours(LIGHT) | (colours(DARK) if theme == "dark" else {})
    for edge in ("line-strong", "focus"):
        for ground in ("paper", "card"):
            assert contrast(known[edge], known[ground]) >= 3, (theme, edge, ground)

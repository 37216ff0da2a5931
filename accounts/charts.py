"""Geometry of the pictures on the pages: numbers in, numbers out, no HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

WIDTH, HEIGHT = 360, 170
LEFT, RIGHT, TOP, BOTTOM = 46, 4, 10, 22


@dataclass(frozen=True, slots=True)
class Bar:
    """Give one column: its label and the two amounts stacked in it."""

    label: str
    first: Decimal
    second: Decimal


@dataclass(frozen=True, slots=True)
class Column:
    """Place one column in the picture."""

    x: str
    width: str
    first_y: str
    first_height: str
    second_y: str
    second_height: str
    label: str
    label_x: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Hold a picture ready to be written as SVG."""

    width: int
    height: int
    left: int
    right: int
    columns: list[Column]
    ticks: list[tuple[str, str, str]]  # y of the line, y of its words, words
    base: str


def _nice_top(value: Decimal) -> Decimal:
    """Round up to 1, 2, 2.5 or 5 times a power of ten."""
    if value <= 0:
        return Decimal(1)
    power = Decimal(10) ** value.adjusted()
    return next(
        step * power
        for step in (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
        if step * power >= value
    )


def bars(rows: Sequence[Bar]) -> Chart:
    """Stack two amounts a column; labels thin out so that they never touch."""
    top = _nice_top(max((row.first + row.second for row in rows), default=Decimal(0)))
    plot, base = HEIGHT - TOP - BOTTOM, HEIGHT - BOTTOM
    count = max(len(rows), 1)
    pitch = Decimal(WIDTH - LEFT - RIGHT) / count
    width = max(min(pitch * Decimal("0.68"), Decimal(44)), Decimal("0.8"))
    every = max(1, -(-count // 12))
    columns = []
    for number, row in enumerate(rows):
        first, second = row.first / top * plot, row.second / top * plot
        x = LEFT + pitch * number + (pitch - width) / 2
        shown = row.label if number % every == 0 or count <= 12 else ""
        columns.append(
            Column(
                x=f"{x:.1f}",
                width=f"{width:.1f}",
                first_y=f"{base - first:.1f}",
                first_height=f"{first:.1f}",
                second_y=f"{base - first - second:.1f}",
                second_height=f"{second:.1f}",
                label=shown,
                label_x=f"{x + width / 2:.1f}",
            )
        )
    ticks = []
    for part in (Decimal(0), Decimal("0.5"), Decimal(1)):
        y = base - part * plot
        ticks.append((f"{y:.1f}", f"{y + 4:.1f}", f"{top * part:,.0f}"))
    return Chart(WIDTH, HEIGHT, LEFT, WIDTH - RIGHT, columns, ticks, f"{HEIGHT - 6}")

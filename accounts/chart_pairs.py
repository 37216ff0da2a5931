"""Geometry of two bars a month side by side: what came in beside what went out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from accounts.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, _nice_top


@dataclass(frozen=True, slots=True)
class Pair:
    """Give one month: its label and two amounts; None is not known and leaves no bar."""

    label: str
    first: Decimal | None
    second: Decimal | None


@dataclass(frozen=True, slots=True)
class Box:
    """Place one bar."""

    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class PairChart:
    """Hold a picture ready to be written as SVG."""

    width: int
    height: int
    left: int
    right: int
    firsts: list[Box]
    seconds: list[Box]
    labels: list[tuple[str, str]]
    ticks: list[tuple[str, str, str]]
    base: str


def pair_bars(rows: Sequence[Pair]) -> PairChart:
    """Lay months out; labels thin out so that they never touch.

    >>> chart = pair_bars([Pair("1", Decimal(100), Decimal(50)), Pair("2", None, Decimal(80))])
    >>> len(chart.firsts), len(chart.seconds)
    (1, 2)
    """
    amounts = [amount for row in rows for amount in (row.first, row.second) if amount is not None]
    top = _nice_top(max([*amounts, Decimal(0)]))
    plot, base = HEIGHT - TOP - BOTTOM, HEIGHT - BOTTOM
    pitch = Decimal(WIDTH - LEFT - RIGHT) / max(len(rows), 1)
    width = max(min(pitch * Decimal("0.36"), Decimal(18)), Decimal("0.8"))
    every = max(1, -(-len(rows) // 8))

    def box(x: Decimal, amount: Decimal) -> Box:
        height = max(amount, Decimal(0)) / top * plot
        return Box(f"{x:.1f}", f"{base - height:.1f}", f"{width:.1f}", f"{height:.1f}")

    firsts, seconds, labels = [], [], []
    for number, row in enumerate(rows):
        middle = LEFT + pitch * number + pitch / 2
        if row.first is not None:
            firsts.append(box(middle - width, row.first))
        if row.second is not None:
            seconds.append(box(middle, row.second))
        if number % every == 0:
            labels.append((f"{middle:.1f}", row.label))
    ticks = [
        (f"{base - part * plot:.1f}", f"{base - part * plot + 4:.1f}", f"{top * part:,.0f}")
        for part in (Decimal(0), Decimal("0.5"), Decimal(1))
    ]
    return PairChart(WIDTH, HEIGHT, LEFT, WIDTH - RIGHT, firsts, seconds, labels, ticks, f"{HEIGHT - 6}")

"""Line and bar plots as SVG, made on the server: no script, no font, no image; text takes the colour of its page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 560, 260, 64, 12, 44, 34
COLOURS = ("#3b82c4", "#d97706", "#3f9d6b", "#c2415d", "#8b6fd1", "#7a8794", "#b08900", "#2aa3a3")
DASHES = ("", "6 3", "2 3", "8 3 2 3", "", "6 3", "2 3", "8 3 2 3")

Series = tuple[str, Sequence[float | None]]


def compact(value: float) -> str:
    """Write a number shortly: 1.2k, 3.4M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def percent(value: float) -> str:
    """Write a part of one as per cent."""
    return f"{value:.1%}" if abs(value) < 0.1 else f"{value:.0%}"


def lines(
    series: Sequence[Series],
    *,
    title: str,
    x_label: str,
    show: Callable[[float], str] = compact,
    first: int = 0,
    level: float | None = None,
) -> str:
    """Draw series over 0, 1, 2 ...; None leaves a gap; `level` draws a line that must not be passed."""
    known = [value for _, values in series for value in values if value is not None]
    low = min([0.0, *known])
    high = max([*known, level or 0.0, low + 1e-9]) * 1.05
    count = max((len(values) for _, values in series), default=2)

    def x(place: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * place / max(count - 1, 1)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value - low) / (high - low)

    body = _grid(low, high, y, show)
    for place in range(0, count, max(1, count // 8)):
        body += _text(x(place), HEIGHT - BOTTOM + 15, str(first + place), "middle")
    if level is not None:
        body += f'<path d="M{LEFT} {y(level):.1f} H{WIDTH - RIGHT}" stroke="#c2415d" stroke-dasharray="3 3"/>'
    for place, (_, values) in enumerate(series):
        body += _path(values, x, y, COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)])
        if len(values) == 1 and values[0] is not None:  # a line through one point is not to be seen
            body += f'<circle cx="{x(0):.1f}" cy="{y(values[0]):.1f}" r="4" fill="{COLOURS[place % len(COLOURS)]}"/>'
    body += _legend([name for name, _ in series])
    return _svg(title, body + _text((LEFT + WIDTH) / 2, HEIGHT - 3, x_label, "middle"))


def bars(
    rows: Sequence[tuple[str, Sequence[float]]],
    *,
    names: Sequence[str],
    title: str,
    show: Callable[[float], str] = compact,
) -> str:
    """Draw groups of bars side by side, a group a row; negative bars hang from zero."""
    values = [value for _, group in rows for value in group]
    low, high = min([0.0, *values]), max([1e-9, *values]) * 1.05

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value - low) / (high - low)

    body, step = _grid(low, high, y, show), (WIDTH - LEFT - RIGHT) / max(len(rows), 1)
    for place, (label, group) in enumerate(rows):
        wide = step * 0.8 / max(len(group), 1)
        for turn, value in enumerate(group):
            at, top = LEFT + step * (place + 0.1) + wide * turn, min(y(value), y(0.0))
            body += (
                f'<rect x="{at:.1f}" y="{top:.1f}" width="{wide * 0.92:.1f}" height="{max(abs(y(value) - y(0.0)), 0.5):.1f}" '
                f'fill="{COLOURS[turn % len(COLOURS)]}"><title>{escape(f"{label}, {names[turn]}: {show(value)}")}</title></rect>'
            )
        body += _text(LEFT + step * (place + 0.5), HEIGHT - BOTTOM + 15, label, "middle")
    return _svg(title, body + _legend(names))


def _grid(low: float, high: float, y: Callable[[float], float], show: Callable[[float], str]) -> str:
    body = ""
    for part in range(5):
        value = low + (high - low) * part / 4
        body += (
            f'<line x1="{LEFT}" y1="{y(value):.1f}" x2="{WIDTH - RIGHT}" y2="{y(value):.1f}" stroke="currentColor" stroke-opacity="0.15"/>'
            + _text(LEFT - 5, y(value) + 4, show(value), "end")
        )
    return body


def _path(
    values: Sequence[float | None],
    x: Callable[[int], float],
    y: Callable[[float], float],
    colour: str,
    dash: str,
) -> str:
    parts, pen = [], "M"
    for place, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        parts.append(f"{pen}{x(place):.1f} {y(value):.1f}")
        pen = "L"
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="{" ".join(parts)}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>'


def _legend(names: Sequence[str]) -> str:
    body, at = "", float(LEFT)
    for place, name in enumerate(names):
        colour, dash = COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)]
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        body += f'<path d="M{at:.0f} 30 h18" stroke="{colour}" stroke-width="3"{dashed}/>'
        body += _text(at + 22, 34, name, "start")
        at += 34 + sum(12 if ord(letter) > 0x2E80 else 6.2 for letter in name)
    return body


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" text-anchor="{anchor}" fill="currentColor">{escape(text)}</text>'


def _svg(title: str, body: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" font-family="sans-serif" style="max-width:100%;height:auto">'
        f"<title>{escape(title)}</title>"
        f'<text x="{LEFT}" y="16" font-size="13" font-weight="bold" fill="currentColor">{escape(title)}</text>{body}</svg>'
    )

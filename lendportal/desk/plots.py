"""Plots of the desk as SVG, made on the server: lines and bars in the page's own colours, no script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 620, 260, 56, 34, 26
Series = Sequence[tuple[str, Sequence[float | None]]]


def _label(value: float, *, is_share: bool) -> str:
    if is_share:
        return f"{value:.0%}" if value >= 0.095 or value == 0 else f"{value:.1%}"
    for size, mark in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.1f}{mark}"
    return f"{value:.0f}"


def _frame(title: str, body: str, *, top: float, is_share: bool) -> str:
    ticks = ""
    for part in range(5):
        y = _y(top * part / 4, top)
        ticks += (
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 5}" y="{y + 4:.1f}" text-anchor="end" font-size="11">{_label(top * part / 4, is_share=is_share)}</text>'
        )
    return (
        f'<svg role="img" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"><title>{escape(title)}</title>'
        f'<text x="{LEFT}" y="14" font-size="13" font-weight="bold">{escape(title)}</text>{ticks}{body}</svg>'
    )


def _y(value: float, top: float) -> float:
    return (HEIGHT - BOTTOM) - (HEIGHT - BOTTOM - TOP) * (value / top if top else 0.0)


def _top(series: Series) -> float:
    return max([value for _name, values in series for value in values if value is not None] + [0.0]) or 1.0


def _x_labels(names: Sequence[str], step: float) -> str:
    every = max(1, len(names) // 13 + 1)
    return "".join(
        f'<text x="{LEFT + step * place + step / 2:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle" font-size="11">{escape(name)}</text>'
        for place, name in enumerate(names)
        if place % every == 0
    )


def lines(x: Sequence[str], series: Series, *, title: str) -> str:
    """Draw shares as lines over `x`; what is not known yet is left open. The last line is the darkest."""
    top, step = _top(series), (WIDTH - LEFT) / max(len(x), 1)
    body = _x_labels(x, step)
    for place, (name, values) in enumerate(series):
        points = [(LEFT + step * n + step / 2, _y(value, top)) for n, value in enumerate(values) if value is not None]  # fmt: skip
        if not points:
            continue
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        strength = 0.25 + 0.75 * (place + 1) / len(series)
        body += f'<polyline class="plot-line" points="{path}" fill="none" stroke-width="1.8" stroke-opacity="{strength:.2f}"><title>{escape(name)}</title></polyline>'
    return _frame(title, body, top=top, is_share=True)


def bars(x: Sequence[str], series: Series, *, title: str) -> str:
    """Draw amounts as bars, the series side by side, named in the title."""
    top, step = _top(series), (WIDTH - LEFT) / max(len(x), 1)
    width = step * 0.7 / max(len(series), 1)
    body = _x_labels(x, step)
    for place, (name, values) in enumerate(series):
        for n, value in enumerate(values):
            if value is None:
                continue
            y = _y(value, top)
            left = LEFT + step * n + step * 0.15 + width * place
            body += f'<rect class="plot-bar-{place % 2}" x="{left:.1f}" y="{y:.1f}" width="{width:.1f}" height="{HEIGHT - BOTTOM - y:.1f}"><title>{escape(name)} {escape(x[n])}: {_label(value, is_share=False)}</title></rect>'
    named = " · ".join(name for name, _values in series) if len(series) > 1 else ""
    return _frame(f"{title} — {named}" if named else title, body, top=top, is_share=False)

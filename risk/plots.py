"""Small plots as SVG, made on the server: no script, no font, no image from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM = 460, 240, 48, 30


def _frame(title: str, body: str, x_label: str, top: float) -> str:
    ticks = ""
    for part in range(5):
        y = _y(top * part / 4, top)
        ticks += (
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH}" y2="{y:.1f}" stroke="#ddd"/>'
            f'<text x="{LEFT - 4}" y="{y + 4:.1f}" text-anchor="end" font-size="11">{_percent(top * part / 4)}</text>'
        )
    return (
        f'<svg role="img" viewBox="0 0 {WIDTH} {HEIGHT + 16}" width="{WIDTH}" font-family="sans-serif">'
        f"<title>{escape(title)}</title>"
        f'<text x="{LEFT}" y="12" font-size="13" font-weight="bold">{escape(title)}</text>{ticks}{body}'
        f'<text x="{(WIDTH + LEFT) / 2:.0f}" y="{HEIGHT + 12}" text-anchor="middle" font-size="11">{escape(x_label)}</text></svg>'
    )


def _percent(value: float) -> str:
    return f"{value:.0%}" if value >= 0.095 or value == 0 else f"{value:.1%}"


def _y(value: float, top: float) -> float:
    return (HEIGHT - BOTTOM) - (HEIGHT - BOTTOM - 24) * (value / top if top else 0.0)


def calibration_plot(
    deciles: Sequence[Sequence[float]], *, title: str, x_label: str, forecast: str, observed: str
) -> str:
    """Draw forecast against observed bad rate by tenth."""
    top = max([max(row[1], row[2]) for row in deciles] + [0.01]) * 1.1
    step = (WIDTH - LEFT) / max(len(deciles), 1)
    body = ""
    for place, (_count, expected, seen) in enumerate(deciles):
        x = LEFT + step * place
        y = _y(seen, top)
        body += (
            f'<rect x="{x + step * 0.15:.1f}" y="{y:.1f}" width="{step * 0.7:.1f}" height="{HEIGHT - BOTTOM - y:.1f}" fill="#7aa6c2"/>'
            f'<circle cx="{x + step / 2:.1f}" cy="{_y(expected, top):.1f}" r="4" fill="#b3402a"/>'
            f'<text x="{x + step / 2:.1f}" y="{HEIGHT - BOTTOM + 14}" text-anchor="middle" font-size="11">{place + 1}</text>'
        )
    legend = f"{x_label} — ■ {observed}, ● {forecast}"
    return _frame(title, body, legend, top)


def bars(rows: Sequence[tuple[str, float]], *, title: str) -> str:
    """Draw horizontal bars, the widest first."""
    line, top = 20, max([value for _name, value in rows] + [1e-9])
    body = f'<text x="0" y="14" font-size="13" font-weight="bold">{escape(title)}</text>'
    for place, (name, value) in enumerate(rows):
        y = 24 + place * line
        body += (
            f'<text x="180" y="{y + 13}" text-anchor="end" font-size="11">{escape(name)}</text>'
            f'<rect x="186" y="{y + 2}" width="{220 * value / top:.1f}" height="14" fill="#7aa6c2"/>'
            f'<text x="{192 + 220 * value / top:.1f}" y="{y + 13}" font-size="11">{value:.3g}</text>'
        )
    height = 30 + line * len(rows)
    return f'<svg role="img" viewBox="0 0 480 {height}" width="480" font-family="sans-serif"><title>{escape(title)}</title>{body}</svg>'


def columns(counts: Sequence[Sequence[int]], *, title: str, x_label: str) -> str:
    """Draw how many there are in each band: [first value of the band, count], equal steps."""
    step = (WIDTH - LEFT) / max(len(counts), 1)
    whole = sum(count for _first, count in counts)
    top = max(count for _first, count in counts) / whole * 1.1
    body = ""
    for place, (first, count) in enumerate(counts):
        x, y = LEFT + step * place, _y(count / whole, top)
        body += (
            f'<rect x="{x + 1:.1f}" y="{y:.1f}" width="{max(step - 2, 1):.1f}" height="{HEIGHT - BOTTOM - y:.1f}" fill="#7aa6c2">'
            f"<title>{first}: {count}</title></rect>"
            f'<text x="{x + step / 2:.1f}" y="{HEIGHT - BOTTOM + 14}" text-anchor="middle" font-size="10">{first}</text>'
        )
    return _frame(title, body, x_label, top)


def bar(value: float, *, marks: Sequence[float], level: str, most: float = 0.5) -> str:
    """Draw one small bar with the marks at which something is to be done; read beside its number in a table."""
    lines = "".join(
        f'<line x1="{160 * mark / most:.1f}" y1="0" x2="{160 * mark / most:.1f}" y2="16" stroke="#888"/>'
        for mark in marks
    )
    wide = 160 * min(value, most) / most
    colour = {"ACT": "#b3402a", "WATCH": "#c98a1b"}.get(level, "#7aa6c2")
    return (
        f'<svg aria-hidden="true" viewBox="0 0 160 16" width="160" height="16">'
        f'<rect x="0" y="3" width="{wide:.1f}" height="10" fill="{colour}"/>{lines}</svg>'
    )


def interval(value: float, low: float, high: float, *, least: float = 0.5, most: float = 1.0) -> str:
    """Draw an estimate as a dot on its interval, from no better than chance to perfect."""

    def x(at: float) -> float:
        return 4 + 192 * (min(max(at, least), most) - least) / (most - least)

    return (
        f'<svg aria-hidden="true" viewBox="0 0 200 16" width="200" height="16"><line x1="4" y1="15" x2="196" y2="15" stroke="#888"/>'
        f'<line x1="{x(low):.1f}" y1="8" x2="{x(high):.1f}" y2="8" stroke="#7aa6c2" stroke-width="3"/>'
        f'<circle cx="{x(value):.1f}" cy="8" r="4" fill="#b3402a"/></svg>'
    )

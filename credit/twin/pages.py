"""Write a run of the twin as one page: plots drawn here, the tables behind them, no script and nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from credit import plots
from credit.twin.figures import STATE_NAMES

STYLE = (
    ":root{color-scheme:light dark}body{font-family:system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem;line-height:1.5}"
    "figure{display:inline-block;margin:.5rem 1rem .5rem 0;vertical-align:top;max-width:100%}table{border-collapse:collapse;margin:.5rem 0 1.5rem}"
    "th,td{padding:.2rem .7rem;border-bottom:1px solid #8886;text-align:right}th:first-child,td:first-child{text-align:left}"
    ".scroll{overflow-x:auto}.good{color:#2e8b57}.bad{color:#c2415d}"
)


def page(found: dict[str, Any]) -> str:
    """Write the whole report of `simulate`."""
    asked = found["asked"]
    title = f"Portfolio twin: {asked['borrowers']:,} borrowers, {asked['months']} months"
    body = [f"<h1>{escape(title)}</h1>", _summary(found)]
    for case in found["cases"]:
        body += [f"<h2>{escape(case['name'])}</h2>", *_plots(case), *_tables(case)]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>{''.join(body)}</body></html>\n"
    )


def plot_files(case: dict[str, Any]) -> dict[str, str]:
    """Give a case's plots as files of their own, on white, for a document that shows pictures."""
    names = ("balance", "limits", "loss", "profit", "cuts", "late", "vintages", "rolls")
    white = 'style="background:#fff;color:#222;'
    return {
        f"{name}.svg": figure.removeprefix("<figure>").removesuffix("</figure>").replace('style="', white, 1)
        for name, figure in zip(names, _plots(case), strict=True)
    }


def _summary(found: dict[str, Any]) -> str:
    rows = [
        (
            case["name"], name, f"{run['profit']:,.0f}", f"{run['loss']:,.0f}", f"{run['drawn']:,.0f}",
            plots.percent(run["loss_rate"] or 0.0), f"{run['largest_cut']:.1%}",
            f"{run['cuts'] / max(run['line_months'], 1):.2%}", f"{run['rises'] / max(run['line_months'], 1):.2%}",
        )
        for case in found["cases"]
        for name, run in case["runs"].items()
    ]  # fmt: skip
    text = table(
        ("Case", "Policy", "Profit", "Loss", "Drawn", "Loss of drawn", "Largest cut", "Cuts a line-month", "Rises a line-month"), rows
    )  # fmt: skip
    for line in found["verdicts"]:
        text += f'<p class="{"good" if line["holds"] else "bad"}">{escape(line["text"])}</p>'
    return text + (
        "<p>Profit is interest less funding, capital, costs of accounts and losses net of recoveries, the run-off of "
        "fifteen months after the last draw included. Largest cut: of a limit in one month, beyond the one step of 100 that "
        "is always allowed.</p>"
    )


def _plots(case: dict[str, Any]) -> list[str]:
    runs: dict[str, Any] = case["runs"]

    def by_month(key: str) -> list[plots.Series]:
        return [(name, [month[key] for month in run["months"]]) for name, run in runs.items()]

    shock = f" (shock in month {case['shock_month']})" if case["shock_month"] is not None else ""
    drawn = [
        plots.lines(by_month("balance"), title=f"Balance{shock}", x_label="month"),
        plots.lines(by_month("limits"), title="Limits of open lines", x_label="month"),
        plots.lines(by_month("loss"), title="Loss a month, net of recoveries", x_label="month"),
        plots.lines(
            [(name, _running([month["profit"] for month in run["months"]])) for name, run in runs.items()],
            title="Profit so far",
            x_label="month",
        ),
        plots.lines(
            by_month("largest_cut"),
            title="Largest cut of a limit in a month",
            x_label="month",
            show=plots.percent,
            level=case["most_cut"],
        ),
        plots.lines(
            [
                (name, [_late(month["balance_by_days_late"]) for month in run["months"] if month["lines"]])
                for name, run in runs.items()
            ],
            title="Part of the balance 30 days late or more",
            x_label="month",
            show=plots.percent,
        ),
    ]
    name, run = next(iter(runs.items()))
    drawn.append(
        plots.lines(
            [(f"from month {one['first_month']}", one["lost"]) for one in run["vintages"][:8]],
            title=f"Vintages: lost part of what was drawn ({name})",
            x_label="months since the quarter began",
            show=plots.percent,
        )
    )
    moves = [
        (
            f"{STATE_NAMES[before]} → {STATE_NAMES[before + 1]}",
            [month[before][before + 1] for month in run["roll_rates_by_month"]],
        )
        for before in range(3)
    ]
    drawn.append(plots.lines(moves, title=f"Roll rates ({name})", x_label="month", show=plots.percent))
    return [f"<figure>{plot}</figure>" for plot in drawn]


def _late(by_state: Sequence[float]) -> float | None:
    whole = sum(by_state)
    return sum(by_state[1:]) / whole if whole > 0 else None


def _running(values: Sequence[float]) -> list[float | None]:
    found: list[float | None] = []
    total = 0.0
    for value in values:
        total += value
        found.append(total)
    return found


def _tables(case: dict[str, Any]) -> list[str]:
    found = []
    for name, run in case["runs"].items():
        rows = [
            (
                str(month["month"]), f"{month['drawn']:,.0f}", f"{month['repaid']:,.0f}", f"{month['balance']:,.0f}", f"{month['limits']:,.0f}",
                f"{month['interest']:,.0f}", f"{month['loss']:,.0f}", f"{month['profit']:,.0f}", str(month["changes"].get("UP", 0)),
                str(month["changes"].get("DOWN", 0)), str(month["changes"].get("FREEZE", 0)), f"{month['largest_cut']:.1%}",
            )
            for month in run["months"]
        ]  # fmt: skip
        head = ("Month", "Drawn", "Repaid", "Balance", "Limits", "Interest", "Loss", "Profit", "Raised", "Cut", "Frozen", "Largest cut")  # fmt: skip
        rolls = [
            (STATE_NAMES[place], *(plots.percent(value) if value is not None else "–" for value in row))
            for place, row in enumerate(run["roll_rates"])
        ]
        found.append(
            f"<details><summary>Tables of {escape(name)}</summary>{table(head, rows)}"
            f"<p>Roll rates, all months together: days late this month, and the month after.</p>"
            f"{table(('', *STATE_NAMES), rolls)}</details>"
        )
    return found


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table that scrolls on a small screen."""
    cells = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table></div>'

"""The model card and validation report as one HTML page, made from the figures and from nothing else.

It is kept with the model as it was when the model was made, in English, as the manifest is.
"""

from __future__ import annotations

from html import escape
from typing import Any

from risk.domain.registry import FEATURES, PROTECTED
from risk.plots import bars, calibration_plot

_STYLE = "body{font:15px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}table{display:block;max-width:100%;overflow-x:auto;border-collapse:collapse}svg{max-width:100%;height:auto}h1{overflow-wrap:anywhere}td,th{border:1px solid #ccc;padding:.2em .6em;text-align:left}"


def model_card(*, name: str, report: dict[str, Any], label_policy: str) -> str:
    """Write the page."""
    late, cross = report["out_of_time"], report["cross_validation"]
    parts = [
        f"<h1>{escape(name)}</h1>",
        f"<p>{escape('Probability that a borrower is 90 days late within 12 months. Used to decide applications, limits and price grades; never alone to refuse without reasons.')}</p>",
        f"<p>{escape('Label')}: {escape(label_policy)}. {escape('Rows')}: {report['rows']:,}, {escape('bads')}: {report['bads']:,}. {escape('Seed')}: {report['seed']}.</p>",
        f"<p>{escape('Never in the model')}: {escape(', '.join(PROTECTED))}.</p>",
        f"<h2>{escape('Out of time')}</h2>",
        _figures({"Boosted trees": late, "Scorecard": late["scorecard"]}),
        f"<p>{escape('Price of the monotone signs')}: {late['price_of_signs']:+.4f} AUC. {escape('AUC with shuffled labels')}: {late['shuffled_auc']:.3f}.</p>",
        calibration_plot(
            late["deciles"],
            title="Calibration by tenth, out of time",
            x_label="tenth of people, safest first",
            forecast="forecast",
            observed="observed",
        ),
        f"<h2>{escape('Cross-validation by person')}</h2>",
        _figures({"Boosted trees": cross, "Scorecard": cross["scorecard"]}),
        bars(
            [(str(r["from_month"]), r["auc"]) for r in report["rolling_origin"]],
            title="AUC by rolling origin",
        ),
        _categories(report.get("categories") or {}),
        f"<h2>{escape('Fairness')}</h2>",
        *(_group(group, found) for group, found in report["fairness"].items()),
        f"<h2>{escape('Features')}</h2>",
        _features(),
    ]
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(name)}</title><style>{_STYLE}</style>{"".join(parts)}</html>'


def _figures(models: dict[str, dict[str, Any]]) -> str:
    head = "".join(
        f"<th>{escape(h)}</th>"
        for h in ("", "AUC", "95 %", "KS", "ECE", "slope", "observed / expected", "bad rate")
    )
    body = ""
    for name, f in models.items():
        low, high = f["auc_interval"]
        cells = (
            f"{f['auc']:.4f}",
            f"{low:.3f} – {high:.3f}",
            f"{f['ks']:.3f}",
            f"{f['ece']:.4f}",
            f"{f['slope']:.3f}",
            f"{f['observed_over_expected']:.3f}",
            f"{f['bad_rate']:.2%}",
        )
        body += f"<tr><th>{escape(name)}</th>{''.join(f'<td>{c}</td>' for c in cells)}</tr>"
    return f"<table><tr>{head}</tr>{body}</table>"


def _categories(found: dict[str, Any]) -> str:
    """Say how well spending is sorted by n-grams where the table of words is silent."""
    if not found:
        return ""
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{found[key]['told']:.1%}</td><td>{found[key]['sure'] or 0:.1%}</td><td>{found[key]['all']:.1%}</td></tr>"
        for key, name in (
            ("chinese", "Chinese, words never seen"),
            ("english", "English, words never seen"),
            ("known_words", "new names of known words"),
        )
    )
    return (
        f"<h2>{escape('Spending categories by n-grams')}</h2><p>{found['texts']:,} made-up names, {found['categories']} categories.</p>"
        f"<table><tr><th></th><th>sure enough to say</th><th>right when sure</th><th>right of all</th></tr>{rows}</table>"
    )


def _group(name: str, found: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{escape(group)}</td><td>{g['count']:,}</td><td>{g['approved']:.1%}</td><td>{g['goods_approved']:.1%}</td><td>{g['bad_rate']:.2%}</td><td>{g['mean_pd']:.2%}</td><td>{g['auc']:.3f}</td></tr>"
        for group, g in found["groups"].items()
    )
    heads = ("", "people", "approved", "goods approved", "bad rate", "mean forecast", "AUC")
    verdict = "passes" if found["passes"] else "fails: explain before use"
    proxies = ", ".join(f"{k} {v:.2f}" for k, v in found.get("proxies", {}).items()) or "–"
    return (
        f"<h3>{escape(name)}</h3><table><tr>{''.join(f'<th>{escape(h)}</th>' for h in heads)}</tr>{rows}</table>"
        f"<p>AIR {found['air']:.3f} ({escape(verdict)}); {escape('gap among goods')} {found['good_gap']:.3f}; {escape('proxies')}: {escape(proxies)}.</p>"
    )


def _features() -> str:
    rows = "".join(
        f"<tr><td>{escape(f.name)}</td><td>{escape(f.sentence)}</td><td>{escape(f.unit)}</td><td>{f.sign:+d}</td><td>{escape(', '.join(p.value for p in f.purposes) or '–')}</td></tr>"
        for f in FEATURES
    )
    heads = ("name", "what it says", "unit", "sign", "consent")
    return f"<table><tr>{''.join(f'<th>{escape(h)}</th>' for h in heads)}</tr>{rows}</table>"

"""The analyst's page: does the model still see the people that it learned from, and does its forecast hold?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from lendportal.desk.views import _page, _require
from risk import plots
from risk.domain.psi import ACT, WATCH
from risk.domain.registry import FEATURE_AT, FEATURES
from risk.models import MonitoringRun

RUNS = 30
POINTS = 6  # of the AUC's plot


@dataclass(frozen=True, slots=True)
class Moved:
    """One feature's drift as the table shows it."""

    name: str
    psi: float
    p_value: float
    level: str
    bar: SafeString


def monitoring(request: HttpRequest) -> HttpResponse:
    """Show a day's monitoring of the model: drift, scores, calibration and separation."""
    _require(request, "risk.view_monitoringrun")
    runs = list(MonitoringRun.objects.select_related("model").defer(*_BYTES).order_by("-as_of", "-pk")[:RUNS])
    wanted = request.GET.get("as_of", "")
    run = next((row for row in runs if row.as_of.isoformat() == wanted), runs[0] if runs else None)
    picture = _picture(run, runs) if run is not None else {}
    return _page(request, "admin/monitoring.html", title=_("The model"), run=run, runs=runs, **picture)


_BYTES = ("model__model_text", "model__manifest", "model__signature", "model__card_html")


def _picture(run: MonitoringRun, runs: Sequence[MonitoringRun]) -> dict[str, Any]:
    """Turn a stored report into rows and plots; what was not measured is left out, not drawn as zero."""
    outcome = run.report.get("outcome") or {}
    trained = run.model.report.get("out_of_time") or {}
    return {
        "alarms": [alarm_text(alarm) for alarm in run.alarms],
        "moved": _moved(run.report.get("drift") or {}),
        "outcome": outcome,
        "ratio": outcome.get("observed_over_expected"),
        "scores": _scores(run.report.get("scores") or []),
        "calibration": _calibration(outcome.get("deciles") or trained.get("deciles") or [], bool(outcome.get("deciles"))),
        "separation": _separation(run, runs, trained),
    }  # fmt: skip


def alarm_text(alarm: str) -> str:
    """Say what a stored alarm means."""
    kind, _colon, name = alarm.partition(":")
    if kind == "drift":
        return _("%(name)s: today's applicants differ from those the model learned from.") % {
            "name": feature_text(name)
        }
    return _("Defaults are not what was forecast: observed over expected is outside 0.8 to 1.25.")


def feature_text(name: str) -> str:
    """Say a feature in words; the score is not one of them."""
    return _(FEATURES[FEATURE_AT[name]].sentence) if name in FEATURE_AT else _("Score")


def _moved(drift: dict[str, Any]) -> list[Moved]:
    rows = [
        Moved(
            feature_text(name), found["psi"], found["p_value"], found["level"],
            _svg(plots.bar(found["psi"], marks=(WATCH, ACT), level=found["level"])),
        )
        for name, found in drift.items()
    ]  # fmt: skip
    return sorted(rows, key=lambda row: -row.psi)


def _scores(counts: Sequence[Sequence[int]]) -> SafeString:
    if not counts:
        return mark_safe("")
    title = _("Borrowers by score")
    return _svg(plots.columns(counts, title=title, x_label=_("points, by bands of 25")))


def _calibration(deciles: Sequence[Sequence[float]], is_matured: bool) -> SafeString:
    if not deciles:
        return mark_safe("")
    title = (
        _("Forecast and outcome by tenth, matured loans")
        if is_matured
        else _("Forecast and outcome by tenth, when the model was trained")
    )
    words = {
        "x_label": _("tenth of people, safest first"),
        "forecast": _("forecast"),
        "observed": _("observed"),
    }
    return _svg(plots.calibration_plot(deciles, title=title, **words))


def _separation(
    run: MonitoringRun, runs: Sequence[MonitoringRun], trained: dict[str, Any]
) -> list[dict[str, Any]]:
    """List AUC with its interval: when trained, then the days on which outcomes were known."""
    rows: list[tuple[str, Sequence[float]]] = []
    if "auc_interval" in trained:
        rows.append((_("When trained, out of time"), [trained["auc"], *trained["auc_interval"]]))
    known = [r for r in runs if r.model_id == run.model_id and r.as_of <= run.as_of and "auc" in (r.report.get("outcome") or {})]  # fmt: skip
    rows += [(_date(r.as_of), r.report["outcome"]["auc"]) for r in reversed(known[:POINTS])]
    return [
        {
            "name": name,
            "value": value,
            "low": low,
            "high": high,
            "plot": _svg(plots.interval(value, low, high)),
        }
        for name, (value, low, high) in rows
    ]


def _date(day: date) -> str:
    return day.isoformat()


def _svg(text: str) -> SafeString:
    """Trust a plot of our own: every text in it was escaped when it was drawn."""
    return mark_safe(text)  # noqa: S308

"""The analyst's page: does the model still see the people that it learned from, and does its forecast hold?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from lendportal.desk.views import _page, _require
from risk import plots
from risk.domain.psi import ACT, WATCH
from risk.domain.registry import FEATURE_AT, FEATURES
from risk.models import EvidenceKind, MonitoringRun

RUNS = 30
KIND_WORDS = dict(EvidenceKind.choices)
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
        "alarms": [
            {"text": alarm_text(alarm), "is_new": alarm in (run.report.get("began") or [])} for alarm in run.alarms
        ],
        "ended": [alarm_text(alarm) for alarm in run.report.get("ended") or []],
        "ks": outcome.get("ks"),
        "book": _book(run.report.get("book") or {}),
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
    if kind == "challenger_stopped":
        return _("%(name)s no longer decides: the lines that it granted went worse than the champion's.") % {
            "name": name
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


LEAST_RATIO = 0.80  # of approvals between groups; below, somebody must explain it
LEAST_DECISIONS = 30  # of a group, to compare it at all
GROUP_WORDS = {"segment": _lazy("Who borrows"), "age": _lazy("Age"), "region": _lazy("Region")}
SEGMENT_WORDS = {"PERSON": _lazy("Person"), "BUSINESS": _lazy("Business")}


def _book(book: dict[str, Any]) -> dict[str, Any]:
    """Turn what credit counted into rows: vintages, overrides, approvals by group, age of records."""
    overrides = book.get("overrides") or {}
    shares = {
        "by_person": _share(overrides.get("by_person"), overrides.get("decided")),
        "approved_by_person": _share(overrides.get("approved_by_person"), overrides.get("by_person")),
        "changed_by_review": _share(overrides.get("changed_by_review"), overrides.get("reviewed")),
    }
    return {
        "vintages": [
            {"quarter": quarter, "count": count, "shares": shares}
            for quarter, count, *shares in book.get("vintages") or []
        ],
        "overrides": overrides | {f"{name}_share": value for name, value in shares.items()},
        "groups": _groups(book.get("groups") or []),
        "feeds": [
            {"name": KIND_WORDS.get(kind, kind), "borrowers": borrowers, "median": median, "stale": stale}
            for kind, borrowers, median, stale in book.get("feeds") or []
        ],
    }


def _groups(rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """Compare each group's approvals with those of the best group of its kind that is large enough."""
    best: dict[str, float] = {}
    for kind, _group, count, approved in rows:
        if count >= LEAST_DECISIONS:
            best[kind] = max(best.get(kind, 0.0), approved / count)
    found = []
    for kind, group, count, approved in rows:
        rate = approved / count
        ratio = rate / best[kind] if count >= LEAST_DECISIONS and best.get(kind) else None
        found.append(
            {"kind": GROUP_WORDS[kind], "group": SEGMENT_WORDS.get(group, group), "count": count, "rate": rate,
             "ratio": ratio, "is_low": ratio is not None and ratio < LEAST_RATIO}
        )  # fmt: skip
    return found


def _share(part: int | None, whole: int | None) -> float | None:
    return part / whole if whole and part is not None else None


def _date(day: date) -> str:
    return day.isoformat()


def _svg(text: str) -> SafeString:
    """Trust a plot of our own: every text in it was escaped when it was drawn."""
    return mark_safe(text)  # noqa: S308
